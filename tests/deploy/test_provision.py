"""Provisioning of bare hosts, and of hosts that are already set up."""
from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest

from tests.deploy.fleet import UNWRAP_CURL, commands, copy_packages, wrap_curl


def changes(output: str) -> int:
    """The number of changes that `fab provision` reports."""
    return int(re.findall(r"^(\d+) changes?$", output, re.M)[0])


def test_a_second_provisioning_changes_nothing(live):
    provisioned = [(command, output) for command, output in zip(commands("first"), live.setup_output, strict=True)
                   if "provision" in command]
    assert len(provisioned) == 2
    for command, output in provisioned:
        assert changes(output) > 20
        assert changes(live.fab_ok(*command)) == 0


def test_manage_called_by_root_creates_files_of_hbnb(live):
    host = live.hosts["staging-01"]
    name = host.run("basename $(readlink /data/hbnb/current)").stdout.strip()
    made = "/var/lib/hbnb/made"
    assert host.run(f"/usr/local/lib/hbnb/manage {name} -c 'open(\"{made}\", \"w\")' && stat -c %U {made}; "
                    f"rm -f {made}").stdout == "hbnb\n"


def test_an_invalid_nginx_configuration_is_replaced_by_the_old_one(live):
    host = live.hosts["staging-01"]
    site, other = "/etc/nginx/sites-available/hbnb", "/etc/nginx/conf.d/other.conf"
    host.run(f"echo '# kept' >> {site}; echo nonsense > {other}")
    ended = live.fab("staging", "provision")
    assert ended.returncode == 1
    assert "nginx rejects the site's configuration, so the old one was put back: " in ended.stdout
    assert other in ended.stdout
    assert host.run(f"tail -n 1 {site}; rm {other}; nginx -t -q").stdout == "# kept\n"
    assert changes(live.fab_ok("staging", "provision")) == 1


@pytest.mark.parametrize("line", ["HBNB_X='cut", "HBNB_X=two words"])
def test_an_unreadable_settings_file_is_an_error(live, line):
    host = live.hosts["staging-01"]
    host.run(f"cp -p /etc/hbnb/env /root/env; echo \"{line}\" >> /etc/hbnb/env")
    try:
        output = live.fab("staging", "provision").stdout
        live.commit()
        assert "/etc/hbnb/env cannot be read: " in output
        before = live.state(host)
        ended = live.fab("staging", "deploy")
        assert ended.returncode == 1
        assert live.state(host) == before
    finally:
        host.run("mv /root/env /etc/hbnb/env")
    assert changes(live.fab_ok("staging", "provision")) == 0


def test_a_first_deployment_that_fails_leaves_the_maintenance_page(live):
    new = live.hosts["new-01"]
    live.fab_ok("dev", "provision")
    copy_packages(live.hosts["staging-01"].packages, new.packages)
    live.commit({"wsgi.py": "raise RuntimeError('broken on purpose')\n"})
    with live.visitors("503", "404", address=new.address) as answers:     # style sheets are not installed yet
        ended = live.fab("dev", "deploy")
    assert ended.returncode == 1
    assert "RuntimeError: broken on purpose" in ended.stdout
    assert "200" not in answers.seen
    assert_only_the_page(live, new)


def test_a_first_deployment_that_nginx_does_not_serve_leaves_the_maintenance_page(live):
    new = live.hosts["new-01"]
    live.commit()
    new.run(wrap_curl("exit 22"))
    try:
        ended = live.fab("dev", "deploy")
    finally:
        new.run(UNWRAP_CURL)
    assert ended.returncode == 1
    assert "switch: nginx " in ended.stdout
    assert_only_the_page(live, new)


def assert_only_the_page(live, new):
    assert new.run("ls -d /data/hbnb/current /data/hbnb/previous").stdout == ""
    assert "hbnb@" not in live.state(new)[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{new.address}/", timeout=5)
    assert refused.value.code == 503
    assert "back" in refused.value.read().decode()


@pytest.mark.parametrize("path", ["/data/hbnb/releases", "/home/deploy/.ssh"])
def test_a_link_planted_by_the_deploying_user_is_not_followed(live, path):
    host = live.hosts["new-01"]
    live.fab_ok("dev", "provision")
    host.run(f"mv {path} {path}.aside && runuser -u deploy -- ln -s /etc {path}")
    try:
        ended = live.fab("dev", "provision")
        assert ended.returncode == 1
        assert f"{path} is a link, but must be a folder" in ended.stdout
        assert host.run("stat -c %U:%a /etc").stdout == "root:755\n"
    finally:
        host.run(f"rm {path} && mv {path}.aside {path}")
