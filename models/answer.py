from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Count, Digest, LongText, Text


class Answer(BaseModel, Base):
    """What a request was answered that may come again; its id stands for caller, address and key.

    Of what was sent, which may be a password, only a digest is kept.
    """

    __tablename__ = "answers"
    __table_args__ = (Index(None, "created_at"),)   # the old ones are looked for with each new one
    internal = True

    digest: Mapped[Digest]
    status: Mapped[Count]
    headers: Mapped[Text]
    body: Mapped[LongText]
