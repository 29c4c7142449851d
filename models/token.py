from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Digest, Label


class Token(BaseModel, Base):
    """Who may write where the API is guarded. Of what its holder shows, only a digest is kept."""

    __tablename__ = "tokens"
    internal = True

    name: Mapped[Label]
    digest: Mapped[Digest]
