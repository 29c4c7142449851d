"""Releases: shipped, taken back, tested, told."""
from __future__ import annotations

import json
import subprocess
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from deploy import archive as archives
from deploy.archive import ROOT, Archive
from deploy.config import Environment, Refused
from deploy.hosts import Host, Hosts, in_parallel
from deploy.work import State, Step, Work, at_work, say, states

NOT_TESTED = 3      # exit status
STAYS = ("The maintenance page STAYS up: the release before cannot live with the database as it may be now. Mend what"
         " is said above, and deploy again with --maintenance; docs/deployment.md tells the way to the last backup")
BREAKS = ", which the release that runs cannot live with: it would be refused without --maintenance"
UNPACK, INSTALL = Step("unpack", Step("remove"), timeout=300), Step("install", timeout=1200)
PAGE_AS_IT_WAS = Step("maintenance")
PAGE_UP = Step("maintenance", PAGE_AS_IT_WAS, given={"UP": "deploy"})
PAGE_DOWN = Step("maintenance", given={"DOWN": "deploy"})
PAGE_OF_OPERATOR = Step("maintenance", PAGE_AS_IT_WAS, given={"UP": "operator"})
PAGE_OF_NOBODY = Step("maintenance", given={"MAINTENANCE": ""})
MIGRATE = Step("migrate", at="first", timeout=3600)
START, SWITCH = Step("start", Step("stop"), timeout=180), Step("switch", Step("back"), at="each")
CLEAN = Step("clean")


def deploy(environment: Environment, archive: Archive, maintenance: bool = False, token: str = "") -> None:
    """Ship a release to all web servers, or to none.

    Args:
        maintenance: show the page meanwhile, for a migration that the running release cannot bear.
        token: make an API token of that name first, and print it; production does not start without one.
    Raises:
        Refused: it did not go well; every host is what it was.
    """
    if environment.tested_on:
        _need_test(environment, archive)
    given = {"SHA256": archive.sha256, "REVISION": archive.revision, "TOKEN": token,
             "WHEELS": "1" if environment.wheels else ""}
    with at_work(environment, "deploy", archive.name, **given) as work:
        work.note = {"sha256": archive.sha256, "revision": archive.revision}
        in_parallel(lambda host: _upload(host, archive, environment, work.states[host.name]), work.hosts)
        work.do(UNPACK, INSTALL)
        schema = json.loads(work.hosts.first.run("migrations", {"NAME": archive.name}))
        # Where nothing runs yet, nobody has to live with it.
        breaking = [f"{each['revision']}: {each['about']}" for each in schema["pending"]
                    if not each["backward_compatible"] and any(state.current for state in work.states.values())]
        if breaking and not maintenance:
            raise Refused(f"{archive.name} was not started: the release that runs cannot live with what it does to the "
                          f"database ({'; '.join(breaking)}). Choose a quiet time, and add --maintenance")
        is_up = any("deploy" in state.maintenance.split() for state in work.states.values())
        if maintenance:
            work.do(PAGE_UP)
        if stays := bool(breaking) or is_up:       # now, or by one that broke off
            work.keep(PAGE_UP)
        try:
            work.do(*[] if schema["up_to_date"] and not token else [MIGRATE], START, SWITCH)
        except (Refused, KeyboardInterrupt) as error:
            if stays:
                raise Refused(f"{str(error) or 'It was interrupted'}\n{STAYS}") from None
            raise
        if maintenance or is_up:
            work.do(PAGE_DOWN)
        _settled(work, environment, archive.revision)
    say(f"{archive.name} is live on {', '.join(environment.web)}")


def rollback(environment: Environment, to: str = "") -> None:
    """Make an earlier release current on all web servers, or on none.

    Args:
        to: its name; empty = the one before.
    Raises:
        Refused: it did not go well; every host is what it was.
    """
    with at_work(environment, "rollback", to) as work:
        before = {state.previous for state in work.states.values()}
        if not to and (len(before) > 1 or "" in before):
            common = [name for name in next(iter(work.states.values())).releases
                      if all(name in state.releases for state in work.states.values())]
            raise Refused("There is no one release before, on all hosts: say by --to NAME which; all have "
                          f"{', '.join(common) or 'none'}")
        work.release = to = to or before.pop()
        for name, state in work.states.items():
            if to not in state.releases:
                raise Refused(f"{name} has no release {to}, but {', '.join(state.releases) or 'none at all'}")
        work.do(START, SWITCH)
        _settled(work, environment, State.of(work.hosts.first).release.get("revision", ""))
    say(f"{to} is live on {', '.join(environment.web)}")


def maintenance(environment: Environment, on: bool) -> None:
    """Put the maintenance page up on all web servers, or take it down."""
    with at_work(environment, f"maintenance {'on' if on else 'off'}") as work:
        work.do(PAGE_OF_OPERATOR if on else PAGE_OF_NOBODY)


def clean(environment: Environment) -> None:
    """Remove the oldest releases of all web servers."""
    with at_work(environment, "clean") as work:
        work.do(CLEAN)


def test(environment: Environment) -> None:
    """Try the release that an environment serves by the functional tests, and note the outcome there.

    Raises:
        Refused: they failed, or the hosts do not serve one and the same release.
    """
    if not environment.address:
        raise Refused(f"[{environment.name}] has no address: write there which one the tests are to ask")
    with at_work(environment, "test") as work:
        served = {(state.current, state.release.get("sha256", "")) for state in work.states.values()}
        if len(served) != 1 or ("", "") in served:
            raise Refused(f"{environment.name} does not serve one release: deploy one there first")
        [(work.release, work.note["sha256"])] = served
        _need_served(environment, work.release)
        ended = subprocess.run(["make", "functional", f"STAGING_SERVER={environment.address}"], cwd=ROOT)
        work.check()
        _need_served(environment, work.release)
        if ended.returncode:
            raise Refused(f"{work.release} did not pass the functional tests at {environment.address}: what they say "
                          "stands above")
    say(f"{work.release} passed")


