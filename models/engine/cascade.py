"""Cascading removal: an object is removed together with all objects that belong to it.

This is not left to the database, because foreign keys of older databases do not cascade, and the file
engine's tables have no foreign keys, as they allow an object without its owner.
"""
from __future__ import annotations

from typing import Any

from sqlalchemy import delete, inspect
from sqlalchemy.orm import RelationshipDirection, Session
from sqlalchemy.orm.util import identity_key

import models
from models.columns import Base
from models.family import chunks, family, references


def remove_family(session: Session, obj: Any) -> None:
    """Remove all objects that belong to an object, with a few statements for each table instead of one for each row."""
    members = family(obj, session.scalars)
    for table in reversed(Base.metadata.sorted_tables):
        for key, owners in references(table, members):
            for chunk in chunks(owners):
                session.execute(delete(table).where(key.in_(chunk)))
    for cls in models.stored.values():
        for id in members.get(cls.__table__, ()):
            loaded = session.identity_map.get(identity_key(cls, id))
            if loaded is not None and loaded is not obj:
                session.expunge(loaded)
    relationships = inspect(type(obj)).relationships
    for pairs in (each for each in relationships if each.secondary is not None):
        for partner in list(session.identity_map.values()):
            if isinstance(partner, pairs.mapper.class_):
                session.expire(partner, [pairs.back_populates])
    session.expire(obj, relationships.keys())


def forget_old_collections(session: Session, *_: Any) -> None:
    """Expire lists such as `state.cities` when a city is added or removed, or its `state_id` changes."""
    for obj in [*session.new, *session.dirty, *session.deleted]:
        for relationship in inspect(type(obj)).relationships:
            if relationship.direction is RelationshipDirection.MANYTOONE:
                key = next(iter(relationship.local_columns)).key
                for id in inspect(obj).attrs[key].history.sum():
                    owner = session.identity_map.get(identity_key(relationship.mapper.class_, id))
                    if owner is not None and relationship.back_populates:
                        session.expire(owner, [relationship.back_populates])
                if obj in session.dirty:
                    session.expire(obj, [relationship.key])
