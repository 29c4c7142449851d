"""Accounts: signing up, logging in, and resetting a password.

These answer alike whether or not an account exists, and take as long.
"""
from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import select

import models
from errors import Conflict, Forbidden, HBNBError, Invalid, Unauthorized, Unavailable
from models import passwords
from models.account import Account
from models.collation import address_key
from models.columns import unique_key
from models.user import User
from services import links, outbox, schema, sessions, throttling

LEAST_PASSWORD, MOST_PASSWORD = 10, 128     # characters
HASHING_TIMEOUT = 5     # seconds that a request waits until it may hash a password
WRONG = "The e-mail address or the password is wrong, or the address is not confirmed yet"
SUSPENDED = "This account is suspended"
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

# A worker hashes one password at a time, so that during a storm of log-ins other requests get a core.
_hashing = threading.BoundedSemaphore(1)


def sign_up(data: Mapping[str, Any], address: str) -> None:
    """Create an account, which its owner confirms by a link in a mail. If there is one already, its owner gets a mail.

    Args:
        data: `email`, `password`, `first_name` and `last_name`.
        address: the client's IP address.
    Raises:
        Invalid: a value is missing or invalid; names it.
        TooMany: there were too many attempts.
    """
    check_email(data.get("email"))
    check_password(data.get("password"))
    throttling.attempt(f"sign-up {address_key(data['email'])}", address)
    with hashing():
        values = schema.clean(User, data, is_new=True)

    def work() -> None:
        user = by_email(values["email"])
        if user is None:
            user = User(**values)
            models.storage.insert(user)
            models.storage.new(Account(id=user.id, user_id=user.id, status="unconfirmed"))
            status = "unconfirmed"
        else:
            models.storage.lock(user)       # so that it is not confirmed meanwhile
            status = account_of(user.id).status
        if status == "unconfirmed":
            secret = links.create(user.id, "confirm", data=values)
            send(user.email, "confirm", name=values.get("first_name", ""), secret=secret)
        else:
            send(user.email, "already_signed_up", name=user.first_name)
    try:
        models.storage.transact(work)
    except Conflict:        # another request has just signed up with this address
        models.storage.transact(work)


def confirm(secret: str) -> User:
    """Confirm the address of a new account, or a new address, by the secret of a link.

    Raises:
        Expired: the link has expired or was used.
        Conflict: another user has taken the new address meanwhile.
    """
    def work() -> User:
        link = links.use(secret, "confirm", "email")
        user = _user(link.user_id)
        if link.purpose == "email":
            _change_email(user, link.email)
        else:
            _activate(user, cast(dict[str, Any], link.data))
        return user
    return models.storage.transact(work)


def log_in(email: Any, password: Any, address: str, agent: str) -> str:
    """Start a session.

    Args:
        address: the client's IP address.
        agent: the name that the client's browser sent.
    Returns: the secret for the cookie.
    Raises:
        Invalid: a value is not a text.
        Unauthorized: no user has this address and password, or the user has not confirmed the address.
        Forbidden: the account is suspended.
        TooMany: there were too many attempts.
    """
    user = verify(email, password, address)
    stored = user.password

    def work() -> str:
        lock_verified(user, stored, Unauthorized(WRONG, shown=False))
        if not passwords.is_strong(stored):
            user.password = password
            user.save()
        sessions.end_expired(user.id)
        return sessions.start(user.id, agent)
    return models.storage.transact(work)


def verify(email: Any, password: Any, address: str) -> User:
    """The user with this address and password; see `log_in`."""
    for name, value in (("email", email), ("password", password)):
        if not isinstance(value, str):
            raise Invalid(f"{name} must be a text" if value is not None else f"Missing {name}", name)
    key = login_key(email)
    throttling.attempt(key, address)
    user = by_email(email)
    with hashing():
        if len(password) > MOST_PASSWORD or user is None:
            fits = passwords.matches_none(password[:MOST_PASSWORD])
        else:
            fits = passwords.matches(user.password, password)
    status = account_of(user.id).status if user else ""
    if user is None or not fits or status in ("unconfirmed", "closed"):
        raise Unauthorized(WRONG, shown=False)
    if status == "suspended":
        raise Forbidden(SUSPENDED)
    throttling.succeeded(key, address)
    return user


def request_reset(email: Any, address: str) -> None:
    """Send a link to reset the password. If the address has no account, the mail says so.

    Raises:
        Invalid: it is not an e-mail address.
        TooMany: there were too many requests.
    """
    check_email(email)
    throttling.attempt(f"reset {address_key(email)}", address)

    def work() -> None:
        user = by_email(email)
        if user is None or account_of(user.id).status in ("suspended", "closed"):
            send(email, "no_account")
        else:
            send_link(user, "reset")
    models.storage.transact(work)


