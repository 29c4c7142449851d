from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Digest, Json, Moment, OptionalTime, ShortText, choice, owner

if TYPE_CHECKING:
    from models.user import User


class OneTimeLink(BaseModel, Base):
    """A link that works once: it confirms an address, resets a password, or changes the address to `email`.

    A link that confirms an address has, in `data`, the names and the hash of the sign-up that it was sent for.
    """

    __tablename__ = "one_time_links"
    internal = True
    passing = True

    user_id: Mapped[str] = owner("users")
    digest: Mapped[Digest]
    purpose: Mapped[str] = choice("confirm", "reset", "email", default="confirm")
    email: Mapped[ShortText]
    data: Mapped[Json]
    expires_at: Mapped[Moment]
    used_at: Mapped[OptionalTime]

    user: Mapped[User] = relationship()     # so that a new user is stored first
