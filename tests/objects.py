"""Shortcuts to the services for tests: the actor is an operator, and the service is chosen by the object's class."""
from __future__ import annotations

from typing import Any

from services.actor import OPERATOR
from services.registry import service_for
from services.registry import stats as stats


def find(cls: Any, id: str) -> Any:
    return service_for(cls).find(OPERATOR, id)


def show(cls: Any, id: str, **more: Any) -> Any:
    return service_for(cls).show(OPERATOR, id, **more)


def list(cls: Any, *more: Any, **named: Any) -> Any:
    return service_for(cls).list(OPERATOR, *more, **named)


def table(cls: Any, *more: Any) -> Any:
    return service_for(cls).table(OPERATOR, *more)


def count(cls: Any, *more: Any) -> Any:
    return service_for(cls).count(OPERATOR, *more)


def create(cls: Any, *values: Any) -> Any:
    return service_for(cls).create(OPERATOR, *values)


def update(obj: Any, *values: Any) -> Any:
    return service_for(type(obj)).update(OPERATOR, obj, *values)


def remove(obj: Any, *values: Any) -> None:
    service_for(type(obj)).remove(OPERATOR, obj, *values)


def link(place: Any, amenity: Any) -> Any:
    return service_for(type(place)).link(OPERATOR, place, amenity)


def unlink(place: Any, amenity: Any) -> None:
    service_for(type(place)).unlink(OPERATOR, place, amenity)


def offer(place: Any, ids: Any) -> None:
    service_for(type(place)).offer(OPERATOR, place, ids)
