"""Deployment configuration: reading `hosts.toml`, and errors in it."""
from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields

import pytest

from deploy.config import NAMES, DeployError, Environment
from tests.conftest import ROOT
from tests.deploy.test_pack import FAB

GOOD = 'default = "production"\n[production]\nweb = ["web-01", "web-02"]\n'


def read(tmp_path, text, name=""):
    (tmp_path / "hosts.toml").write_text(text)
    return Environment.read(name, {"HBNB_DEPLOY": str(tmp_path / "hosts.toml")})


def test_the_file_names_the_default_environment(tmp_path):
    assert read(tmp_path, GOOD) == Environment("production", ["web-01", "web-02"])


def test_the_example_is_valid_and_lists_every_key_with_its_default():
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
    (GOOD.replace("web =", "wbe ="), "unknown key wbe; the keys are web"),
    ("default = 'dev'\n[dev]\n", "web is missing: list the web servers"),
    (f"{GOOD}keep = 'many'", "keep is 'many': make it an integer"), (f"{GOOD}keep = true", "an integer"),
    (f"{GOOD}keep = -1", "keep must be 0 or more"), (f"{GOOD}user = 5", "make it a string"),
    (GOOD.replace('"web-02"', "2"), "make it a list of strings"), (f"{GOOD}root = '/data/a b'", "root must be a path"),
    (f"{GOOD}root = '/'", "root must be a path"),
    (GOOD.replace("web-02", "web-01"), "web must be a list of different hosts"),
    (GOOD.replace("web-02", "-oProxyCommand=x"), "web, balancer and database must be names of hosts"),
    (f"{GOOD}health = 'health'", "health must be a path"), (f"{GOOD}workers = 0", "workers must be 1 or more"),
    (f"{GOOD}balancer = ['lb']", "web_addresses must be one address for each host of web, in the same order"),
    (f"{GOOD}database_address = '10.0.0.3'", "web_addresses must be one"),
    *((f"{GOOD}database_address = '{address}'", "database_address must be the database host's IP address")
      for address in ("0.0.0.0", "::", "db-01", "8.8.8.8")),
    (f"{GOOD}address = 'example.com'", "address must be a URL that begins with http"),
    (f"{GOOD}server_name = 'a; }} }}'", "server_name must be one name"),
    (f"{GOOD}certificate = '/etc/site.pem'", "certificate and server_name must be set together"),
    (f"{GOOD}[fast]\nweb = ['x']", r"unknown table \[fast\]; the environments are dev, staging, production"),
    (f"{GOOD}[production.settings]\nHBNB_X = \"a'b\"", "settings must be lines of NAME = "),
    (f"{GOOD}[production.settings]\nHBNB_X = 5", "make it a table of strings")])
def test_an_error_names_the_file_and_the_key(tmp_path, text, words):
    with pytest.raises(DeployError, match=words) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "hosts.toml") in str(refused.value)


def test_a_missing_file_is_an_error():
    with pytest.raises(DeployError, match=r"/nowhere cannot be read: .*Set HBNB_DEPLOY to the file with your hosts"):
        Environment.read("", {"HBNB_DEPLOY": "/nowhere"})


def test_a_configuration_error_ends_a_task_with_one_line(tmp_path):
    ended = subprocess.run([FAB, "production", "status"], cwd=ROOT, capture_output=True, text=True,
                           env={"HBNB_DEPLOY": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"fab: {tmp_path} cannot be read: ")
    assert ended.stderr.count("\n") == 1


def test_every_task_of_the_contract_exists():
    listed = subprocess.run([FAB, "--list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tasks = """dev staging production pack plan deploy rollback status history maintenance test clean provision log
               backup restore dashboard do_pack do_deploy do_clean"""
    for name in tasks.split():
        assert f" {name} " in listed or f"({name})" in listed, name


def test_every_task_is_documented():
    listed = subprocess.run([FAB, "--list", "--list-format=json"], cwd=ROOT, capture_output=True, text=True, check=True)
    text = (ROOT / "docs" / "deployment.md").read_text()
    for task in json.loads(listed.stdout)["tasks"]:
        assert task["name"] in NAMES or re.search(rf"^\| .*`{task['name']}\b.* \|", text, re.M), task["name"]


def test_every_script_is_used_and_has_valid_syntax():
    code = "".join(path.read_text() for path in [ROOT / "fabfile.py", *(ROOT / "deploy").glob("*.py")])
    for path in (ROOT / "deploy").glob("*/*.sh"):
        assert f'"{path.stem}"' in code, path
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_tasks_run_on_the_environment_before_them(tmp_path):
    (tmp_path / "hosts.toml").write_text(f"{GOOD}keep = -1\n[staging]\nweb = ['x']\nkeep = -2")
    for first, second in (("staging", "production"), ("production", "staging")):
        ended = subprocess.run([FAB, first, second, "status"], cwd=ROOT, capture_output=True, text=True,
                               env={"HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PATH": "/usr/bin:/bin"})
        assert f"[{second}]: keep must be 0 or more" in ended.stderr
