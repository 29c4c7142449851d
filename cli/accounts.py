"""Console commands for users, tokens and the audit log."""
from __future__ import annotations

from cli import formatting, lexer
from cli.store import StoreCommands


class AccountCommands(StoreCommands):
    """The interpreter with these commands."""

    def do_user(self, line: str) -> None:
        """List users, make a user an admin, suspend a user, or set a user's password.

        user list [TEXT] [--table | --json | --csv]
        user promote EMAIL
        user demote EMAIL
        user suspend EMAIL
        user unsuspend EMAIL
        user password EMAIL

        TEXT is a part of the name or the e-mail address. An admin changes and sees the places of all users, and
        suspends users. A suspended user is logged out at once and cannot log in. user password asks for the new
        password without showing it, or reads it from the next line of standard input; the user is logged out and gets
        a mail.

            user list a@b
            user promote a@b.c
            user demote a@b.c
        """
        from cli.users import run_user
        run_user(*_words(line))

    def do_token(self, line: str) -> None:
        """Create, list or revoke API tokens. In staging and production, the API requires one for writing.

        token create NAME [--user EMAIL [--scope read | write]]
        token list [--table | --json | --csv]
        token revoke NAME [--user EMAIL]

        A token has the rights of an operator, or, with --user, of that user; with --scope read it cannot change
        anything. It is printed once, when it is created. A revoked token stops working at once.

            token create partner
            token create phone --user a@b.c --scope read
            token revoke phone --user a@b.c
            token revoke partner
        """
        from cli.tokens import run_token
        if warning := run_token(self.settings, *_words(line)):
            self.note(warning)

    def do_audit(self, line: str) -> None:
        """Print what admins, operators' tokens and the console changed, newest first.

        audit [limit NUMBER] [--table | --json | --csv]

        Without a limit, the last 50 changes are printed. Imports and restored backups are not listed.

            audit
            audit limit 10 --csv
        """
        from cli.audit import run_audit
        run_audit(*_words(line))


def _words(line: str) -> tuple[list[str], str | None]:
    """The words of a line as values, and the format of the output."""
    words = lexer.split(line)
    output_format = formatting.take_format(words)
    return [lexer.value(word) for word in words], output_format
