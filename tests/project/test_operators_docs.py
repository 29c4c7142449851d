"""Documentation for operators: its commands work, and its names, numbers and messages match the code."""
from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

import server
from config import DATABASES, ENVIRONMENTS, Database
from serving import concurrency, connections
from serving.response import CHUNK_SIZE
from serving.workers import STARTS
from tests import programs
from tests.apps import ready_app
from tests.conftest import ROOT
from tests.documents import block

# Messages of other programs, which HBNB's log contains.
FOREIGN = {"TLS/SSL error"}
OWN = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")}


def cron(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    r"""Run a line of a crontab as cron does: an unescaped % ends the command, and few variables are set."""
    command = line.split(None, 5)[5]
    command, *lines = re.split(r"(?<!\\)%", command)
    return subprocess.run(["/bin/sh", "-c", command.replace(r"\%", "%")], input="\n".join(lines), cwd=home, text=True,
                          capture_output=True, env={"HOME": str(home), "LOGNAME": "hbnb", "SHELL": "/bin/sh",
                                                    "PATH": "/usr/bin:/bin"})


@pytest.fixture
def placed(tmp_path):
    """Replace the server's paths in a text with those of a temporary folder and of this checkout."""
    for name in ("home", "backups", "releases"):
        (tmp_path / name).mkdir()
    (tmp_path / "releases" / "one").symlink_to(ROOT)
    (tmp_path / "current").symlink_to("releases/one")
    (tmp_path / "env").write_text(f"HBNB_ENV='production'\nHBNB_FILE_PATH='{tmp_path}/file.json'\n")
    paths = {"/srv/hbnb/current": str(ROOT), "/etc/hbnb/env": f"{tmp_path}/env",
             "/var/backups/hbnb": f"{tmp_path}/backups", "/usr/local/lib/hbnb/manage": f"{tmp_path}/manage",
             "/data/hbnb": str(tmp_path), "@root@": str(tmp_path), "$(id -u)": "1"}

    def place(text: str) -> str:
        for server_path, local_path in paths.items():
            text = text.replace(server_path, local_path)
        return text
    (tmp_path / "manage").write_text(place((ROOT / "deploy" / "files" / "manage").read_text()))
    (tmp_path / "manage").chmod(0o755)
    return place


@pytest.mark.parametrize("name", ["cron by hand", "cron with fab"])
def test_the_crontab_lines_make_a_backup_and_remove_old_ones(tmp_path, placed, name):
    environ = {**OWN, "HBNB_FILE_PATH": str(tmp_path / "file.json")}
    console(environ, "-c", 'create State name="Kept"')
    old = tmp_path / "backups" / "old.backup"
    old.touch()
    os.utime(old, (0, 0))
    for line in block("backup.md", name).splitlines():
        ended = cron(placed(line), tmp_path / "home")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    [made] = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{4}\.backup", made.name)
    assert console(environ, "restore", str(made), "--check")


def console(environ: Mapping[str, str], *arguments: str) -> str:
    ended = programs.run(["console.py", *arguments], environ, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class TestMetrics:
    @pytest.fixture
    def families(self, storage):
        """The metric families of `/metrics` after some requests."""
        app = ready_app(metrics="127.0.0.1:9101")
        app.add_url_rule("/broken", view_func=lambda: ("", 500))
        for path in ("/api/v1/states", "/broken"):
            app.test_client().get(path)
        registry, _ = app.extensions["metrics"]
        return [*registry.collect()]

    def test_the_table_lists_exactly_the_existing_metrics(self, families):
        text = (ROOT / "docs" / "metrics.md").read_text()
        rows = re.findall(r"^\| (`[a-z].*?) \| (\w+) \| (.*?) \|", text, re.M)
        documented = {name: kind for names, kind, _ in rows for name in re.findall(r"`(\w+)`", names)}
        found = {family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""): family.type
                 for family in families}
        assert documented == {name: {"info": "gauge"}.get(kind, kind) for name, kind in found.items()}

    def test_the_table_lists_exactly_the_labels_of_each_metric(self, families):
        text = (ROOT / "docs" / "metrics.md").read_text()
        for family in families:
            for sample in family.samples:
                labels = {*sample.labels} - {"le"}
                [row] = re.findall(rf"^\| .*`{family.name}(?:_total|_info)?`.* \| \w+ \| (.*?) \|", text, re.M)
                assert {*re.findall(r"`(\w+)`", row)} == labels, sample.name

    def test_an_alert_queries_only_existing_metrics(self, families):
        names = {family.name + end for family in families for end in ("", "_total", "_bucket", "_info")}
        rules = block("metrics.md", "alerts")
        alerts = re.findall(r"- alert: (\w+)\n +expr: (.+)\n", rules)
        assert len(alerts) == rules.count("- alert:") > 5
        for alert, expression in alerts:
            queried = re.findall(r"\b(?:hbnb|process)_\w+", expression)
            assert queried or "up{" in expression
            assert {*queried} <= names, alert


def test_the_documented_number_of_connections_follows_from_the_settings():
    text = " ".join((ROOT / "docs" / "sizing.md").read_text().split())
    of, requests = DATABASES["production"], concurrency.MAX_READS + concurrency.MAX_WRITES
    most, fewest = 2 * (of.pool + of.overflow) + 2 * requests, 2 * requests + 2 * requests
    assert (f"works on {requests} requests at a time, {concurrency.MAX_READS} that read and "
            f"{concurrency.MAX_WRITES} that write") in text
    assert f"2 × ({of.pool} + {of.overflow}) + 2 × {requests} = {most}" in text
    assert f"`HBNB_MYSQL_POOL={requests}`" in text
    rows = re.findall(r"\| (\d) \| (\d) \| (\d+) \| (\d+) \|", text)
    assert len(rows) == 3
    for servers, workers, few, many in rows:
        processes = 2 * int(servers) * int(workers)
        assert (int(few), int(many)) == (processes * fewest, processes * most)


def explained() -> list[str]:
    """Return the messages that the documents explain: the code in table columns named `what you see`."""
    found: list[str] = []
    for path in (ROOT / "docs").glob("*.md"):
        for table in re.findall(r"^\| what you see \|.*\n((?:\|.*\n)+)", path.read_text(), re.M):
            for row in table.splitlines():
                found += re.findall(r"`([^`]+)`", row.split(" | ")[0])
    assert len(found) > 30, "hardly any message was found: check the pattern"
    return sorted({*found} - FOREIGN)


@pytest.fixture(scope="module")
def sources() -> str:
    """The source code, with string literals that span lines joined."""
    paths = [path for end in ("py", "sh") for path in ROOT.glob(f"**/*.{end}") if not any(
        part.startswith(".") or part in ("tests", "node_modules") for part in path.relative_to(ROOT).parts)]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text() for path in paths))


