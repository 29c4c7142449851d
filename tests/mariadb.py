"""A MariaDB server for tests, on a Unix socket in a temporary folder."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import MySQLdb

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


class MariaDB:
    """A server that a test can start, stop, suspend and kill.

    Args:
        options: additional options of the server, such as `--wait-timeout=2`.
        parent: the parent of its temporary folder.
    """

    def __init__(self, *options: str, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hbnb-db-", dir=parent))
        self.socket = str(self.folder / "socket")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._run("mariadb-install-db", "mysql_install_db", "--auth-root-authentication-method=normal",
                  "--skip-test-db", *self._common())
        self.start()

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._program("mariadbd", "mysqld"), *self._common(), f"--socket={self.socket}",
                 f"--pid-file={self.folder}/pid", "--skip-networking", "--skip-log-bin",
                 "--local-infile=1", *self._options],
                stdout=log, stderr=log)
        for _ in range(300):
            try:
                self.connect().close()
                return
            except MySQLdb.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"MariaDB does not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP to suspend the server and SIGCONT to resume it."""
        if self._process is not None:
            self._process.send_signal(number)
            while number == signal.SIGSTOP and not self._is_stopped():
                time.sleep(0.01)

    def _is_stopped(self) -> bool:
        """Whether all threads are stopped; a thread on another core may finish its statement first."""
        states = [path.read_text().rpartition(")")[2].split()[0]
                  for path in Path(f"/proc/{self._process.pid}/task").glob("*/stat")]
        return all(state == "T" for state in states)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str = "", **options: object) -> MySQLdb.Connection:
        return MySQLdb.connect(unix_socket=self.socket, user="root", database=database, charset="utf8mb4", **options)

    def execute(self, statements: str, database: str = "") -> None:
        """Run SQL statements with the command-line client, as root."""
        subprocess.run([self._program("mariadb", "mysql"), f"--socket={self.socket}", "--user=root",
                        "--default-character-set=utf8mb4", database],
                       input=statements.encode(), check=True, capture_output=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.send(number)
            self._process.wait(60)
            self._process = None

    def _common(self) -> list[str]:
        # A starting server deletes temporary tables in its --tmpdir, so servers must not share one.
        return ["--no-defaults", f"--datadir={self.folder}/data", f"--tmpdir={self.folder}",
                f"--user={'root' if os.geteuid() == 0 else ''}"]

    def _run(self, *command: str) -> None:
        names, options = command[:2], command[2:]
        subprocess.run([self._program(*names), *options], check=True, capture_output=True)

    @staticmethod
    def _program(*names: str) -> str:
        for name in names:
            if found := shutil.which(name, path=_PATH):
                return found
        raise RuntimeError(f"{names[0]} is not installed: apt-get install mariadb-server")
