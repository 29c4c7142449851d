"""Guests come all the time, through a balancer that asks no server twice; releases come and go."""
from __future__ import annotations

import json
import signal
import urllib.request
from collections import Counter

from tests.deploy.fleet import FRONT_AS_IT_IS, front
from tests.deploy.test_failures import unchanged

DEPLOYS = 10


def served(fleet) -> set[str]:
    """The releases that answer for the site."""
    found = set()
    for address in (fleet.site, *(host.address for host in fleet.web)):
        with urllib.request.urlopen(f"http://{address}/health/live", timeout=5) as answer:
            found.add(json.load(answer)["release"])
    return found


def test_ten_deployments_and_a_rollback_fail_no_request(live, capsys):
    with live.guests() as answers:
        for _ in range(DEPLOYS):
            live.commit()
            live.done("production", "deploy")
        newest = live.current()
        live.done("production", "rollback")
        # One that is neither the one before nor up.
        names = live.web[0].run("cd /data/hbnb; ls releases; readlink current previous | xargs -n 1 basename").stdout
        [older] = [name for name, number in Counter(names.split()).items() if number == 1]
        live.done("production", "rollback", "--to", older)
    with capsys.disabled():
        print(f"\n{DEPLOYS} deployments and a rollback: {answers}")
    assert answers.requests > 500
    assert served(live) == {live.current()} == {older} != {newest}
    assert "LIVE" in live.tags()


def test_a_server_that_comes_back_after_a_rollback_serves_what_the_site_serves(live):
    live.commit()
    live.done("production", "deploy")
    newest = live.current()
    live.done("production", "rollback")
    older = live.current()
    assert older != newest
    host = live.hosts["web-02"]
    host.off()
    host.boot()
    said = host.run("for i in $(seq 150); do curl -fsS http://127.0.0.1/health/ready && exit; sleep 0.1; done").stdout
    assert json.loads(said)["release"] == older, said
    assert live.state(host)[0].count("hbnb@") == 1


def test_the_balancer_asks_the_other_server_where_one_takes_no_connection(live):
    plain = live.folder / "plain.toml"
    plain.write_text(live.config.read_text().replace("retries = 0\n", ""))
    second = live.web[1]
    live.done("production", "provision", HBNB_DEPLOY=str(plain))
    try:
        with live.guests():
            second.run("systemctl kill --kill-whom=main --signal=QUIT nginx; sleep 2")   # what it began, it ends
    finally:
        second.run("systemctl restart nginx")
        live.done("production", "provision")


def test_what_a_killed_deployer_left_the_next_one_finishes(live):
    live.commit()
    with live.guests():
        for steps in range(6):      # how many are told before it is killed, the next one each time
            with live.begun("production", "deploy") as process:
                for _ in range(steps + 1):
                    process.stdout.readline()
                process.send_signal(signal.SIGKILL)
        live.done("production", "deploy")
    assert served(live) == {live.current()}
    assert live.current().endswith(live.head())


def test_an_interrupted_deployment_leaves_the_hosts_equal(live):
    # The second host is slow to say that all is well there.
    host = live.hosts["web-02"]
    host.run(front("sleep 2"))
    live.commit()
    try:
        with unchanged(live), live.begun("production", "deploy") as process:
            for line in process.stdout:
                if line.startswith("switch"):
                    break
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
            assert process.wait() != 0, said
    finally:
        host.run(FRONT_AS_IT_IS)
    assert served(live) == {live.current()}


def test_what_no_release_needs_any_more_is_removed(live):
    host = live.hosts["web-01"]
    there = host.run("ls /data/hbnb/shared/wheels").stdout
    host.run("cd /data/hbnb/shared/wheels && touch left-1.0-py3-none-any.whl left-1.0-py3-none-any.whl.part &&"
             "cd /var/backups/hbnb && touch fab-new && touch --date '2 days ago' fab-old own.backup && chown deploy: *")
    live.done("production", "clean")
    assert there.count(".whl") > 10
    assert host.run("ls /data/hbnb/shared/wheels").stdout == there
    left = host.run("cd /var/backups/hbnb && ls fab-new fab-old own.backup; rm fab-new own.backup").stdout
    assert left == "fab-new\nown.backup\n"
