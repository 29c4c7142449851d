"""Migrations during a deployment, and recovery of a lost database from a backup."""
from __future__ import annotations

import json
import re
import signal
import urllib.request

import pytest

import migrations
from tests.conftest import ROOT
from tests.deploy.fleet import commands

# Tables that change without a change of data.
COUNTERS = {"versions", "changes"}


@pytest.fixture(scope="module")
def migrated(live):
    """The site; its schema is restored after the tests."""
    yield live
    newest = live.current()
    downgrade(live, newest)
    live.commit()
    live.fab_ok("production", "deploy", "--maintenance")


def downgrade(fleet, release: str) -> str:
    """Undo the test's own migration with the command of docs/deployment.md."""
    text = (ROOT / "docs" / "deployment.md").read_text()
    command = re.findall("^    ssh root@web-01.example.com (.*downgrade)$", text, re.M)[0].replace("NAME", release)
    return fleet.web[0].run(f"{command} {migrations.HEAD}").stdout


def test_a_breaking_migration_needs_the_maintenance_page(migrated):
    before = migrated.state()
    migrated.commit(migrated.migration("pass"))
    assert "Migration 9001: the running release does not work with it" in migrated.fab_ok("production", "plan")
    with migrated.visitors():
        ended = migrated.fab("production", "deploy")
    assert ended.returncode == 1
    assert "9001: Add a table" in ended.stdout
    assert "--maintenance" in ended.stdout
    assert current(migrated.state()) == current(before)
    assert "extra" not in sql(migrated, "SHOW TABLES")


def test_a_migration_that_fails_halfway_leaves_the_page_up_until_it_is_fixed(migrated):
    migrated.commit(migrated.migration("raise RuntimeError('halfway')"))
    with migrated.visitors("503"):
        ended = migrated.fab("production", "deploy", "--maintenance")
    assert ended.returncode == 1
    assert "halfway" in ended.stdout
    assert "The maintenance page STAYS up" in ended.stdout
    assert migrated.statuses() == [200, 503, 503, 503, 200]      # the style sheet and /health/live are still served
    migrated.commit(migrated.migration("pass"))
    with migrated.visitors("503"):
        migrated.fab_ok("production", "deploy", "--maintenance")
    assert {*migrated.statuses()} == {200}
    assert "extra" in sql(migrated, "SHOW TABLES")
    before = migrated.state()
    with migrated.visitors():
        ended = migrated.fab("production", "rollback")      # the previous release still runs, and is healthy
    assert ended.returncode == 1
    assert "cannot start with the current settings and database" in ended.stdout
    assert migrated.state() == before
    # Undo the migration with the operator's maintenance page up; only `maintenance off` takes it down.
    backup, on, rollback, off = commands("back")
    migrated.fab_ok(*backup)
    with migrated.visitors("503"):
        migrated.fab_ok(*on)
        assert "9001: undone" in downgrade(migrated, migrated.current())
        migrated.fab_ok(*rollback)
        assert 503 in migrated.statuses()
        migrated.fab_ok(*off)
    assert {*migrated.statuses()} == {200}


def test_the_database_listens_on_its_internal_address_only_and_requires_tls(live):
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


def test_the_documented_commands_change_the_password_of_the_database(live):
    on, provision, rollback, off = commands("password")
    before = live.web[0].run("grep PWD /etc/hbnb/env").stdout
    live.fab_ok(*on)
    live.hosts["db-01"].run("rm /etc/hbnb/database /etc/mysql/hbnb/certificate.pem")
    live.fab_ok(*provision)
    live.fab_ok(*(live.current() if each == "NAME" else each for each in rollback))
    live.fab_ok(*off)
    assert live.web[0].run("grep PWD /etc/hbnb/env").stdout != before
    assert {*live.statuses()} == {200}


def current(state: list[str]) -> list[list[str]]:
    return [each.splitlines()[:2] for each in state]


def test_a_lost_database_is_restored_from_a_backup(live):
    post(live, "states", {"name": "Hawaiʻi 🌺"})
    for number in range(20):
        post(live, "amenities", {"name": f"Amenity {number}"})
    before = contents(live)
    assert before["amenities"][0] == "20\n"
    output = live.fab_ok("production", "backup")
    [path] = re.findall(r"\S+\.backup$", output, re.M)
    sql(live, "DROP DATABASE hbnb_db")
    live.hosts["db-01"].run("rm /etc/hbnb/database")      # a new password is generated
    assert "database hbnb_db" in live.fab_ok("production", "provision", "--db")
    with live.visitors("503"):
        live.fab_ok("production", "restore", path)
    assert contents(live) == before
    assert {*live.statuses()} == {200}
    ended = live.fab("production", "restore", path)
    assert (ended.returncode, "pass --replace" in ended.stdout) == (1, True), ended.stdout
    assert {*live.statuses()} == {200}
    # If `fab` is killed, the step keeps running on the host, and the next `fab` waits for it.
    slow = "/usr/local/lib/hbnb/manage"
    host = live.web[0]
    host.run(f"sed -i.kept '2i case \"$*\" in *restore*) sleep 4.5; echo done > /tmp/restored;; esac' {slow}")
    try:
        with live.running_fab("production", "restore", "--replace", path) as process:
            host.run("until pgrep -fx 'sleep 4.5'; do sleep 0.1; done")
            process.send_signal(signal.SIGKILL)
        assert 503 in live.statuses()
        live.fab_ok("production", "maintenance", "off")
        assert host.run("cat /tmp/restored").stdout == "done\n"
    finally:
        host.run(f"mv {slow}.kept {slow}; rm -f /tmp/restored")
    assert contents(live) == before
    assert {*live.statuses()} == {200}


def contents(fleet) -> dict[str, tuple[str, str]]:
    """Number of rows and checksum of each table."""
    tables = [name for name in sql(fleet, "SHOW TABLES").split() if name not in COUNTERS]
    return {name: (sql(fleet, f"SELECT COUNT(*) FROM `{name}`"), sql(fleet, f"CHECKSUM TABLE `{name}`"))
            for name in tables}


def post(fleet, kind: str, body: dict[str, str]) -> None:
    urllib.request.urlopen(urllib.request.Request(
        f"http://{fleet.site}/api/v1/{kind}", json.dumps(body).encode(), {
            "Content-Type": "application/json", "Authorization": f"Bearer {fleet.token}"})).close()


def sql(fleet, statement: str) -> str:
    """The result of a statement, as tab-separated lines."""
    database = "" if statement.startswith("DROP DATABASE") else "hbnb_db"
    ended = fleet.hosts["db-01"].run(f"mariadb --batch --skip-column-names {database}", input=statement)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
