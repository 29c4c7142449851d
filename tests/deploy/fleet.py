"""A site on test hosts: two web servers, a balancer without retries, a database, a staging host; and `fab`."""
from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.deploy.hosts import Ended, Host, Hosts
from tests.deploy.load import Answers, Load
from tests.documents import block

NAMES = ("web-01", "web-02", "lb-01", "db-01", "staging-01", "new-01")
# A static file, a page, and routes with and without use of the storage.
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

MIGRATION = '''"""Add a table."""
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
    """Test hosts, their configuration, and a checkout that tests can change.

    Args:
        folder: for the checkout and the configuration.
        wheels: folder with the wheels that the servers install.
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
        self.token = ""                     # an API token
        self.setup_output: list[str] = []   # of the commands that set up the site
        self._copy()

    @property
    def web(self) -> list[Host]:
        return [self.hosts["web-01"], self.hosts["web-02"]]

    def fab(self, *arguments: str, **environ: str) -> Ended:
        """Run `fab`, and wait until it ends. Standard output and errors are in `stdout`."""
        with self.running_fab(*arguments, **environ) as process:
            output = process.communicate(timeout=300)[0]
        return subprocess.CompletedProcess(arguments, process.returncode, output, "")

    def fab_ok(self, *arguments: str, **environ: str) -> str:
        """Run `fab`, and assert that it succeeds. Returns its output."""
        ended = self.fab(*arguments, **environ)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    @contextmanager
    def running_fab(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """A running `fab`, which is killed after the block."""
        for stamp in ("run", "dev"):
            (VENV / stamp).touch()      # marks the environment as complete for `make functional`
        with subprocess.Popen([sys.executable, "-m", "fabric", *arguments], cwd=self.checkout, text=True,
                              env=self.environ | environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def set_up(self, command: Sequence[str], packages: Path | None = None) -> None:
        """Run a command that sets up the site.

        Args:
            packages: after provisioning, the web servers get these packages, which saves time.
        """
        output = self.fab_ok(*command)
        self.setup_output.append(output)
        if packages and "provision" in command:
            for host in self.web:
                copy_packages(packages, host.packages)
        if found := re.search(r"hbnb_[0-9a-f-]{36}_\S+", output):
            self.token = found[0]

    def deploy_again(self) -> None:
        """Deploy another release to production, so that there is a previous one."""
        self.commit()
        self.fab_ok("production", "deploy")

    def commit(self, files: Mapping[str, str] = {}) -> None:
        """Commit a new revision: the original files, with these changes."""
        if "start" in self.tags():
            self._git("rm", "-r", "--quiet", ".")
            self._git("checkout", "start", "--", ".")
        for name, text in files.items():
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "Another release")

    def state(self, *hosts: Host) -> list[str]:
        """The state of web servers that must not change when a deployment fails."""
        return [host.run("cd /data/hbnb && readlink current previous; ls -A . releases; cat shared/maintenance;"
                         "systemctl list-units --plain --no-legend --state=active,activating 'hbnb@*'").stdout
                for host in hosts or self.web]

    def current(self) -> str:
        """The current release; asserts that it is the same on both web servers."""
        [name] = {host.run("basename $(readlink /data/hbnb/current)").stdout.strip() for host in self.web}
        return name

    @contextmanager
    def visitors(self, *statuses: str, address: str = "") -> Iterator[Answers]:
        """Send requests during the block, and assert that all get status 200, or one of these."""
        with Load(address or self.site, PATHS) as answers:
            yield answers
        assert answers.requests > 20
        assert {*answers.failed} <= {*statuses}, answers.seen

    def statuses(self) -> list[int]:
        """The status of one request for each of PATHS."""
        found = []
        for path in PATHS:
            connection = http.client.HTTPConnection(self.site, timeout=10)
            connection.request("GET", path)
            found.append(connection.getresponse().status)
            connection.close()
        return found

    def migration(self, statement: str) -> dict[str, str]:
        """The files of a revision with a migration that the previous release does not work with.

        Args:
            statement: Python code that it runs after creating a table.
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
        """The abbreviated commit, as in the names of releases."""
        return self._git("rev-parse", "HEAD")[:12]


def copy_packages(source: Path, target: Path) -> None:
    """Copy installed packages from or to the folder `packages` of a host, which saves time."""
    subprocess.run(["cp", "-a", source / "venvs", source / "wheels", target], check=True)


UNWRAP_CURL = "rm /usr/local/bin/curl"


def wrap_curl(first: str) -> str:
    """A shell command. After it, the host's own check through nginx runs `first`; visitors do not notice."""
    return f"""
        mkdir -p /usr/local/bin
        printf '%s\\n' '#!/bin/sh' 'case "$*" in *http://127.0.0.1*) {first};; esac' 'exec /usr/bin/curl "$@"' \\
            > /usr/local/bin/curl
        chmod 755 /usr/local/bin/curl"""


def commands(part: str) -> list[list[str]]:
    """The `fab` commands in a part of docs/deployment.md, without the word `fab`."""
    return [shlex.split(line) for line in re.findall(r"^fab (.+)$", block("deployment.md", part), re.M)]


def build_wheels(folder: Path) -> None:
    """Build the wheels that the servers install, for their Python."""
    ended = subprocess.run([sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "wheel", "--quiet",
                            "--disable-pip-version-check", "-r", "requirements/production.txt", "-w", str(folder)],
                           cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
