"""The actor: the person or program on whose behalf a service works."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person or a program that asks a service to do something.

    Args:
        name: the name in the log.
        is_operator: whether it is the console, or a client with an API token.
        is_open: whether it is a client in `dev` or `test`, which may use the classic routes without a token.
    """

    name: str
    is_operator: bool = False
    is_open: bool = False


OPERATOR = Actor("operator", is_operator=True)
VISITOR = Actor("visitor")
DEVELOPER = Actor("developer", is_open=True)
