from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Text, owner

if TYPE_CHECKING:
    from models.place import Place
    from models.user import User


class Review(BaseModel, Base):
    """A user's review of a place."""

    __tablename__ = "reviews"

    place_id: Mapped[str] = owner("places")
    user_id: Mapped[str] = owner("users")
    text: Mapped[Text]

    place: Mapped[Place] = relationship(back_populates="reviews")
    user: Mapped[User] = relationship(back_populates="reviews")
