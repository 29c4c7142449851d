"""Backups of what the store holds, by the release that runs: fetched here, and put back from here."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from deploy.archive import ROOT
from deploy.config import Environment, Refused
from deploy.hosts import Host, Hosts, digest
from deploy.release import PAGE_AS_IT_WAS, START
from deploy.work import Step, at_work, say

FOLDER = Path("backups")
THERE = "/var/backups/hbnb/fab-"      # what stands there by these names is gone again; `clean` knows them too
LONGEST = 7200      # seconds
PAGE_UP = Step("maintenance", PAGE_AS_IT_WAS, given={"UP": "restore"})
PAGE_DOWN = Step("maintenance", given={"DOWN": "deploy restore"})      # what a migration left is gone with the rest
RESTORE = Step("restore", at="first", final=True, timeout=LONGEST)
# Of what does not work with what was lost, or with another password.
RESTART = Step("start", at="each", timeout=START.timeout)
STAYS = ("The backup is in its place, and the maintenance page STAYS up: mend what is said above, `fab ENV rollback "
         "--to` the release that is current, and `fab ENV maintenance off`")


def backup(environment: Environment) -> Path:
    """Fetch a backup, as the store is at one moment; the site goes on.

    Returns:
        The file, beside which stands its SHA-256.
    Raises:
        Refused: it could not be made, or did not arrive as it was.
    """
    path = ROOT / FOLDER / f"{environment.name}_{datetime.now(UTC):%Y%m%d%H%M%S}.backup"
    with Hosts(environment, environment.web[:1], environment.user) as hosts:
        given = {"FILE": f"{THERE}{path.name}"}
        with _forgotten(hosts.first, given):
            said, made = hosts.first.run("backup", given, LONGEST).rstrip().rsplit("\n", 1)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            part = path.with_suffix(".part")
            part.touch(mode=0o600)
            hosts.first.download(given["FILE"], part)
    if digest(part) != made:
        raise Refused(f"{part} did not arrive as it was made. Run this again")
    path.with_name(f"{path.name}.sha256").write_text(f"{made}  {path.name}\n")
    os.replace(part, path)
    say(said)
    return path


def restore(environment: Environment, path: Path, replace: bool = False) -> None:
    """Fill an empty store with a backup, or change nothing.

    Args:
        replace: remove what the store holds.
    Raises:
        Refused: the file is not as it was made, or could not be restored; or it was, and the site does not work.
    """
    try:
        noted = path.with_name(f"{path.name}.sha256").read_text().split()[0]
        found = digest(path)
    except (OSError, IndexError) as error:
        raise Refused(f"{path} cannot be restored: {error}. `fab ENV backup` makes it, and {path.name}.sha256 beside "
                      "it") from None
    if noted != found:
        raise Refused(f"{path} is damaged: its SHA-256 is {found}, and was {noted}. Take another backup")
    given = {"FILE": f"{THERE}{path.name}", "REPLACE": "--replace" if replace else ""}
    with at_work(environment, "restore", **given) as work, _forgotten(work.hosts.first, given):
        work.note = {"file": path.name}
        work.hosts.first.upload(path, given["FILE"])
        work.do(PAGE_UP, RESTORE)
        try:
            work.do(RESTART, PAGE_DOWN)
        except (Refused, KeyboardInterrupt) as error:
            raise Refused(f"{str(error) or 'It was interrupted'}\n{STAYS}") from None


@contextmanager
def _forgotten(host: Host, given: Mapping[str, str]) -> Iterator[None]:
    """What was laid on a host is gone again, however it went; what a lost host keeps, the next `clean` removes."""
    try:
        yield
    finally:
        with suppress(Refused):
            host.run("forget", given)
