"""The command `token`."""
from __future__ import annotations

from cli import formatting
from config import Settings
from errors import Invalid
from models.token import Token
from services import tokens

ACTIONS = {"create": 1, "list": 0, "revoke": 1}     # how many words each takes


def run_token(settings: Settings, given: list[str], form: str | None) -> str:
    """Make, list or revoke tokens. Returns: what is to be said beside what is printed."""
    action, *names = given or [""]
    if ACTIONS.get(action) != len(names) or (form and action != "list"):
        raise Invalid("token takes create NAME, list or revoke NAME: see help token")
    if action == "create":
        print(tokens.create(*names))
    elif action == "list":
        found = tokens.list()
        formatting.show(found, form or "--table")
        formatting.tell(form, Token, len(found))
    elif not tokens.revoke(*names) and settings.env == "production":
        return "That was the last one: HBNB will not start in production before there is another"
    return ""
