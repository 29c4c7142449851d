"""Descriptions of operations, declared at each view by `@describe`; the OpenAPI document is generated from them."""
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
    """An operation of the API in the sense of OpenAPI: a method of a route.

    Args:
        summary: what the operation does, in one sentence.
        tag: the group of the operation.
        responses: the JSON Schema of the body by status; `None` for a status without a body.
        errors: error statuses that the document cannot derive from the other fields.
        body: the JSON Schema of the request body, if there is one.
        example: an example of a request body.
        query: the query parameters, with their JSON Schemas.
        conditional: whether the operation evaluates `If-Match` and the other preconditions.
        permission: the class and the action that the actor needs permission for; `None` if every client may call it.
        description: what a client must know to use the operation.
    """

    summary: str
    tag: str
    responses: Mapping[int, Schema | None]
    errors: tuple[int, ...] = ()
    body: Schema | None = None
    example: Mapping[str, Any] | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    conditional: bool = False
    permission: tuple[type[BaseModel], str] | None = None
    description: str = ""

    @property
    def reads(self) -> bool:
        """Whether the operation changes nothing, even if its method is `POST`."""
        return self.permission is None or self.permission[1] == "read"


def describe(*args: Any, **kwargs: Any) -> Callable[[View], View]:
    """Attach an `Operation` to a view. The arguments are those of `Operation`; place it directly below the route."""
    def decorate(view: View) -> View:
        view.operation = Operation(*args, **kwargs)      # type: ignore[attr-defined]
        return view
    return decorate


def operation_of(app: Flask, endpoint: str | None) -> Operation | None:
    """The operation of an endpoint, or `None` if the endpoint is not part of the API."""
    return getattr(app.view_functions.get(endpoint or ""), "operation", None)


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def sparse(name: str) -> Schema:
    """The schema of an object that may be reduced to the attributes that `fields` selects."""
    return {"anyOf": [reference(name), reference(f"{name}Fields")]}


def array(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}
