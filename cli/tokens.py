"""The console command `token`."""
from __future__ import annotations

from cli import formatting
from config import Settings
from errors import Invalid
from models.token import Token
from services import tokens

ACTIONS = {"create": 1, "list": 0, "revoke": 1}     # number of arguments


def run_token(settings: Settings, words: list[str], output_format: str | None) -> str:
    """Create, list or revoke tokens. Returns: a warning, or an empty string."""
    action, *names = words or [""]
    if ACTIONS.get(action) != len(names) or (output_format and action != "list"):
        raise Invalid("Type token create NAME, token list or token revoke NAME: see help token")
    if action == "create":
        print(tokens.create(*names))
    elif action == "list":
        found = tokens.list()
        formatting.show(found, output_format or "--table")
        formatting.print_count(output_format, Token, len(found))
    elif not tokens.revoke(*names) and settings.env == "production":
        return "This was the last token: HBNB does not start in production until you create another one"
    return ""
