"""The actor: on whose behalf a service works."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person or a program that asks a service to do something.

    Args:
        name: for the log.
        is_operator: the console, or a client with an operator's API token.
        is_open: a client in `dev` or `test`, which may use the classic routes without a token.
    """

    name: str
    is_operator: bool = False
    is_open: bool = False


OPERATOR = Actor("operator", is_operator=True)
VISITOR = Actor("visitor")
DEVELOPER = Actor("developer", is_open=True)
