"""Backups: made and restored on the first web server by its current release, and kept on the operator's machine."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from deploy.archive import ROOT
from deploy.config import DeployError, Environment
from deploy.hosts import Host, Hosts, sha256
from deploy.release import START, UNDO_PAGE
from deploy.transaction import Step, echo, transaction

FOLDER = Path("backups")
REMOTE = "/var/backups/hbnb/fab-"     # prefix of temporary files on the host; steps/clean.sh removes leftovers
TIMEOUT = 7200      # seconds
PAGE_UP = Step("maintenance", UNDO_PAGE, variables={"UP": "restore"})
# A failed migration's page goes down too: the restored database replaces what that migration left.
PAGE_DOWN = Step("maintenance", variables={"DOWN": "deploy restore"})
RESTORE = Step("restore", on="first", commits=True, timeout=TIMEOUT)
# The release may have failed with the lost database, or may have started with another database password.
RESTART = Step("start", on="each", timeout=START.timeout)
PAGE_STAYS = ("The backup was restored, but the maintenance page STAYS up. Fix the error above, start the current "
              "release with `fab ENV rollback --to NAME`, and run `fab ENV maintenance off`")


def backup(environment: Environment) -> Path:
    """Download a consistent backup of the store; the site keeps running.

    Returns:
        The path of the backup. A file with its SHA-256 is beside it.
    Raises:
        DeployError: the backup could not be made, or did not arrive intact.
    """
    path = ROOT / FOLDER / f"{environment.name}_{datetime.now(UTC):%Y%m%d%H%M%S}.backup"
    with Hosts(environment, environment.web[:1], environment.user) as hosts:
        variables = {"FILE": f"{REMOTE}{path.name}"}
        with _temporary_file(hosts.first, variables):
            report, made = hosts.first.run("backup", variables, TIMEOUT).rstrip().rsplit("\n", 1)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            part = path.with_suffix(".part")
            part.touch(mode=0o600)
            hosts.first.download(variables["FILE"], part)
    if sha256(part) != made:
        raise DeployError(f"{part} was damaged during the download. No backup was stored. Run the command again")
    path.with_name(f"{path.name}.sha256").write_text(f"{made}  {path.name}\n")
    os.replace(part, path)
    echo(report.replace(variables["FILE"], str(path)))
    return path


def restore(environment: Environment, path: Path, replace: bool = False) -> None:
    """Fill an empty store from a backup, or change nothing.

    Args:
        replace: first remove everything that the store holds.
    Raises:
        DeployError: the file is damaged, or could not be restored; or it was restored, and the site does not work.
    """
    _check_sha256(path)
    variables = {"FILE": f"{REMOTE}{path.name}", "REPLACE": "--replace" if replace else ""}
    with transaction(environment, "restore", **variables) as steps, _temporary_file(steps.hosts.first, variables):
        steps.log_fields = {"file": path.name}
        steps.hosts.first.upload(path, variables["FILE"])
        steps.run(PAGE_UP, RESTORE)
        try:
            steps.run(RESTART, PAGE_DOWN)
        except (DeployError, KeyboardInterrupt) as error:
            raise DeployError(f"{str(error) or 'Interrupted'}\n{PAGE_STAYS}") from None


def _check_sha256(path: Path) -> None:
    try:
        expected = path.with_name(f"{path.name}.sha256").read_text().split()[0]
        found = sha256(path)
    except (OSError, IndexError) as error:
        reason = error if isinstance(error, OSError) else f"{path.name}.sha256 is empty"
        raise DeployError(f"{path} cannot be restored: {reason}. Nothing was changed. `fab ENV backup` writes a backup "
                          "with its checksum. To make the checksum of a backup that you copied from a web server, run "
                          f"`sha256sum {path} > {path}.sha256`") from None
    if expected != found:
        raise DeployError(f"{path} is damaged: its SHA-256 is {found}, not {expected}. Nothing was restored. Use "
                          "another backup")


@contextmanager
def _temporary_file(host: Host, variables: Mapping[str, str]) -> Iterator[None]:
    """Removes the file on the host after the block. If the host is lost, the next `clean` removes it."""
    try:
        yield
    finally:
        with suppress(DeployError):
            host.run("remove_file", variables)
