"""Connections to the database: address, TLS, session variables, pools and time limits."""
from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import URL, Engine, create_engine, event

from config import Database, Settings
from errors import Misconfigured
from models.engine.db import errors

# Strict modes, so that the server refuses values instead of cutting them; UTC; and English, as errors.py parses error
# messages. The modes are the defaults of MySQL 8 and STRICT_ALL_TABLES, so that MariaDB behaves like MySQL.
ON_CONNECT = ("SET SESSION lc_messages = 'en_US', time_zone = '+00:00', sql_mode = 'ONLY_FULL_GROUP_BY,"
              "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
              "NO_ENGINE_SUBSTITUTION'")
# Each server executes only its own conditional comment. MySQL limits the time of SELECT, MariaDB of all statements.
LIMITED = (", innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}"
           "/*M!100101 , max_statement_time = {seconds}*//*!80000 , max_execution_time = {seconds}000*/")


class Engines(NamedTuple):
    """Connection pools: for transactions, for autocommit statements, and for long lists, sent while they are read."""

    transactions: Engine
    statements: Engine
    streams: Engine

    def limit(self, database: Database) -> None:
        """Apply the time limits to all new connections, and close the idle ones."""
        for engine in self:
            seconds = database.stream if engine is self.streams else database.statement
            # One second more than the server's own limit, whose error is clearer than a timeout.
            options = {"read_timeout": database.statement + 1, "write_timeout": database.statement + 1,
                       "init_command": ON_CONNECT + LIMITED.format(lock=database.lock, seconds=seconds)}
            event.listen(engine, "do_connect", lambda _, __, ___, given, options=options: given.update(options))
            engine.dispose()


def engines(settings: Settings) -> Engines:
    """Create the engines of a process.

    Raises:
        Misconfigured: the driver is not installed, or the settings are incomplete or invalid.
    """
    database, address = settings.database, address_options(settings)
    url = URL.create("mysql+mysqldb", settings.mysql_user, settings.mysql_pwd, database=settings.mysql_db)
    try:
        options: dict[str, Any] = {
            "pool_size": database.pool, "pool_timeout": database.free, "pool_recycle": database.recycle,
            "hide_parameters": True, "connect_args": address | {
                "charset": "utf8mb4", "init_command": ON_CONNECT, "connect_timeout": database.connect,
                "conv": _converters()}}
        alone = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, **options}
        return Engines(
            _ignoring_lost_connections(create_engine(
                url, isolation_level=database.isolation, pool_pre_ping=True, max_overflow=database.overflow,
                **options)),
            # Each thread keeps a connection, so with a limit a new thread would wait for another one's end.
            create_engine(url, max_overflow=-1, **alone),
            create_engine(url, max_overflow=database.overflow, **alone))
    except ModuleNotFoundError as error:
        raise Misconfigured("HBNB_TYPE_STORAGE is db, which needs mysqlclient: "
                            "pip install -r requirements/mysql.txt") from error


def probe(settings: Settings, seconds: float) -> None:
    """Send a statement on a new connection, because the pooled ones may hang or be in use.

    Args:
        seconds: the timeout of connecting, and of the response.
    Raises:
        Unavailable: the database cannot be reached, or does not respond.
    """
    import MySQLdb
    limit = math.ceil(seconds)
    try:
        with closing(MySQLdb.connect(
                user=settings.mysql_user, password=settings.mysql_pwd, database=settings.mysql_db,
                connect_timeout=limit, read_timeout=limit, write_timeout=limit,
                **address_options(settings))) as connection:
            connection.query("SELECT 1")
            connection.store_result()
    except MySQLdb.Error as error:
        raise errors.unusable(settings, error.args[-1]) from error


def _ignoring_lost_connections(engine: Engine) -> Engine:
    """Ignore a lost connection during rollback: the server has rolled back already.

    Otherwise the end of each transaction could raise an error, even if the response is complete.
    """
    dialect: Any = engine.dialect

    def forgiving(end: Callable[[Any], None]) -> Callable[[Any], None]:
        def forgive(connection: Any) -> None:
            try:
                end(connection)
            except dialect.loaded_dbapi.Error as error:
                if not dialect.is_disconnect(error, connection, None):
                    raise
        return forgive
    for name in ("do_rollback", "reset_isolation_level"):
        setattr(dialect, name, forgiving(getattr(dialect, name)))
    return engine


def _converters() -> dict[Any, Any]:
    """Return the driver's converters, with a four times faster one for `datetime`."""
    from MySQLdb.converters import conversions
    return {**conversions, datetime.datetime: lambda time, _: f"'{time.isoformat(' ')}'"}


def address_options(settings: Settings) -> dict[str, Any]:
    """Return the driver's arguments for the address; with a CA certificate, it verifies the server's name over TLS."""
    address = _address(settings.mysql_host)
    if settings.mysql_ca and "host" in address:
        address |= {"ssl": {"ca": settings.mysql_ca}, "ssl_mode": "VERIFY_IDENTITY"}
    return address


def _address(host: str) -> dict[str, Any]:
    """Parse `host`, `host:port`, `[IPv6 address]:port` or the path of a socket."""
    if host.startswith("/"):
        return {"unix_socket": host}
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        port = port.lstrip(":")
    elif host.count(":") == 1:
        name, port = host.split(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Misconfigured(f"HBNB_MYSQL_HOST is {host!r}: after the colon there must be a port from 1 to 65535")
    return {"host": name, "port": int(port or 3306)}
