from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Digest, Name, OptionalTime, choice, owner


class PersonalToken(BaseModel, Base):
    """An API token with the rights of a user, or with the scope `read`, only those to read."""

    __tablename__ = "personal_tokens"
    internal = True

    user_id: Mapped[str] = owner("users")
    name: Mapped[Name]
    digest: Mapped[Digest]
    scope: Mapped[str] = choice("read", "write", default="write")
    used_at: Mapped[OptionalTime]
