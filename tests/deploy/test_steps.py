"""What is done in which order, and what is undone, on hosts that only note it; `test_deploy.py` does it for real."""
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
from deploy import backups, release, work
from deploy.archive import Archive
from deploy.config import Environment, Refused
from deploy.hosts import SCRIPTS, digest

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
    """A host. It fails at what the test says.

    Args:
        done: of all hosts, the steps that change something, in order, as `host script page`.
    """

    def __init__(self, name, done, fails, answers):
        self.name, self.done, self.fails, self.answers = name, done, fails, answers
        self.lines, self.left, self.names = [], [], []

    def run(self, script, given=None, timeout=0):
        if script == "state":
            return self.answers.get("state", STATE)
        if script == "migrations":
            pending = self.answers.get("pending", [])
            return json.dumps({"pending": pending, "up_to_date": not pending})
        if script == "record":
            if isinstance(told := self.fails.get(f"{self.name} record"), signal.Signals):
                os.kill(os.getpid(), told)
            self.lines.append(json.loads(given["LINE"]))
            return ""
        if script == "forget":
            self.left.clear()
            return ""
        self.names.append(given["NAME"])
        page = ""
        if script == "maintenance":
            page = " ".join(f"{key} {given[key]}" for key in ("UP", "DOWN") if key in given) or (
                f"as it was: {given['MAINTENANCE']}")
        self.done.append(f"{self.name} {script} {page}".rstrip())
        error = self.fails.get(f"{self.name} {script}")
        if isinstance(error, signal.Signals):
            os.kill(os.getpid(), error)
        elif error:
            raise error
        return ""

    def upload(self, path, target):
        self.left.append(target)


@pytest.fixture
def hosts(monkeypatch, tmp_path):
    """Both hosts; what they do stands in `done`, and what they fail at in `fails`."""
    done, fails, answers = [], {}, {}
    both = [Fake(name, done, fails, answers) for name in BOTH.web]

    class Both(list):
        first = both[0]
    monkeypatch.setattr(work, "Hosts", lambda *_: nullcontext(Both(both)))
    monkeypatch.setattr(release, "_needed", lambda archive: 1)
    both[0].all = both
    return both[0]


def steps(hosts, script):
    return [each for each in hosts.done if each.partition(" ")[2].startswith(script)]


def test_all_hosts_are_ready_before_any_switches(hosts):
    release.deploy(BOTH, NEW)
    first = hosts.done.index("web-01 switch")
    assert {"web-01 start", "web-02 start"} < {*hosts.done[:first]}
    assert hosts.done[first + 1] == "web-02 switch"
    assert not steps(hosts, "back") + steps(hosts, "stop") + steps(hosts, "migrate")
    [line] = hosts.lines
    assert (line["action"], line["release"], line["ok"], line["sha256"]) == ("deploy", "new", True, NEW.sha256)


@pytest.mark.parametrize(("failing", "undone"), [
    ("web-02 unpack", ["remove"]), ("web-02 install", ["remove"]),
    ("web-02 start", ["stop", "remove"]), ("web-02 switch", ["back", "stop", "remove"])])
def test_what_fails_on_one_host_is_undone_on_all_the_last_first(hosts, failing, undone):
    hosts.fails[failing] = Refused("it broke")
    with pytest.raises(Refused, match="it broke\nEvery host has the release it had"):
        release.deploy(BOTH, NEW)
    after = [each.split()[1] for each in hosts.done if each.split()[1] in ("back", "stop", "remove")]
    assert list(dict.fromkeys(after)) == undone
    assert all(after.count(each) == 2 for each in undone)
    assert hosts.lines[0]["ok"] is False


