from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, Digest, Name, OptionalTime, choice, owner

if TYPE_CHECKING:
    from models.user import User


class PersonalToken(BaseModel, Base):
    """An API token with the rights of a user, or with the scope `read`, only those to read."""

    __tablename__ = "personal_tokens"
    internal = True

    user_id: Mapped[str] = owner("users")
    name: Mapped[Name]
    digest: Mapped[Digest]
    scope: Mapped[str] = choice("read", "write", default="write")
    used_at: Mapped[OptionalTime]

    user: Mapped[User] = relationship()     # so that a new user is stored first
