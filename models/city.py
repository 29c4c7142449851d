from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Name, owned, owner

if TYPE_CHECKING:
    from models.place import Place
    from models.state import State


class City(BaseModel, Base):
    """A city of a state."""

    __tablename__ = "cities"

    state_id: Mapped[str] = owner("states")
    name: Mapped[Name]

    state: Mapped[State] = relationship(back_populates="cities")
    places: Mapped[list[Place]] = owned("Place", back="city")
