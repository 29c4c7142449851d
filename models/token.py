from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Digest, Label


class Token(BaseModel, Base):
    """An API token. A client that sends its secret may write; only a digest of the secret is stored."""

    __tablename__ = "tokens"
    internal = True

    name: Mapped[Label]
    digest: Mapped[Digest]
