"""The services of the classes."""
from __future__ import annotations

from typing import Any, overload

from models.base_model import BaseModel
from models.place import Place
from models.user import User
from services.crud import Model, Service
from services.places import Places
from services.users import Users

# The services of classes with rules. `service_for` adds a default service for any other class.
SERVICES: dict[type[BaseModel], Service[Any]] = {Place: Places(Place), User: Users(User)}


@overload
def service_for(cls: type[Place]) -> Places: ...


@overload
def service_for(cls: type[Model]) -> Service[Model]: ...


def service_for(cls: Any) -> Any:
    """The service of a class: the only way to read and write its objects."""
    try:
        return SERVICES[cls]
    except KeyError:
        return SERVICES.setdefault(cls, Service(cls))
