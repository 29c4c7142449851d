"""Tab completion: the words that may follow in a line."""
from __future__ import annotations

import os
from glob import escape, iglob
from itertools import islice

from sqlalchemy import Column, select

import models
from cli import escaping, lexer
from cli.formatting import FORMATS
from cli.interpreter import attributes
from errors import HBNBError
from models.base_model import BaseModel
from models.token import Token
from models.user import User
from services import schema

OPTIONS = {"import": ["--state", "--city", "--dry-run", "--keep-going"], "export": ["--passwords"],
           "backup": ["--force"], "restore": ["--check", "--replace"]}
USER_ACTIONS = ("list", "promote", "demote", "suspend", "unsuspend", "password")
MOST = 50   # ids and files that are suggested


def candidates(before: list[str], text: str) -> list[str]:
    """Suggestions for the word at the cursor.

    Args:
        before: the words before it, the command first.
        text: the typed beginning of the word.
    """
    command, arguments = before[0], before[1:]
    if command in ("token", "user", "audit"):
        return _of_accounts(command, arguments, text)
    if command in OPTIONS:
        return OPTIONS[command] if text.startswith("-") else _files(text)
    if {"sort", "columns"} & {*arguments} and arguments[0] in models.classes:
        columns = [*schema.columns(models.classes[arguments[0]])]
        return [*columns, *(f"-{name}" for name in columns), "columns", "limit", *FORMATS]
    if text.startswith("-"):
        return [*FORMATS]
    if not arguments:
        return [*models.classes]
    cls = models.classes.get(arguments[0])
    return _names(command, cls, arguments, text) if cls else []


def _names(command: str, cls: type[BaseModel], arguments: list[str], text: str) -> list[str]:
    """Ids, attributes or related objects of a class, as the command needs them."""
    if command in ("show", "destroy", "update") and len(arguments) == 1:
        return _ids(cls, text)
    if command == "update" and len(arguments) == 2:
        return attributes(cls)
    if command == "create":
        return [f"{name}=" for name in schema.writable(cls, is_new=True)]
    if command in ("find", "count"):
        clauses = lexer.CLAUSES if command == "find" else ()
        return [*schema.columns(cls), *cls.__mapper__.relationships.keys(), *clauses]
    return []


def _files(text: str) -> list[str]:
    """Files and folders whose names begin with the typed text, in quotes if necessary."""
    typed = text.removeprefix('"')
    found = islice(iglob(f"{escape(typed)}*"), MOST)
    names = sorted(f"{name}/" if os.path.isdir(name) else name for name in found)
    return [name if lexer.split(name) == [escaping.safe(name)] and typed == text else escaping.safe(lexer.quoted(name))
            for name in names]


def _of_accounts(command: str, arguments: list[str], text: str) -> list[str]:
    """The words of `token`, `user` and `audit`."""
    if command == "audit":
        return [*FORMATS] if arguments else ["limit", *FORMATS]
    if not arguments:
        return ["create", "list", "revoke"] if command == "token" else [*USER_ACTIONS]
    if arguments[0] == "list":
        return [*FORMATS]
    if arguments[-1] == "--user" or (command == "user" and len(arguments) == 1):
        return _values(User.__table__.c.email, text)
    if command == "token" and arguments[-1] == "--scope":
        return ["read", "write"]
    if command == "token" and text.startswith("-"):
        return ["--user", "--scope"] if arguments[0] == "create" else ["--user"]
    return _values(Token.__table__.c.name, text) if arguments == ["revoke"] else []


def _ids(cls: type[BaseModel], text: str) -> list[str]:
    return _values(cls.__table__.c.id, text)


def _values(column: Column[str], text: str) -> list[str]:
    """Values of a column that begin with the typed text."""
    try:
        return models.storage.read(
            select(column).where(column.startswith(text, autoescape=True)).order_by(column).limit(MOST)).scalars()
    except HBNBError:
        return []
    finally:
        models.storage.close()
