from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Name, owned

if TYPE_CHECKING:
    from models.city import City


class State(BaseModel, Base):
    """A state, which has cities: the largest area that a search for places can name."""

    __tablename__ = "states"

    name: Mapped[Name]

    cities: Mapped[list[City]] = owned("City", back="state")
