"""Settings. HBNB reads environment variables in this module only."""
from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from errors import Misconfigured

RATE_LIMIT = "600 per minute"
# The value is not shown, because it may contain a password.
NO_REDIS = ("HBNB_REDIS_URL is not the address of a Redis server: set it to an address such as redis://host:6379/0 or "
            "unix:///path/of/a/socket")
# Nor is this value.
NO_MAIL_SERVER = ("HBNB_MAIL_URL is not the address of a mail server: set it to an address such as "
                  "smtp://user:password@mail.example.com:587 or smtps://mail.example.com. In user and password, write "
                  "@, : and / as %40, %3A and %2F")
DEV_ADDRESS = "http://127.0.0.1:5000"       # of `make run`
_TILES = re.compile(r"(?:https?://[a-z0-9.-]+(?::\d{1,5})?)?/(?!/)[^\s{}]*(?:\{[zxyr]\}[^\s{}]*)+", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?", re.IGNORECASE)
_SENDER = re.compile(r"(?:(?P<name>[^<>\"\\\x00-\x1f\x7f]*)<)?(?P<address>[\w.+-]+@[a-z0-9.-]+)(?(name)>)",
                     re.IGNORECASE | re.ASCII)
_RATE = re.compile(r" ?[1-9]\d{0,8}(?: per |/)(?:[1-9]\d{0,3} )?(?:second|minute|hour|day)s? ?", re.ASCII)


@dataclass(frozen=True)
class Database:
    """Limits of an environment's database connections.

    Args:
        pool: connections that a worker keeps open for transactions; it keeps the same number for streamed lists.
        overflow: additional connections of each kind while the pool is in use.
        free: seconds that a request waits for a free connection.
        connect: seconds until an attempt to connect times out.
        statement: seconds until a statement of a request, or a read from the server, times out.
        stream: seconds that reading a streamed list may take.
        recycle: seconds after which a connection is replaced.
        isolation: isolation level of transactions.
    """

    pool: int = 5
    overflow: int = 20
    free: int = 10
    connect: int = 5
    statement: int = 20
    stream: int = 600
    recycle: int = 3600
    # The same in all environments, so that the tests apply to production.
    isolation: str = "READ COMMITTED"

    @property
    def lock(self) -> int:
        """Seconds that a transaction waits for a lock: a quarter of `statement`, because it is tried twice."""
        return max(1, self.statement // 4)


@dataclass(frozen=True)
class MailServer:
    """A mail server (SMTP).

    Args:
        host, port: its address.
        user, password: to log in with; empty = without logging in.
        tls: whether the connection uses TLS from its start (`smtps://`).
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Raises: ValueError, if it is not the address of a mail server."""
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if (parts.scheme not in ("smtp", "smtps") or not parts.hostname or not re.fullmatch(r"[\w.:-]+", parts.hostname)
                or parts.path.strip("/") or parts.query or parts.fragment or bool(user) != bool(password)):
            raise ValueError
        tls = parts.scheme == "smtps"
        return cls(parts.hostname, parts.port or (465 if tls else 25), user, password, tls)


_SERVING = Database(pool=10, overflow=10, free=3, connect=3, statement=10, recycle=1800)
DATABASES = {
    "dev": Database(),
    "test": Database(overflow=5, free=5),
    # As in production, so that a test on staging applies to production.
    "staging": _SERVING,
    "production": _SERVING,
}
ENVIRONMENTS = tuple(DATABASES)
VERSION = "0.1.0"       # as in pyproject.toml


def _setting(variable: str, default: str, meaning: str, secret: bool = False) -> str:
    return field(default=default, repr=not secret, metadata={"variable": variable, "meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """The settings, one field each; a test compares them with the table in docs/settings.md."""

    env: str = _setting("HBNB_ENV", "dev", "`dev`, `test`, `staging` or `production`")
    type_storage: str = _setting("HBNB_TYPE_STORAGE", "file", "`db` = MySQL or MariaDB; any other value = a JSON file")
    file_path: str = _setting("HBNB_FILE_PATH", "file.json", "path of the file engine's file")
    mysql_user: str = _setting("HBNB_MYSQL_USER", "", "database user; required with `db`")
    mysql_pwd: str = _setting("HBNB_MYSQL_PWD", "", "password of the database user; required with `db`", secret=True)
    mysql_host: str = _setting("HBNB_MYSQL_HOST", "", "`host`, `host:port` or the path of a socket; required with `db`")
    mysql_db: str = _setting("HBNB_MYSQL_DB", "", "name of the database; required with `db`")
    mysql_ca: str = _setting("HBNB_MYSQL_CA", "", "path of the certificate that signed the database's certificate")
    mysql_pool: str = _setting("HBNB_MYSQL_POOL", "", "maximum database connections per worker for transactions, "
                               "and as many again for long lists")
    mysql_timeout: str = _setting("HBNB_MYSQL_TIMEOUT", "", "maximum seconds for a statement of a request")
    api_host: str = _setting("HBNB_API_HOST", "0.0.0.0", "address on which `python -m api.v1.app` listens")
    api_port: str = _setting("HBNB_API_PORT", "5000", "port on which `python -m api.v1.app` listens")
    body_limit: str = _setting("HBNB_BODY_LIMIT", "1000000", "maximum bytes of a request's body")
    cors_origins: str = _setting("HBNB_CORS_ORIGINS", "", "origins whose pages may use the API, separated by commas")
    rate_limit: str = _setting("HBNB_RATE_LIMIT", "", "maximum requests of an address to the API and to pages")
    redis_url: str = _setting("HBNB_REDIS_URL", "", "address of the Redis in which all workers count requests "
                              "together", secret=True)
    proxies: str = _setting("HBNB_PROXIES", "0", "number of proxies in front of HBNB")
    tiles: str = _setting("HBNB_TILES", "", "address of the map's tiles")
    tiles_credit: str = _setting("HBNB_TILES_CREDIT", "", "credit that the map shows for its tiles")
    address: str = _setting("HBNB_ADDRESS", "", "address of the site, such as `https://hbnb.example`, for links in "
                            "mails")
    mail_url: str = _setting("HBNB_MAIL_URL", "", "`smtp://` or `smtps://` address of the mail server, with user and "
                             "password", secret=True)
    mail_from: str = _setting("HBNB_MAIL_FROM", "HBNB <hbnb@localhost>", "sender of mails")
    release: str = _setting("HBNB_RELEASE", "unknown", "name of the running release")
    log: str = _setting("HBNB_LOG", "", "format of the log: `json` or `text`")
    metrics: str = _setting("HBNB_METRICS", "", "internal address and first port on which workers serve metrics")
    sentry_dsn: str = _setting("SENTRY_DSN", "", "address to which errors are reported", secret=True)
    history: str = _setting("HBNB_HISTORY", "~/.hbnb_history", "path of the console's history; empty = no history")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Args:
            environ: the environment variables.
        Raises:
            Misconfigured: a value is missing or not valid; the message names every missing variable.
        """
        settings = cls._read(environ)
        settings._check(environ)
        return settings

    @classmethod
    def _read(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings without validating them."""
        return cls(**{
            each.name: environ[each.metadata["variable"]] for each in fields(cls)
            # An empty variable counts as unset, except for settings that may be empty.
            if environ.get(each.metadata["variable"]) or (
                each.name in ("mysql_pwd", "history") and each.metadata["variable"] in environ)
        })

    @property
    def uses_db(self) -> bool:
        return self.type_storage == "db"

    @property
    def is_for_tests(self) -> bool:
        """Whether the name of the database marks it as a test database, which tests may empty."""
        return bool(re.search(r"(^|[_-])test([_-]|\d|$)", self.mysql_db))

    @property
    def database(self) -> Database:
        """The database limits of the environment, with those that a setting overrides."""
        chosen = DATABASES[self.env]
        if self.mysql_pool:
            chosen = replace(chosen, pool=int(self.mysql_pool), overflow=0)
        return replace(chosen, statement=int(self.mysql_timeout)) if self.mysql_timeout else chosen

    @property
    def guarded(self) -> bool:
        """Whether writing and reading private fields need a token."""
        return self.env in ("staging", "production")

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the site by HTTPS, so that cookies are sent by HTTPS only."""
        return self.guarded or self.address.startswith("https://")

    @property
    def site(self) -> str:
        """The address of the site for links in mails, without a slash at its end; empty = it is not known."""
        return self.address or ("" if self.guarded else DEV_ADDRESS)

    @property
    def mail_server(self) -> MailServer | None:
        """The mail server, or `None` if none is set."""
        return MailServer.parse(self.mail_url) if self.mail_url else None

    @property
    def mail_sender(self) -> tuple[str, str]:
        """The name and the address of the sender of mails."""
        found = _SENDER.fullmatch(self.mail_from)
        assert found
        return (found["name"] or "").strip(), found["address"]

    @property
    def mail_folder(self) -> Path:
        """The folder in which mails are written if no mail server is set."""
        return Path("mail") if self.uses_db else Path(self.file_path).parent / "mail"

    @property
    def origins(self) -> str | list[str]:
        """Allowed CORS origins: `*`, or a list."""
        listed = [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
        return listed or ("*" if self.env in ("dev", "test") else [])

    @property
    def rate(self) -> str | None:
        """The rate limit of a client address, such as `600 per minute`, or `None` for no limit."""
        chosen = self.rate_limit or ("none" if self.env in ("dev", "test") else RATE_LIMIT)
        return None if chosen == "none" else chosen

    @property
    def log_format(self) -> str:
        """The format of the log: `json` or `text`."""
        return self.log or ("json" if self.guarded else "text")

    @property
    def metrics_address(self) -> tuple[str, int]:
        """The address and the first port of the metrics endpoints.

        Raises:
            ValueError: the setting is not an address with a port, or the address is not in an internal network.
        """
        host, _, port = self.metrics.rpartition(":")
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        address = getattr(address, "ipv4_mapped", None) or address      # ::ffff:0.0.0.0 is everywhere too
        if not address.is_private or address.is_unspecified:
            raise ValueError
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError
        return str(address), int(port)

    @property
    def tiles_origin(self) -> str:
        """Origin of the map tiles, for the Content-Security-Policy; empty if they come from this site."""
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    def _check(self, environ: Mapping[str, str]) -> None:
        if self.env not in ENVIRONMENTS:
            raise Misconfigured(f"HBNB_ENV is {self.env!r}: set it to one of {', '.join(ENVIRONMENTS)}")
        if not (self.api_port.isascii() and self.api_port.isdigit() and int(self.api_port) < 65536):
            raise Misconfigured(f"HBNB_API_PORT is {self.api_port!r}: set it to a port number, 0 to 65535")
        if not (self.body_limit.isascii() and self.body_limit.isdigit()):
            raise Misconfigured(f"HBNB_BODY_LIMIT is {self.body_limit!r}: set it to a number of bytes")
        if self.rate and not all(map(_RATE.fullmatch, self.rate.split(";"))):
            raise Misconfigured(f"HBNB_RATE_LIMIT is {self.rate_limit!r}: set it to a limit such as {RATE_LIMIT}, to "
                                "several limits separated by semicolons, or to the word none")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise Misconfigured(NO_REDIS)
        if self.tiles and not (_TILES.fullmatch(self.tiles) and all(f"{{{each}}}" in self.tiles for each in "zxy")):
            raise Misconfigured(f"HBNB_TILES is {self.tiles!r}: set it to the address of map tiles on one host, such "
                                "as https://tiles.example.com/{z}/{x}/{y}.png")
        if not (self.proxies.isascii() and self.proxies.isdigit() and int(self.proxies) < 100):
            raise Misconfigured(f"HBNB_PROXIES is {self.proxies!r}: set it to the number of proxies in front of HBNB, "
                                "0 to 99")
        if self.address and not _ADDRESS.fullmatch(self.address):
            raise Misconfigured(f"HBNB_ADDRESS is {self.address!r}: set it to the address of the site, such as "
                                "https://hbnb.example")
        self._check_mail()
        if self.log not in ("", "json", "text"):
            raise Misconfigured(f"HBNB_LOG is {self.log!r}: set it to json or text")
        if self.metrics:
            try:
                _ = self.metrics_address
            except ValueError:
                raise Misconfigured(f"HBNB_METRICS is {self.metrics!r}: set it to an address of this host in an "
                                    "internal network, with a port, such as 127.0.0.1:9101") from None
        for name, value, what in (("HBNB_MYSQL_POOL", self.mysql_pool, "a number of connections"),
                                  ("HBNB_MYSQL_TIMEOUT", self.mysql_timeout, "seconds")):
            if value and not re.fullmatch(r"[1-9]\d{0,3}", value, re.ASCII):
                raise Misconfigured(f"{name} is {value!r}: set it to {what}, 1 to 9999")
        if self.uses_db:
            needed = ("HBNB_MYSQL_USER", "HBNB_MYSQL_PWD", "HBNB_MYSQL_HOST", "HBNB_MYSQL_DB")
            # The password may be empty; the user, the host and the database may not.
            missing = [name for name in needed if not environ.get(name) and
                       not (name == "HBNB_MYSQL_PWD" and name in environ)]
            if missing:
                raise Misconfigured(f"HBNB_TYPE_STORAGE is db, so these must be set too: {', '.join(missing)}")

    def _check_mail(self) -> None:
        try:
            _ = self.mail_server
        except ValueError:
            raise Misconfigured(NO_MAIL_SERVER) from None
        if not _SENDER.fullmatch(self.mail_from):
            raise Misconfigured(f"HBNB_MAIL_FROM is {self.mail_from!r}: set it to a sender such as "
                                "HBNB <hbnb@example.com>")


def version(environ: Mapping[str, str] = os.environ) -> str:
    """Return the version and the release, even if the settings are not valid."""
    return f"HBNB {VERSION}, release {Settings._read(environ).release}"
