"""Shortcuts to the services for tests: the actor is an operator, and the service is that of the object's class."""
from __future__ import annotations

from typing import Any

from services.actor import OPERATOR
from services.registry import service_for
from services.stats import stats as stats


def find(cls: Any, id: str) -> Any:
    return service_for(cls).find(OPERATOR, id)


def show(cls: Any, id: str, **kwargs: Any) -> Any:
    return service_for(cls).show(OPERATOR, id, **kwargs)


def list(cls: Any, *args: Any, **kwargs: Any) -> Any:
    return service_for(cls).list(OPERATOR, *args, **kwargs)


def table(cls: Any, *args: Any) -> Any:
    return service_for(cls).table(OPERATOR, *args)


def count(cls: Any, *args: Any) -> Any:
    return service_for(cls).count(OPERATOR, *args)


def create(cls: Any, *args: Any) -> Any:
    return service_for(cls).create(OPERATOR, *args)


def update(obj: Any, *args: Any) -> Any:
    return service_for(type(obj)).update(OPERATOR, obj, *args)


def remove(obj: Any, *args: Any) -> None:
    service_for(type(obj)).remove(OPERATOR, obj, *args)


def link(place: Any, amenity: Any) -> Any:
    return service_for(type(place)).link(OPERATOR, place, amenity)


def unlink(place: Any, amenity: Any) -> None:
    service_for(type(place)).unlink(OPERATOR, place, amenity)


def offer(place: Any, ids: Any) -> None:
    service_for(type(place)).offer(OPERATOR, place, ids)
