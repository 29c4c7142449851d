"""Release archives: a git revision as a .tgz file. The same revision always gives the same bytes."""
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

from deploy.config import NAMES, DeployError

ROOT = Path(__file__).parent.parent
FOLDER = Path("versions")
# The name is also part of a systemd unit's name, of a path, and of a sudo rule.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII)


@dataclass(frozen=True)
class Archive:
    """The archive of a release.

    Args:
        revision: git commit; empty if the file does not contain it.
    """

    path: Path
    sha256: str
    revision: str

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".tgz")

    def migrations(self) -> dict[str, bool]:
        """The archive's migrations: revision → whether it is backward compatible."""
        found = {}
        with tarfile.open(self.path) as tar:
            for name in tar.getnames():
                if re.fullmatch(r"migrations/versions/r\w+\.py", name) and (file := tar.extractfile(name)):
                    values = dict(re.findall(r"^(revision|backward_compatible) = \"?(\w+)", file.read().decode(), re.M))
                    found[values["revision"]] = values["backward_compatible"] == "True"
        return dict(sorted(found.items()))

    @classmethod
    def read(cls, path: Path) -> Archive:
        """Raises: DeployError, if the file cannot be read, or is not a release archive."""
        try:
            content = path.read_bytes()
            commit = subprocess.run(["git", "get-tar-commit-id"], input=gzip.decompress(content), capture_output=True)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DeployError(f"{path} cannot be deployed: {error}. `fab pack` makes an archive") from None
        if not path.name.endswith(".tgz") or not _NAME.fullmatch(path.name.removesuffix(".tgz")):
            raise DeployError(f"{path} cannot be deployed: rename it to NAME.tgz, with a NAME of letters, digits, _, . "
                              "and -")
        return cls(path, hashlib.sha256(content).hexdigest(), commit.stdout.decode().strip())


def pack(target: str, version: str = "", revision: str = "HEAD") -> Archive:
    """Pack the files of a git revision, without those that `.gitattributes` excludes.

    Args:
        target: environment; empty = none: the archive gets the classic name, `web_static_<YYYYmmddHHMMSS>`.
        version: of HBNB; empty = the version in that revision's pyproject.toml.
        revision: anything that git resolves to a commit.
    Raises:
        DeployError: the revision does not exist, or the file cannot be written.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not target:
        name = f"web_static_{datetime.now(UTC):%Y%m%d%H%M%S}"
    else:
        version = version or tomllib.loads(_git("show", f"{commit}:pyproject.toml"))["project"]["version"]
        name = f"{target}_{version}_{commit[:12]}"
    # These options keep the operator's git configuration from changing the bytes.
    command = ["git", "-c", "core.autocrlf=false", "-c", "tar.umask=0022", "archive", "--format=tar", commit]
    tar = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    path = ROOT / FOLDER / f"{name}.tgz"
    _write(path, gzip.compress(tar, mtime=0))
    return Archive.read(path)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise DeployError(f"{path} cannot be written: {error.strerror}. Free some disk space, or check the folder's "
                          "permissions") from None


def has_uncommitted_changes() -> bool:
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


def tag(revision: str) -> None:
    """Tag the live revision in git, as LIVE and as DEPLOYED-<time>."""
    for name in ("LIVE", f"DEPLOYED-{datetime.now(UTC):%Y-%m-%dT%H%M%S}"):
        _git("tag", "--force", name, revision)


def clean(target: str, keep: int) -> list[str]:
    """Remove the oldest archives.

    Args:
        target: environment; empty = the archives without an environment.
        keep: number of archives to keep; 0 keeps one, like 1.
    Returns:
        The names of the removed files.
    """
    paths = (path for path in (ROOT / FOLDER).glob("*.tgz") if target == next(
        (name for name in NAMES if path.name.startswith(f"{name}_")), ""))
    removed = sorted(paths, key=lambda path: path.stat().st_mtime)[:-max(keep, 1)]
    for path in removed:
        path.unlink()
    return [path.name for path in removed]


def _git(*command: str) -> str:
    result = subprocess.run(["git", *command], cwd=ROOT, capture_output=True)
    if result.returncode:
        raise DeployError(f"git {' '.join(command)} failed: {result.stderr.decode().strip() or 'no such revision'}")
    return result.stdout.decode().strip()
