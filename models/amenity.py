from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Name, link

if TYPE_CHECKING:
    from models.place import Place

place_amenity = link("place", "amenity", "places", "amenities")


class Amenity(BaseModel, Base):
    """A feature of a place, such as Wifi."""

    __tablename__ = "amenities"

    name: Mapped[Name]

    places: Mapped[list[Place]] = relationship(
        secondary=place_amenity, back_populates="amenities", passive_deletes=True,
        order_by="Place.created_at, Place.id")
