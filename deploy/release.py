"""Releases: deploy, roll back, test, plan, history and status."""
from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from deploy import archive as archives
from deploy.archive import ROOT, Archive
from deploy.config import DeployError, Environment
from deploy.hosts import Host, Hosts, in_parallel
from deploy.transaction import HostState, Step, Transaction, echo, states, transaction

NOT_TESTED = 3      # exit status
PAGE_STAYS = ("The maintenance page STAYS up, because the previous release may not work with the database as it is "
              "now. Fix the error above, and deploy again with --maintenance. Or restore the last backup, as "
              "docs/deployment.md describes")
UNPACK, INSTALL = Step("unpack", Step("remove_release"), timeout=300), Step("install", timeout=1200)
UNDO_PAGE = Step("maintenance")     # restores the page's state from before the transaction
PAGE_UP = Step("maintenance", UNDO_PAGE, variables={"UP": "deploy"})
PAGE_DOWN = Step("maintenance", variables={"DOWN": "deploy"})
OPERATOR_PAGE_UP = Step("maintenance", UNDO_PAGE, variables={"UP": "operator"})
ALL_PAGES_DOWN = Step("maintenance", variables={"MAINTENANCE": ""})
MIGRATE = Step("migrate", on="first", timeout=3600)
START, SWITCH = Step("start", Step("stop"), timeout=180), Step("switch", Step("switch_back"), on="each")
CLEAN = Step("clean")


def deploy(environment: Environment, archive: Archive, maintenance: bool = False, token: str = "") -> None:
    """Deploy a release to all web servers, or to none.

    Args:
        maintenance: show the maintenance page meanwhile; needed if a migration is not backward compatible.
        token: create an API token with this name first, and print it. Production does not start without a token.
    Raises:
        DeployError: it failed; every host has the release it had.
    """
    if environment.tested_on:
        _require_test(environment, archive)
    variables = {"SHA256": archive.sha256, "REVISION": archive.revision, "TOKEN": token,
                 "WHEELS": "1" if environment.wheels else ""}
    with transaction(environment, "deploy", archive.name, **variables) as steps:
        steps.log_fields = {"sha256": archive.sha256, "revision": archive.revision}
        in_parallel(lambda host: _upload(host, archive, environment, steps.states[host.name]), steps.hosts)
        steps.run(UNPACK, INSTALL)
        _migrate_and_switch(steps, maintenance, token)
        _finish(steps, environment, archive.revision)
    echo(f"{archive.name} is live on {', '.join(environment.web)}")


def _migrate_and_switch(steps: Transaction, maintenance: bool, token: str) -> None:
    schema = json.loads(steps.hosts.first.run("migrations", {"NAME": steps.release}))
    breaking = _breaking_migrations(steps, schema)
    if breaking and not maintenance:
        raise DeployError(f"{steps.release} was not started, because the running release does not work with its "
                          f"migrations: {'; '.join(breaking)}. At a quiet time, back up, and deploy again with "
                          "--maintenance: visitors then see the maintenance page during the migration")
    is_up = any("deploy" in state.maintenance.split() for state in steps.states.values())
    if maintenance:
        steps.run(PAGE_UP)
    page_stays = bool(breaking) or is_up    # an earlier deployment may have left the database half migrated
    if page_stays:
        steps.keep(PAGE_UP)
    try:
        steps.run(*[] if schema["up_to_date"] and not token else [MIGRATE], START, SWITCH)
    except (DeployError, KeyboardInterrupt) as error:
        if page_stays:
            raise DeployError(f"{str(error) or 'Interrupted'}\n{PAGE_STAYS}") from None
        raise
    if maintenance or is_up:
        steps.run(PAGE_DOWN)


def _breaking_migrations(steps: Transaction, schema: dict[str, Any]) -> list[str]:
    """The pending migrations that the running release does not work with; none if no release runs yet."""
    if not any(state.current for state in steps.states.values()):
        return []
    return [f"{migration['revision']}: {migration['about']}" for migration in schema["pending"]
            if not migration["backward_compatible"]]


