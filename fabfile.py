"""`fab [ENVIRONMENT] TASK`: HBNB on its servers. `fab --list` names the tasks, docs/deployment.md explains them.

Hosts, users and keys stand in the file that HBNB_DEPLOY names: see deploy/hosts.toml.
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
from deploy.config import NAMES, Environment, Refused
from deploy.hosts import Hosts

chosen = ""     # the environment; empty = the default one
packed = ""     # the archive of a task before this one


def task(**options: Any) -> Callable[[Callable[..., Any]], Task[Any]]:
    """A task that ends with a sentence for people, and the exit status of what went wrong."""
    def make(work: Callable[..., Any]) -> Task[Any]:
        @functools.wraps(work)
        def run(*given: Any, **named: Any) -> Any:
            try:
                return work(*given, **named)
            except Refused as error:
                raise Exit(f"fab: {error}", error.status) from None
            except KeyboardInterrupt:
                raise Exit("fab: interrupted; what was done before stays: see `fab ENV status`, or run it again",
                           130) from None
        return Task(run, **options)
    return make


def environment(name: str) -> Task[Any]:
    @task(name=name)
    def choose(c: Context) -> None:
        global chosen
        chosen = name
    choose.__doc__ = f"Have the tasks that follow work on {name}."
    return choose


def here() -> Environment:
    return Environment.read(chosen)


@contextmanager
def told_at_the_end() -> Iterator[dict[str, str]]:
    """Takes why hosts are away from who shows the others, and ends with it."""
    away: dict[str, str] = {}
    yield away
    if away:
        raise Refused("\n".join(away.values()))


def packed_now(revision: str) -> str:
    global packed
    found = archive.pack(chosen, revision=revision)
    packed = str(found.path)
    if archive.uncommitted():
        print("What is not committed is not packed")
    print(f"{found.path.relative_to(archive.ROOT)}  {found.path.stat().st_size} bytes, sha256 {found.sha256}")
    return packed


@task(aliases=("do_pack",), help={"revision": "of git"})
def pack(c: Context, revision: str = "HEAD") -> str:
    """Pack a revision into versions/; without an environment under the classic name."""
    return packed_now(revision)


@task(help={"archive-path": "of an archive in versions/; default: pack one", "revision": "that is packed",
            "maintenance": "show the page meanwhile: for migrations that the running release cannot bear",
            "token": "make an API token of that name first, and print it"})
def deploy(c: Context, archive_path: str = "", revision: str = "HEAD", maintenance: bool = False,
           token: str = "") -> None:
    """Ship a release to all web servers, or to none."""
    environment = here()
    path = archive_path or packed_now(revision)
    release.deploy(environment, Archive.read(Path(path)), maintenance, token)
    archive.clean(chosen, environment.keep)


@task(help={"archive-path": "default: what `do_pack` made before, as in `fab do_pack do_deploy`"})
def do_deploy(c: Context, archive_path: str = "") -> None:
    """Ship an archive that was packed before."""
    if not (archive_path or packed):
        raise Refused("do_deploy ships an archive: name it by --archive-path, or run `fab do_pack do_deploy`")
    release.deploy(here(), Archive.read(Path(archive_path or packed)))


@task(help={"to": "name of the release; default: the one before"})
def rollback(c: Context, to: str = "") -> None:
    """Make an earlier release current on all web servers, or on none."""
    release.rollback(here(), to)


@task(help={"revision": "that would be packed"})
def plan(c: Context, revision: str = "HEAD") -> None:
    """Tell what `deploy` would do; packs, asks the servers, and changes nothing there."""
    print(*release.plan(here(), revision), sep="\n")


@task()
def status(c: Context) -> None:
    """Tell which release runs where, and whether it answers; the exit status is 1 where one does not."""
    with told_at_the_end() as away:
        found = release.status(here(), away)
        for name, state in found.items():
            print(f"{name}: {state.current or 'nothing'}, {'answers' if state.healthy else 'DOES NOT ANSWER'}")
            if state.trouble:
                print(f"  it says: {state.trouble}")
            print(f"  before: {state.previous or 'nothing'}; there: {', '.join(state.releases) or 'nothing'}",
                  f"  up: {', '.join(state.running) or 'nothing'}; free: {state.free // 1024} MiB", sep="\n")
            if state.maintenance:
                print(f"  the maintenance page is up, put there by: {state.maintenance}")
            if state.lock:
                print(f"  at work: {state.lock}")
        if len({state.current for state in found.values()}) > 1:
            print("They do not serve the same release")
    if not all(state.healthy for state in found.values()):
        raise Refused("not all answer")


@task(help={"lines": "of each host's log"})
def history(c: Context, lines: int = 20) -> None:
    """Tell what was done, when, by whom, and how it went."""
    with told_at_the_end() as away:
        for each in release.history(here(), lines, away):
            outcome = "ok" if each["ok"] else f"FAILED: {each['error'].splitlines()[0]}"
            print(f"{each['at']}  {each['action']:<15} {each['release'] or each.get('file', ''):<40} {each['by']:<10} "
                  f"{outcome}  ({', '.join(each['hosts'])})")


@task()
def maintenance(c: Context, page: str) -> None:
    """`maintenance on` shows the page to everybody, `maintenance off` the site again."""
    if page not in ("on", "off"):
        raise Refused(f"maintenance is on or off, not {page}")
    release.maintenance(here(), page == "on")


@task()
def test(c: Context) -> None:
    """Try what the environment serves by the functional tests; what passes on staging may go to production."""
    release.test(here())


@task(help={"number": "of releases and archives that stay; 0 keeps one"})
def clean(c: Context, number: int = -1) -> None:
    """Remove the oldest releases and archives, but never the current or the one before."""
    cleaned(here().keep if number == -1 else number)


@task()
def do_clean(c: Context, number: int = 0) -> None:
    """The same; keeps one where no number is given."""
    cleaned(number)


def cleaned(number: int) -> None:
    if number < 0:
        raise Refused(f"{number} releases cannot stay: say how many, 0 or more")
    print(*archive.clean(chosen, number), sep="\n")
    release.clean(replace(here(), keep=number))


@task(help={"db": "also the database server"})
def provision(c: Context, db: bool = False) -> None:
    """Make bare Debian's what they should be; says what changed."""
    provisioning.provision(here(), db)


