from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Count, Digest, LongText, Text


class Answer(BaseModel, Base):
    """The stored response of an idempotency key. Its id is derived from the client, the request's path and the key.

    Of the request's body, which may hold a password, only a digest is stored.
    """

    __tablename__ = "answers"
    __table_args__ = (Index(None, "created_at"),)   # each new answer removes expired ones, found by this index
    internal = True

    digest: Mapped[Digest]
    status: Mapped[Count]
    headers: Mapped[Text]
    body: Mapped[LongText]
