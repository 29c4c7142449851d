"""What each route takes and answers, said where the route is made; the documentation is made of it."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask

from models.base_model import BaseModel

SAFE = ("GET", "HEAD", "OPTIONS")
View = TypeVar("View", bound=Callable[..., Any])
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """A method of a route.

    Args:
        summary: what it does, in a sentence.
        description: what a client must know beside it.
        tag: the group it stands in.
        answers: JSON Schemas, or nothing, by status.
        errors: further statuses, whose answers are errors.
        body: the JSON Schema of what is sent.
        example: what may be sent.
        query: parameters of the query, with their JSON Schemas.
        conditional: takes `If-Match`.
        permission: the class and the action that the actor needs a right to.
    """

    summary: str
    tag: str
    answers: Mapping[int, Schema | None]
    errors: tuple[int, ...] = ()
    body: Schema | None = None
    example: Mapping[str, Any] | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    conditional: bool = False
    permission: tuple[type[BaseModel], str] | None = None

    description: str = ""

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, whatever its method."""
        return self.permission is None or self.permission[1] == "read"


def describe(*about: Any, **more: Any) -> Callable[[View], View]:
    """Say what a view does; takes what `Operation` takes. Stands right below the route."""
    def described(view: View) -> View:
        view.operation = Operation(*about, **more)      # type: ignore[attr-defined]
        return view
    return described


def operation_of(app: Flask, endpoint: str | None) -> Operation | None:
    """What was said of the view of an endpoint; nothing if it is not one of the API."""
    return getattr(app.view_functions.get(endpoint or ""), "operation", None)


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def part(name: str) -> Schema:
    """An object, whole, or with the attributes that `fields` names."""
    return {"anyOf": [reference(name), reference(f"{name}Fields")]}


def array(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}
