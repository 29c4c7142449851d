"""Transactions on the web servers of an environment: steps that are undone on every host if one of them fails."""
from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.config import DeployError, Environment
from deploy.hosts import Host, Hosts, in_parallel, operator

REPAIR = ("`fab ENV status` shows the release of each host. Once all hosts answer, `fab ENV rollback --to NAME` puts "
          "them on the same release")
# The words of shared/maintenance.
_REASONS = {"deploy": "a `deploy --maintenance` is running, or failed",
            "restore": "a `restore` is running, or failed",
            "operator": "an operator typed `maintenance on`"}


@dataclass(frozen=True)
class Step:
    """A script of `steps/`.

    Args:
        undo: the step that reverts it; None if there is nothing to revert.
        on: `all` hosts at once, `each` host after the other, or the `first` host only.
        variables: shell variables of the script.
        commits: whether nothing is undone after this step.
        timeout: in seconds, in addition to the environment's `wait`.
    """

    script: str
    undo: Step | None = None
    on: str = "all"
    variables: Mapping[str, str] = field(default_factory=dict)
    commits: bool = False
    timeout: float = 60


@dataclass(frozen=True)
class HostState:
    """The state of a web server. Lists of releases begin with the oldest.

    Args:
        current: name of the current release; empty = none.
        previous: name of the previous release; empty = none.
        running: the releases that run.
        releases: the installed releases.
        wheels: file names of the uploaded wheels.
        maintenance: why the maintenance page is up, as words such as `deploy` and `operator`; empty = it is down.
        lock: the holder of the lock, and the purpose; empty = the host is not locked.
        free: disk space, in KiB.
        healthy: whether the current release answers its health check through nginx.
        health_error: what it answers instead.
        release: the current release's RELEASE.json.
    """

    current: str
    previous: str
    running: list[str]
    releases: list[str]
    wheels: list[str]
    maintenance: str
    lock: str
    free: int
    healthy: bool
    health_error: str
    release: dict[str, str]

    @property
    def maintenance_reasons(self) -> str:
        """Why the maintenance page is up, for people."""
        return "; ".join(_REASONS.get(word, word) for word in self.maintenance.split())

    @classmethod
    def of(cls, host: Host) -> HostState:
        values = {key: value.strip() for key, _, value in (
            line.partition(" ") for line in host.run("state").split("\n"))}
        return cls(values["current"], values["previous"], values["running"].split(), values["releases"].split(),
                   values["wheels"].split(), values["maintenance"], values["lock"], int(values["free"]),
                   values["health"] == "yes", values.get("health_error", ""), json.loads(values.get("release", "{}")))


