"""Mails: templates, the outbox, and sending by a real mail server; on both engines."""
from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from sqlalchemy import select, update

import models
from config import Settings
from errors import Misconfigured
from models.base_model import utc_now
from models.outgoing_mail import OutgoingMail
from services import cleaning, links, outbox
from services.mail import messages, transports
from services.mail.delivery import send_next
from services.outbox import FIRST_WAIT, LEASE
from tests.apps import shared_app
from tests.conftest import ROOT
from tests.engine.test_database_tls import certificate
from tests.smtp import PASSWORD, QUOTED, MailServer

TEMPLATES = sorted(path.stem for path in (ROOT / "services" / "mail" / "templates").glob("*.txt"))
SECRET = "0" * 36 + "_" + "x" * 43
SITE = "https://hbnb.example"
DATA = {"name": "Ada", "secret": SECRET}


def queue(key: str = "one", recipient: str = "ada@example.com", template: str = "confirm") -> None:
    models.storage.transact(lambda: outbox.queue(key, recipient, template, **DATA))


def rows() -> list[dict]:
    table = OutgoingMail.__table__
    return models.storage.read(select(table).order_by(table.c.dedupe_key)).all()


def set_row(**values) -> None:
    models.storage.transact(lambda: models.storage.write(update(OutgoingMail.__table__).values(**values)))


def deliver(url: str, **more: str) -> dict:
    """Send the mail of the outbox, and return its row."""
    settings = Settings(mail_url=url, address=SITE, **more)
    assert send_next(transports.transport(settings), settings)
    [row] = rows()
    return row


