"""Order of steps, and undo, on fake hosts that only record steps; `test_deploy.py` uses real ones."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import fabfile
from deploy import backups, release, transaction
from deploy.archive import Archive
from deploy.config import DeployError, Environment
from deploy.hosts import SCRIPTS, sha256

BOTH = Environment("production", ["web-01", "web-02"])
NEW = Archive(Path("versions/new.tgz"), "0" * 64, "")
STATE = """current old
previous older
running old older
releases older old
wheels
maintenance
lock
free 9999999
health yes"""


class Fake:
    """A host that records steps, and fails as the test asks for.

    Args:
        done: the steps of all hosts that change something, in order, as `host script page`.
        fails: errors or signals, by `host script`.
        outputs: of scripts.
    """

    def __init__(self, name, done, fails, outputs):
        self.name, self.done, self.fails, self.outputs = name, done, fails, outputs
        self.lines, self.files, self.names = [], [], []

    def run(self, script, variables=None, timeout=0):
        if script == "state":
            return self.outputs.get("state", STATE)
        if script == "migrations":
            pending = self.outputs.get("pending", [])
            return json.dumps({"pending": pending, "up_to_date": not pending})
        if script == "record":
            if isinstance(number := self.fails.get(f"{self.name} record"), signal.Signals):
                os.kill(os.getpid(), number)
            self.lines.append(json.loads(variables["LINE"]))
            return ""
        if script == "remove_file":
            self.files.clear()
            return ""
        self.names.append(variables["NAME"])
        page = ""
        if script == "maintenance":
            page = " ".join(f"{key} {variables[key]}" for key in ("UP", "DOWN") if key in variables) or (
                f"restored: {variables['MAINTENANCE']}")
        self.done.append(f"{self.name} {script} {page}".rstrip())
        error = self.fails.get(f"{self.name} {script}")
        if isinstance(error, signal.Signals):
            os.kill(os.getpid(), error)
        elif error:
            raise error
        return ""

    def upload(self, path, target):
        self.files.append(target)


@pytest.fixture
def hosts(monkeypatch, tmp_path):
    """The first of two fake hosts; `all` has both."""
    done, fails, outputs = [], {}, {}
    both = [Fake(name, done, fails, outputs) for name in BOTH.web]

    class Both(list):
        first = both[0]
    monkeypatch.setattr(transaction, "Hosts", lambda *_: nullcontext(Both(both)))
    monkeypatch.setattr(release, "_required_space", lambda archive: 1)
    both[0].all = both
    return both[0]


def steps(hosts, script):
    return [step for step in hosts.done if step.split()[1] == script]


def test_the_release_is_healthy_on_all_hosts_before_the_first_switch(hosts):
    release.deploy(BOTH, NEW)
    first = hosts.done.index("web-01 switch")
    assert {"web-01 start", "web-02 start"} < {*hosts.done[:first]}
    assert hosts.done[first + 1] == "web-02 switch"
    assert not steps(hosts, "switch_back") + steps(hosts, "stop") + steps(hosts, "migrate")
    [line] = hosts.lines
    assert (line["action"], line["release"], line["ok"], line["sha256"]) == ("deploy", "new", True, NEW.sha256)


@pytest.mark.parametrize(("failing", "undone"), [
    ("web-02 unpack", ["remove_release"]), ("web-02 install", ["remove_release"]),
    ("web-02 start", ["stop", "remove_release"]), ("web-02 switch", ["switch_back", "stop", "remove_release"])])
def test_a_failure_on_one_host_is_undone_on_all_in_reverse_order(hosts, failing, undone):
    hosts.fails[failing] = DeployError("it broke")
    with pytest.raises(DeployError, match="it broke\nEvery host has the release that it had before"):
        release.deploy(BOTH, NEW)
    after = [each.split()[1] for each in hosts.done if each.split()[1] in ("switch_back", "stop", "remove_release")]
    assert list(dict.fromkeys(after)) == undone
    assert all(after.count(each) == 2 for each in undone)
    assert hosts.lines[0]["ok"] is False


def test_a_host_that_was_not_switched_is_not_switched_back(hosts):
    hosts.fails["web-01 switch"] = DeployError("it broke")
    with pytest.raises(DeployError):
        release.deploy(BOTH, NEW)
    assert steps(hosts, "switch_back") == ["web-01 switch_back"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_deployment_after_the_current_step(hosts, number):
    hosts.fails["web-01 switch"] = number
    with pytest.raises(DeployError, match="deploy was interrupted\nEvery host has the release that it had") as refused:
        release.deploy(BOTH, NEW)
    assert refused.value.status == 130
    assert steps(hosts, "switch") + steps(hosts, "switch_back") == ["web-01 switch", "web-01 switch_back"]
    assert signal.getsignal(number) is not signal.SIG_IGN


def test_a_signal_during_the_last_step_undoes_the_deployment(hosts):
    hosts.fails["web-02 switch"] = signal.SIGINT
    with pytest.raises(DeployError, match="deploy was interrupted"):
        release.deploy(BOTH, NEW)
    assert {*steps(hosts, "switch_back")} == {"web-01 switch_back", "web-02 switch_back"}


def test_a_signal_during_the_clean_up_undoes_nothing(hosts):
    hosts.fails["web-01 clean"] = signal.SIGINT
    release.deploy(BOTH, NEW)
    assert not steps(hosts, "switch_back")


def test_a_signal_while_recording_does_not_skip_a_host(hosts):
    hosts.fails["web-01 record"] = signal.SIGINT
    release.maintenance(BOTH, True)
    assert [each["ok"] for host in hosts.all for each in host.lines] == [True, True]


def test_an_interrupted_task_says_that_earlier_changes_stay():
    @fabfile.task()
    def interrupted(c):
        raise KeyboardInterrupt
    with pytest.raises(Exit, match=r"interrupted\. The changes made so far stay") as ended:
        interrupted(Context())
    assert ended.value.code == 130


def test_signals_do_not_interrupt_the_undo(hosts):
    hosts.fails |= {"web-02 switch": DeployError("it broke"), "web-01 switch_back": signal.SIGINT,
                    "web-02 switch_back": signal.SIGTERM}
    with pytest.raises(DeployError, match="Every host has the release that it had before"):
        release.deploy(BOTH, NEW)
    assert len(steps(hosts, "switch_back") + steps(hosts, "stop") + steps(hosts, "remove_release")) == 6


def test_a_failed_undo_is_reported_and_the_rest_is_undone(hosts):
    hosts.fails |= {"web-02 switch": DeployError("it broke"), "web-02 switch_back": DeployError("web-02: it is lost")}
    message = r"it broke\nThese hosts could not be returned to the .*:\nweb-02: it is lost\n.*rollback --to"
    with pytest.raises(DeployError, match=message):
        release.deploy(BOTH, NEW)
    assert "web-01 switch_back" in hosts.done
    assert len(steps(hosts, "stop")) == 2


def test_an_undo_reports_hosts_that_had_different_releases(hosts):
    hosts.all[1].outputs = {"state": STATE.replace("current old", "current older")}
    hosts.fails["web-02 switch"] = DeployError("it broke")
    with pytest.raises(DeployError, match=r"had before, but this is not the same release on all hosts\. .*rollback --"):
        release.deploy(BOTH, NEW)


def test_an_unexpected_exception_is_undone_too(hosts):
    hosts.fails["web-02 switch"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        release.deploy(BOTH, NEW)
    assert len(steps(hosts, "switch_back")) == 2


def test_a_failed_clean_up_undoes_nothing(hosts):
    hosts.fails["web-01 clean"] = DeployError("it broke")
    release.deploy(BOTH, NEW)
    assert not steps(hosts, "switch_back")
    assert hosts.lines[0]["ok"] is True


BREAKING = [{"revision": "r9", "about": "drops a column", "backward_compatible": False}]
RESTORED = ["web-01 maintenance restored:", "web-02 maintenance restored:"]
PAGE_UP = ["web-01 maintenance UP deploy", "web-02 maintenance UP deploy"]
PAGE_DOWN = ["web-01 maintenance DOWN deploy", "web-02 maintenance DOWN deploy"]


class TestMigration:
    def test_that_breaks_the_running_release_is_refused_before_anything_starts(self, hosts):
        hosts.outputs["pending"] = BREAKING
        with pytest.raises(DeployError, match=r"r9: drops a column.*again with --maintenance"):
            release.deploy(BOTH, NEW)
        assert not steps(hosts, "migrate") + steps(hosts, "start")

    def test_that_is_compatible_runs_while_the_old_release_serves(self, hosts):
        hosts.outputs["pending"] = [{**BREAKING[0], "backward_compatible": True}]
        release.deploy(BOTH, NEW)
        assert steps(hosts, "migrate") == ["web-01 migrate"], "once"
        assert not steps(hosts, "maintenance")

    def test_that_breaks_the_running_release_is_allowed_if_none_runs(self, hosts):
        hosts.outputs |= {"pending": BREAKING, "state": STATE.replace("current old", "current ")}
        release.deploy(BOTH, NEW)
        assert steps(hosts, "switch")

    def test_with_maintenance_runs_while_the_page_is_up(self, hosts):
        hosts.outputs["pending"] = BREAKING
        release.deploy(BOTH, NEW, maintenance=True)
        up, migrated = hosts.done.index(PAGE_UP[0]), hosts.done.index("web-01 migrate")
        assert up < migrated < hosts.done.index("web-02 switch") < hosts.done.index(PAGE_DOWN[0])

    @pytest.mark.parametrize("failing", ["web-01 migrate", "web-02 start", "web-02 switch"])
    def test_that_fails_leaves_the_page_up(self, hosts, failing):
        hosts.outputs["pending"] = BREAKING
        hosts.fails[failing] = DeployError("it broke")
        with pytest.raises(DeployError, match="The maintenance page STAYS up"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == PAGE_UP

    def test_that_failed_earlier_leaves_the_page_up_even_without_pending_migrations(self, hosts):
        hosts.outputs["state"] = STATE.replace("maintenance", "maintenance deploy")
        hosts.fails["web-02 start"] = DeployError("it broke")
        with pytest.raises(DeployError, match="The maintenance page STAYS up"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == PAGE_UP

    def test_that_is_compatible_takes_the_page_down_if_the_deployment_fails(self, hosts):
        hosts.fails["web-02 start"] = DeployError("it broke")
        with pytest.raises(DeployError, match="Every host has"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == sorted([*PAGE_UP, *RESTORED])

    def test_of_a_killed_deployment_has_its_page_taken_down_by_the_next(self, hosts):
        hosts.outputs["state"] = STATE.replace("maintenance", "maintenance deploy")
        release.deploy(BOTH, NEW)
        assert sorted(steps(hosts, "maintenance")) == PAGE_DOWN

    def test_leaves_an_operators_page_alone(self, hosts):
        hosts.outputs["state"] = STATE.replace("maintenance", "maintenance operator")
        release.deploy(BOTH, NEW)
        assert not steps(hosts, "maintenance")

    @pytest.mark.parametrize(("failing", "after"), [
        ("", PAGE_DOWN), ("web-02 start", [f"{each} operator" for each in RESTORED])])
    def test_with_maintenance_leaves_an_operators_page_up(self, hosts, failing, after):
        hosts.outputs["state"] = STATE.replace("maintenance", "maintenance operator")
        hosts.fails[failing] = DeployError("it broke")
        with pytest.raises(DeployError) if failing else nullcontext():
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == sorted([*PAGE_UP, *after])


@pytest.mark.parametrize(("before", "variables", "after"), [
    (None, {"UP": "deploy"}, "deploy"), ("operator", {"UP": "deploy"}, "deploy operator"),
    ("operator", {"UP": "operator"}, "operator"), ("deploy operator", {"DOWN": "deploy"}, "operator"),
    ("deploy", {"DOWN": "deploy"}, None), ("restore deploy", {"DOWN": "deploy operator restore"}, None),
    (None, {"DOWN": "deploy"}, None), ("deploy operator", {"MAINTENANCE": "operator"}, "operator"),
    ("deploy", {"MAINTENANCE": ""}, None), ("back soon", {"MAINTENANCE": ""}, None)])
def test_the_page_stays_up_until_its_last_reason_is_removed(tmp_path, before, variables, after):
    page = tmp_path / "shared" / "maintenance"
    page.parent.mkdir()
    if before:
        page.write_text(f"{before}\n")
    scripts = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", "maintenance"))
    subprocess.run(["sh", "-euc", scripts], env={**os.environ, "ROOT": str(tmp_path), **variables}, check=True)
    assert (page.read_text() if page.exists() else None) == (after and f"{after}\n")


@pytest.mark.parametrize(("words", "said"), [
    ("deploy", "a `deploy --maintenance` is running, or failed"), ("other", "other"),
    ("operator restore", "an operator typed `maintenance on`; a `restore` is running, or failed")])
def test_the_status_says_why_the_maintenance_page_is_up(hosts, words, said):
    hosts.outputs["state"] = STATE.replace("maintenance", f"maintenance {words}")
    state = transaction.HostState.of(hosts)
    assert f"  the maintenance page is up: {said}" in fabfile.describe("web-01", state)


class TestRestore:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "all.backup"
        path.write_bytes(b"all")
        (tmp_path / "all.backup.sha256").write_text(sha256(path))
        return path

    @pytest.mark.parametrize(("page", "failing", "after"), [
        ("", "", "DOWN deploy restore"), ("", "web-01 restore", "restored:"), ("deploy", "", "DOWN deploy restore"),
        ("deploy", "web-01 restore", "restored: deploy"), ("operator", "web-01 restore", "restored: operator")])
    def test_leaves_an_earlier_page_up(self, hosts, path, page, failing, after):
        hosts.outputs["state"] = STATE.replace("maintenance", f"maintenance {page}")
        hosts.fails[failing] = DeployError("it broke")
        with pytest.raises(DeployError) if failing else nullcontext():
            backups.restore(BOTH, path)
        found = steps(hosts, "maintenance")
        assert {*found[:2]} == {f"{host} maintenance UP restore" for host in BOTH.web}
        assert {*found[2:]} == {f"{host} maintenance {after}".rstrip() for host in BOTH.web}
        assert not hosts.files
        assert hosts.lines[0]["file"] == path.name

    def test_restarts_the_current_release(self, hosts, path):
        backups.restore(BOTH, path)
        assert steps(hosts, "start") == ["web-01 start", "web-02 start"]
        assert {*hosts.names} == {"old"}

    def test_that_is_interrupted_after_the_restore_step_is_finished(self, hosts, path, capsys):
        hosts.fails["web-01 restore"] = signal.SIGINT
        backups.restore(BOTH, path)
        assert "The interrupt came too late: the change is complete" in capsys.readouterr().out
        assert [each.split()[1:3] for each in hosts.done[-2:]] == [["maintenance", "DOWN"]] * 2
        assert hosts.lines[0]["ok"] is True

    def test_that_is_interrupted_before_the_restore_step_restores_nothing(self, hosts, path, monkeypatch):
        run = transaction.Transaction.run

        def interrupted(self, *steps):
            monkeypatch.setattr(transaction.Transaction, "run", run)
            run(self, steps[0])
            self.interrupt()
            run(self, *steps[1:])
        monkeypatch.setattr(transaction.Transaction, "run", interrupted)
        with pytest.raises(DeployError, match="restore was interrupted\nEvery host has"):
            backups.restore(BOTH, path)
        assert not steps(hosts, "restore")

    def test_without_a_checksum_says_how_to_make_one(self, path):
        checksum = path.with_name("all.backup.sha256")
        made = rf"Nothing was changed\. .*`sha256sum {path} > {checksum}`"
        checksum.write_text("")
        with pytest.raises(DeployError, match=rf"all\.backup\.sha256 is empty\. {made}"):
            backups.restore(BOTH, path)
        checksum.unlink()
        with pytest.raises(DeployError, match=rf"No such file .*{checksum}'\. {made}"):
            backups.restore(BOTH, path)

    def test_after_which_the_site_fails_says_that_the_backup_was_restored(self, hosts, path):
        hosts.fails["web-02 start"] = DeployError("web-02: it is not healthy")
        with pytest.raises(DeployError, match="healthy\nThe backup was restored, but the maintenance page STAYS"):
            backups.restore(BOTH, path)
        assert {*steps(hosts, "maintenance")} == {f"{host} maintenance UP restore" for host in BOTH.web}


@pytest.mark.parametrize(("answer", "recorded"), [
    ({"release": "old"}, True), ({"release": "new"}, False), ({}, False), ([], False), (None, False)])
def test_a_test_is_recorded_only_for_the_release_at_the_address(hosts, monkeypatch, answer, recorded):
    hosts.outputs["state"] = STATE + f'\nrelease {{"sha256": "{NEW.sha256}"}}'
    monkeypatch.setattr(release.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    with health(answer) as address, nullcontext() if recorded else pytest.raises(DeployError, match="/health/live"):
        release.test(replace(BOTH, address=address))
    assert [each["ok"] for each in hosts.lines] == [recorded]


@contextmanager
def health(answer):
    """A site that only answers with this JSON; None = status 503. Yields its address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if answer is not None else 503)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class TestRollback:
    def test_only_starts_and_switches(self, hosts):
        release.rollback(BOTH)
        assert [each.split()[1] for each in hosts.done if "clean" not in each] == ["start", "start", "switch", "switch"]
        assert hosts.lines[0]["release"] == "older"

    def test_to_a_missing_release_changes_nothing(self, hosts):
        with pytest.raises(DeployError, match=r"web-01 has no release nope\. Choose one that it has: older, old\nNoth"):
            release.rollback(BOTH, "nope")
        assert hosts.done == []

    def test_without_a_common_previous_release_needs_a_name(self, hosts):
        hosts.outputs["state"] = STATE.replace("previous older", "previous ")
        hosts.all[1].outputs = {"state": STATE.replace("releases older", "releases")}
        with pytest.raises(DeployError, match=r"Name a release with --to NAME\. Releases that all hosts have: old\n"):
            release.rollback(BOTH)

    def test_that_fails_on_one_host_is_undone_on_all(self, hosts):
        hosts.fails["web-02 switch"] = DeployError("it broke")
        with pytest.raises(DeployError, match="it broke"):
            release.rollback(BOTH)
        assert {*steps(hosts, "switch_back")} == {"web-01 switch_back", "web-02 switch_back"}
