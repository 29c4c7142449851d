"""Archives of what runs: the same revision gives the same bytes, whatever the archive is called."""
from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import tarfile
import tomllib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.config import NAMES, Refused

ROOT = Path(__file__).parent.parent
FOLDER = Path("versions")
# As it is part of a unit's name, a path and a line of sudo's rules.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII)


@dataclass(frozen=True)
class Archive:
    """A release in a file.

    Args:
        path: the file.
        revision: of git; empty where the file does not say.
    """

    path: Path
    sha256: str
    revision: str

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".tgz")

    def migrations(self) -> dict[str, bool]:
        """Those that it has, by revision, and whether the version before can live with each."""
        found = {}
        with tarfile.open(self.path) as tar:
            for name in tar.getnames():
                if re.fullmatch(r"migrations/versions/r\w+\.py", name) and (file := tar.extractfile(name)):
                    said = dict(re.findall(r"^(revision|backward_compatible) = \"?(\w+)", file.read().decode(), re.M))
                    found[said["revision"]] = said["backward_compatible"] == "True"
        return dict(sorted(found.items()))

    @classmethod
    def read(cls, path: Path) -> Archive:
        """Raises: Refused, where it cannot be read, or is none of ours."""
        try:
            content = path.read_bytes()
            said = subprocess.run(["git", "get-tar-commit-id"], input=gzip.decompress(content), capture_output=True)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise Refused(f"{path} cannot be shipped: {error}. `fab pack` makes an archive") from None
        if not path.name.endswith(".tgz") or not _NAME.fullmatch(path.name.removesuffix(".tgz")):
            raise Refused(f"{path} cannot be shipped: call it NAME.tgz, NAME of letters, digits, _, . and -")
        return cls(path, hashlib.sha256(content).hexdigest(), said.stdout.decode().strip())


def pack(target: str, version: str = "", revision: str = "HEAD") -> Archive:
    """Pack what git has of a revision, but for what `.gitattributes` leaves out.

    Args:
        target: the environment it is for; empty = none, and the classic name, `web_static_<YYYYmmddHHMMSS>`.
        version: of HBNB; empty = that of pyproject.toml at that revision.
        revision: anything that git takes for a commit.
    Raises:
        Refused: there is no such revision, or the file cannot be written.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not target:
        name = f"web_static_{datetime.now(UTC):%Y%m%d%H%M%S}"
    else:
        version = version or tomllib.loads(_git("show", f"{commit}:pyproject.toml"))["project"]["version"]
        name = f"{target}_{version}_{commit[:12]}"
    # Nobody's own configuration is to change the bytes.
    command = ["git", "-c", "core.autocrlf=false", "-c", "tar.umask=0022", "archive", "--format=tar", commit]
    tar = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    path = ROOT / FOLDER / f"{name}.tgz"
    try:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(gzip.compress(tar, mtime=0))
        part.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. Make room, or give yourself the right to") from None
    return Archive.read(path)


def uncommitted() -> bool:
    """Whether there are changes that no archive will have."""
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


def tag(revision: str) -> None:
    """Say in git which revision is live, and since when."""
    for name in ("LIVE", f"DEPLOYED-{datetime.now(UTC):%Y-%m-%dT%H%M%S}"):
        _git("tag", "--force", name, revision)


def clean(target: str, keep: int) -> list[str]:
    """Remove the oldest archives.

    Args:
        target: whose; empty = those of no environment.
        keep: how many stay; 0 keeps one, as 1 does.
    Returns:
        The names of those that are gone.
    """
    names = (each for each in (ROOT / FOLDER).glob("*.tgz") if target == next(
        (name for name in NAMES if each.name.startswith(f"{name}_")), ""))
    found = sorted(names, key=lambda each: each.stat().st_mtime)
    gone = found[:-max(keep, 1)]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def _git(*command: str) -> str:
    ended = subprocess.run(["git", *command], cwd=ROOT, capture_output=True)
    if ended.returncode:
        raise Refused(f"git {' '.join(command)} failed: "
                      f"{ended.stderr.decode().strip() or 'it knows nothing of that name'}")
    return ended.stdout.decode().strip()