class Transaction:
    """Steps on hosts, which are undone if one of them fails before `commit`.

    Args:
        release: name of the release; empty = the current release of each host.
        variables: shell variables of all steps.
    """

    def __init__(self, environment: Environment, hosts: Hosts, release: str, variables: Mapping[str, str]) -> None:
        self.hosts, self.release, self._variables = hosts, release, variables
        self._wait = environment.wait
        self.states = states(hosts)
        self.log_fields: dict[str, str] = {}    # additional fields of the history entry
        self._started: list[tuple[Step, list[Host]]] = []
        self._interrupted = self._committed = False

    def run(self, *steps: Step) -> None:
        """Run steps one after the other, each on all of its hosts.

        Raises:
            DeployError: a step failed.
            KeyboardInterrupt: a signal arrived; it is raised between two steps.
        """
        for step in steps:
            hosts = [*self.hosts][:1 if step.on == "first" else None]
            for group in ([[host] for host in hosts] if step.on == "each" else [hosts]):
                self.raise_if_interrupted()
                self._run_and_report(step, group)
            if step.commits:
                self.commit()
        self.raise_if_interrupted()

    def _run_and_report(self, step: Step, hosts: list[Host]) -> None:
        started = time.monotonic()
        self._started.append((step, hosts))
        outputs = self._run(step, hosts)
        echo(f"{step.script:<12} {' '.join(host.name for host in hosts):<30} {time.monotonic() - started:5.1f} s",
             *filter(None, map(str.strip, outputs)))

    def interrupt(self, *_: object) -> None:
        """Signal handler: end after the current step, which must not run at the same time as its undo step."""
        self._interrupted = True
        echo("Interrupted. Waiting for the present step to end …")

    def raise_if_interrupted(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def keep(self, step: Step) -> None:
        """Do not undo this step."""
        self._started = [each for each in self._started if each[0] != step]

    def commit(self) -> None:
        """Undo nothing from now on, also if a signal arrived."""
        if self._interrupted:
            echo("The interrupt came too late: the change is complete")
        self._committed, self._interrupted = True, False

    def undo(self, reason: str) -> str:
        """Undo all started steps on every host, the last first. Returns the outcome as a message."""
        if self._committed:
            return "The changes made before this error are kept"
        if not self._started:
            return "Nothing was changed"
        echo(reason, "Undoing the changes …")
        errors = []
        for step, hosts in reversed(self._started):
            for host in hosts:
                try:
                    if step.undo:
                        self._run(step.undo, [host])
                except DeployError as error:
                    errors.append(str(error))
        if errors:
            return "\n".join(["These hosts could not be returned to the release they had before:", *errors, REPAIR])
        equal = len({state.current for state in self.states.values()}) == 1
        return ("Every host has the release that it had before" +
                ("" if equal else f", but this is not the same release on all hosts. {REPAIR}"))

    def record(self, action: str, error: str = "") -> None:
        """Add a line to the history of every host."""
        line = json.dumps({"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "action": action, "release": self.release,
                           "by": operator(), "ok": not error, **self.log_fields,
                           **({"error": error[:500]} if error else {})})
        for host in self.hosts:
            try:
                host.run("record", {"LINE": line}, timeout=10)
            except DeployError as failure:
                echo(f"This action is missing in a host's history: {failure}")

    def _run(self, step: Step, hosts: list[Host]) -> list[str]:
        def run_on(host: Host) -> str:
            state = self.states[host.name]
            variables = {
                "NAME": self.release or state.current, **self._variables, "CURRENT": state.current,
                "PREVIOUS": state.previous, "RUNNING": " ".join(state.running),
                "RELEASES": " ".join(state.releases), "MAINTENANCE": state.maintenance, **step.variables}
            return host.run(step.script, variables, step.timeout + self._wait)
        return in_parallel(run_on, hosts)


def states(hosts: Hosts) -> dict[str, HostState]:
    """The state of each host, by name."""
    return dict(in_parallel(lambda host: (host.name, HostState.of(host)), hosts))


def echo(*lines: str) -> None:
    """Print lines. A closed terminal or pipe does not stop the deployment."""
    with suppress(OSError):
        print("".join(f"{line}\n" for line in lines), end="", flush=True)


@contextmanager
def transaction(environment: Environment, action: str, release: str = "", **variables: str) -> Iterator[Transaction]:
    """Lock the web servers for a block of steps. If the block fails or is interrupted, undo its steps on every host,
    unless they were committed. Records the outcome in the hosts' history.

    Args:
        action: for the lock and the history, such as `deploy`.
        release: name of the release; empty = the current release of each host.
        variables: shell variables of all steps.
    Raises:
        DeployError: another operator holds a lock, a host cannot be reached, or a step failed.
    """
    with Hosts(environment, environment.web, environment.user, f"{action} {release}".strip()) as hosts:
        steps = Transaction(environment, hosts, release, {"KEEP": str(max(environment.keep, 1)), **variables})
        try:
            with _handling_signals(steps.interrupt):
                yield steps
                with _handling_signals(signal.SIG_IGN):
                    steps.record(action)
        except BaseException as raised:
            with _handling_signals(signal.SIG_IGN):
                reason = str(raised) or f"{action} was interrupted"
                message = f"{reason}\n{steps.undo(reason.splitlines()[0])}"
                steps.record(action, message)
            if isinstance(raised, (DeployError, KeyboardInterrupt)):
                raise DeployError(message, getattr(raised, "status", 130)) from None
            raise


@contextmanager
def _handling_signals(handler: Any) -> Iterator[None]:
    """Handle SIGINT, SIGTERM and SIGHUP during the block. SIGHUP stays ignored under `nohup`."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
              if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
