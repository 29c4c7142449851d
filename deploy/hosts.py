"""The hosts of an environment over SSH: one shell script for each thing that is done there."""
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

from deploy.config import Environment, Refused
from deploy.connection import CONNECT, SILENT, close, connect

SCRIPTS = Path(__file__).parent / "steps"
LOCKED = 75     # exit status: somebody else is at work
Item = TypeVar("Item")
Found = TypeVar("Found")


class Host:
    """A host that was connected to.

    Args:
        name: as `hosts.toml` has it.
        user: who comes.
    Raises:
        Refused: it is not there, is not who it was, or does not let us in.
    """

    def __init__(self, name: str, user: str, environment: Environment) -> None:
        self.name, self._environment = name, environment
        self._connection = connect(name, user, environment)
        self._transport = self._connection.transport

    def run(self, step: str, given: Mapping[str, object] = {}, timeout: float = 120) -> str:
        """Run a script of `steps/` in the folder of releases; see `shell`."""
        scripts = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", step))
        return self.shell(step, scripts, given, timeout)

    def shell(self, what: str, script: str, given: Mapping[str, object], timeout: float) -> str:
        """Run a script, all of it in one `sh -euc`.

        Args:
            what: it does, for messages.
            given: the variables that it finds beside those of the environment.
            timeout: seconds, after which the host is given up.
        Returns:
            What it printed.
        Raises:
            Refused: it failed; says what it wrote.
        """
        environment = self._environment
        variables = {"ROOT": environment.root, "HEALTH": environment.health, "WAIT": environment.wait,
                     "SERVER_NAME": environment.server_name, "PYTHON": environment.python, **given}
        lines = (f"{name}={quote(str(value))}" for name, value in variables.items())
        command = self._privileged("sh -euc " + quote("\n".join([*lines, script])))
        with self._told(what):
            running = self._connection.run(command, hide=True, in_stream=False, warn=True, asynchronous=True)
            end = time.monotonic() + timeout    # Invoke has a clock too, and may not see that it struck
            while not (late := time.monotonic() > end) and not running.runner.process_is_finished:
                time.sleep(0.01)
            if late:
                running.runner.kill()
            result = running.join()
            if not late and result.exited == -1:
                raise EOFError("the host fell silent")
        if late:
            raise Refused(f"{self.name}: {what} did not end within {timeout:.0f} s. Look at the host, and run this "
                          "again")
        if result.exited:
            said = result.stderr.strip() or result.stdout.strip() or f"it ended with status {result.exited}"
            raise Refused(f"{self.name}: {what}: {said}")
        return str(result.stdout)

    def upload(self, path: Path, target: str) -> None:
        """Put a file on the host, going on where an earlier one was cut off; it is there when all of it is.

        Raises:
            Refused: it did not arrive as it is here; the host is as it was.
        """
        given = {"TARGET": target, "SHA256": digest(path)}
        self._send(path, f"{target}.part")
        try:
            self.run("received", given)
        except Refused:     # what was there was of no use, and is gone
            self._send(path, f"{target}.part")
            self.run("received", given)

    def _send(self, path: Path, target: str) -> None:
        with self._told(f"uploading {path.name} (is its disk full?)"), self._sftp() as sftp, (
                sftp.open(target, "ab")) as remote, path.open("rb") as local:
            local.seek(remote.stat().st_size or 0)
            remote.set_pipelined(True)
            while block := local.read(1 << 15):
                remote.write(block)

    def put(self, content: bytes) -> str:
        """Put something into a file of its own, which nobody else may read; gives its path."""
        path = f"/tmp/hbnb-{secrets.token_hex(8)}"
        with self._told("putting a file there"), self._sftp() as sftp, sftp.open(path, "wx") as remote:
            remote.chmod(0o600)
            remote.write(content)
        return path

    def download(self, source: str, path: Path) -> None:
        with self._told(f"fetching {source}"), self._sftp() as sftp:
            sftp.get(source, str(path))

    def lock(self, purpose: str) -> None:
        """Keep all others off until the connection ends, however it ends.

        Raises:
            Refused: somebody else is at work; says who.
        """
        with self._told("locking it"):
            channel = self._transport.open_session(timeout=CONNECT)
            channel.settimeout(CONNECT)
            given = {"ROOT": self._environment.root, "WHO": f"{who()}, {purpose}"}
            command = "sh -euc " + quote("\n".join([
                *(f"{name}={quote(value)}" for name, value in given.items()), (SCRIPTS / "lock.sh").read_text()]))
            if self._connection.user != self._environment.user:     # it is theirs, and so may be the links on the way
                command = self._privileged(f"runuser -u {quote(self._environment.user)} -- {command}")
            channel.exec_command(command)
            said = channel.makefile("r").readline().strip()
        if said != "locked":
            raise Refused(f"{self.name}: {said or 'the lock cannot be taken: is this host provisioned?'}",
                          LOCKED if said else 1)
        self._lock = channel    # which is closed when it is forgotten

    def close(self) -> None:
        close(self._connection)

    def _privileged(self, command: str) -> str:
        """A command, with the rights that an administrator has."""
        return f"sudo -n {command}" if self._connection.user == self._environment.admin != "root" else command

    def _sftp(self) -> paramiko.SFTPClient:
        sftp = self._connection.client.open_sftp()
        sftp.get_channel().settimeout(SILENT)
        return sftp

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Say it in a sentence when the host is lost, or its disk refuses."""
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Refused(f"{self.name}: {what} broke off: {str(error) or type(error).__name__}. Look at the host, and "
                          "run this again") from None


class Hosts:
    """Some hosts, all connected, or none.

    Args:
        names: which.
        user: who comes.
        lock: what for, where nobody else may be at work there.
        away: takes why a host cannot be reached, by its name, for who only looks, and at as many as there are.
    Raises:
        Refused: one of them cannot be reached, or somebody else is at work there.
    """

    def __init__(self, environment: Environment, names: list[str], user: str, lock: str = "",
                 away: dict[str, str] | None = None) -> None:
        self._all: list[Host] = []

        def connected(name: str) -> None:
            try:
                self._all.append(Host(name, user, environment))
            except Refused as error:
                if away is None:
                    raise
                away[name] = str(error)
        try:
            in_parallel(connected, names)
            self._all.sort(key=lambda host: names.index(host.name))
            for host in self._all if lock else ():      # in one order, so that of two one gets them all
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

    def run(self, script: str, given: Mapping[str, object] = {}, timeout: float = 120) -> dict[str, str]:
        """What a script prints on each host, by the host's name."""
        return dict(in_parallel(lambda host: (host.name, host.run(script, given, timeout)), self._all))


def who() -> str:
    """Who works here, for those who work there."""
    try:
        name = getuser()
    except (KeyError, OSError):     # nobody with a name, as in many a container
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_parallel(work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """Do something for each, all at once; it is over when the last is.

    Raises:
        Refused: it failed for some; says for each what.
    """
    items = [*items]
    with ThreadPoolExecutor(max(len(items), 1)) as pool:    # whose end waits for all, a Ctrl-C or not
        futures = [pool.submit(work, item) for item in items]
        wait(futures)
    errors = [error for each in futures if (error := each.exception())]
    for error in errors:
        if not isinstance(error, Refused):
            raise error
    if errors:
        raise Refused("\n".join(map(str, errors)), max(error.status for error in errors if isinstance(error, Refused)))
    return [each.result() for each in futures]
