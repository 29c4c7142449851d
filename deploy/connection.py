"""Connections to hosts over SSH: only to those that are known, and nobody waits for one for ever."""
from __future__ import annotations

import logging
import socket
from pathlib import Path

import paramiko
from fabric import Config, Connection

from deploy.config import Environment, Refused

CONNECT = 5         # seconds, for each of the connection, its beginning and the key
SILENT = 15         # seconds, after which a host is given up
NOTHING = "Nothing was changed anywhere"
logging.getLogger("paramiko").addHandler(logging.NullHandler())     # else it prints tracebacks beside our sentences


def connect(name: str, user: str, environment: Environment) -> Connection:
    """Connect to a host, and first to those that the file of SSH has on the way to it.

    Args:
        name: as `hosts.toml` has it.
        user: who comes.
    Raises:
        Refused: one of them is not there, is not who it was, or does not let us in.
    """
    ssh_config = Path(environment.ssh_config).expanduser()
    try:
        config = Config(runtime_ssh_path=str(ssh_config) if ssh_config.is_file() else None)
        connection = Connection(name, user, config=config)
    except (OSError, paramiko.SSHException, ValueError) as error:
        raise Refused(f"{ssh_config} cannot be understood: {error}. {NOTHING}") from None
    try:
        for each in reversed(_way(connection)):
            _open(each, Path(environment.known_hosts).expanduser())
    except Refused:
        close(connection)
        raise
    # A host that falls silent is noticed, in whatever step.
    connection.transport.set_keepalive(SILENT // 3)
    if isinstance(sock := connection.transport.sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT * 1000)
    return connection


def close(connection: Connection) -> None:
    for each in _way(connection):
        each.close()
        each.client.close()     # Fabric leaves open what was refused


def _way(connection: Connection) -> list[Connection]:
    """It, and those on the way to it, the nearest last."""
    found = []
    while isinstance(connection, Connection):
        found.append(connection)
        connection = connection.gateway
    return found


def _open(connection: Connection, known: Path) -> None:
    name = connection.original_host
    connection.connect_timeout = CONNECT
    connection.connect_kwargs = {**connection.connect_kwargs, "auth_timeout": CONNECT, "channel_timeout": SILENT}
    try:
        connection.client.load_system_host_keys(str(known))
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        connection.open()
    except paramiko.BadHostKeyException as error:
        raise Refused(f"{name} shows another host key ({error.key.fingerprint}) than {known} has: somebody else "
                      "may answer there. If it was set up anew, take its line out with `ssh-keygen -R`, and add "
                      f"the new key once you checked it. {NOTHING}") from None
    except (OSError, paramiko.SSHException, EOFError, ValueError) as error:
        if "not found in known_hosts" in str(error):
            raise Refused(f"{name} is not in {known}: check its host key, and add it, as with `ssh-keyscan`. "
                          f"{NOTHING}") from None
        raise Refused(f"{name} cannot be reached as {connection.user}: {str(error) or type(error).__name__}. Is it on, "
                      "does its sshd answer, and does the agent or ~/.ssh/config have your key? "
                      f"{NOTHING}") from None
