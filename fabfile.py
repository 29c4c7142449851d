"""The Fabric tasks: `fab [ENVIRONMENT] TASK`. `fab --list` lists them; docs/deployment.md explains them.

Hosts, users and other options are read from the file that HBNB_DEPLOY names; deploy/hosts.toml is an example.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from deploy import archive, backups, release
from deploy import provision as provisioning
from deploy.archive import Archive
from deploy.config import NAMES, DeployError, Environment
from deploy.hosts import Hosts
from deploy.transaction import HostState

environment_name = ""   # set by the task `dev`, `staging` or `production`; empty = the default environment
last_archive = ""       # the path of the archive that an earlier task of this command packed


def task(**options: Any) -> Callable[[Callable[..., Any]], Task[Any]]:
    """Decorator for tasks: an error ends `fab` with a message instead of a traceback, and with its exit status."""
    def make(function: Callable[..., Any]) -> Task[Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except DeployError as error:
                raise Exit(f"fab: {error}", error.status) from None
            except KeyboardInterrupt:
                raise Exit("fab: interrupted. The changes made so far stay. Look at the hosts with `fab ENV status`, "
                           "and run the command again", 130) from None
        return Task(run, **options)
    return make


def environment_task(name: str) -> Task[Any]:
    @task(name=name)
    def select(c: Context) -> None:
        global environment_name
        environment_name = name
    select.__doc__ = f"Choose the {name} hosts for the tasks named after it, as in `fab {name} status`."
    return select


def selected_environment() -> Environment:
    return Environment.read(environment_name)


@contextmanager
def unreachable_hosts() -> Iterator[dict[str, str]]:
    """Collects errors by host while the other hosts are shown; raises them together at the end."""
    unreachable: dict[str, str] = {}
    yield unreachable
    if unreachable:
        raise DeployError("\n".join(unreachable.values()))


def pack_archive(revision: str) -> str:
    global last_archive
    packed = archive.pack(environment_name, revision=revision)
    last_archive = str(packed.path)
    if archive.has_uncommitted_changes():
        print("Uncommitted changes are not packed")
    print(f"{packed.path.relative_to(archive.ROOT)}  {packed.path.stat().st_size} bytes, sha256 {packed.sha256}")
    return last_archive


@task(aliases=("do_pack",), help={"revision": "git revision to pack"})
def pack(c: Context, revision: str = "HEAD") -> str:
    """Pack a git revision into versions/. Without an environment, the archive is named web_static_<time>.tgz."""
    return pack_archive(revision)


@task(help={"archive-path": "path of an archive in versions/; default: pack a new one",
            "revision": "git revision to pack",
            "maintenance": "show the maintenance page meanwhile; needed if the running release does not work with the "
                           "new migrations",
            "token": "create an API token with this name first, and print it"})
def deploy(c: Context, archive_path: str = "", revision: str = "HEAD", maintenance: bool = False,
           token: str = "") -> None:
    """Deploy a release to all web servers, or to none of them if it fails on one."""
    environment = selected_environment()
    path = archive_path or pack_archive(revision)
    release.deploy(environment, Archive.read(Path(path)), maintenance, token)
    archive.clean(environment_name, environment.keep)


@task(help={"archive-path": "path of the archive; default: the one that `do_pack` made, as in `fab do_pack do_deploy`"})
def do_deploy(c: Context, archive_path: str = "") -> None:
    """Deploy an existing archive."""
    if not (archive_path or last_archive):
        raise DeployError("do_deploy needs an archive. Pass --archive-path, or run `fab do_pack do_deploy`")
    release.deploy(selected_environment(), Archive.read(Path(archive_path or last_archive)))


@task(help={"to": "name of the release; default: the previous one"})
def rollback(c: Context, to: str = "") -> None:
    """Make an earlier release current on all web servers, or on none of them if it fails on one."""
    release.rollback(selected_environment(), to)


@task(help={"revision": "git revision to pack"})
def plan(c: Context, revision: str = "HEAD") -> None:
    """Show what `deploy` would do. Packs an archive here, and changes nothing on the servers."""
    print(*release.plan(selected_environment(), revision), sep="\n")


@task()
def status(c: Context) -> None:
    """Show which release each web server runs, and whether it is healthy. Exit status 1 if one is not."""
    with unreachable_hosts() as unreachable:
        states = release.status(selected_environment(), unreachable)
        for name, state in states.items():
            print(*describe(name, state), sep="\n")
        if len({state.current for state in states.values()}) > 1:
            print("The hosts do not run the same release")
    if not all(state.healthy for state in states.values()):
        raise DeployError("not all hosts are healthy. `fab ENV log` shows the reason")


def describe(name: str, state: HostState) -> Iterator[str]:
    yield f"{name}: {state.current or 'no release'}, {'healthy' if state.healthy else 'NOT HEALTHY'}"
    if state.health_error:
        yield f"  its health check says: {state.health_error}"
    yield f"  previous: {state.previous or 'none'}; installed: {', '.join(state.releases) or 'none'}"
    yield f"  running: {', '.join(state.running) or 'none'}; free disk space: {state.free // 1024} MiB"
    if state.maintenance:
        yield f"  the maintenance page is up: {state.maintenance_reasons}"
    if state.lock:
        yield f"  locked by: {state.lock}"


@task(help={"lines": "number of lines from each host's log"})
def history(c: Context, lines: int = 20) -> None:
    """Show past actions: when, what, by which operator, and whether they succeeded."""
    with unreachable_hosts() as unreachable:
        for entry in release.history(selected_environment(), lines, unreachable):
            outcome = "ok" if entry["ok"] else f"FAILED: {entry['error'].splitlines()[0]}"
            print(f"{entry['at']}  {entry['action']:<15} {entry['release'] or entry.get('file', ''):<40} "
                  f"{entry['by']:<10} {outcome}  ({', '.join(entry['hosts'])})")


@task(help={"page": "on or off"})
def maintenance(c: Context, page: str) -> None:
    """Switch the maintenance page on or off: `fab ENV maintenance on`, `fab ENV maintenance off`."""
    if page not in ("on", "off"):
        raise DeployError(f"the page cannot be set to {page}: write `maintenance on` or `maintenance off`")
    release.maintenance(selected_environment(), page == "on")


@task()
def test(c: Context) -> None:
    """Run the functional tests against the environment, and record whether its release passed.

    An environment with `tested_on` in hosts.toml accepts only archives that passed there.
    """
    release.test(selected_environment())


@task(help={"number": "how many releases, and how many archives, to keep; default: `keep` of hosts.toml"})
def clean(c: Context, number: int = -1) -> None:
    """Remove the oldest releases on the web servers and the environment's oldest archives in versions/.

    The newest ones are kept, at least one, and always the current and the previous release.
    """
    remove_old(selected_environment().keep if number == -1 else number)


@task(help={"number": "how many releases, and how many archives, to keep; default: 0, which keeps one, like 1"})
def do_clean(c: Context, number: int = 0) -> None:
    """Remove old releases and archives like `clean`, but keep only the newest one unless --number is given.

    The current and the previous release are always kept.
    """
    remove_old(number)


def remove_old(number: int) -> None:
    if number < 0:
        raise DeployError(f"--number is {number}: pass 0 or more")
    print(*archive.clean(environment_name, number), sep="\n")
    release.clean(replace(selected_environment(), keep=number))


@task(help={"db": "also set up the database server"})
def provision(c: Context, db: bool = False) -> None:
    """Set up bare Debian hosts, or update their configuration, and print each change."""
    provisioning.provision(selected_environment(), db)


@task(help={"lines": "number of lines from each host"})
def log(c: Context, lines: int = 100) -> None:
    """Show the last lines of the application's log on each web server."""
    environment = selected_environment()
    with unreachable_hosts() as unreachable, (
            Hosts(environment, environment.web, environment.user, unreachable=unreachable)) as hosts:
        for name, output in hosts.run("log", {"LINES": lines}).items():
            print(f"{name}:", output, sep="\n")


