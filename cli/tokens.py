"""The console command `token`."""
from __future__ import annotations

from cli import formatting
from config import Settings
from errors import Invalid
from models.token import Token
from services import personal_tokens, tokens, users
from services.actor import OPERATOR

USAGE = "Type token create NAME, token list or token revoke NAME: see help token"
OPTIONS = {"create": ("--user", "--scope"), "list": (), "revoke": ("--user",)}


def run_token(settings: Settings, words: list[str], output_format: str | None) -> str:
    """Create, list or revoke tokens. Returns: a warning, or an empty string."""
    action, *names = words or [""]
    options = _take_options(names, OPTIONS.get(action, ()))
    if action not in OPTIONS or len(names) != (action != "list") or (output_format and action != "list"):
        raise Invalid(USAGE)
    if "--scope" in options and "--user" not in options:
        raise Invalid("--scope needs --user: an operator's token may always write. See help token")
    if action == "list":
        _list(output_format)
    elif action == "create":
        print(_create(names[0], options) if options else tokens.create(names[0]))
    elif options:
        personal_tokens.revoke_named(OPERATOR, users.by_email(OPERATOR, options["--user"]), names[0])
    elif not tokens.revoke(names[0]) and settings.env == "production":
        return "This was the last token: HBNB does not start in production until you create another one"
    return ""


def _take_options(words: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """Remove options, each followed by its value, from a list of words. Returns: the values by option."""
    found = {}
    for name in names:
        if name in words:
            at = words.index(name)
            if at + 1 == len(words):
                raise Invalid(USAGE)
            found[name] = words[at + 1]
            del words[at:at + 2]
    return found


def _create(name: str, options: dict[str, str]) -> str:
    if name.startswith("-"):    # probably a mistyped option
        raise Invalid(USAGE)
    user = users.by_email(OPERATOR, options["--user"])
    return personal_tokens.create(OPERATOR, user, name, options.get("--scope", "write"))


def _list(output_format: str | None) -> None:
    """Print the operators' tokens, and then the personal ones with their users."""
    found = [*tokens.list(), *personal_tokens.list_all(OPERATOR)]
    formatting.show(found, output_format or "--table", ["user", "used_at"])
    formatting.print_count(output_format, Token, len(found))
