"""The console command `user`."""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import models
from cli import formatting
from errors import Invalid
from models.user import User
from services import users
from services.actor import OPERATOR, Actor


class Change(NamedTuple):
    """A change of an account, and what is printed if there was something to change, and if there was not."""

    run: Callable[[Actor, User], bool]
    done: str
    nothing: str


CHANGES = {
    "promote": Change(users.promote, "is an admin now", "is an admin already"),
    "demote": Change(users.demote, "is not an admin any more", "is not an admin"),
    "suspend": Change(users.suspend, "is suspended and logged out", "is suspended already"),
    "unsuspend": Change(users.unsuspend, "can log in again", "is not suspended"),
}


def run_user(words: list[str], output_format: str | None) -> None:
    """List users, or change the account of one."""
    match words:
        case ["list", *parts]:
            _list(" ".join(parts), output_format)
        case ["password", email] if not output_format:
            _set_password(email)
        case [action, email] if action in CHANGES and not output_format:
            change = CHANGES[action]
            user = users.by_email(OPERATOR, email)
            print(f"{user.email} {change.done if change.run(OPERATOR, user) else change.nothing}")
        case _:
            raise Invalid(f"Type user list, or user {', '.join(CHANGES)} or password and an e-mail address: see help "
                          "user")


def _list(text: str, output_format: str | None) -> None:
    found = users.list(OPERATOR, text)
    formatting.show(found, output_format or "--table", ["email", "status", "role"])
    formatting.print_count(output_format, User, len(found))


def _set_password(email: str) -> None:
    address = users.by_email(OPERATOR, email).email
    models.storage.close()      # else a transaction would stay open while the operator types
    password = _typed(address)
    users.set_password(OPERATOR, users.by_email(OPERATOR, email), password)
    print(f"The password of {address} was changed, and all sessions of the user ended")


def _typed(address: str) -> str:
    """The new password: typed without being shown, or the next line of standard input if that is not a terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        line = "" if sys.stdin is None else sys.stdin.readline()
        if not line:
            raise Invalid("Nothing was changed: write the new password to standard input")
        return line.rstrip("\r\n")
    from getpass import getpass
    try:
        password = getpass(f"New password of {address}: ")
        if getpass("The same password again: ") != password:
            raise Invalid("Nothing was changed: the two passwords differ")
    except EOFError:
        print()
        raise Invalid("Nothing was changed: no password was typed") from None
    return password
