"""From a bare host to one that serves, and nothing to do the second time."""
from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest

from tests.deploy.fleet import FRONT_AS_IT_IS, commands, front


def changes(said: str) -> int:
    """How many changes a provisioning says it made."""
    return int(re.findall(r"^(\d+) changes$", said, re.M)[0])


def test_a_bare_host_becomes_a_server_and_the_second_time_nothing_changes(live):
    provisioned = [(command, said) for command, said in zip(commands("first"), live.said, strict=True)
                   if "provision" in command]
    assert len(provisioned) == 2
    for command, said in provisioned:
        assert changes(said) > 20
        assert changes(live.done(*command)) == 0


def test_a_first_deployment_that_fails_leaves_the_maintenance_page(live):
    new = live.hosts["new-01"]
    live.done("dev", "provision")
    live.lend(live.hosts["staging-01"], new)
    live.commit({"wsgi.py": "raise RuntimeError('broken on purpose')\n"})
    with live.guests("503", "404", address=new.address) as answers:     # style sheets are not there yet
        ended = live.fab("dev", "deploy")
    assert ended.returncode == 1
    assert "RuntimeError: broken on purpose" in ended.stdout
    assert "200" not in answers.seen
    assert_only_the_page(live, new)


def test_a_first_deployment_whose_front_door_fails_leaves_the_maintenance_page(live):
    new = live.hosts["new-01"]
    live.commit()
    new.run(front("exit 22"))
    try:
        ended = live.fab("dev", "deploy")
    finally:
        new.run(FRONT_AS_IT_IS)
    assert ended.returncode == 1
    assert "switch: the front door" in ended.stdout
    assert_only_the_page(live, new)


def assert_only_the_page(live, new):
    assert new.run("ls -d /data/hbnb/current /data/hbnb/previous").stdout == ""
    assert "hbnb@" not in live.state(new)[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{new.address}/", timeout=5)
    assert refused.value.code == 503
    assert "back" in refused.value.read().decode()


@pytest.mark.parametrize("path", ["/data/hbnb/releases", "/home/deploy/.ssh"])
def test_a_link_that_who_ships_laid_gives_them_nothing(live, path):
    host = live.hosts["new-01"]
    live.done("dev", "provision")
    host.run(f"mv {path} {path}.aside && runuser -u deploy -- ln -s /etc {path}")
    try:
        ended = live.fab("dev", "provision")
        assert ended.returncode == 1
        assert f"{path} is a link" in ended.stdout
        assert host.run("stat -c %U:%a /etc").stdout == "root:755\n"
    finally:
        host.run(f"rm {path} && mv {path}.aside {path}")
