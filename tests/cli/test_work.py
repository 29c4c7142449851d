"""The worker, `flask --app wsgi work`, in processes: it sends each mail once, and survives what fails around it."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import select, update

import models
from config import Settings
from models.base_model import utc_now
from models.outgoing_mail import OutgoingMail
from services import outbox
from tests.conftest import ROOT, environment, own_settings
from tests.mariadb import MariaDB
from tests.programs import Program
from tests.servers import Server, free_port
from tests.smtp import MailServer

COMMAND = ["-m", "flask", "--app", "wsgi", "work"]
AWAY = "The worker waits until the storage can be used"
DATA = {"name": "Ada", "secret": "s"}


def queue(*keys: str) -> None:
    for key in keys:
        models.storage.transact(lambda key=key: outbox.queue(key, f"{key}@example.com", "confirm", **DATA))


def rows() -> list[dict]:
    try:
        return models.storage.read(select(OutgoingMail.__table__)).all()
    finally:
        models.storage.close()


def start(environ: Mapping[str, str], *options: str, output: IO[str] | int = subprocess.PIPE, **more: str) -> Program:
    return Program([*COMMAND, *options], {**environ, **more}, cwd=ROOT, stdout=output,
                   stderr=subprocess.STDOUT, text=True)


def ended(process: Program) -> str:
    """Wait until a worker has ended, and return its output. Fails if its exit status is not 0."""
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    return output


@contextmanager
def working(environ: Mapping[str, str], output: IO[str] | int = subprocess.PIPE, **more: str) -> Iterator[Program]:
    with start(environ, output=output, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition, what: str) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(what)


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def test_two_workers_at_once_send_each_mail_once(storage, environ, mails):
    keys = [f"m{number}" for number in range(12)]
    queue(*keys)
    storage.close()
    for each in [start(environ, "--once", HBNB_MAIL_URL=mails.url) for _ in range(2)]:
        assert ended(each) == ""
    assert sorted(mail["To"] for mail in mails.mails) == sorted(f"{key}@example.com" for key in keys)
    assert all(row["sent_at"] for row in rows())


def test_a_worker_that_is_killed_after_the_mail_was_accepted_sends_it_with_the_same_id_again(storage, environ, mails):
    queue("one")
    storage.close()
    with working(environ, HBNB_MAIL_URL=mails.url) as process:
        mails.at["QUIT"] = process.kill
        process.wait(60)
    [row] = rows()
    assert (row["sent_at"], row["attempts"]) == (None, 1)
    mails.at.clear()
    ended(start(environ, "--once", HBNB_MAIL_URL=mails.url))
    assert len(mails.mails) == 1        # the lease has not ended yet
    storage.transact(lambda: storage.write(update(OutgoingMail.__table__).values(due_at=utc_now())))
    storage.close()
    ended(start(environ, "--once", HBNB_MAIL_URL=mails.url))
    assert len(mails.mails) == 2
    assert {*mails.ids} == {f"<{row['id']}@localhost>"}
    assert rows()[0]["sent_at"]


def test_a_running_worker_sends_what_is_queued_and_ends_at_ctrl_c(storage, environ, mails):
    with working(environ, HBNB_MAIL_URL=mails.url) as process:
        for key in ("one", "two"):
            queue(key)
            storage.close()
            wait_for(lambda key=key: any(key in mail["To"] for mail in mails.mails), f"{key} was not sent")
        process.send_signal(signal.SIGINT)
        assert ended(process) == ""


def test_a_worker_ends_only_after_the_present_mail(storage, environ, mails):
    queue("one", "two")
    storage.close()
    with working(environ, HBNB_MAIL_URL=mails.url) as process:
        mails.at["DATA"] = lambda: process.send_signal(signal.SIGTERM)
        ended(process)
    assert len(mails.mails) == 1
    assert sorted(bool(row["sent_at"]) for row in rows()) == [False, True]


def test_a_worker_waits_for_a_database_that_was_killed_while_it_sent_a_mail(
        own_server: MariaDB, mails, tmp_path, monkeypatch):
    settings = own_settings(own_server)
    environ = environment(settings, tmp_path) | {"HBNB_MAIL_URL": mails.url}
    log = tmp_path / "worker.log"
    with models.using(settings) as storage, log.open("w") as output:
        queue("one")
        storage.close()
        mails.at["DATA"] = own_server.kill
        with working(environ, output) as process:
            wait_for(lambda: mails.mails, "the mail was not sent")
            time.sleep(1.5)     # the worker tries to record it meanwhile
            mails.at.clear()
            own_server.start()
            wait_for(lambda: rows()[0]["sent_at"], "it was not recorded")
            own_server.kill()
            wait_for(lambda: AWAY in log.read_text(), "the idle worker did not look into the outbox")
            own_server.start()
            queue("two")
            storage.close()
            wait_for(lambda: len(mails.mails) == 2, "the worker does not continue")
            wait_for(lambda: all(row["sent_at"] for row in rows()), "it was not recorded")
            process.send_signal(signal.SIGTERM)
            ended(process)
    assert [mail["To"] for mail in mails.mails] == ["one@example.com", "two@example.com"]
    assert log.read_text().count(AWAY) == 1
    assert "Traceback" not in log.read_text()


def test_a_database_that_is_away_fails_a_single_run_only(own_server: MariaDB, mails, tmp_path):
    environ = environment(own_settings(own_server), tmp_path) | {"HBNB_MAIL_URL": mails.url}
    own_server.kill()
    try:
        process = start(environ, "--once")
        output = process.communicate(timeout=60)[0]
        assert process.returncode == 1
        assert f"{AWAY}: " in output
    finally:
        own_server.start()


def test_without_a_mail_server_mails_are_kept(storage, environ):
    queue("one")
    storage.close()
    output = ended(start(environ, "--once", HBNB_ENV="production"))
    assert "Mails are kept, and not sent, until you set HBNB_MAIL_URL and HBNB_ADDRESS" in output
    [row] = rows()
    assert (row["attempts"], row["sent_at"], row["failed_at"], row["data"]) == (0, None, None, DATA)


def test_an_invalid_setting_is_refused_in_one_line(tmp_path):
    environ = {**os.environ, "HBNB_FILE_PATH": str(tmp_path / "file.json"), "HBNB_MAIL_URL": "smtp://:secret@x"}
    process = start(environ, "--once")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert output.startswith("hbnb: HBNB_MAIL_URL is not the address of a mail server")
    assert "secret" not in output


class TestBesideAServer:
    """`wsgi.py --work`, which `make run` starts."""

    @staticmethod
    def environ(folder: Path) -> dict[str, str]:
        return {**os.environ, "HBNB_FILE_PATH": str(folder / "file.json")}

    @staticmethod
    def workers(parent: int) -> list[int]:
        """The ids of the workers whose parent is, or was, this process."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if f"work\0--parent\0{parent}\0".encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_the_worker_sends_mails_and_ends_with_the_server(self, tmp_path, number):
        port, folder = free_port(), tmp_path / "mail"
        with Server(["wsgi.py", "--port", str(port), "--work"], self.environ(tmp_path), port, forks=False) as server:
            pid = server.process.pid
            with models.using(Settings(file_path=str(tmp_path / "file.json"))):
                queue("one")
            wait_for(lambda: folder.exists() and [*folder.iterdir()], "no mail was written")
            assert len(self.workers(pid)) == 1
            server.process.send_signal(number)
            server.process.wait(30)
            wait_for(lambda: not self.workers(pid), "the worker is still running")
            assert "Traceback" not in server.log()
        assert "Its link: http://127.0.0.1:5000/confirm/s" in server.log()

    def test_no_worker_is_left_if_the_server_cannot_listen(self, tmp_path):
        with subprocess.Popen([sys.executable, "wsgi.py", "--port", "99999", "--work"], cwd=ROOT, text=True,
                              env=self.environ(tmp_path), stderr=subprocess.PIPE) as process:
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert errors == "hbnb: cannot listen on port 99999: choose a port from 0 to 65535\n"
        assert self.workers(process.pid) == []
