"""Work on all web servers of an environment: steps, each of which says how it is undone."""
from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.config import Environment, Refused
from deploy.hosts import Host, Hosts, in_parallel, who

EQUAL = "`fab ENV status` shows what is where. Once all answer, `fab ENV rollback --to NAME` makes them equal"


@dataclass(frozen=True)
class Step:
    """A script of `steps/`.

    Args:
        undo: what takes it back; none where what it did is in nobody's way.
        at: the hosts: `all` at once, `each` after the other, or the `first` alone.
        given: its variables.
        final: whether nothing is taken back once it is over.
        timeout: seconds, beside those that a release may take to be healthy.
    """

    script: str
    undo: Step | None = None
    at: str = "all"
    given: Mapping[str, str] = field(default_factory=dict)
    final: bool = False
    timeout: float = 60


@dataclass(frozen=True)
class State:
    """What there is on a host; names are of releases, the oldest first, and empty where there is none.

    Args:
        maintenance: who put the page up.
        lock: who is at work there.
        free: space on the disk, in KiB.
        healthy: whether the front door answers.
        trouble: what it says instead.
        release: what RELEASE.json says of the current one.
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
    trouble: str
    release: dict[str, str]

    @classmethod
    def of(cls, host: Host) -> State:
        said = {key: value.strip() for key, _, value in (
            line.partition(" ") for line in host.run("state").split("\n"))}
        return cls(said["current"], said["previous"], said["running"].split(), said["releases"].split(),
                   said["wheels"].split(), said["maintenance"], said["lock"], int(said["free"]),
                   said["health"] == "yes", said.get("trouble", ""), json.loads(said.get("release", "{}")))


class Work:
    """Steps that are begun on hosts, after each other.

    Args:
        release: the one it is about; empty = what is current on each host.
        given: variables of all steps.
    """

    def __init__(self, environment: Environment, hosts: Hosts, release: str, given: Mapping[str, str]) -> None:
        self.hosts, self.release, self._given = hosts, release, given
        self._wait = environment.wait
        self.states = states(hosts)
        self.note: dict[str, str] = {}      # what the log is to say beside the usual
        self._begun: list[tuple[Step, list[Host]]] = []
        self._interrupted = self._stays = False

    def do(self, *steps: Step) -> None:
        """Do steps, the next when one is over on all its hosts; what was begun is undone at the end of `at_work`.

        Raises:
            Refused: one failed.
            KeyboardInterrupt: between two, when told to end.
        """
        for step in steps:
            hosts = [*self.hosts][:1 if step.at == "first" else None]
            for some in ([[each] for each in hosts] if step.at == "each" else [hosts]):
                self.check()
                began = time.monotonic()
                self._begun.append((step, some))
                said = self._run(step, some)
                say(f"{step.script:<12} {' '.join(host.name for host in some):<30} {time.monotonic() - began:5.1f} s",
                    *filter(None, map(str.strip, said)))
            if step.final:
                self.settle()
        self.check()

    def interrupt(self, *_: object) -> None:
        """Have it end after the step that is at work: one that goes on beside what undoes it would be the last word."""
        self._interrupted = True
        say("Interrupted: it ends when this step is over …")

    def check(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def keep(self, step: Step) -> None:
        """Have it not be undone, as that would be worse."""
        self._begun = [each for each in self._begun if each[0] != step]

    def settle(self) -> None:
        """Have nothing be undone any more; who interrupted it came too late."""
        if self._interrupted:
            say("That came too late: it is done")
        self._stays, self._interrupted = True, False

    def undo(self, reason: str) -> str:
        """Take every host back to what it was; says how that went."""
        if self._stays:
            return "What was done before stays"
        if not self._begun:
            return "Nothing was changed"
        say(reason, "Going back …")
        errors = []
        for step, hosts in reversed(self._begun):
            if step.undo is None:
                continue
            for host in hosts:
                try:
                    self._run(step.undo, [host])
                except Refused as error:
                    errors.append(str(error))
        if not errors:
            equal = len({state.current for state in self.states.values()}) == 1
            return f"Every host has the release it had{'' if equal else f', and they are not the same: {EQUAL}'}"
        return "\n".join(["Not every host is what it was:", *errors, EQUAL])

    def record(self, action: str, error: str = "") -> None:
        line = json.dumps({"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "action": action, "release": self.release,
                           "by": who(), "ok": not error, **self.note, **({"error": error[:500]} if error else {})})
        for host in self.hosts:
            try:
                host.run("record", {"LINE": line}, timeout=10)
            except Refused as unwritten:
                say(f"Its history misses this: {unwritten}")

    def _run(self, step: Step, hosts: list[Host]) -> list[str]:
        def on(host: Host) -> str:
            state = self.states[host.name]
            own = {"CURRENT": state.current, "PREVIOUS": state.previous, "RUNNING": " ".join(state.running),
                   "RELEASES": " ".join(state.releases), "MAINTENANCE": state.maintenance}
            given = {"NAME": self.release or state.current, **self._given, **own, **step.given}
            return host.run(step.script, given, step.timeout + self._wait)
        return in_parallel(on, hosts)


def states(hosts: Hosts) -> dict[str, State]:
    """What there is on each, by its name."""
    return dict(in_parallel(lambda host: (host.name, State.of(host)), hosts))


def say(*lines: str) -> None:
    """Tell whoever is there: with nobody there, the work goes on."""
    with suppress(OSError):
        print("".join(f"{line}\n" for line in lines), end="", flush=True)


@contextmanager
def at_work(environment: Environment, action: str, release: str = "", **given: str) -> Iterator[Work]:
    """Have the web servers for oneself. What fails, or is interrupted, is undone everywhere, unless it was settled; the
    logs have it all.

    Args:
        action: what for.
        release: the one it is about; empty = what is current on each host.
        given: variables of its steps.
    Raises:
        Refused: somebody else is at work there, a host cannot be reached, or a step failed.
    """
    with Hosts(environment, environment.web, environment.user, f"{action} {release}".strip()) as hosts:
        work = Work(environment, hosts, release, {"KEEP": str(max(environment.keep, 1)), **given})
        try:
            with _at_signals(work.interrupt):
                yield work
                with _at_signals(signal.SIG_IGN):
                    work.record(action)
        except BaseException as raised:
            with _at_signals(signal.SIG_IGN):
                reason = str(raised) or f"{action} was interrupted"
                message = f"{reason}\n{work.undo(reason.splitlines()[0])}"
                work.record(action, message)
            if isinstance(raised, (Refused, KeyboardInterrupt)):
                raise Refused(message, getattr(raised, "status", 130)) from None
            raise


@contextmanager
def _at_signals(handler: Any) -> Iterator[None]:
    """Treat all that programs are told to end by alike; `nohup` is left its way."""
    before = {each: signal.signal(each, handler) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
              if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)
