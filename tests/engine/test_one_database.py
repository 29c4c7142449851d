"""The tests need only the database that the environment names, and leave it empty."""
from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.database import VARIABLES, settings_from

# The list of rights that CONTRIBUTING.md names.
RIGHTS = re.search(r"`(SELECT, [A-Z, ]+)`", (ROOT / "CONTRIBUTING.md").read_text())[1]
# A selection of all kinds: objects, transactions, killed connections, deadlocks, tables recreated by other programs.
SOME = ["-kdb", *(f"tests/engine/test_storage.py::Test{each}" for each in ("Cascades", "Threads", "Transaction")),
        "tests/engine/test_db_storage.py::TestFaults::test_save_is_tried_again_after_a_deadlock",
        "tests/engine/test_db_storage.py::TestEnvironment::"
        "test_the_environment_test_recreates_all_tables_and_dev_keeps_them"]


def test_the_tests_need_rights_on_their_database_only_and_leave_it_empty(mariadb):
    mariadb.execute("CREATE DATABASE one_test; CREATE USER lodger@localhost IDENTIFIED BY 'p@ss';"
                    f"GRANT {RIGHTS} ON one_test.* TO lodger@localhost")
    mariadb.execute("CREATE TABLE left_over (id INT)", "one_test")
    cursor = mariadb.connect().cursor()
    cursor.execute("SHOW DATABASES")
    before = cursor.fetchall()
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ = {**own, **dict(zip(VARIABLES, ("lodger", "p@ss", mariadb.socket, "one_test"), strict=True))}
    ended = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SOME], cwd=ROOT,
                           env=environ, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"^\d\d+ passed", ended.stdout, re.MULTILINE), ended.stdout
    cursor.execute("SHOW DATABASES")
    assert cursor.fetchall() == before
    cursor.execute("SHOW TABLES IN one_test")
    assert cursor.fetchall() == ()


def test_is_named_whole_or_not_at_all():
    assert settings_from({}) is None
    assert settings_from(dict.fromkeys(VARIABLES, "")) is None
    with pytest.raises(ValueError, match="HBNB_TEST_MYSQL_PWD, HBNB_TEST_MYSQL_DB must be set too"):
        settings_from({"HBNB_TEST_MYSQL_USER": "u", "HBNB_TEST_MYSQL_HOST": "h"})


@pytest.mark.parametrize("name", ["production", "hbnb_dev_db", "latest"])
def test_is_not_emptied_unless_its_name_says_that_it_may_be(name):
    with pytest.raises(ValueError, match=f"HBNB_TEST_MYSQL_DB is {name}: the tests delete everything in it"):
        settings_from(dict(zip(VARIABLES, ("u", "p", "h", name), strict=True)))
