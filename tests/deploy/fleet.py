"""A site on test hosts: two web servers, a balancer that does not ask twice, a database, a staging host; and `fab`."""
from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.deploy.hosts import Ended, Host, Hosts
from tests.deploy.load import Answers, Load
from tests.documents import block

NAMES = ("web-01", "web-02", "lb-01", "db-01", "staging-01", "new-01")
# A file of nginx's, a page, what needs no storage, and what does.
PATHS = ("/web_static/styles/tokens.css", "/hbnb", "/api/v1/status", "/api/v1/stats", "/health/live")
VENV = Path(sys.executable).parent.parent
CONFIG = """
[production]
web = ["web-01", "web-02"]
balancer = ["lb-01"]
database = "db-01"
database_address = "{db}"
web_addresses = ["{web1}", "{web2}"]
balancer_addresses = ["{lb}"]
address = "http://{lb}"
retries = 0
{common}

[production.settings]
HBNB_RATE_LIMIT = "none"

[staging]
web = ["staging-01"]
address = "http://{staging}"
{common}

[staging.settings]
HBNB_RATE_LIMIT = "none"

[dev]
web = ["new-01"]
{common}
"""

MIGRATION = '''"""A table more."""
from alembic import op

revision = "9001"
down_revision = "{head}"
backward_compatible = False


def upgrade() -> None:
    op.execute("CREATE TABLE IF NOT EXISTS extra (id INT)")
    {statement}


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS extra")
'''


class Fleet:
    """The hosts, a checkout that may be changed, and the configuration of both.

    Args:
        folder: where the checkout and the configuration are made.
        wheels: a folder with what the servers install.
    """

    def __init__(self, hosts: Hosts, folder: Path, wheels: Path) -> None:
        self.hosts, self.folder = hosts, folder
        self.checkout, self.config = folder / "checkout", folder / "hosts.toml"
        address = {name: hosts[name].address for name in NAMES}
        self.site = address["lb-01"]
        common = "\n".join((f'known_hosts = "{hosts.known_hosts}"', f'ssh_config = "{hosts.config}"',
                            f'wheels = "{wheels}"', "workers = 1", "keep = 3", "wait = 20"))
        self.config.write_text(CONFIG.format(
            common=common, db=address["db-01"], web1=address["web-01"], web2=address["web-02"],
            lb=address["lb-01"], staging=address["staging-01"]))
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")} | {
            "HBNB_DEPLOY": str(self.config), "SSH_AUTH_SOCK": "", "PYTHONUNBUFFERED": "1", "VENV": str(VENV)}
        self.token = ""             # for the API
        self.said: list[str] = []   # when all this was made
        self._copy()

    @property
    def web(self) -> list[Host]:
        return [self.hosts["web-01"], self.hosts["web-02"]]

    def fab(self, *arguments: str, **environ: str) -> Ended:
        """Run `fab` to its end; what it prints and says are one text."""
        with self.begun(*arguments, **environ) as process:
            said = process.communicate(timeout=300)[0]
        return subprocess.CompletedProcess(arguments, process.returncode, said, "")

    def done(self, *arguments: str, **environ: str) -> str:
        """Run `fab`, which is to succeed; what it says."""
        ended = self.fab(*arguments, **environ)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    @contextmanager
    def begun(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """A `fab` that runs during the block, and not after it."""
        for stamp in ("run", "dev"):
            (VENV / stamp).touch()      # `make functional` finds everything installed there
        with subprocess.Popen([sys.executable, "-m", "fabric", *arguments], cwd=self.checkout, text=True,
                              env=self.environ | environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def commit(self, files: Mapping[str, str] = {}) -> None:
        """Another revision to ship, which is what we have here but for some files."""
        if "start" in self.tags():
            self._git("rm", "-r", "--quiet", ".")
            self._git("checkout", "start", "--", ".")
        for name, text in files.items():
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "Another release")

    def state(self, *hosts: Host) -> list[str]:
        """What there is on web servers, and what is not to change when a deployment is refused or fails."""
        return [host.run("cd /data/hbnb && readlink current previous; ls -A . releases; cat shared/maintenance;"
                         "systemctl list-units --plain --no-legend --state=active,activating 'hbnb@*'").stdout
                for host in hosts or self.web]

    def current(self) -> str:
        """The release that both web servers serve."""
        [name] = {host.run("basename $(readlink /data/hbnb/current)").stdout.strip() for host in self.web}
        return name

    @contextmanager
    def guests(self, *statuses: str, address: str = "") -> Iterator[Answers]:
        """Guests come during the block, and see nothing of it, or but these statuses beside 200."""
        with Load(address or self.site, PATHS) as answers:
            yield answers
        assert answers.requests > 20
        assert {*answers.failed} <= {*statuses}, answers.seen

    def lend(self, lender: Host, host: Host) -> None:
        """Have a host install in no time, what another one has installed."""
        there, here = (f"/proc/{each.pid}/root/data/hbnb/shared" for each in (lender, host))
        subprocess.run(["cp", "-a", f"{there}/venvs", f"{there}/wheels", here], check=True)

    def answers(self) -> list[int]:
        """What the site answers a guest who asks for each thing once."""
        found = []
        for path in PATHS:
            connection = http.client.HTTPConnection(self.site, timeout=10)
            connection.request("GET", path)
            found.append(connection.getresponse().status)
            connection.close()
        return found

    def migration(self, statement: str) -> dict[str, str]:
        """The files of a revision with a migration that the release before cannot live with.

        Args:
            statement: what it does, in Python, after it has made a table.
        """
        path = "migrations/__init__.py"
        text = (ROOT / path).read_text()
        head = re.search(r'^HEAD = "(\w+)"', text, re.M)
        assert head
        return {path: text.replace(head[0], 'HEAD = "9001"'), "migrations/versions/r9001.py": MIGRATION.format(
            head=head[1], statement=statement)}

    def _copy(self) -> None:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                                text=True, check=True).stdout
        for name in listed.splitlines():
            if (ROOT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.checkout / name)
        self._git("init", "--quiet")
        self._git("config", "user.name", "Test")
        self._git("config", "user.email", "test@hbnb.test")
        self.commit()
        self._git("tag", "start")

    def _git(self, *command: str) -> str:
        return subprocess.run(["git", *command], cwd=self.checkout, check=True, capture_output=True, text=True).stdout

    def tags(self) -> list[str]:
        return self._git("tag").split()

    def head(self) -> str:
        """The newest revision, as it stands in names."""
        return self._git("rev-parse", "HEAD")[:12]


FRONT_AS_IT_IS = "rm /usr/local/bin/curl"


def front(first: str) -> str:
    """A command, after which a host's own look at its front door does something first; guests notice nothing."""
    return f"""
        mkdir -p /usr/local/bin
        printf '%s\\n' '#!/bin/sh' 'case "$*" in *http://127.0.0.1*) {first};; esac' 'exec /usr/bin/curl "$@"' \\
            > /usr/local/bin/curl
        chmod 755 /usr/local/bin/curl"""


def commands(part: str) -> list[list[str]]:
    """What docs/deployment.md tells people to type in one of its parts, without the `fab`."""
    return [shlex.split(line) for line in re.findall(r"^fab (.+)$", block("deployment.md", part), re.M)]


def wheels(folder: Path) -> None:
    """What the servers install, for the Python that they have."""
    ended = subprocess.run([sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "wheel", "--quiet",
                            "--disable-pip-version-check", "-r", "requirements/production.txt", "-w", str(folder)],
                           cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
