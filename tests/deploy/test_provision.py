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


def test_what_root_runs_of_a_release_is_done_as_hbnb(live):
    host = live.hosts["staging-01"]
    name = host.run("basename $(readlink /data/hbnb/current)").stdout.strip()
    made = "/var/lib/hbnb/made"
    assert host.run(f"/usr/local/lib/hbnb/manage {name} -c 'open(\"{made}\", \"w\")' && stat -c %U {made}; "
                    f"rm -f {made}").stdout == "hbnb\n"


def test_a_site_that_nginx_does_not_understand_does_not_stay(live):
    host = live.hosts["staging-01"]
    site, other = "/etc/nginx/sites-available/hbnb", "/etc/nginx/conf.d/other.conf"
    host.run(f"echo '# kept' >> {site}; echo nonsense > {other}")
    ended = live.fab("staging", "provision")
    assert ended.returncode == 1
    assert "nginx does not understand its site, which was taken back: " in ended.stdout
    assert other in ended.stdout
    assert host.run(f"tail -n 1 {site}; rm {other}; nginx -t -q").stdout == "# kept\n"
    assert changes(live.done("staging", "provision")) == 1


@pytest.mark.parametrize("line", ["HBNB_X='cut", "HBNB_X=two words"])
def test_settings_that_cannot_be_read_are_told(live, line):
    host = live.hosts["staging-01"]
    host.run(f"cp -p /etc/hbnb/env /root/env; echo \"{line}\" >> /etc/hbnb/env")
    try:
        said = live.fab("staging", "provision").stdout
        live.commit()
        assert "/etc/hbnb/env cannot be read: " in said
        before = live.state(host)
        ended = live.fab("staging", "deploy")
        assert ended.returncode == 1
        assert live.state(host) == before
    finally:
        host.run("mv /root/env /etc/hbnb/env")
    assert changes(live.done("staging", "provision")) == 0


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