@pytest.fixture(scope="module")
def plain():
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with certificates."""
    folder = tmp_path_factory.mktemp("mail")
    certificate(folder, "own", "127.0.0.1")
    certificate(folder, "stranger", "127.0.0.1")
    return folder


@pytest.fixture(scope="module")
def starttls(folder):
    with MailServer(folder / "own.pem") as server:
        yield server


@pytest.fixture(scope="module")
def smtps(folder):
    with MailServer(folder / "own.pem", tls=True) as server:
        yield server


class TestTemplates:
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_each_has_a_subject_and_its_link_in_both_forms(self, template):
        content = messages.render(template, DATA, SITE)
        assert content.subject
        assert "\n" not in content.subject
        assert content.link.startswith(f"{SITE}/")
        assert f"\n\n{content.link}\n" in content.text
        assert f'<a href="{content.link}">{content.link}</a>' in content.html
        assert (SECRET in content.link) == (template in links.LIFETIMES)
        assert ("Hello Ada,\n" in content.text) == ("Hello Ada,</p>" in content.html) == (template != "no_account")

    def test_each_link_leads_to_a_page(self, storage):
        routes = shared_app().url_map.bind("hbnb.example")
        for template in TEMPLATES:
            assert routes.match(messages.render(template, DATA, SITE).link.removeprefix(SITE))

    def test_there_is_one_for_each_mail_that_services_send(self):
        text = "".join(path.read_text() for path in (ROOT / "services").glob("*.py"))
        sent = {*re.findall(r'\bsend\([\w.]+, "(\w+)"', text), *links.LIFETIMES}
        assert {"password_changed", "no_account", "confirm"} <= sent
        assert sent == {*TEMPLATES}

    @pytest.mark.parametrize("name", ["<b>Ada</b>", "Win at evil.example", "http://evil.example", "a" * 51, "x\n\ny",
                                      "\u202eada", "ada@example.com"])
    def test_a_name_that_carries_a_message_is_left_out(self, name):
        content = messages.render("confirm", {**DATA, "name": name}, SITE)
        assert content.text.startswith("Hello,\n")
        assert "<p dir=\"auto\">Hello,</p>" in content.html

    @pytest.mark.parametrize("name", ["Zoë", "Anne-Marie", "J. R.", "李", "प्रिया"])
    def test_a_name_of_letters_is_kept(self, name):
        assert f"Hello {name}," in messages.render("confirm", {**DATA, "name": name}, SITE).text

    def test_values_are_escaped_in_html_only(self):
        content = messages.render("confirm", {"name": "D'Arcy", "secret": "<script>&"}, SITE)
        assert "Hello D'Arcy," in content.text
        assert f"{SITE}/confirm/<script>&\n" in content.text
        assert "Hello D&#39;Arcy," in content.html
        assert f'href="{SITE}/confirm/&lt;script&gt;&amp;"' in content.html
        assert "<script" not in content.html


class TestRecipients:
    @pytest.mark.parametrize("address", ["a,b@example.com", "a<b@example.com>", "(c)a@example.com", "a@b.com\nBcc: x",
                                         "a..b@example.com", "jürgen@example.com", "a@", "@b", "a@b..com"])
    def test_an_address_that_names_several_or_none_is_refused(self, address):
        with pytest.raises(ValueError, match=re.escape(address)):
            messages.recipient(address)

    @pytest.mark.parametrize(("address", "sent"), [("o'neil+x@example.com", "o'neil+x@example.com"),
                                                   ("a@müller.example", "a@xn--mller-kva.example")])
    def test_a_domain_is_written_in_ascii(self, address, sent):
        assert messages.recipient(address) == sent

    def test_a_mail_to_an_address_that_is_not_valid_is_given_up(self, storage):
        queue(recipient="a,b@example.com")
        row = deliver("smtp://127.0.0.1:1")
        assert (row["due_at"], row["error"]) == (None, "The recipient is not a valid e-mail address")


class TestSending:
    @pytest.fixture
    def server(self, plain):
        """A mail server without TLS."""
        plain.answers.clear()
        plain.mails.clear()
        return plain

    def test_a_mail_has_both_forms_and_a_fixed_id_and_its_data_are_removed(self, storage, server):
        queue()
        row = deliver(server.url, mail_from="Hbnb, Zoë <hbnb@hbnb.example>")
        [mail] = server.mails
        assert (mail["To"], mail["From"]) == ("ada@example.com", '"Hbnb, Zoë" <hbnb@hbnb.example>')
        assert mail["Message-ID"] == f"<{row['id']}@hbnb.example>"
        assert mail["Date"].datetime.replace(microsecond=0, tzinfo=None) == row["created_at"].replace(microsecond=0)
        assert f"{SITE}/confirm/{SECRET}" in mail.get_body(["plain"]).get_content().splitlines()
        assert f'href="{SITE}/confirm/{SECRET}"' in mail.get_body(["html"]).get_content()
        assert row["sent_at"]
        assert (row["data"], row["due_at"], row["failed_at"], row["error"]) == ({}, None, None, None)
        settings = Settings(mail_url=server.url, address=SITE)
        assert not send_next(transports.transport(settings), settings)

    def test_a_mail_with_the_same_key_is_stored_once(self, storage):
        queue()
        queue()
        assert len(rows()) == 1

    @pytest.mark.parametrize(("command", "words"), [
        ("RCPT", "The mail server refused the recipient: 550 no such mailbox"),
        ("DATA", "The mail server refused the mail: 550 no such mailbox")])
    def test_a_final_refusal_gives_up_at_once(self, storage, server, command, words, caplog):
        queue()
        server.answers[command] = "550 no such mailbox"
        row = deliver(server.url)
        assert (row["due_at"], row["error"]) == (None, words)
        assert row["failed_at"]
        assert f"{words}" in caplog.text

    @pytest.mark.parametrize(("command", "answer"), [
        ("RCPT", "450 greylisted"), ("DATA", "451 try later"), ("MAIL", "550 sender not allowed")])
    def test_after_another_refusal_the_waits_double(self, storage, server, command, answer):
        queue()
        server.answers[command] = answer
        waits = []
        for _ in range(3):
            set_row(due_at=utc_now())
            before = utc_now()
            row = deliver(server.url)
            waits.append(round((row["due_at"] - before) / FIRST_WAIT))
            assert answer in row["error"]
        assert waits == [1, 2, 4]
        assert row["failed_at"] is None
        server.answers.clear()
        set_row(due_at=utc_now())
        row = deliver(server.url)
        assert (row["attempts"], row["error"], row["failed_at"]) == (4, None, None)
        assert row["sent_at"]

    def test_without_a_server_the_mail_waits_and_the_error_names_the_server(self, storage):
        queue()
        row = deliver("smtp://127.0.0.1:1")
        assert row["error"] == "The mail server 127.0.0.1:1 cannot be used: Connection refused"
        assert row["due_at"] > utc_now()

    def test_a_mail_is_given_up_if_the_next_attempt_is_due_after_a_day(self, storage, caplog):
        queue()
        set_row(expires_at=utc_now() + FIRST_WAIT / 2)
        row = deliver("smtp://127.0.0.1:1")
        assert row["due_at"] is None
        assert row["failed_at"]
        assert row["data"] == DATA      # to send it again
        assert f"The mail {row['id']} (confirm) was given up: The mail server" in caplog.text

    def test_a_mail_that_has_expired_is_not_sent(self, storage, server):
        queue()
        set_row(expires_at=utc_now() - FIRST_WAIT)
        row = deliver(server.url)
        assert (row["due_at"], row["error"], server.mails) == (None, "It was not sent in time", [])

    @pytest.mark.parametrize(("template", "words"), [("unknown", "'unknown.txt' not found"), ("confirm", "'secret'")])
    def test_a_mail_whose_template_cannot_be_used_is_given_up(self, storage, server, template, words):
        models.storage.transact(lambda: outbox.queue("one", "ada@example.com", template))
        row = deliver(server.url)
        assert row["due_at"] is None
        assert words in row["error"]

    def test_a_leased_mail_is_due_again_when_the_lease_ends(self, storage):
        queue()
        mail = outbox.lease()
        assert utc_now() < mail.due_at <= utc_now() + LEASE
        assert outbox.lease() is None
        set_row(due_at=utc_now())
        again = outbox.lease()
        assert (again.id, again.attempts) == (mail.id, 2)
        outbox.postpone(mail, "late")       # by the first worker, whose lease has ended
        assert rows()[0]["due_at"] == again.due_at
        outbox.sent(mail)                   # but what was sent was sent
        assert rows()[0]["sent_at"]
        outbox.postpone(again, "late")
        assert rows()[0]["due_at"] is None

    def test_the_error_that_a_server_sends_is_stored_on_one_line_and_cut(self, storage, server):
        queue()
        server.answers["RCPT"] = "550 " + "x" * 400 + "\x1b[31m\tred"
        assert " [31m red" in deliver(server.url)["error"]
        queue("two")
        mail = outbox.lease()
        outbox.fail(mail, "x" * 5000)
        assert len(rows()[1]["error"]) == outbox.MAX_ERROR


class TestTLS:
    @pytest.fixture(params=["starttls", "smtps"])
    def server(self, request):
        """A mail server with TLS."""
        server = request.getfixturevalue(request.param)
        server.passwords.clear()
        server.mails.clear()
        return server

    @pytest.fixture
    def trusted(self, folder, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "own.pem"))

    def test_a_password_is_sent_with_tls(self, storage, server, trusted):
        queue()
        assert deliver(server.url.replace("//", f"//{QUOTED}"))["sent_at"]
        assert server.ciphers[-1]
        assert server.passwords == [PASSWORD]

    def test_a_certificate_that_is_not_trusted_gets_no_password(self, storage, server, folder, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "stranger.pem"))
        queue()
        row = deliver(server.url.replace("//", f"//{QUOTED}"))
        assert "certificate verify failed" in row["error"]
        assert row["due_at"] > utc_now()
        assert server.passwords == server.mails == []

    def test_a_wrong_password_is_not_final_and_not_shown(self, storage, server, trusted, caplog):
        queue()
        row = deliver(server.url.replace("//", "//ada:wrong-password@"))
        assert "cannot be used: 535" in row["error"]
        assert row["due_at"] > utc_now()
        assert "wrong-password" not in row["error"] + caplog.text
        assert {*server.passwords} == {"wrong-password"}

    def test_starttls_is_used_without_a_password_too_and_any_certificate_will_do(self, storage, starttls):
        queue()
        assert deliver(starttls.url)["sent_at"]
        assert starttls.ciphers[-1]

    def test_smtps_needs_a_trusted_certificate_without_a_password_too(self, storage, smtps):
        queue()
        assert "certificate verify failed" in deliver(smtps.url)["error"]

    def test_a_password_is_not_sent_without_tls(self, storage):
        queue()
        with MailServer() as server:
            row = deliver(server.url.replace("//", f"//{QUOTED}"))
            assert "it offers no TLS, and a password is sent with TLS only" in row["error"]
            assert server.passwords == server.mails == []


class TestWithoutServer:
    @pytest.mark.parametrize("env", ["dev", "test"])
    def test_mails_are_files_and_their_links_are_in_the_log(self, storage, tmp_path, caplog, env):
        queue()
        settings = Settings(env=env, file_path=str(tmp_path / "file.json"))
        assert send_next(transports.transport(settings), settings)
        [row] = rows()
        path = tmp_path / "mail" / f"{row['id']}.eml"
        link = f"http://127.0.0.1:5000/confirm/{SECRET}"
        assert f"\n{link}\n".encode() in path.read_bytes().replace(b"\r\n", b"\n")
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert row["sent_at"]
        assert f"written to {path}. Its link: {link}" in caplog.text

    def test_the_folder_is_beside_the_file_or_in_the_working_directory(self):
        assert Settings().mail_folder == Path("mail")
        assert Settings(file_path="/var/lib/hbnb/file.json").mail_folder == Path("/var/lib/hbnb/mail")
        assert Settings(file_path="/var/lib/hbnb/file.json", type_storage="db").mail_folder == Path("mail")

    def test_a_folder_that_cannot_be_written_is_an_error(self, storage, tmp_path):
        queue()
        (tmp_path / "mail").touch()
        settings = Settings(file_path=str(tmp_path / "file.json"))
        assert send_next(transports.transport(settings), settings)
        assert f"{tmp_path}/mail/" in rows()[0]["error"]
        assert rows()[0]["due_at"] > utc_now()

    @pytest.mark.parametrize("env", ["staging", "production"])
    @pytest.mark.parametrize(("given", "missing"), [
        ({}, "HBNB_MAIL_URL and HBNB_ADDRESS"), ({"address": SITE}, "HBNB_MAIL_URL"),
        ({"mail_url": "smtp://127.0.0.1"}, "HBNB_ADDRESS")])
    def test_on_a_server_mails_need_two_settings(self, env, given, missing):
        settings = Settings(env=env, **given)
        assert transports.transport(settings) is None
        assert transports.missing(settings) == missing


class TestSettings:
    @pytest.mark.parametrize("url", [
        "mail.example.com", "http://mail.example.com", "smtp://", "smtp://user@host", "smtp://:pass@host",
        "smtp://host:99999", "smtp://host/path", "smtp://user:pa/ss@host", "smtp://[host", "smtp://host?x=1"])
    def test_an_address_of_a_mail_server_that_is_not_valid_is_refused_and_not_shown(self, url):
        with pytest.raises(Misconfigured, match="HBNB_MAIL_URL is not the address of a mail server") as refused:
            Settings.from_environ({"HBNB_MAIL_URL": url})
        assert url == "smtp://" or f"{url} " not in f"{refused.value} "

    @pytest.mark.parametrize(("url", "host", "port", "user", "password", "tls"), [
        ("smtp://mail.example.com", "mail.example.com", 25, "", "", False),
        ("SMTPS://mail.example.com/", "mail.example.com", 465, "", "", True),
        (f"smtp://{QUOTED}[::1]:587", "::1", 587, "ada", PASSWORD, False)])
    def test_an_address_of_a_mail_server_is_read(self, url, host, port, user, password, tls):
        found = Settings.from_environ({"HBNB_MAIL_URL": url}).mail_server
        assert (found.host, found.port, found.user, found.password, found.tls) == (host, port, user, password, tls)
        assert PASSWORD not in repr(found)

    @pytest.mark.parametrize("sender", ["x", "a@", "HBNB a@b.c", "<a@b.c", "a@b.c, d@e.f", "HBNB <a@b.c>\nBcc: d@e.f"])
    def test_a_sender_that_is_not_valid_is_refused(self, sender):
        with pytest.raises(Misconfigured, match=r"HBNB_MAIL_FROM is .*: set it to a sender such as"):
            Settings.from_environ({"HBNB_MAIL_FROM": sender})

    def test_a_sender_may_have_a_name(self):
        assert Settings(mail_from="Hbnb, Zoë <a@b.c>").mail_sender == ("Hbnb, Zoë", "a@b.c")
        assert Settings(mail_from="a@b.c").mail_sender == ("", "a@b.c")


class TestCleaning:
    def test_removes_rows_that_are_not_needed_and_no_others(self, storage, monkeypatch):
        from models.login_failure import LoginFailure
        from models.one_time_link import OneTimeLink
        from models.session import Session
        from models.user import User
        monkeypatch.setattr(cleaning, "BATCH", 1)
        now, day = utc_now(), datetime.timedelta(days=1)
        user = User(email="a@b.c", password="x")
        user.save()

        def add(cls, id, **values):
            storage.new(cls(id=id, **values))
        session = {"user_id": user.id, "digest": "", "agent": ""}
        add(Session, "s1-kept", seen_at=now - 29 * day, expires_at=now + day, **session)
        add(Session, "s2-idle", seen_at=now - 30 * day, expires_at=now + day, **session)
        add(Session, "s3-old", seen_at=now, expires_at=now, **session)
        link = {"user_id": user.id, "digest": "", "purpose": "reset", "data": {}}
        add(OneTimeLink, "l1-kept", expires_at=now - 6 * day, used_at=now - 6 * day, **link)
        add(OneTimeLink, "l2-old", expires_at=now - 7 * day, **link)
        add(OneTimeLink, "l3-used", expires_at=now - 6 * day, used_at=now - 7 * day, **link)
        mail = {"recipient": "a@b.c", "template": "reset", "data": {}, "expires_at": now - 40 * day}
        add(OutgoingMail, "m1-kept", dedupe_key="1", sent_at=now - 29 * day, **mail)
        add(OutgoingMail, "m2-due", dedupe_key="2", due_at=now - 40 * day, **mail)
        add(OutgoingMail, "m3-sent", dedupe_key="3", sent_at=now - 30 * day, **mail)
        add(OutgoingMail, "m4-failed", dedupe_key="4", failed_at=now - 30 * day, **mail)
        add(LoginFailure, "f1-kept", failures=1, blocked_until=now, updated_at=now - day / 2)
        add(LoginFailure, "f2-old", failures=1, blocked_until=now, updated_at=now - day)
        storage.save()
        assert cleaning.remove_old() == 7
        kept = [id for cls in (Session, OneTimeLink, OutgoingMail, LoginFailure)
                for id in storage.read(select(cls.id)).scalars()]
        assert sorted(kept) == ["f1-kept", "l1-kept", "m1-kept", "m2-due", "s1-kept"]
        assert cleaning.remove_old() == 0


def test_mails_are_counted(storage):
    for key in ("1", "2", "3", "4"):
        queue(key)
    outbox.fail(outbox.lease(), "x")
    outbox.sent(outbox.lease())
    assert outbox.count() == (2, 1)