@task()
def backup(c: Context) -> None:
    """Download a backup of everything in the store into backups/."""
    print(backups.backup(selected_environment()))


@task(help={"path": "path of the backup", "replace": "first remove everything that the store holds"})
def restore(c: Context, path: str, replace: bool = False) -> None:
    """Fill an empty store from a backup. The maintenance page is up meanwhile."""
    backups.restore(selected_environment(), Path(path), replace)


@task(help={"command": "a command of HBNB's console"})
def console(c: Context, command: str) -> None:
    """Run a command of HBNB's console on the first web server, as in `fab production console 'token list'`.

    Do not write secrets in the command: logs and process lists on the server show it.
    """
    environment = selected_environment()
    with Hosts(environment, environment.web[:1], environment.user) as hosts:
        print(hosts.first.run("console", {"COMMAND": command}), end="")


@task(help={"port": "port on 127.0.0.1"})
def dashboard(c: Context, port: int = 8008) -> None:
    """Serve a web page on this machine that shows status and history, and can roll back."""
    from deploy.dashboard import serve
    serve(selected_environment(), port)


namespace = Collection(*map(environment_task, NAMES), pack, deploy, do_deploy, rollback, plan, status, history,
                       maintenance, test, clean, do_clean, provision, log, backup, restore, console, dashboard)