def reset(secret: str, password: Any, agent: str | None = None) -> str:
    """Set a new password by the secret of a link, and end all sessions of the user. The address is confirmed, too.

    Args:
        agent: the name that the client's browser sent, to start a session, so that attempts to log in from elsewhere
            cannot keep the user out; `None` starts none.
    Returns: the secret for the cookie of the session, or an empty text.
    Raises:
        Invalid: the password is too short.
        Expired: the link has expired or was used.
    """
    check_password(password)
    links.find(secret, "reset")
    new = hashed(password)

    def work() -> str:
        user = _user(links.use(secret, "reset").user_id)
        _activate(user, {})
        set_hash(user, new)
        throttling.forget(login_key(user.email))
        return "" if agent is None else sessions.start(user.id, agent)
    return models.storage.transact(work)


# For the other modules of accounts

@contextmanager
def hashing() -> Iterator[None]:
    """Hash or verify a password in the block.

    Raises:
        Unavailable: too many passwords wait to be hashed.
    """
    if not _hashing.acquire(timeout=HASHING_TIMEOUT):
        raise Unavailable("Too many passwords wait to be hashed")
    try:
        yield
    finally:
        _hashing.release()


def hashed(password: str) -> str:
    """The hash of a new password."""
    with hashing():
        return passwords.hash_new(password)


def by_email(email: str) -> User | None:
    """The user with this e-mail address."""
    key = address_key(email)
    found = models.storage.read(select(User.id).where(
        unique_key(User.__table__.c.email) == key)).scalars() if key else []
    user = models.storage.get(User, found[0]) if found else None
    return user if isinstance(user, User) else None


def account_of(user_id: str) -> Account:
    """The account of a user; a new one, which is not stored yet, if the user has none."""
    found = models.storage.get(Account, user_id)
    return found if isinstance(found, Account) else Account(id=user_id, user_id=user_id)


def login_key(email: str) -> str:
    """The key by which failed log-ins to an account are counted; the account need not exist."""
    return f"log-in {address_key(email) or ''}"


def lock_verified(user: User, stored: str | None, refusal: HBNBError) -> None:
    """Lock a user whose password was verified, in the caller's transaction.

    Args:
        stored: the stored form of the verified password; `None` if no password was needed.
        refusal: the error to raise if the password was changed meanwhile.
    """
    models.storage.lock(user)
    if stored not in (None, user.password):
        raise refusal


def set_hash(user: User, new: str) -> None:
    """Set the password of a user, end all sessions, and make unused links useless, in the caller's transaction."""
    user.password = new
    user.save()
    end_access(user)


def end_access(user: User) -> None:
    """End all sessions of a user, and make unused links useless, in the caller's transaction."""
    sessions.end_all(user.id)
    _revoke_links(user)


def send(recipient: str, template: str, **data: Any) -> None:
    """Queue a mail, in the transaction of the caller."""
    outbox.queue(f"{template}-{uuid.uuid4()}", recipient, template, **data)


def send_link(user: User, purpose: str, email: str = "") -> None:
    """Queue a mail with a link that works once, in the transaction of the caller.

    Args:
        email: the new address, to which the mail is sent; by default the address of the user.
    """
    secret = links.create(user.id, purpose, email)
    send(email or user.email, purpose, name=user.first_name, secret=secret)


def check_email(email: Any) -> None:
    """Raise Invalid unless it can be an e-mail address."""
    if email is None:
        raise Invalid("Missing email", "email")
    if not isinstance(email, str) or not _EMAIL.fullmatch(email) or len(email) > 128 or not _can_get_mail(email):
        raise Invalid("email must be an e-mail address, such as ada@example.com", "email")


def check_password(password: Any) -> None:
    """Raise Invalid unless it is long enough for a password."""
    if password is None:
        raise Invalid("Missing password", "password")
    if not isinstance(password, str) or not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise Invalid(f"password must have {LEAST_PASSWORD} to {MOST_PASSWORD} characters", "password")
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        raise Invalid("password must be valid text", "password")


def _can_get_mail(email: str) -> bool:
    from services.mail.messages import recipient  # imports Jinja2, which the console need not load
    try:
        return bool(recipient(email))
    except ValueError:
        return False


def _activate(user: User, values: Mapping[str, Any]) -> None:
    """Activate an account that is not confirmed, with the values of the sign-up that is confirmed."""
    account = account_of(user.id)
    if account.status == "unconfirmed":
        links.revoke(user.id, "confirm")
        for name, value in values.items():
            setattr(user, name, value)
        user.save()
        account.status = "active"
        account.save()


def _change_email(user: User, email: str) -> None:
    if by_email(email):
        raise Conflict("Another account has this e-mail address now. Choose another address")
    send(user.email, "email_changed", name=user.first_name)
    _revoke_links(user)
    user.email = email
    user.save()


def _revoke_links(user: User) -> None:
    for purpose in ("email", "reset"):
        links.revoke(user.id, purpose)


def _user(id: str) -> User:
    """The user of a link, locked."""
    user = models.storage.get(User, id)
    assert isinstance(user, User)       # its links are removed together with it
    models.storage.lock(user)
    return user
