"""Delivery: the worker leases mails of the outbox, sends them, and records the outcome."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial

from jinja2 import TemplateError

from config import Settings
from errors import Unavailable
from models.base_model import utc_now
from services import outbox
from services.mail import messages
from services.mail.messages import Content
from services.mail.transports import NotSent, Transport

RETRY = 1       # seconds between two attempts to record the outcome

_log = logging.getLogger("hbnb.mail")


def send_next(transport: Transport, settings: Settings, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Send the mail that has been due for the longest time.

    Args:
        stopping: whether the worker must end.
    Returns: whether there was one.
    Raises:
        Unavailable: the storage cannot be used.
    """
    mail = outbox.lease()
    if mail is None:
        return False
    record = _attempt(mail, transport, settings)
    # If the outcome were lost, the mail would be sent twice. So wait for the storage for as long as the lease lasts.
    while True:
        try:
            record()
            return True
        except Unavailable:
            if stopping() or utc_now() >= mail.due_at:
                raise
            time.sleep(RETRY)


def _attempt(mail: outbox.Mail, transport: Transport, settings: Settings) -> Callable[[], None]:
    """Send a mail. Returns: a function that records the outcome, and may be called again."""
    if utc_now() >= mail.expires_at:
        return partial(_fail, mail, mail.error or "It was not sent in time")
    try:
        transport.send(mail, *_rendered(mail, settings))
    except NotSent as error:
        return partial(_fail if error.is_final else _postpone, mail, str(error))
    return partial(outbox.sent, mail)


def _rendered(mail: outbox.Mail, settings: Settings) -> tuple[Content, EmailMessage]:
    """The content of a mail, and its message. Raises: NotSent."""
    try:
        content = messages.render(mail.template, mail.data, settings.site)
        return content, messages.message(mail, content, settings)
    except (TemplateError, KeyError) as error:
        raise NotSent(f"The template cannot be used: {type(error).__name__}: {error}", is_final=True) from error
    except ValueError:
        raise NotSent("The recipient is not a valid e-mail address", is_final=True) from None


def _postpone(mail: outbox.Mail, reason: str) -> None:
    if due := outbox.postpone(mail, reason):
        _log.warning("The mail %s (%s) was not sent: %s. The next attempt is at %s UTC", mail.id, mail.template, reason,
                     due.isoformat(" ", "seconds"))
    else:
        _log.error("The mail %s (%s) was given up: %s", mail.id, mail.template, reason)


def _fail(mail: outbox.Mail, reason: str) -> None:
    outbox.fail(mail, reason)
    _log.error("The mail %s (%s) was given up: %s", mail.id, mail.template, reason)
