from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Digest, Moment, ShortText, owner

if TYPE_CHECKING:
    from models.user import User


class Session(BaseModel, Base):
    """A session of a logged-in user. The cookie holds its id and a secret, of which only a digest is stored."""

    __tablename__ = "sessions"
    internal = True
    passing = True

    user_id: Mapped[str] = owner("users")
    digest: Mapped[Digest]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    agent: Mapped[ShortText]

    user: Mapped[User] = relationship()     # so that a new user is stored first
