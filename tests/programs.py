"""Python programs of HBNB in processes of their own, without the time that each would need to import its libraries.

A parent process imports the libraries and most modules once; `Program` and `run` have it fork. The new process has its
own memory, files, environment and signals, and is a child of the tests, like any other process. Programs for which
that is not enough (see `_is_forked`) run in a new interpreter.
"""
from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# These create an application, or start a program, when they are imported.
_PROGRAMS = ("api.v1.app", "web_flask.app", "web_flask.static_export")
_PACKAGES = ("models", "services", "cli", "monitoring", "serving", "web", "api", "web_flask", "web_dynamic", "legacy")
_PR_SET_CHILD_SUBREAPER = 36
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Program(subprocess.Popen[Any]):
    """A process that runs Python: `Program(["console.py", "count", "State"], environ)`.

    Args:
        command: the arguments for Python: a script, `-m` and a module, or `-c` and code.
        environ: the environment variables.
        forks: False always starts a new interpreter.
        options: those of `subprocess.Popen`.
    """

    def __init__(self, command: Sequence[str | Path], environ: Mapping[str, str], *, forks: bool = True,
                 **options: Any) -> None:
        self._forks = forks and _is_forked(command, environ, options)
        super().__init__([sys.executable, *map(str, command)], env=dict(environ), **options)

    def _execute_child(self, args: list[str], executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any,
                       cwd: Any, env: dict[str, str], startupinfo: Any, creationflags: Any, shell: Any,
                       p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int, errread: int, errwrite: int,
                       restore_signals: Any, gid: Any, gids: Any, uid: Any, umask: Any, start_new_session: bool,
                       *more: Any) -> None:
        if not self._forks:
            super()._execute_child(     # type: ignore[misc]
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell, p2cread,
                p2cwrite, c2pread, c2pwrite, errread, errwrite, restore_signals, gid, gids, uid, umask,
                start_new_session, *more)
            return
        streams = [own if number == -1 else number for own, number in enumerate((p2cread, c2pwrite, errwrite))]
        self.pid = _fork({"command": args[1:], "environ": env, "cwd": str(cwd or os.getcwd()),
                          "session": start_new_session}, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)   # type: ignore[attr-defined]


def run(command: Sequence[str | Path], environ: Mapping[str, str], *, input: str | None = None,
        timeout: float = 120, check: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program until it ends, and return its output, as `subprocess.run` does.

    Args:
        command, environ, options: see `Program`.
        input: what it can read.
        timeout: seconds after which it is killed.
        check: whether an exit status other than 0 raises `CalledProcessError`.
    """
    options = {"stdin": subprocess.PIPE if input is not None else subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, "text": True} | options
    with Program(command, environ, **options) as process:
        try:
            out, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    ended = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
    if check:
        ended.check_returncode()
    return ended


def _is_forked(command: Sequence[str | Path], environ: Mapping[str, str], options: Mapping[str, Any]) -> bool:
    """Whether a fork does the same: the interpreter has no options, no settings of its own, and the same modules."""
    first = str(command[0])
    relevant = ("PYTHON", "LANG", "LC_", "TZ", "COV")
    own, others = ({name: value for name, value in each.items() if name.startswith(relevant) and name != "PYTHONPATH"}
                   for each in (os.environ, environ))
    modules = environ.get("PYTHONPATH", str(ROOT)) == str(ROOT)
    script = not first.startswith("-") and Path(options.get("cwd") or "", first).resolve().is_relative_to(ROOT)
    known = {"cwd", "stdin", "stdout", "stderr", "text", "encoding", "errors", "start_new_session"}
    return own == others and modules and (script or first in ("-c", "-m")) and {*options} <= known


_lock = threading.Lock()
_parents: dict[int, tuple[subprocess.Popen[bytes], socket.socket]] = {}


def _fork(order: Mapping[str, Any], streams: Sequence[int]) -> int:
    """Have the parent process fork; return the id of the new process, which becomes a child of this one."""
    with _lock:
        _, connection = _parents.get(os.getpid()) or _start_parent()
        text = json.dumps(order).encode("utf-8", "surrogateescape")
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(connection, [len(text).to_bytes(8, "big")], [*streams])
            connection.sendall(text)
            if not (answer := connection.recv(8)):
                raise RuntimeError("the parent of the programs ended: run `python -m tests.programs` to see why")
            return int.from_bytes(answer, "big")
        finally:
            _prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _start_parent() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    own = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")}
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", "tests.programs"], cwd=ROOT, stdin=theirs, env=own,
                                   stdout=subprocess.DEVNULL)
    _parents[os.getpid()] = process, ours
    atexit.register(_end_parent, process, ours)
    return process, ours


def _end_parent(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    connection.close()
    process.wait(10)


def _import() -> None:
    """Import what programs need, without any effect of it."""
    for package in _PACKAGES:
        found = importlib.import_module(package)
        for each in pkgutil.walk_packages(found.__path__, f"{package}."):
            if each.name not in _PROGRAMS:
                importlib.import_module(each.name)
    for name in ("console", "server", "sample", "migrations", "alembic.command", "MySQLdb",
                 "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.mysql.mysqldb"):
        importlib.import_module(name)
    importlib.import_module("sqlalchemy.orm").configure_mappers()
    assert threading.active_count() == 1


def _wait_for_order(connection: socket.socket) -> Callable[[], None] | None:
    """Fork for each order. Returns: in each fork, the program that it must run; None once the tests end."""
    while True:
        head, received, *_ = socket.recv_fds(connection, 8, 3)
        if not head:
            return None
        size, text = int.from_bytes(head, "big"), b""
        while len(text) < size:
            text += connection.recv(size - len(text))
        reader, writer = os.pipe()
        between = os.fork()
        if not between and not (number := os.fork()):
            os.close(reader)
            os.close(writer)
            return _prepare(json.loads(text.decode("utf-8", "surrogateescape")), received, connection)
        if not between:         # The tests become the parent of the new process when this one ends.
            os.write(writer, number.to_bytes(8, "big"))
            os._exit(0)
        os.close(writer)
        number = os.read(reader, 8)
        os.waitpid(between, 0)
        for each in (reader, *received):
            os.close(each)
        connection.sendall(number)


def _prepare(order: Mapping[str, Any], streams: Sequence[int], connection: socket.socket) -> Callable[[], None]:
    """Make this process what a new interpreter would be, and return the program that it must run."""
    if order["session"]:
        os.setsid()
    connection.close()
    for own, number in enumerate(streams):
        os.dup2(number, own)
        os.close(number)
    for own, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        old = getattr(sys, name)
        new = open(own, mode, encoding=old.encoding, errors=old.errors, closefd=False)
        new.reconfigure(line_buffering=name == "stderr" or new.isatty())    # type: ignore[attr-defined]
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    return lambda: _execute(*order["command"])


def _execute(first: str, *arguments: str) -> None:
    rest = [each for each in sys.path if each not in ("", str(ROOT))]
    sys.path[:] = [*filter(None, [os.environ.get("PYTHONPATH")]), *rest]
    if first == "-c":
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        sys.argv, sys.path[:0] = ["-c", *arguments[1:]], [""]
        exec(compile(arguments[0], "<string>", "exec"), vars(main))
    elif first == "-m":
        sys.argv, sys.path[:0] = [first, *arguments[1:]], [os.getcwd()]
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[:0] = [first, *arguments], [str(Path(first).resolve().parent)]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl+C is for the tests, which then end this process
    _import()
    gc.freeze()
    if program := _wait_for_order(socket.socket(fileno=0)):
        program()
