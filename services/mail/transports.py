"""Transports: the ways to send a mail. Each has a method `send`, which raises `NotSent` if it could not send it."""
from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from config import MailServer, Settings
from services.mail.messages import Content
from services.outbox import Mail

TIMEOUT = 15    # seconds that the mail server may take for each answer

_log = logging.getLogger("hbnb.mail")


class NotSent(Exception):
    """A mail could not be sent; the message says why.

    Args:
        is_final: whether another attempt would fail likewise.
    """

    def __init__(self, message: str, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class Transport(Protocol):
    """A way to send mails."""

    def send(self, mail: Mail, content: Content, message: EmailMessage) -> None:
        """Send a mail. Raises: NotSent."""


class Folder:
    """Writes mails to files, and their links to the log, for development without a mail server.

    Args:
        path: the folder, which is created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, mail: Mail, content: Content, message: EmailMessage) -> None:
        path = self._path / f"{mail.id}.eml"
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            path.touch(mode=0o600)      # it may hold a secret
            path.write_bytes(bytes(message))
        except OSError as error:
            raise NotSent(f"{path} cannot be written: {error.strerror}") from None
        _log.warning("HBNB_MAIL_URL is not set, so the mail “%s” was written to %s. Its link: %s",
                     content.subject, path, content.link)


class SMTP:
    """Sends mails by a mail server, with TLS if the server has it.

    The server's certificate is verified, except if the connection could be without TLS as well: `smtp://` without a
    password.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context()
        if not server.tls and not server.password:
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    def send(self, mail: Mail, content: Content, message: EmailMessage) -> None:
        sender, [recipient] = message["From"].addresses[0].addr_spec, message["To"].addresses
        client = self._client()
        try:
            with _refusals():
                client.sendmail(sender, [recipient.addr_spec], bytes(message))
        finally:
            # The answer to QUIT does not matter: the mail was accepted, or refused, already.
            with suppress(OSError, smtplib.SMTPException):
                client.quit()
            client.close()

    def _client(self) -> smtplib.SMTP:
        """A connection to the server, after logging in. Raises: NotSent."""
        client: smtplib.SMTP | None = None
        try:
            client = self._connect()
            self._log_in(client)
            return client
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            if client:
                client.close()
            raise NotSent(f"The mail server {self._server.host}:{self._server.port} cannot be used: {_reason(error)}"
                          ) from None

    def _connect(self) -> smtplib.SMTP:
        host, port = self._server.host, self._server.port
        if self._server.tls:
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=self._tls)
        return smtplib.SMTP(host, port, timeout=TIMEOUT)

    def _log_in(self, client: smtplib.SMTP) -> None:
        client.ehlo_or_helo_if_needed()
        has_tls = self._server.tls
        if not has_tls and client.has_extn("starttls"):
            client.starttls(context=self._tls)
            client.ehlo()
            has_tls = True
        if self._server.password:
            if not has_tls:
                raise smtplib.SMTPNotSupportedError("it offers no TLS, and a password is sent with TLS only")
            client.login(self._server.user, self._server.password)


def transport(settings: Settings) -> Transport | None:
    """The transport that the settings select; `None` if mails cannot be sent, and must wait."""
    if settings.mail_server:
        return SMTP(settings.mail_server) if settings.site else None
    return None if settings.guarded else Folder(settings.mail_folder)


def missing(settings: Settings) -> str:
    """The variables without which mails cannot be sent."""
    needed = {"HBNB_MAIL_URL": settings.mail_url, "HBNB_ADDRESS": settings.site}
    return " and ".join(name for name, value in needed.items() if not value)


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise NotSent for what the server answers to a mail.

    A refusal of the sender is not final, even if the server says so: it is about the settings, not about the mail.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        [(code, text)] = error.recipients.values()
        raise NotSent(f"The mail server refused the recipient: {code} {_text(text)}", code >= 500) from None
    except smtplib.SMTPSenderRefused as error:
        raise NotSent(f"The mail server refused the sender {error.sender}: {_reason(error)}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"The mail server refused the mail: {_reason(error)}", error.smtp_code >= 500) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server did not accept the mail: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _text(answer: bytes | str) -> str:
    """What a server answered, on one line."""
    text = answer if isinstance(answer, str) else answer.decode(errors="replace")
    return "".join(each if each.isprintable() else " " for each in text)
