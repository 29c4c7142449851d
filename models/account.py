from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, choice, owner


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