@pytest.mark.parametrize("message", explained())
def test_a_message_that_the_documents_explain_occurs_in_the_code(message, sources):
    if step := re.fullmatch(r"(\w+): …", message):     # printed by `Host.shell` before what a step says
        assert (ROOT / "deploy" / "steps" / f"{step[1]}.sh").exists()
    else:
        assert all(part.strip() in sources for part in message.split("…"))


def test_the_documented_database_limits_are_those_of_each_environment():
    text = (ROOT / "docs" / "faults.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .*?" + r" \| ([^|]+)" * 4 + r" \|$", text, re.M)
    assert {name: values for name, *values in rows} == {
        each.name: [str(getattr(DATABASES[env], each.name)) for env in ENVIRONMENTS] for each in fields(Database)}


def test_the_documented_limits_for_slow_clients_are_those_of_the_server():
    of = concurrency
    text = (ROOT / "docs" / "faults.md").read_text()
    for quote in (f"{of.MAX_READS} that read and {of.MAX_WRITES} that write",
                  f"{of.MAX_WAITING_READS} that read and {of.MAX_WAITING_WRITES} that write, "
                  f"for at most {of.SLOT_TIMEOUT} seconds",
                  f"{of.MAX_BODIES}, for at most {of.BODY_TIMEOUT} seconds each; {of.BUSY_BODY_TIMEOUT} seconds",
                  f"(over {CHUNK_SIZE >> 10} KiB) sent at once | {of.MAX_LONG_RESPONSES}, "
                  f"with {of.MAX_LONG_BYTES // 1_000_000} MB", f"`overflow` − {of.MAX_READS} |",
                  f"{of.MAX_WAITING_RESPONSES}, for at most {2 * of.SLOT_TIMEOUT} seconds",
                  f"fewer than {connections.RATE} bytes a second for {connections.SLOW} seconds; {connections.HURRY} ",
                  f"an idle connection | {server.HEAD} seconds", f"{connections.MOST}; above {connections.ROOM}, "):
        assert quote in text, quote
    assert STARTS == 3
    assert "dies three times before it can serve" in text


def test_the_documented_token_commands_work(tmp_path):
    environ = {**OWN, "HBNB_FILE_PATH": str(tmp_path / "file.json")}
    console(environ, "-c", "token create partner")
    for command in block("secrets.md", "tokens").splitlines():
        console(environ, "-c", command)
    listed = console(environ, "-c", "token list")
    assert "partner-2027" in listed
    assert not re.search(r"partner\s*$", listed, re.M)


def test_the_readme_links_to_every_page_of_docs():
    text = (ROOT / "README.md").read_text()
    for path in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{path.name})" in text, path.name
    assert "](LICENSE)" in text
    assert "MIT License\n\nCopyright (c) 2026 the HBNB authors" in (ROOT / "LICENSE").read_text()