def test_a_host_that_was_not_switched_is_not_switched_back(hosts):
    hosts.fails["web-01 switch"] = Refused("it broke")
    with pytest.raises(Refused):
        release.deploy(BOTH, NEW)
    assert steps(hosts, "back") == ["web-01 back"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_finishes_the_step_and_goes_back(hosts, told):
    hosts.fails["web-01 switch"] = told
    with pytest.raises(Refused, match="deploy was interrupted\nEvery host has the release it had") as refused:
        release.deploy(BOTH, NEW)
    assert refused.value.status == 130
    assert steps(hosts, "switch") + steps(hosts, "back") == ["web-01 switch", "web-01 back"]
    assert signal.getsignal(told) is not signal.SIG_IGN


def test_who_is_told_to_end_at_the_last_step_goes_back_too(hosts):
    hosts.fails["web-02 switch"] = signal.SIGINT
    with pytest.raises(Refused, match="deploy was interrupted"):
        release.deploy(BOTH, NEW)
    assert {*steps(hosts, "back")} == {"web-01 back", "web-02 back"}


def test_who_is_told_to_end_while_tidying_up_has_deployed(hosts):
    hosts.fails["web-01 clean"] = signal.SIGINT
    release.deploy(BOTH, NEW)
    assert not steps(hosts, "back")


def test_who_is_told_to_end_while_it_is_noted_has_it_noted_everywhere(hosts):
    hosts.fails["web-01 record"] = signal.SIGINT
    release.maintenance(BOTH, True)
    assert [each["ok"] for host in hosts.all for each in host.lines] == [True, True]


def test_an_interrupted_task_does_not_say_that_nothing_was_changed():
    @fabfile.task()
    def interrupted(c):
        raise KeyboardInterrupt
    with pytest.raises(Exit, match="interrupted; what was done before stays") as ended:
        interrupted(Context())
    assert ended.value.code == 130


def test_going_back_is_not_interrupted(hosts):
    hosts.fails |= {"web-02 switch": Refused("it broke"), "web-01 back": signal.SIGINT, "web-02 back": signal.SIGTERM}
    with pytest.raises(Refused, match="Every host has the release it had"):
        release.deploy(BOTH, NEW)
    assert len(steps(hosts, "back") + steps(hosts, "stop") + steps(hosts, "remove")) == 6


def test_what_cannot_be_taken_back_is_said_and_the_rest_is_taken_back(hosts):
    hosts.fails |= {"web-02 switch": Refused("it broke"), "web-02 back": Refused("web-02: it is gone")}
    with pytest.raises(Refused, match=r"it broke\nNot every host is what it was:\nweb-02: it is gone\n.*rollback --to"):
        release.deploy(BOTH, NEW)
    assert "web-01 back" in hosts.done
    assert len(steps(hosts, "stop")) == 2


def test_hosts_that_were_not_equal_before_are_not_said_to_be(hosts):
    hosts.all[1].answers = {"state": STATE.replace("current old", "current older")}
    hosts.fails["web-02 switch"] = Refused("it broke")
    with pytest.raises(Refused, match=r"the release it had, and they are not the same: .*rollback --to"):
        release.deploy(BOTH, NEW)


def test_a_failure_of_our_own_is_undone_too(hosts):
    hosts.fails["web-02 switch"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        release.deploy(BOTH, NEW)
    assert len(steps(hosts, "back")) == 2


def test_tidying_up_takes_nothing_back(hosts):
    hosts.fails["web-01 clean"] = Refused("it broke")
    release.deploy(BOTH, NEW)
    assert not steps(hosts, "back")
    assert hosts.lines[0]["ok"] is True


BREAKING = [{"revision": "r9", "about": "drops a column", "backward_compatible": False}]
AS_IT_WAS = ["web-01 maintenance as it was:", "web-02 maintenance as it was:"]
PAGE_UP = ["web-01 maintenance UP deploy", "web-02 maintenance UP deploy"]
PAGE_DOWN = ["web-01 maintenance DOWN deploy", "web-02 maintenance DOWN deploy"]


class TestMigration:
    def test_that_the_old_code_cannot_bear_is_refused_before_anything_starts(self, hosts):
        hosts.answers["pending"] = BREAKING
        with pytest.raises(Refused, match=r"r9: drops a column.*add --maintenance"):
            release.deploy(BOTH, NEW)
        assert not steps(hosts, "migrate") + steps(hosts, "start")

    def test_that_the_old_code_can_bear_is_done_while_it_serves(self, hosts):
        hosts.answers["pending"] = [{**BREAKING[0], "backward_compatible": True}]
        release.deploy(BOTH, NEW)
        assert steps(hosts, "migrate") == ["web-01 migrate"], "once"
        assert not steps(hosts, "maintenance")

    def test_is_nobodys_trouble_where_nothing_runs_yet(self, hosts):
        hosts.answers |= {"pending": BREAKING, "state": STATE.replace("current old", "current ")}
        release.deploy(BOTH, NEW)
        assert steps(hosts, "switch")

    def test_with_maintenance_is_done_behind_the_page(self, hosts):
        hosts.answers["pending"] = BREAKING
        release.deploy(BOTH, NEW, maintenance=True)
        up, migrated = hosts.done.index(PAGE_UP[0]), hosts.done.index("web-01 migrate")
        assert up < migrated < hosts.done.index("web-02 switch") < hosts.done.index(PAGE_DOWN[0])

    @pytest.mark.parametrize("failing", ["web-01 migrate", "web-02 start", "web-02 switch"])
    def test_that_breaks_off_leaves_the_page_up(self, hosts, failing):
        hosts.answers["pending"] = BREAKING
        hosts.fails[failing] = Refused("it broke")
        with pytest.raises(Refused, match="The maintenance page STAYS up"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == PAGE_UP

    def test_that_broke_off_before_leaves_the_page_up_though_nothing_is_left_to_migrate(self, hosts):
        hosts.answers["state"] = STATE.replace("maintenance", "maintenance deploy")
        hosts.fails["web-02 start"] = Refused("it broke")
        with pytest.raises(Refused, match="The maintenance page STAYS up"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == PAGE_UP

    def test_that_was_harmless_takes_the_page_down_with_it(self, hosts):
        hosts.fails["web-02 start"] = Refused("it broke")
        with pytest.raises(Refused, match="Every host has"):
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == sorted([*PAGE_UP, *AS_IT_WAS])

    def test_whose_deployer_died_has_its_page_taken_down_by_the_next(self, hosts):
        hosts.answers["state"] = STATE.replace("maintenance", "maintenance deploy")
        release.deploy(BOTH, NEW)
        assert sorted(steps(hosts, "maintenance")) == PAGE_DOWN

    def test_leaves_a_page_alone_that_somebody_put_up(self, hosts):
        hosts.answers["state"] = STATE.replace("maintenance", "maintenance operator")
        release.deploy(BOTH, NEW)
        assert not steps(hosts, "maintenance")

    @pytest.mark.parametrize(("failing", "after"), [
        ("", PAGE_DOWN), ("web-02 start", [f"{each} operator" for each in AS_IT_WAS])])
    def test_behind_a_page_that_somebody_put_up_leaves_it_to_them(self, hosts, failing, after):
        hosts.answers["state"] = STATE.replace("maintenance", "maintenance operator")
        hosts.fails[failing] = Refused("it broke")
        with pytest.raises(Refused) if failing else nullcontext():
            release.deploy(BOTH, NEW, maintenance=True)
        assert sorted(steps(hosts, "maintenance")) == sorted([*PAGE_UP, *after])


@pytest.mark.parametrize(("there", "given", "after"), [
    (None, {"UP": "deploy"}, "deploy"), ("operator", {"UP": "deploy"}, "deploy operator"),
    ("operator", {"UP": "operator"}, "operator"), ("deploy operator", {"DOWN": "deploy"}, "operator"),
    ("deploy", {"DOWN": "deploy"}, None), ("restore deploy", {"DOWN": "deploy operator restore"}, None),
    (None, {"DOWN": "deploy"}, None), ("deploy operator", {"MAINTENANCE": "operator"}, "operator"),
    ("deploy", {"MAINTENANCE": ""}, None), ("back soon", {"MAINTENANCE": ""}, None)])
def test_a_page_stays_as_long_as_anybody_wants_it(tmp_path, there, given, after):
    page = tmp_path / "shared" / "maintenance"
    page.parent.mkdir()
    if there:
        page.write_text(f"{there}\n")
    scripts = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", "maintenance"))
    subprocess.run(["sh", "-euc", scripts], env={**os.environ, "ROOT": str(tmp_path), **given}, check=True)
    assert (page.read_text() if page.exists() else None) == (after and f"{after}\n")


class TestRestore:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "all.backup"
        path.write_bytes(b"all")
        (tmp_path / "all.backup.sha256").write_text(digest(path))
        return path

    @pytest.mark.parametrize(("page", "failing", "after"), [
        ("", "", "DOWN deploy restore"), ("", "web-01 restore", "as it was:"), ("deploy", "", "DOWN deploy restore"),
        ("deploy", "web-01 restore", "as it was: deploy"), ("operator", "web-01 restore", "as it was: operator")])
    def test_leaves_a_page_up_that_has_to_stay(self, hosts, path, page, failing, after):
        hosts.answers["state"] = STATE.replace("maintenance", f"maintenance {page}")
        hosts.fails[failing] = Refused("it broke")
        with pytest.raises(Refused) if failing else nullcontext():
            backups.restore(BOTH, path)
        found = steps(hosts, "maintenance")
        assert {*found[:2]} == {f"{host} maintenance UP restore" for host in BOTH.web}
        assert {*found[2:]} == {f"{host} maintenance {after}".rstrip() for host in BOTH.web}
        assert not hosts.left
        assert hosts.lines[0]["file"] == path.name

    def test_starts_what_is_current_as_it_may_not_have_worked_with_what_was_lost(self, hosts, path):
        backups.restore(BOTH, path)
        assert steps(hosts, "start") == ["web-01 start", "web-02 start"]
        assert {*hosts.names} == {"old"}

    def test_that_is_interrupted_too_late_is_finished(self, hosts, path, capsys):
        hosts.fails["web-01 restore"] = signal.SIGINT
        backups.restore(BOTH, path)
        assert "That came too late: it is done" in capsys.readouterr().out
        assert [each.split()[1:3] for each in hosts.done[-2:]] == [["maintenance", "DOWN"]] * 2
        assert hosts.lines[0]["ok"] is True

    def test_that_is_interrupted_before_it_began_is_none(self, hosts, path, monkeypatch):
        do = work.Work.do

        def interrupted(self, *given):
            monkeypatch.setattr(work.Work, "do", do)
            do(self, given[0])
            self.interrupt()
            do(self, *given[1:])
        monkeypatch.setattr(work.Work, "do", interrupted)
        with pytest.raises(Refused, match="restore was interrupted\nEvery host has"):
            backups.restore(BOTH, path)
        assert not steps(hosts, "restore")

    def test_after_which_the_site_does_not_work_says_that_the_backup_is_there(self, hosts, path):
        hosts.fails["web-02 start"] = Refused("web-02: it is not healthy")
        with pytest.raises(Refused, match="healthy\nThe backup is in its place, and the maintenance page STAYS"):
            backups.restore(BOTH, path)
        assert {*steps(hosts, "maintenance")} == {f"{host} maintenance UP restore" for host in BOTH.web}


@pytest.mark.parametrize(("answers", "noted"), [
    ({"release": "old"}, True), ({"release": "new"}, False), ({}, False), ([], False), (None, False)])
def test_only_what_the_address_serves_is_noted_as_tested(hosts, monkeypatch, answers, noted):
    hosts.answers["state"] = STATE + f'\nrelease {{"sha256": "{NEW.sha256}"}}'
    monkeypatch.setattr(release.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    with health(answers) as address, nullcontext() if noted else pytest.raises(Refused, match="/health/live"):
        release.test(replace(BOTH, address=address))
    assert [each["ok"] for each in hosts.lines] == [noted]


@contextmanager
def health(answers):
    """A site that only says which release it is, if anything; gives its address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if answers is not None else 503)
            self.end_headers()
            self.wfile.write(json.dumps(answers).encode())

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
    def test_is_the_switch_alone(self, hosts):
        release.rollback(BOTH)
        assert [each.split()[1] for each in hosts.done if "clean" not in each] == ["start", "start", "switch", "switch"]
        assert hosts.lines[0]["release"] == "older"

    def test_to_what_is_not_there_changes_nothing(self, hosts):
        with pytest.raises(Refused, match="web-01 has no release nope, but older, old\nNothing was changed"):
            release.rollback(BOTH, "nope")
        assert hosts.done == []

    def test_without_one_before_asks_which(self, hosts):
        hosts.answers["state"] = STATE.replace("previous older", "previous ")
        hosts.all[1].answers = {"state": STATE.replace("releases older", "releases")}
        with pytest.raises(Refused, match="say by --to NAME which; all have old\n"):
            release.rollback(BOTH)

    def test_that_fails_on_one_host_is_undone_on_all(self, hosts):
        hosts.fails["web-02 switch"] = Refused("it broke")
        with pytest.raises(Refused, match="it broke"):
            release.rollback(BOTH)
        assert {*steps(hosts, "back")} == {"web-01 back", "web-02 back"}
