"""Hosts over SSH: run scripts, transfer files, and hold locks. Each action is one shell script of `steps/`."""
from __future__ import annotations

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from shlex import quote
from typing import TypeVar

import paramiko
from invoke.runners import Promise

from deploy.config import DeployError, Environment
from deploy.connection import CONNECT_TIMEOUT, SILENCE_TIMEOUT, close, connect

SCRIPTS = Path(__file__).parent / "steps"
LOCKED = 75     # exit status: another operator holds the lock
Item = TypeVar("Item")
Result = TypeVar("Result")


class Host:
    """A connected host.

    Args:
        name: as in `hosts.toml`.
        user: to log in as.
    Raises:
        DeployError: the host cannot be reached, shows an unknown key, or refuses the log-in.
    """

    def __init__(self, name: str, user: str, environment: Environment) -> None:
        self.name, self._environment = name, environment
        self._connection = connect(name, user, environment)
        self._transport = self._connection.transport

    def run(self, step: str, variables: Mapping[str, object] = {}, timeout: float = 120) -> str:
        """Run a script of `steps/` in the release root; see `shell`."""
        scripts = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", step))
        return self.shell(step, scripts, variables, timeout)

    def shell(self, action: str, script: str, variables: Mapping[str, object], timeout: float) -> str:
        """Run a script in one `sh -euc`.

        Args:
            action: what the script does, for error messages.
            variables: shell variables, in addition to those of the environment.
            timeout: in seconds.
        Returns:
            The standard output.
        Raises:
            DeployError: the script failed, with its output; or it timed out, or the connection was lost.
        """
        environment = self._environment
        variables = {"ROOT": environment.root, "HEALTH": environment.health, "WAIT": environment.wait,
                     "SERVER_NAME": environment.server_name, "PYTHON": environment.python, **variables}
        command = self._as_admin("sh -euc " + quote("\n".join([*_assignments(variables), script])))
        with self._connection_errors(action):
            running = self._connection.run(command, hide=True, in_stream=False, warn=True, asynchronous=True)
            timed_out = not _finished(running, timeout)
            if timed_out:
                running.runner.kill()
            result = running.join()
            if not timed_out and result.exited == -1:
                raise EOFError("the host stopped answering")
        if timed_out:
            raise DeployError(f"{self.name}: {action} did not finish within {timeout:.0f} s. Check the host, and run "
                              "the command again")
        if result.exited:
            output = result.stderr.strip() or result.stdout.strip() or f"exit status {result.exited}"
            raise DeployError(f"{self.name}: {action}: {output}")
        return str(result.stdout)

    def upload(self, path: Path, target: str) -> None:
        """Upload a file; continues an upload that was cut off. The target appears only when it is complete.

        Raises:
            DeployError: the file did not arrive intact; the target is unchanged.
        """
        variables = {"TARGET": target, "SHA256": sha256(path)}
        self._append(path, f"{target}.part")
        try:
            self.run("finish_upload", variables)
        except DeployError:     # the part that was already there was damaged; the script removed it
            self._append(path, f"{target}.part")
            self.run("finish_upload", variables)

    def _append(self, path: Path, target: str) -> None:
        with self._connection_errors(f"uploading {path.name} (is the disk full?)"), self._sftp() as sftp, (
                sftp.open(target, "ab")) as remote, path.open("rb") as local:
            local.seek(remote.stat().st_size or 0)
            remote.set_pipelined(True)
            while block := local.read(1 << 15):
                remote.write(block)

    def upload_private(self, content: bytes) -> str:
        """Write a temporary file that only the current user can read. Returns its path."""
        path = f"/tmp/hbnb-{secrets.token_hex(8)}"
        with self._connection_errors("writing a temporary file"), self._sftp() as sftp, sftp.open(path, "wx") as remote:
            remote.chmod(0o600)
            remote.write(content)
        return path

    def download(self, source: str, path: Path) -> None:
        with self._connection_errors(f"downloading {source}"), self._sftp() as sftp:
            sftp.get(source, str(path))

    def lock(self, purpose: str) -> None:
        """Lock the host until the connection ends, for whatever reason it ends.

        Raises:
            DeployError: another operator holds the lock; the message names them.
        """
        with self._connection_errors("locking"):
            channel = self._transport.open_session(timeout=CONNECT_TIMEOUT)
            channel.settimeout(CONNECT_TIMEOUT)
            variables = {"ROOT": self._environment.root, "OPERATOR": f"{operator()}, {purpose}"}
            command = "sh -euc " + quote("\n".join([*_assignments(variables), (SCRIPTS / "lock.sh").read_text()]))
            if self._connection.user != self._environment.user:     # that user owns ROOT, and could put links in it
                command = self._as_admin(f"runuser -u {quote(self._environment.user)} -- {command}")
            channel.exec_command(command)
            output = channel.makefile("r").readline().strip()
        if output != "locked":
            raise DeployError(f"{self.name}: {output or 'cannot be locked: run `fab ENV provision` first'}",
                              LOCKED if output else 1)
        self._lock = channel    # the channel closes if it is garbage-collected

    def close(self) -> None:
        close(self._connection)

    def _as_admin(self, command: str) -> str:
        """The command with sudo, if the connection is an administrator's other than root."""
        return f"sudo -n {command}" if self._connection.user == self._environment.admin != "root" else command

    def _sftp(self) -> paramiko.SFTPClient:
        sftp = self._connection.client.open_sftp()
        sftp.get_channel().settimeout(SILENCE_TIMEOUT)
        return sftp

    @contextmanager
    def _connection_errors(self, action: str) -> Iterator[None]:
        """Turns a lost connection or a failed write into a DeployError."""
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise DeployError(f"{self.name}: {action} failed: {str(error) or type(error).__name__}. Check the host, "
                              "and run the command again") from None