def rollback(environment: Environment, to: str = "") -> None:
    """Make an earlier release current on all web servers, or on none.

    Args:
        to: name of the release; empty = the previous one.
    Raises:
        DeployError: it failed; every host has the release it had.
    """
    with transaction(environment, "rollback", to) as steps:
        steps.release = to = to or _common_previous(steps.states)
        for name, state in steps.states.items():
            if to not in state.releases:
                raise DeployError(f"{name} has no release {to}. Choose one that it has: "
                                  f"{', '.join(state.releases) or 'none'}")
        steps.run(START, SWITCH)
        _finish(steps, environment, HostState.of(steps.hosts.first).release.get("revision", ""))
    echo(f"{to} is live on {', '.join(environment.web)}")


def _common_previous(hosts: dict[str, HostState]) -> str:
    """The previous release, if it is the same on all hosts."""
    previous = {state.previous for state in hosts.values()}
    if len(previous) == 1 and "" not in previous:
        return previous.pop()
    common = [name for name in next(iter(hosts.values())).releases
              if all(name in state.releases for state in hosts.values())]
    raise DeployError("There is no previous release that all hosts have. Name a release with --to NAME. Releases that "
                      f"all hosts have: {', '.join(common) or 'none'}")


def maintenance(environment: Environment, on: bool) -> None:
    """Put the maintenance page up on all web servers, or take it down."""
    with transaction(environment, f"maintenance {'on' if on else 'off'}") as steps:
        steps.run(OPERATOR_PAGE_UP if on else ALL_PAGES_DOWN)


def clean(environment: Environment) -> None:
    """Remove the oldest releases from all web servers."""
    with transaction(environment, "clean") as steps:
        steps.run(CLEAN)


def test(environment: Environment) -> None:
    """Run the functional tests against an environment, and record the outcome on its hosts.

    Raises:
        DeployError: the tests failed, or the hosts do not all run the same release.
    """
    if not environment.address:
        raise DeployError(f"[{environment.name}] has no address: set it to the URL that the tests should use")
    with transaction(environment, "test") as steps:
        served = {(state.current, state.release.get("sha256", "")) for state in steps.states.values()}
        if len(served) != 1 or ("", "") in served:
            raise DeployError(f"The hosts of {environment.name} do not all run the same release. Deploy one first")
        [(steps.release, steps.log_fields["sha256"])] = served
        _require_served(environment, steps.release)
        result = subprocess.run(["make", "functional", f"STAGING_SERVER={environment.address}"], cwd=ROOT)
        steps.raise_if_interrupted()
        _require_served(environment, steps.release)
        if result.returncode:
            raise DeployError(f"{steps.release} did not pass the functional tests at {environment.address}. The output "
                              "of the tests is above")
    echo(f"{steps.release} passed the functional tests")


def plan(environment: Environment, revision: str) -> list[str]:
    """Lines that describe what deploying a revision would do. Changes nothing on the hosts."""
    archive = archives.pack(environment.name, revision=revision)
    lines = [f"{archive.name}, {archive.path.stat().st_size} bytes, sha256 {archive.sha256}"]
    if environment.tested_on:
        try:
            _require_test(environment, archive)
        except DeployError as error:
            lines.append(f"The deployment would be refused: {error}")
    hosts = status(environment)
    for name, state in hosts.items():
        lines += _host_plan(name, state, archive)
    if current := hosts[environment.web[0]].current:
        lines += _migration_plan(environment, archive, current)
    return lines


def _host_plan(name: str, state: HostState, archive: Archive) -> Iterator[str]:
    installed = archive.name in state.releases
    yield (f"{name}: {state.current or 'no release'} -> {archive.name} "
           f"({'already installed' if installed else 'to be uploaded'})")
    if state.lock:
        yield f"  The deployment would be refused: the host is locked by {state.lock}"
    if state.maintenance:
        yield f"  The maintenance page is up: {state.maintenance_reasons}"
    if not installed and state.free < _required_space(archive):
        yield f"  The deployment would be refused: only {state.free} KiB of disk space are free"


