"""The actor: the person or program on whose behalf a service works."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Actor:
    """A person or a program that asks a service to do something.

    Args:
        name: the name in the log and in the audit.
        user_id: the id of the user that is logged in, or that owns the personal API token; `None` for others.
        is_operator: whether it is the console, or a client with an operator's API token.
        is_admin: whether it is a user with the role of an admin.
        is_open: whether it is a client in `dev` or `test`, which may use the classic routes without a token.
        is_read_only: whether it is a personal token with the scope `read`.
    """

    name: str
    user_id: str | None = None
    is_operator: bool = False
    is_admin: bool = False
    is_open: bool = False
    is_read_only: bool = False

    @property
    def is_staff(self) -> bool:
        """Whether it may see and change the objects of others."""
        return self.is_operator or self.is_admin

    @property
    def view(self) -> str:
        """The objects that it can find: `all`, the `public` ones, or also its `own`."""
        return "all" if self.is_staff else "public" if self.user_id is None else "own"

    @property
    def identity(self) -> str:
        """What tells it from other actors; empty for visitors and developers, whose clients are unknown."""
        return self.name if self.is_operator or self.user_id else ""

    @property
    def values(self) -> dict[str, str]:
        """The values of the parameters of `permissions.visible`."""
        return {} if self.user_id is None else {"viewer_id": self.user_id}


def of_user(row: Mapping[str, Any], is_read_only: bool = False) -> Actor | None:
    """The actor of a user, or `None` if the user cannot log in.

    Args:
        row: `user_id`, and the `status` and the `role` of the account; both `None` for a user without an account.
    """
    if (row["status"] or "active") != "active":
        return None
    return Actor(f"user {row['user_id']}", row["user_id"], is_admin=row["role"] == "admin", is_read_only=is_read_only)


OPERATOR = Actor("operator", is_operator=True)
VISITOR = Actor("visitor")
DEVELOPER = Actor("developer", is_open=True)