def plan(environment: Environment, revision: str) -> list[str]:
    """What deploying a revision would do, in words; asks the servers, and changes nothing there."""
    archive = archives.pack(environment.name, revision=revision)
    lines = [f"{archive.name}, {archive.path.stat().st_size} bytes, sha256 {archive.sha256}"]
    if environment.tested_on:
        try:
            _need_test(environment, archive)
        except Refused as error:
            lines.append(f"It would be refused: {error}")
    found = status(environment)
    for name, state in found.items():
        there = archive.name in state.releases
        lines.append(f"{name}: {state.current or 'nothing'} -> {archive.name}, which is "
                     f"{'there' if there else 'to be uploaded'}")
        lines += [f"  {said}" for said in (
            state.lock and f"It would be refused: at work is {state.lock}",
            state.maintenance and f"The maintenance page is up, put there by: {state.maintenance}",
            not there and state.free < _needed(archive) and f"It would be refused: only {state.free} KiB are free",
        ) if said]
    if current := found[environment.web[0]].current:
        lines += _migrations(environment, archive, current)
    return lines


def _migrations(environment: Environment, archive: Archive, current: str) -> list[str]:
    """What an archive does to the database, which the current release is asked about."""
    try:
        with Hosts(environment, environment.web[:1], environment.user) as hosts:
            schema = json.loads(hosts.first.run("migrations", {"NAME": current}))
    except Refused as error:
        return [f"What the database would get cannot be told: {error}"]
    return [f"The database gets {revision}{'' if able else BREAKS}" for revision, able in archive.migrations().items()
            if schema["head"] and revision > (schema["current"] or "")]


def history(environment: Environment, lines: int = 100, away: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """What was done, the oldest first; what is in several hosts' logs comes once, with all `hosts` that have it.

    Args:
        lines: of each host's log.
        away: see `Hosts`.
    """
    found: dict[str, list[str]] = {}
    with Hosts(environment, environment.web, environment.user, away=away) as hosts:
        for name, said in hosts.run("history", {"LINES": lines}).items():
            for line in said.splitlines():
                found.setdefault(line, []).append(name)
    done = ({**noted, "hosts": names} for line, names in found.items() if (noted := _noted(line)))
    return sorted(done, key=lambda each: each["at"])


def _noted(text: str) -> dict[str, Any] | None:
    """A line of the log; none where it is not one of ours."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) and {"at", "action", "release", "by", "ok"} <= said.keys() else None


def status(environment: Environment, away: dict[str, str] | None = None) -> dict[str, State]:
    """What there is on each web server, by its name; for `away` see `Hosts`."""
    with Hosts(environment, environment.web, environment.user, away=away) as hosts:
        return states(hosts)


def _upload(host: Host, archive: Archive, environment: Environment, state: State) -> None:
    """Have an archive and the wheels on a host, where they are not there."""
    there = archive.name in state.releases
    if not there and state.free < _needed(archive):
        raise Refused(f"{host.name}: its disk is full: {state.free} KiB are free in {environment.root}, {archive.name} "
                      f"takes about {_needed(archive)}. Make room, as by `fab {environment.name} clean`")
    for wheel in sorted(Path(environment.wheels).expanduser().glob("*.whl")) if environment.wheels else ():
        if wheel.name not in state.wheels:
            host.upload(wheel, f"{environment.root}/shared/wheels/{wheel.name}")
    if not there:
        host.upload(archive.path, f"{environment.root}/shared/uploads/{archive.sha256}.tgz")


def _needed(archive: Archive) -> int:
    """The KiB that it takes on a disk: itself, unpacked, and compiled."""
    return archive.path.stat().st_size * 10 // 1024


def _need_test(environment: Environment, archive: Archive) -> None:
    staging = Environment.read(environment.tested_on)
    tests = [each for each in history(staging, 1000)
             if each["action"] == "test" and each.get("sha256") == archive.sha256]
    if not tests or not tests[-1]["ok"]:
        raise Refused(f"{archive.name} is not tested: {environment.name} takes only what passed on {staging.name}. Run "
                      f"`fab {staging.name} deploy test` for the same revision. Nothing was changed", NOT_TESTED)


def _need_served(environment: Environment, name: str) -> None:
    """Refuse to note a test of what may be another release than that of the hosts."""
    address = f"{environment.address}/health/live"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            found = json.load(answer)["release"]
    except (OSError, HTTPException, ValueError, TypeError, KeyError) as error:
        raise Refused(f"{address} does not say which release answers there: {error}. Look at the balancer") from None
    if found != name:
        raise Refused(f"{address} answers for {found}, but the hosts serve {name}: is the address of "
                      f"[{environment.name}] that of its own site?")


def _settled(work: Work, environment: Environment, revision: str) -> None:
    """What comes after a release is live, and does not take it back."""
    work.settle()
    try:
        work.do(CLEAN)
        if revision and environment.name == "production":
            archives.tag(revision)
    except (Refused, KeyboardInterrupt) as error:
        say(f"{work.release} is live, but not all was tidied up: {str(error) or 'it was interrupted'}")