def _migration_plan(environment: Environment, archive: Archive, current: str) -> list[str]:
    """The migrations of an archive that the database does not have yet, as lines."""
    try:
        with Hosts(environment, environment.web[:1], environment.user) as hosts:
            schema = json.loads(hosts.first.run("migrations", {"NAME": current}))
    except DeployError as error:
        return [f"The pending migrations could not be read: {error}"]
    breaks = ": the running release does not work with it, so deploy with --maintenance"
    return [f"Migration {revision}{'' if compatible else breaks}" for revision, compatible in
            archive.migrations().items() if schema["head"] and revision > (schema["current"] or "")]


def history(environment: Environment, lines: int = 100,
            unreachable: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Past actions, the oldest first. An entry that several hosts have appears once, with all of its `hosts`.

    Args:
        lines: number of lines from each host's log.
        unreachable: see `Hosts`.
    """
    found: dict[str, list[str]] = {}
    with Hosts(environment, environment.web, environment.user, unreachable=unreachable) as hosts:
        for name, output in hosts.run("history", {"LINES": lines}).items():
            for line in output.splitlines():
                found.setdefault(line, []).append(name)
    entries = ({**entry, "hosts": names} for line, names in found.items() if (entry := _parse_entry(line)))
    return sorted(entries, key=lambda entry: entry["at"])


def _parse_entry(line: str) -> dict[str, Any] | None:
    """An entry of the history; None if the line has another format."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"at", "action", "release", "by", "ok"} <= entry.keys() else None


def status(environment: Environment, unreachable: dict[str, str] | None = None) -> dict[str, HostState]:
    """The state of each web server, by name; for `unreachable` see `Hosts`."""
    with Hosts(environment, environment.web, environment.user, unreachable=unreachable) as hosts:
        return states(hosts)


def _upload(host: Host, archive: Archive, environment: Environment, state: HostState) -> None:
    """Upload the archive and the wheels that the host does not have yet."""
    installed = archive.name in state.releases
    if not installed and state.free < _required_space(archive):
        raise DeployError(f"{host.name}: its disk is full: {state.free} KiB are free in {environment.root}, and "
                          f"{archive.name} needs about {_required_space(archive)} KiB. Free some space, for example "
                          f"with `fab {environment.name} clean`")
    for wheel in sorted(Path(environment.wheels).expanduser().glob("*.whl")) if environment.wheels else ():
        if wheel.name not in state.wheels:
            host.upload(wheel, f"{environment.root}/shared/wheels/{wheel.name}")
    if not installed:
        host.upload(archive.path, f"{environment.root}/shared/uploads/{archive.sha256}.tgz")


def _required_space(archive: Archive) -> int:
    """Disk space in KiB for the archive, its unpacked files and their bytecode."""
    return archive.path.stat().st_size * 10 // 1024


def _require_test(environment: Environment, archive: Archive) -> None:
    staging = Environment.read(environment.tested_on)
    tests = [entry for entry in history(staging, 1000)
             if entry["action"] == "test" and entry.get("sha256") == archive.sha256]
    if not tests or not tests[-1]["ok"]:
        raise DeployError(f"{archive.name} is not tested: {environment.name} accepts only archives that passed the "
                          f"tests on {staging.name}. Nothing was changed. Run `fab {staging.name} deploy test` for the "
                          "same revision", NOT_TESTED)


def _require_served(environment: Environment, name: str) -> None:
    """Check that the environment's address leads to this release, so that the test is recorded for the right one."""
    address = f"{environment.address}/health/live"
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            found = json.load(response)["release"]
    except (OSError, HTTPException, ValueError, TypeError, KeyError) as error:
        raise DeployError(f"{address} does not say which release it runs: {error}. Check the balancer") from None
    if found != name:
        raise DeployError(f"{address} runs {found}, but the hosts run {name}: check `address` of "
                          f"[{environment.name}] in the configuration")


def _finish(steps: Transaction, environment: Environment, revision: str) -> None:
    """Commit, clean up and tag. An error here does not undo the deployment."""
    steps.commit()
    try:
        steps.run(CLEAN)
        if revision and environment.name == "production":
            archives.tag(revision)
    except (DeployError, KeyboardInterrupt) as error:
        echo(f"{steps.release} is live, but old releases were not all removed: {str(error) or 'interrupted'}. The next "
             "deployment or `fab ENV clean` removes them")
