"""A mail server for tests (SMTP), which keeps the mails that it accepts."""
from __future__ import annotations

import ssl
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.servers import free_port

USER, PASSWORD = "ada", "se:cr@t"
QUOTED = "ada:se%3Acr%40t@"     # as in HBNB_MAIL_URL


class MailServer:
    """A mail server during a `with` block. It is the handler of aiosmtpd, too.

    Args:
        certificate: path of a certificate `NAME.pem`, with its key in `NAME.key`; None = without TLS.
        tls: whether connections use TLS from their start, instead of STARTTLS.
    """

    def __init__(self, certificate: Path | None = None, tls: bool = False) -> None:
        self.port = free_port()
        self.url = f"smtp{'s' * tls}://127.0.0.1:{self.port}"
        self.mails: list[EmailMessage] = []
        self.ciphers: list[Any] = []    # of each mail's connection; None = without TLS
        self.passwords: list[str] = []      # that clients sent
        self.answers: dict[str, str] = {}   # answers by command: `RCPT`, `DATA`, `MAIL`
        self.at: dict[str, Callable[[], None]] = {}     # what to call at a command: `DATA`, `QUIT`
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        more = {"ssl_context": context} if tls else {"tls_context": context}
        self._controller = Controller(self, "127.0.0.1", self.port, authenticator=self._log_in,
                                      auth_require_tls=not tls, **more)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._controller.stop()

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    def _log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.passwords.append(data.password.decode())
        return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD), handled=False)

    # The hooks of aiosmtpd

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.at.get("DATA", lambda: None)()
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.ciphers.append(server.transport.get_extra_info("cipher"))
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        self.at.get("QUIT", lambda: None)()
        return "221 Bye"
