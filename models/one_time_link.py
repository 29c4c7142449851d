from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Digest, Moment, OptionalTime, ShortText, choice, owner


class OneTimeLink(BaseModel, Base):
    """A link that works once: it confirms an address, resets a password, or changes the address to `email`."""

    __tablename__ = "one_time_links"
    internal = True

    user_id: Mapped[str] = owner("users")
    digest: Mapped[Digest]
    purpose: Mapped[str] = choice("confirm", "reset", "email", default="confirm")
    email: Mapped[ShortText]
    expires_at: Mapped[Moment]
    used_at: Mapped[OptionalTime]
