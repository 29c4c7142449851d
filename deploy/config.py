"""Configuration: reads and checks an environment's table in `hosts.toml`."""
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
_TYPES = {"str": str, "int": int, "list[str]": list, "dict[str, str]": dict}
_TYPE_NAMES = {str: "a string", int: "an integer", list: "a list of strings", dict: "a table of strings"}
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", re.ASCII)
_SERVER_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+", re.ASCII)


class DeployError(HBNBError):
    """A task failed or was refused. The message says what failed, on which host, why, and what to do.

    Args:
        status: the exit status of `fab`.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Environment:
    """The hosts and options of an environment. `deploy/hosts.toml` explains each key."""

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
        """Whether the database runs on the web server itself."""
        return self.database_address == "127.0.0.1"

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str] = os.environ) -> Environment:
        """Read an environment from the file that HBNB_DEPLOY names; default: `deploy/hosts.toml`.

        Args:
            name: of the environment; empty = the file's default.
        Raises:
            DeployError: the file or the environment does not exist, or a value is invalid.
        """
        path = Path(environ.get("HBNB_DEPLOY") or Path(__file__).parent / "hosts.toml").expanduser()
        try:
            tables = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DeployError(f"{path} cannot be read: {error}. Set HBNB_DEPLOY to the file with your hosts") from None
        for key in tables.keys() - {"default", *NAMES}:
            raise DeployError(f"{path}: unknown table [{key}]; the environments are {', '.join(NAMES)}")
        name = name or str(tables.get("default", ""))
        if name not in NAMES or not isinstance(tables.get(name), dict):
            raise DeployError(f"{path} has no environment {name!r}: add a table [{name or NAMES[-1]}], or name another "
                              "environment")
        return cls._checked(tables[name], name, f"{path}, [{name}]")

    @classmethod
    def _checked(cls, table: dict[str, Any], name: str, where: str) -> Environment:
        cls._check_types(table, where)
        if not table.get("web"):
            raise DeployError(f"{where}: web is missing: list the web servers")
        environment = cls(name, **table)
        for key, (valid, requirement) in environment._rules().items():
            if not valid:
                raise DeployError(f"{where}: {key} must be {requirement}")
        return environment

    @classmethod
    def _check_types(cls, table: dict[str, Any], where: str) -> None:
        types = {each.name: _TYPES[str(each.type)] for each in fields(cls) if each.name != "name"}
        for key, value in table.items():
            if key not in types:
                raise DeployError(f"{where}: unknown key {key}; the keys are {', '.join(types)}")
            items = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
            if type(value) is not types[key] or not all(isinstance(item, str) for item in items):
                raise DeployError(f"{where}: {key} is {value!r}: make it {_TYPE_NAMES[types[key]]}")

    def _rules(self) -> dict[str, tuple[object, str]]:
        """For each key or keys: whether the value is valid, and what it must be."""
        hosts = [*self.web, *self.balancer, *filter(None, [self.database])]
        return {
            "web, balancer and database": (all(map(_HOST.fullmatch, hosts)), "names of hosts"),
            "web": (len({*self.web}) == len(self.web), "a list of different hosts"),
            "root": (_PATH.fullmatch(self.root), "a path of letters, digits, ., _ and -, such as /data/hbnb"),
            "health": (self.health.startswith("/"), "a path"),
            **{key: (getattr(self, key) >= 0, "0 or more") for key in ("keep", "retries")},
            **{key: (getattr(self, key) > 0, "1 or more") for key in ("wait", "workers")},
            "database_address": (_is_internal(self.database_address),
                                 "the database host's IP address in an internal network, such as 10.0.0.20"),
            "web_addresses": (len(self.web_addresses) == len(self.web) or (
                not self.balancer and self.database_is_local), "one address for each host of web, in the same order"),
            "address": (not self.address or re.match("https?://.", self.address),
                        "a URL that begins with http:// or https://"),
            "server_name": (_SERVER_NAME.fullmatch(self.server_name), "one name, such as hbnb.example.com"),
            "certificate": (not self.certificate or _PATH.fullmatch(self.certificate), "a path"),
            "certificate and server_name": (not self.certificate or self.server_name != "_",
                                            "set together: HTTP is redirected to server_name"),
            "settings": (all(re.fullmatch(r"[A-Z][A-Z0-9_]*", key) and "\n" not in value and "'" not in value
                             for key, value in self.settings.items()),
                         'lines of NAME = "value", without \' and line breaks in the value')}


def _is_internal(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_global and not address.is_unspecified