def _assignments(variables: Mapping[str, object]) -> list[str]:
    return [f"{name}={quote(str(value))}" for name, value in variables.items()]


def _finished(running: Promise, timeout: float) -> bool:
    """Wait for a command; False if it timed out. Invoke's own timeout can miss the end of a command."""
    end = time.monotonic() + timeout
    while not running.runner.process_is_finished:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class Hosts:
    """Several hosts, all connected, or none.

    Args:
        names: of the hosts.
        user: to log in as.
        lock: what the hosts are locked for; empty = do not lock them.
        unreachable: receives the error of each host that cannot be reached, by name; without it, such an error is
            raised.
    Raises:
        DeployError: a host cannot be reached, or another operator holds its lock.
    """

    def __init__(self, environment: Environment, names: list[str], user: str, lock: str = "",
                 unreachable: dict[str, str] | None = None) -> None:
        self._all: list[Host] = []

        def connect_to(name: str) -> None:
            try:
                self._all.append(Host(name, user, environment))
            except DeployError as error:
                if unreachable is None:
                    raise
                unreachable[name] = str(error)
        try:
            in_parallel(connect_to, names)
            self._all.sort(key=lambda host: names.index(host.name))
            # Every deployment locks the hosts in the same order, so that two at once cannot block each other.
            for host in self._all if lock else ():
                host.lock(lock)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        for host in self._all:
            host.close()

    def __iter__(self) -> Iterator[Host]:
        return iter(self._all)

    @property
    def first(self) -> Host:
        return self._all[0]

    def run(self, step: str, variables: Mapping[str, object] = {}, timeout: float = 120) -> dict[str, str]:
        """Run a script on all hosts at once. Returns its output by host name."""
        return dict(in_parallel(lambda host: (host.name, host.run(step, variables, timeout)), self._all))


def operator() -> str:
    """The operator as `user@machine`, for locks and the history."""
    try:
        name = getuser()
    except (KeyError, OSError):     # the user has no name, as in many containers
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call a function for all items at once, and wait for all calls.

    Raises:
        DeployError: some calls failed; the message has all of their errors.
    """
    items = [*items]
    with ThreadPoolExecutor(max(len(items), 1)) as pool:    # leaving the block waits for all threads, after Ctrl-C too
        futures = [pool.submit(function, item) for item in items]
        wait(futures)
    errors = [error for future in futures if (error := future.exception())]
    for error in errors:
        if not isinstance(error, DeployError):
            raise error
    if errors:
        raise DeployError("\n".join(map(str, errors)),
                          max(error.status for error in errors if isinstance(error, DeployError)))
    return [future.result() for future in futures]
