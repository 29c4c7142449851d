from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, validates

from models import passwords
from models.base_model import BaseModel
from models.columns import Base, Mail, Secret, ShortText, oldest_first, owned

if TYPE_CHECKING:
    from models.place import Place
    from models.review import Review


class User(BaseModel, Base):
    """A person: host, guest, or both."""

    __tablename__ = "users"
    __table_args__ = (oldest_first(),)

    email: Mapped[Mail]
    password: Mapped[Secret]
    first_name: Mapped[ShortText]
    last_name: Mapped[ShortText]

    places: Mapped[list[Place]] = owned("Place", back="user")
    reviews: Mapped[list[Review]] = owned("Review", back="user")

    @validates("password")
    def _hash(self, _: str, password: str | None) -> str | None:
        # A value that is not text passes here: `save` refuses it.
        return passwords.hashed(password) if password and isinstance(password, str) else password

    def check_password(self, password: str) -> bool:
        """Return whether this is the user's password; if so, an older stored form of it is replaced by a hash."""
        if not passwords.matches(self.password, password):
            return False
        if not passwords.is_strong(self.password):
            self.password = password
        return True
