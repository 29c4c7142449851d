"""What a deployment does to the database, and what becomes of it when all of it is gone."""
from __future__ import annotations

import json
import re
import signal
import urllib.request

import pytest

import migrations
from tests.conftest import ROOT
from tests.deploy.fleet import commands

# What counts changes is not what was changed.
COUNTERS = {"versions"}


@pytest.fixture(scope="module")
def migrated(live):
    """The site, whose schema may be changed; afterwards it is what it was."""
    yield live
    newest = live.current()
    downgrade(live, newest)
    live.commit()
    live.done("production", "deploy", "--maintenance")


def downgrade(fleet, release: str) -> str:
    """Take the schema back to what it is without the test's own migration, as docs/deployment.md says."""
    text = (ROOT / "docs" / "deployment.md").read_text()
    command = re.findall("^    ssh root@web-01.example.com (.*downgrade)$", text, re.M)[0].replace("NAME", release)
    return fleet.web[0].run(f"{command} {migrations.HEAD}").stdout


def test_a_migration_that_the_release_before_cannot_bear_takes_the_maintenance_page(migrated):
    before = migrated.state()
    migrated.commit(migrated.migration("pass"))
    assert "The database gets 9001, which the release that runs cannot live with" in migrated.done("production", "plan")
    with migrated.guests():
        ended = migrated.fab("production", "deploy")
    assert ended.returncode == 1
    assert "9001: A table more" in ended.stdout
    assert "--maintenance" in ended.stdout
    assert current(migrated.state()) == current(before)
    assert "extra" not in sql(migrated, "SHOW TABLES")


def test_one_that_fails_half_way_leaves_the_page_up_until_it_is_mended(migrated):
    migrated.commit(migrated.migration("raise RuntimeError('half way')"))
    with migrated.guests("503"):
        ended = migrated.fab("production", "deploy", "--maintenance")
    assert ended.returncode == 1
    assert "half way" in ended.stdout
    assert "The maintenance page STAYS up" in ended.stdout
    assert migrated.answers() == [200, 503, 503, 503, 200]      # a style sheet, and a process that runs
    migrated.commit(migrated.migration("pass"))
    with migrated.guests("503"):
        migrated.done("production", "deploy", "--maintenance")
    assert {*migrated.answers()} == {200}
    assert "extra" in sql(migrated, "SHOW TABLES")
    before = migrated.state()
    with migrated.guests():
        ended = migrated.fab("production", "rollback")      # to what is still up, and healthy
    assert ended.returncode == 1
    assert "cannot run with settings and database as they are now" in ended.stdout
    assert migrated.state() == before
    # The way back behind the page, which is not taken down by anything but the one who put it up.
    backup, on, rollback, off = commands("back")
    migrated.done(*backup)
    with migrated.guests("503"):
        migrated.done(*on)
        assert "9001 is undone" in downgrade(migrated, migrated.current())
        migrated.done(*rollback)
        assert 503 in migrated.answers()
        migrated.done(*off)
    assert {*migrated.answers()} == {200}


