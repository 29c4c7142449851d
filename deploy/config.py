"""What `hosts.toml` says of an environment."""
from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from errors import HBNBError

NAMES = ("dev", "staging", "production")
_KINDS = {"str": str, "int": int, "list[str]": list, "dict[str, str]": dict}
_MEANT = {str: "a text", int: "a whole number", list: "a list of texts", dict: "a table of texts"}
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", re.ASCII)
_SERVER = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_ROOT = re.compile(r"(/[A-Za-z0-9._-]+)+", re.ASCII)


class Refused(HBNBError):
    """Something is not done; the message says what, where, why, and what to do.

    Args:
        status: the exit status of the program.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Environment:
    """The hosts of an environment, and how to treat them: the keys of its table in `hosts.toml`, explained there."""

    name: str
    web: list[str]
    balancer: list[str] = field(default_factory=list)
    database: str = ""
    database_address: str = "127.0.0.1"
    web_addresses: list[str] = field(default_factory=list)
    balancer_addresses: list[str] = field(default_factory=list)
    address: str = ""
    server_name: str = "_"
    certificate: str = ""
    tested_on: str = ""
    user: str = "deploy"
    admin: str = "root"
    root: str = "/data/hbnb"
    keep: int = 5
    health: str = "/health/ready"
    wait: int = 30
    workers: int = 2
    retries: int = 1
    known_hosts: str = "~/.ssh/known_hosts"
    ssh_config: str = "~/.ssh/config"
    python: str = "/usr/bin/python3"
    wheels: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def database_is_local(self) -> bool:
        """Whether the database is on the web server itself."""
        return self.database_address == "127.0.0.1"

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str] = os.environ) -> Environment:
        """An environment of the file that HBNB_DEPLOY names.

        Args:
            name: which; empty = the file's default.
        Raises:
            Refused: there is no such file or environment, or it says something that makes no sense.
        """
        path = Path(environ.get("HBNB_DEPLOY") or Path(__file__).parent / "hosts.toml").expanduser()
        try:
            tables = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise Refused(f"{path} cannot be read: {error}. HBNB_DEPLOY names the file with your hosts") from None
        for key in tables.keys() - {"default", *NAMES}:
            raise Refused(f"{path}: nothing is called [{key}]; environments are {', '.join(NAMES)}")
        name = name or str(tables.get("default", ""))
        if name not in NAMES or not isinstance(tables.get(name), dict):
            raise Refused(f"{path} has no environment {name!r}: add a table [{name or NAMES[-1]}], or name another")
        return cls._checked(name, tables[name], path)

    @classmethod
    def _checked(cls, name: str, table: dict[str, Any], path: Path) -> Environment:
        where = f"{path}, [{name}]"
        known = {each.name: _KINDS[str(each.type)] for each in fields(cls) if each.name != "name"}
        for key, value in table.items():
            if key not in known:
                raise Refused(f"{where}: nothing is called {key}; there are {', '.join(known)}")
            inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
            if type(value) is not known[key] or not all(isinstance(each, str) for each in inner):
                raise Refused(f"{where}: {key} is {value!r}: make it {_MEANT[known[key]]}")
        if not table.get("web"):
            raise Refused(f"{where}: web is missing: list the hosts that serve")
        made = cls(name, **table)
        hosts = [*made.web, *made.balancer, *filter(None, [made.database])]
        checks = {
            "web, balancer and database": (all(map(_HOST.fullmatch, hosts)), "names of hosts"),
            "web": (len({*made.web}) == len(made.web), "different hosts"),
            "root": (_ROOT.fullmatch(made.root), "a path of letters, digits, ., _ and -, such as /data/hbnb"),
            "health": (made.health.startswith("/"), "a path"),
            **{key: (getattr(made, key) >= 0, "0 or more") for key in ("keep", "retries")},
            **{key: (getattr(made, key) > 0, "1 or more") for key in ("wait", "workers")},
            "database_address": (_is_internal(made.database_address),
                                 "an IP address of the database's host in an internal network, such as 10.0.0.20"),
            "web_addresses": (len(made.web_addresses) == len(made.web) or (
                not made.balancer and made.database_is_local), "as many as web has hosts, in its order"),
            "address": (not made.address or re.match("https?://.", made.address), "an address that begins by http"),
            "server_name": (_SERVER.fullmatch(made.server_name), "one name, such as hbnb.example.com"),
            "certificate": (not made.certificate or _ROOT.fullmatch(made.certificate), "a path"),
            "certificate and server_name": (not made.certificate or made.server_name != "_",
                                            "given together: http is redirected to that name"),
            "settings": (all(re.fullmatch(r"[A-Z][A-Z0-9_]*", key) and "\n" not in value and "'" not in value
                             for key, value in made.settings.items()), "NAME = text, without ' and in one line")}
        for key, (holds, meant) in checks.items():
            if not holds:
                raise Refused(f"{where}: {key} must be {meant}")
        return made


def _is_internal(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_global and not address.is_unspecified
