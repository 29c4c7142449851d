from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, relationship

import models
from errors import Invalid
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel
from models.columns import (
    Base,
    Count,
    Latitude,
    Longitude,
    Name,
    OptionalText,
    Price,
    choice,
    oldest_first,
    owned,
    owner,
)

if TYPE_CHECKING:
    from models.city import City
    from models.review import Review
    from models.user import User


class Place(BaseModel, Base):
    """A home for rent. Only its owner, admins and operators see a place that is not listed."""

    __tablename__ = "places"
    # The index includes the city, so that a search for the oldest places of some cities reads only the index.
    __table_args__ = (oldest_first("city_id"), Index(None, "status"))

    city_id: Mapped[str] = owner("cities")
    user_id: Mapped[str] = owner("users")
    name: Mapped[Name]
    description: Mapped[OptionalText]
    number_rooms: Mapped[Count]
    number_bathrooms: Mapped[Count]
    max_guest: Mapped[Count]
    price_by_night: Mapped[Price]
    latitude: Mapped[Latitude]
    longitude: Mapped[Longitude]
    status: Mapped[str] = choice("draft", "listed", "unlisted", default="listed", on_request=True)

    city: Mapped[City] = relationship(back_populates="places")
    user: Mapped[User] = relationship(back_populates="places")
    reviews: Mapped[list[Review]] = owned("Review", back="place")
    amenities: Mapped[list[Amenity]] = relationship(
        secondary=place_amenity, back_populates="places", passive_deletes=True,
        order_by="Amenity.created_at, Amenity.id")

    @property
    def amenity_ids(self) -> list[str]:
        """The ids of the place's amenities: a copy. To change them, assign a list, or change `amenities`."""
        return [amenity.id for amenity in self.amenities]

    @amenity_ids.setter
    def amenity_ids(self, ids: list[str]) -> None:
        if not isinstance(ids, list | tuple) or not all(isinstance(id, str) for id in ids):
            raise Invalid("amenity_ids must be a list of ids", "amenity_ids")
        amenities = []
        for id in dict.fromkeys(ids):
            if not isinstance(amenity := models.storage.get(Amenity, id), Amenity):
                raise Invalid(f"amenity_ids: there is no amenity {id:.64}", "amenity_ids")
            amenities.append(amenity)
        self.amenities = amenities

    def _attributes(self, everything: bool = False) -> dict[str, Any]:
        attributes = super()._attributes(everything)
        return attributes | {"amenity_ids": self.amenity_ids} if everything else attributes
