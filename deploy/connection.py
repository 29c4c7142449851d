"""SSH connections: only to hosts in known_hosts, with timeouts on every part."""
from __future__ import annotations

import logging
import socket
from pathlib import Path

import paramiko
from fabric import Config, Connection

from deploy.config import DeployError, Environment

CONNECT_TIMEOUT = 5     # seconds, for each of TCP connection, SSH banner and authentication
SILENCE_TIMEOUT = 15    # seconds without an answer, after which the connection is closed
UNCHANGED = "Nothing was changed on any host"
logging.getLogger("paramiko").addHandler(logging.NullHandler())     # keeps its tracebacks off the terminal


def connect(name: str, user: str, environment: Environment) -> Connection:
    """Connect to a host, through the jump hosts that the SSH configuration names.

    Args:
        name: of the host, as in `hosts.toml`.
        user: to log in as.
    Raises:
        DeployError: the host or a jump host cannot be reached, shows an unknown key, or refuses the log-in.
    """
    ssh_config = Path(environment.ssh_config).expanduser()
    try:
        config = Config(runtime_ssh_path=str(ssh_config) if ssh_config.is_file() else None)
        connection = Connection(name, user, config=config)
    except (OSError, paramiko.SSHException, ValueError) as error:
        raise DeployError(f"{ssh_config} is not a valid SSH configuration: {error}. {UNCHANGED}") from None
    try:
        for hop in reversed(_hops(connection)):
            _open(hop, Path(environment.known_hosts).expanduser())
    except DeployError:
        close(connection)
        raise
    _detect_silence(connection)
    return connection


def _detect_silence(connection: Connection) -> None:
    """Have the connection fail if the host stops answering, during any step."""
    connection.transport.set_keepalive(SILENCE_TIMEOUT // 3)
    if isinstance(sock := connection.transport.sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_TIMEOUT * 1000)


def close(connection: Connection) -> None:
    for hop in _hops(connection):
        hop.close()
        hop.client.close()      # Fabric does not close a client whose log-in was refused


def _hops(connection: Connection) -> list[Connection]:
    """The connection and its jump hosts, the first jump host last."""
    hops = []
    while isinstance(connection, Connection):
        hops.append(connection)
        connection = connection.gateway
    return hops


def _open(connection: Connection, known_hosts: Path) -> None:
    name = connection.original_host
    connection.connect_timeout = CONNECT_TIMEOUT
    connection.connect_kwargs = {**connection.connect_kwargs, "auth_timeout": CONNECT_TIMEOUT,
                                 "channel_timeout": SILENCE_TIMEOUT}
    try:
        connection.client.load_system_host_keys(str(known_hosts))
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        connection.open()
    except paramiko.BadHostKeyException as error:
        raise DeployError(f"{name} shows another host key ({error.key.fingerprint}) than the one in {known_hosts}: it "
                          "may be another machine. If the host was reinstalled, remove the old key with "
                          f"`ssh-keygen -R`, and add the new key after you checked it. {UNCHANGED}") from None
    except (OSError, paramiko.SSHException, EOFError, ValueError) as error:
        if "not found in known_hosts" in str(error):
            raise DeployError(f"{name} is not in {known_hosts}: check its host key, and add it, for example with "
                              f"`ssh-keyscan`. {UNCHANGED}") from None
        raise DeployError(f"{name} cannot be reached as {connection.user}: {str(error) or type(error).__name__}. Check "
                          "that the host is on, that its sshd answers, and that the SSH agent or ~/.ssh/config has "
                          f"your key. {UNCHANGED}") from None
