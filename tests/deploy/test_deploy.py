"""Deployments and rollbacks under constant load, through a balancer without retries."""
from __future__ import annotations

import json
import signal
import urllib.request
from collections import Counter

from tests.deploy.fleet import UNWRAP_CURL, wrap_curl
from tests.deploy.test_failures import unchanged

DEPLOYS = 10


def served(fleet) -> set[str]:
    """The releases that answer, through the balancer and on each web server."""
    found = set()
    for address in (fleet.site, *(host.address for host in fleet.web)):
        with urllib.request.urlopen(f"http://{address}/health/live", timeout=5) as answer:
            found.add(json.load(answer)["release"])
    return found


def test_ten_deployments_and_a_rollback_fail_no_request(production, capsys):
    with production.visitors() as answers:
        for _ in range(DEPLOYS):
            production.commit()
            production.fab_ok("production", "deploy")
        newest = production.current()
        production.fab_ok("production", "rollback")
        # An installed release that is neither current nor previous, and does not run.
        names = production.web[0].run(
            "cd /data/hbnb; ls releases; readlink current previous | xargs -n 1 basename").stdout
        [older] = [name for name, number in Counter(names.split()).items() if number == 1]
        production.fab_ok("production", "rollback", "--to", older)
    with capsys.disabled():
        print(f"\n{DEPLOYS} deployments and a rollback: {answers}")
    assert answers.requests > 500
    assert served(production) == {production.current()} == {older} != {newest}
    assert "LIVE" in production.tags()


def test_a_server_that_reboots_after_a_rollback_serves_the_current_release(production):
    production.commit()
    production.fab_ok("production", "deploy")
    newest = production.current()
    production.fab_ok("production", "rollback")
    older = production.current()
    assert older != newest
    host = production.hosts["web-02"]
    host.off()
    host.boot()
    answer = host.run("for i in $(seq 150); do curl -fsS http://127.0.0.1/health/ready && exit; sleep 0.1; done").stdout
    assert json.loads(answer)["release"] == older, answer
    assert production.state(host)[0].count("hbnb@") == 1


def worker(host) -> str:
    """The release that the host's worker runs; empty = it does not run."""
    return host.run("readlink -f /proc/$(systemctl show --property MainPID --value hbnb-worker)/cwd | xargs basename"
                    ).stdout.strip().replace("root", "")


def test_the_worker_runs_the_current_release_except_while_the_maintenance_page_is_up(production):
    host = production.hosts["web-02"]
    production.commit()
    production.fab_ok("production", "deploy")
    assert worker(host) == production.current()
    production.fab_ok("production", "maintenance", "on")
    assert host.run("systemctl is-active hbnb-worker").stdout == "inactive\n"
    production.fab_ok("production", "rollback")
    assert host.run("systemctl is-active hbnb-worker").stdout == "inactive\n"
    production.fab_ok("production", "maintenance", "off")
    assert worker(host) == production.current()
    production.fab_ok("production", "rollback")
    assert worker(host) == production.current()
    log = production.fab_ok("production", "log", "--lines", "200")
    assert "Mails are kept, and not sent, until you set HBNB_MAIL_URL and HBNB_ADDRESS" in log


def test_the_balancer_uses_the_other_server_if_one_refuses_connections(production):
    plain = production.folder / "plain.toml"
    plain.write_text(production.config.read_text().replace("retries = 0\n", ""))
    second = production.web[1]
    production.fab_ok("production", "provision", HBNB_DEPLOY=str(plain))
    try:
        with production.visitors():
            second.run("kill -QUIT $(cat /run/nginx.pid); sleep 2")   # nginx finishes its requests
    finally:
        second.run("systemctl restart nginx")
        production.fab_ok("production", "provision")


def test_the_next_deployment_finishes_what_a_killed_one_left(production):
    production.commit()
    with production.visitors():
        for steps in range(6):      # kill it after one more step each time
            with production.running_fab("production", "deploy") as process:
                for _ in range(steps + 1):
                    process.stdout.readline()
                process.send_signal(signal.SIGKILL)
        production.fab_ok("production", "deploy")
    assert served(production) == {production.current()}
    assert production.current().endswith(production.head())


def test_an_interrupted_deployment_leaves_all_hosts_on_the_same_release(production):
    # The check through nginx is slow on the second host.
    host = production.hosts["web-02"]
    host.run(wrap_curl("sleep 2"))
    production.commit()
    try:
        with unchanged(production), production.running_fab("production", "deploy") as process:
            for line in process.stdout:
                if line.startswith("switch"):
                    break
            process.send_signal(signal.SIGINT)
            output = process.stdout.read()
            assert process.wait() != 0, output
    finally:
        host.run(UNWRAP_CURL)
    assert served(production) == {production.current()}


def test_clean_removes_files_that_no_release_uses(production):
    host = production.hosts["web-01"]
    there = host.run("ls /data/hbnb/shared/wheels").stdout
    host.run("cd /data/hbnb/shared/wheels && touch left-1.0-py3-none-any.whl left-1.0-py3-none-any.whl.part &&"
             "cd /var/backups/hbnb && touch fab-new && touch --date '2 days ago' fab-old own.backup && chown deploy: *")
    production.fab_ok("production", "clean")
    assert there.count(".whl") > 10
    assert host.run("ls /data/hbnb/shared/wheels").stdout == there
    left = host.run("cd /var/backups/hbnb && ls fab-new fab-old own.backup; rm fab-new own.backup").stdout
    assert left == "fab-new\nown.backup\n"
