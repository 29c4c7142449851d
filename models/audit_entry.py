from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Name, ShortText


class AuditEntry(BaseModel, Base):
    """A change by an admin or an operator: the actor, the action, and the object as `Class.id`."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "created_at"),)
    internal = True

    actor: Mapped[Name]
    action: Mapped[Name]
    object: Mapped[ShortText]
