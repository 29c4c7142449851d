"""Secrets of tokens, sessions and links: random texts, of which only a digest is stored."""
from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

_TEXT = re.compile(r"([0-9a-f-]{36})_([\w-]{43})", re.ASCII)


class Secret(NamedTuple):
    """A secret that a client presents, together with the id of the object that has its digest."""

    id: str
    text: str

    @property
    def digest(self) -> str:
        """Its SHA-256. A random secret cannot be guessed, so a slow hash, as for passwords, is not needed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, digest: str) -> bool:
        return hmac.compare_digest(digest, self.digest)

    def __str__(self) -> str:
        return f"{self.id}_{self.text}"


def create(id: str) -> Secret:
    """Create a secret for the object with this id."""
    return Secret(id, secrets.token_urlsafe(32))


def parse(text: str) -> Secret | None:
    """The secret that a client sent, or `None` if the text does not have the form of one."""
    found = _TEXT.fullmatch(text)
    return Secret(found[1], found[2]) if found else None
