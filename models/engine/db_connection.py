"""How the database is reached, and what each connection is told first."""
from __future__ import annotations

import datetime
import math
from contextlib import closing
from typing import Any

from sqlalchemy import URL, Engine, create_engine

from config import Settings
from errors import Misconfigured, Unavailable

# Nothing is cut or rounded silently, and every server takes and gives the same times.
ON_CONNECT = ("SET SESSION time_zone = '+00:00', sql_mode = "
              "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'")
CONNECT_TIMEOUT = 5     # seconds


def engines(settings: Settings) -> tuple[Engine, Engine]:
    """Two pools of connections: for transactions, and for statements that are one each.

    Raises:
        Misconfigured: the driver is not installed, or the settings cannot work.
    """
    address = _address(settings.mysql_host)
    url = URL.create("mysql+mysqldb", settings.mysql_user, settings.mysql_pwd, database=settings.mysql_db)
    try:
        options: dict[str, Any] = {
            "max_overflow": 20, "hide_parameters": True, "connect_args": address | {
                "charset": "utf8mb4", "init_command": ON_CONNECT, "connect_timeout": CONNECT_TIMEOUT,
                "conv": _converters()}}
        return (create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True, **options),
                create_engine(url, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, **options))
    except ModuleNotFoundError as error:
        raise Misconfigured("HBNB_TYPE_STORAGE is db, which needs mysqlclient: "
                            "pip install -r requirements-mysql.txt") from error


def probe(settings: Settings, seconds: float) -> None:
    """Ask the database something, on a new connection: those that are there may hang, or be in use.

    Args:
        seconds: how long it may be silent, while connecting and afterwards.
    Raises:
        Unavailable: it cannot be reached, or does not answer.
    """
    import MySQLdb
    limit = math.ceil(seconds)
    try:
        with closing(MySQLdb.connect(
                user=settings.mysql_user, password=settings.mysql_pwd, database=settings.mysql_db,
                connect_timeout=limit, read_timeout=limit, write_timeout=limit,
                **_address(settings.mysql_host))) as connection:
            connection.query("SELECT 1")
            connection.store_result()
    except MySQLdb.Error as error:
        raise Unavailable(f"The database {settings.mysql_db} at {settings.mysql_host} cannot be used: "
                          f"{error.args[-1]}") from error


def _converters() -> dict[Any, Any]:
    """The driver's, but for one that writes a time in a quarter of the time."""
    from MySQLdb.converters import conversions
    return {**conversions, datetime.datetime: lambda time, _: f"'{time.isoformat(' ')}'"}


def _address(host: str) -> dict[str, Any]:
    """Read `host`, `host:port`, `[v6 address]:port` or the path of a socket."""
    if host.startswith("/"):
        return {"unix_socket": host}
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        port = port.lstrip(":")
    elif host.count(":") == 1:
        name, port = host.split(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Misconfigured(f"HBNB_MYSQL_HOST is {host!r}: what follows the colon should be a port number")
    return {"host": name, "port": int(port or 3306)}
