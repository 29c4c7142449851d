from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from models.base_model import BaseModel
from models.columns import Base, choice, owner

if TYPE_CHECKING:
    from models.user import User


class Account(BaseModel, Base):
    """The state and the role of a user's account; its id is the user's. A user without one is active, and no admin.

    `unconfirmed`: the e-mail address is not confirmed, so the user cannot log in. `closed`: the user deleted the
    account.
    """

    __tablename__ = "accounts"
    internal = True

    user_id: Mapped[str] = owner("users")
    status: Mapped[str] = choice("active", "unconfirmed", "suspended", "closed", default="active")
    role: Mapped[str] = choice("user", "admin", default="user")

    user: Mapped[User] = relationship()     # so that a new user is stored first
