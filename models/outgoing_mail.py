from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Count, Json, Label, Moment, OptionalText, OptionalTime, ShortText


class OutgoingMail(BaseModel, Base):
    """A mail of the outbox: a template and the data for it, which are removed once the mail is sent, with any secret.

    `due_at` is the time of the next attempt, or, while a worker sends the mail, the end of that worker's lease.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (Index(None, "due_at"),)
    internal = True
    passing = True

    dedupe_key: Mapped[Label]
    recipient: Mapped[ShortText]
    template: Mapped[ShortText]
    data: Mapped[Json]
    attempts: Mapped[Count]
    due_at: Mapped[OptionalTime]
    expires_at: Mapped[Moment]
    sent_at: Mapped[OptionalTime]
    failed_at: Mapped[OptionalTime]
    error: Mapped[OptionalText]
