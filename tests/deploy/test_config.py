"""What `hosts.toml` says, and how a mistake in it is told."""
from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields

import pytest

from deploy.config import NAMES, Environment, Refused
from tests.conftest import ROOT
from tests.deploy.test_pack import FAB

GOOD = 'default = "production"\n[production]\nweb = ["web-01", "web-02"]\n'


def read(tmp_path, text, name=""):
    (tmp_path / "hosts.toml").write_text(text)
    return Environment.read(name, {"HBNB_DEPLOY": str(tmp_path / "hosts.toml")})


def test_the_default_environment_is_the_one_that_the_file_names(tmp_path):
    assert read(tmp_path, GOOD) == Environment("production", ["web-01", "web-02"])


def test_the_example_can_be_read_and_names_every_key_with_its_default():
    shown = Environment.read("production", {})
    assert Environment.read("", {}) == shown
    text = (ROOT / "deploy" / "hosts.toml").read_text()
    plain = Environment("production", [])
    for each in fields(Environment):
        if each.name not in ("name", "settings"):
            assert f"\n{each.name} = " in text
    for name in ("user", "admin", "root", "keep", "health", "wait", "workers", "retries", "known_hosts", "ssh_config",
                 "python", "wheels"):
        assert getattr(shown, name) == getattr(plain, name)


@pytest.mark.parametrize(("text", "words"), [
    ("", "no environment ''"), ("default = 'x'", "no environment 'x': add a table"), ("a = ", "cannot be read"),
    (GOOD.replace("web =", "wbe ="), "nothing is called wbe; there are web"),
    ("default = 'dev'\n[dev]\n", "web is missing: list the hosts that serve"),
    (f"{GOOD}keep = 'many'", "keep is 'many': make it a whole number"), (f"{GOOD}keep = true", "a whole number"),
    (f"{GOOD}keep = -1", "keep must be 0 or more"), (f"{GOOD}user = 5", "make it a text"),
    (GOOD.replace('"web-02"', "2"), "make it a list of texts"), (f"{GOOD}root = '/data/a b'", "root must be a path"),
    (f"{GOOD}root = '/'", "root must be a path"), (GOOD.replace("web-02", "web-01"), "web must be different hosts"),
    (GOOD.replace("web-02", "-oProxyCommand=x"), "web, balancer and database must be names of hosts"),
    (f"{GOOD}health = 'health'", "health must be a path"), (f"{GOOD}workers = 0", "workers must be 1 or more"),
    (f"{GOOD}balancer = ['lb']", "web_addresses must be as many as web has hosts, in its order"),
    (f"{GOOD}database_address = '10.0.0.3'", "web_addresses must be as many"),
    *((f"{GOOD}database_address = '{address}'", "database_address must be an IP address of the database's host")
      for address in ("0.0.0.0", "::", "db-01", "8.8.8.8")),
    (f"{GOOD}address = 'example.com'", "address must be an address that begins by http"),
    (f"{GOOD}server_name = 'a; }} }}'", "server_name must be one name"),
    (f"{GOOD}certificate = '/etc/site.pem'", "certificate and server_name must be given together"),
    (f"{GOOD}[fast]\nweb = ['x']", r"nothing is called \[fast\]; environments are dev, staging, production"),
    (f"{GOOD}[production.settings]\nHBNB_X = \"a'b\"", "settings must be NAME = text, without '"),
    (f"{GOOD}[production.settings]\nHBNB_X = 5", "make it a table of texts")])
def test_a_mistake_is_told_with_its_place(tmp_path, text, words):
    with pytest.raises(Refused, match=words) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "hosts.toml") in str(refused.value)


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(Refused, match=r"/nowhere cannot be read: .*HBNB_DEPLOY names the file with your hosts"):
        Environment.read("", {"HBNB_DEPLOY": "/nowhere"})


def test_a_mistake_ends_a_task_in_one_line(tmp_path):
    ended = subprocess.run([FAB, "production", "status"], cwd=ROOT, capture_output=True, text=True,
                           env={"HBNB_DEPLOY": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"fab: {tmp_path} cannot be read: ")
    assert ended.stderr.count("\n") == 1


def test_every_task_of_the_contract_is_there():
    listed = subprocess.run([FAB, "--list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tasks = """dev staging production pack plan deploy rollback status history maintenance test clean provision log
               backup restore dashboard do_pack do_deploy do_clean"""
    for name in tasks.split():
        assert f" {name} " in listed or f"({name})" in listed, name


def test_every_task_is_explained():
    listed = subprocess.run([FAB, "--list", "--list-format=json"], cwd=ROOT, capture_output=True, text=True, check=True)
    text = (ROOT / "docs" / "deployment.md").read_text()
    for task in json.loads(listed.stdout)["tasks"]:
        assert task["name"] in NAMES or re.search(rf"^\| .*`{task['name']}\b.* \|", text, re.M), task["name"]


def test_every_script_is_used_and_can_be_read_by_a_shell():
    code = "".join(path.read_text() for path in [ROOT / "fabfile.py", *(ROOT / "deploy").glob("*.py")])
    for path in (ROOT / "deploy").glob("*/*.sh"):
        assert f'"{path.stem}"' in code, path
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_the_tasks_that_follow_an_environment_work_on_it(tmp_path):
    (tmp_path / "hosts.toml").write_text(f"{GOOD}keep = -1\n[staging]\nweb = ['x']\nkeep = -2")
    for first, second in (("staging", "production"), ("production", "staging")):
        ended = subprocess.run([FAB, first, second, "status"], cwd=ROOT, capture_output=True, text=True,
                               env={"HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PATH": "/usr/bin:/bin"})
        assert f"[{second}]: keep must be 0 or more" in ended.stderr
