from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Count, Moment


class LoginFailure(BaseModel, Base):
    """The failed attempts to log in to an account or from an address; its id is a digest of either."""

    __tablename__ = "login_failures"
    internal = True
    passing = True

    failures: Mapped[Count]
    blocked_until: Mapped[Moment]