@task(help={"lines": "of each host"})
def log(c: Context, lines: int = 100) -> None:
    """Show what the application said last on each web server."""
    environment = here()
    with told_at_the_end() as away, Hosts(environment, environment.web, environment.user, away=away) as hosts:
        for name, said in hosts.run("log", {"LINES": lines}).items():
            print(f"{name}:", said, sep="\n")


@task()
def backup(c: Context) -> None:
    """Fetch a backup of all that the store holds into backups/."""
    print(backups.backup(here()))


@task(help={"path": "of the backup", "replace": "remove what the store holds"})
def restore(c: Context, path: str, replace: bool = False) -> None:
    """Fill an empty store with a backup; the maintenance page is up meanwhile."""
    backups.restore(here(), Path(path), replace)


@task()
def console(c: Context, command: str) -> None:
    """Run a command of HBNB's console on the first web server, as in `fab production console 'token list'`.

    Logs and lists of processes there show it: write nothing secret in it.
    """
    environment = here()
    with Hosts(environment, environment.web[:1], environment.user) as hosts:
        print(hosts.first.run("console", {"COMMAND": command}), end="")


@task(help={"port": "on this machine alone"})
def dashboard(c: Context, port: int = 8008) -> None:
    """Serve a page that shows which release runs where, and can take it back."""
    from deploy.dashboard import serve
    serve(here(), port)


namespace = Collection(*map(environment, NAMES), pack, deploy, do_deploy, rollback, plan, status, history, maintenance,
                       test, clean, do_clean, provision, log, backup, restore, console, dashboard)