def test_the_database_listens_on_its_internal_address_alone_and_takes_only_tls(live):
    host, web = live.hosts["db-01"], live.web[0]
    listening = [line.split()[3] for line in host.run("ss -Hltn").stdout.splitlines()]
    assert [each for each in listening if each.endswith(":3306")] == [f"{host.address}:3306"]
    assert int(sql(live, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'hbnb'")) > 0
    ask = (f"set -a; . /etc/hbnb/env; MYSQL_PWD=$HBNB_MYSQL_PWD mariadb -u hbnb -h {host.address} hbnb_db "
           "--batch --skip-column-names -e \"SHOW STATUS LIKE 'Ssl_cipher'\"")
    assert "Access denied" in web.run(f"{ask} --skip-ssl").stderr
    assert sql(live, "SELECT @@require_secure_transport") == "1\n"
    verified = web.run(f"{ask} --ssl-ca=/etc/hbnb/database.pem --ssl-verify-server-cert")
    assert "TLS" in verified.stdout, verified.stderr
    assert "HBNB_MYSQL_CA=/etc/hbnb/database.pem\n" in web.run("cat /etc/hbnb/env").stdout
    assert host.run("stat -c %a:%U:%G /etc/mysql/hbnb/key.pem").stdout == "640:root:mysql\n"


def test_the_password_of_the_database_is_changed_as_the_document_says(live):
    on, provision, rollback, off = commands("password")
    before = live.web[0].run("grep PWD /etc/hbnb/env").stdout
    live.done(*on)
    live.hosts["db-01"].run("rm /etc/hbnb/database /etc/mysql/hbnb/certificate.pem")
    live.done(*provision)
    live.done(*(live.current() if each == "NAME" else each for each in rollback))
    live.done(*off)
    assert live.web[0].run("grep PWD /etc/hbnb/env").stdout != before
    assert {*live.answers()} == {200}


def current(state: list[str]) -> list[list[str]]:
    return [each.splitlines()[:2] for each in state]


def test_all_that_was_lost_comes_back_from_a_backup(live):
    post(live, "states", {"name": "Hawaiʻi 🌺"})
    for number in range(20):
        post(live, "amenities", {"name": f"Amenity {number}"})
    before = contents(live)
    assert before["amenities"][0] == "20\n"
    said = live.done("production", "backup")
    [path] = re.findall(r"\S+\.backup$", said, re.M)
    sql(live, "DROP DATABASE hbnb_db")
    live.hosts["db-01"].run("rm /etc/hbnb/database")      # so that the password becomes another
    assert "database hbnb_db" in live.done("production", "provision", "--db")
    with live.guests("503"):
        live.done("production", "restore", path)
    assert contents(live) == before
    assert {*live.answers()} == {200}
    ended = live.fab("production", "restore", path)
    assert (ended.returncode, "(--replace)" in ended.stdout) == (1, True), ended.stdout
    assert {*live.answers()} == {200}
    # Whose program is killed meanwhile goes on, and nobody else's step comes between.
    slow = "/usr/local/lib/hbnb/manage"
    host = live.web[0]
    host.run(f"sed -i.kept '2i case \"$*\" in *restore*) sleep 4.5; echo done > /tmp/restored;; esac' {slow}")
    try:
        with live.begun("production", "restore", "--replace", path) as process:
            host.run("until pgrep -fx 'sleep 4.5'; do sleep 0.1; done")
            process.send_signal(signal.SIGKILL)
        assert 503 in live.answers()
        live.done("production", "maintenance", "off")
        assert host.run("cat /tmp/restored").stdout == "done\n"
    finally:
        host.run(f"mv {slow}.kept {slow}; rm -f /tmp/restored")
    assert contents(live) == before
    assert {*live.answers()} == {200}


def contents(fleet) -> dict[str, tuple[str, str]]:
    """What is in each table: how many rows, and their checksum."""
    tables = [name for name in sql(fleet, "SHOW TABLES").split() if name not in COUNTERS]
    return {name: (sql(fleet, f"SELECT COUNT(*) FROM `{name}`"), sql(fleet, f"CHECKSUM TABLE `{name}`"))
            for name in tables}


def post(fleet, kind: str, body: dict[str, str]) -> None:
    urllib.request.urlopen(urllib.request.Request(
        f"http://{fleet.site}/api/v1/{kind}", json.dumps(body).encode(), {
            "Content-Type": "application/json", "Authorization": f"Bearer {fleet.token}"})).close()


def sql(fleet, statement: str) -> str:
    """What the database says, as tab-separated lines."""
    database = "" if statement.startswith("DROP DATABASE") else "hbnb_db"
    ended = fleet.hosts["db-01"].run(f"mariadb --batch --skip-column-names {database}", input=statement)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
