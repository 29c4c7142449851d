"""Hosts over SSH, each an sshd on 127.0.0.x: what `deploy.hosts` promises of them, without root."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paramiko
import pytest

from deploy import connection
from deploy import hosts as product
from deploy.config import Refused
from tests.conftest import ROOT
from tests.deploy.hosts import keygen
from tests.deploy.load import Load
from tests.deploy.loopback import Loopback, nginx, ssh_config
from tests.deploy.test_pack import FAB
from tests.servers import free_port

pytestmark = pytest.mark.timeout(60)
BOTH = ("web-01", "web-02")
MUTE = "127.0.0.9"
SWITCHES = 21
# Kills the sshd that it was begun by, as when the host dies.
DYING = """
pid=$$
until grep -q '^sshd' /proc/$pid/comm; do pid=$(cut -d ' ' -f 4 /proc/$pid/stat); done
kill -KILL $pid"""
HOLDER = """
import sys
from deploy.config import Environment
from deploy.hosts import Hosts
with Hosts({environment!r}, ["web-02"], {environment.user!r}, "deploy new"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    with Loopback(BOTH, tmp_path_factory.mktemp("loopback")) as found:
        yield found


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """Whoever runs the tests may have keys."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def first(hosts):
    with hosts.connected("web-01") as found:
        yield found.first


@contextmanager
def mute(said: bytes):
    """A server that takes a connection, says that much and nothing more; gives its port."""
    with socket.create_server((MUTE, 0)) as server, ExitStack() as taken:
        def take() -> None:
            taken.enter_context(server.accept()[0]).sendall(said)
        thread = threading.Thread(target=take)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


class TestHosts:
    def test_do_a_step_all_and_their_answers_come_back_by_name(self, hosts):
        line = """{"by": "it's $HOME `id` \\n é"}"""
        for name in BOTH:
            (hosts.folder / name / "releases.log").write_text(f'{{"at": "{name}"}}\n')
        with hosts.connected() as both:
            both.run("record", {"LINE": line})
            assert both.run("history", {"LINES": 2}) == {name: f'{{"at": "{name}"}}\n{line}\n' for name in BOTH}

    def test_say_each_for_itself_what_failed(self, hosts):
        with hosts.connected() as both, pytest.raises(Refused) as refused:
            both.run("backup")
        assert str(refused.value).splitlines() == [
            f"{name}: backup: nothing runs here that could back itself up: deploy a release first" for name in BOTH]

    @pytest.mark.parametrize(("script", "said"), [
        ("echo out; echo why >&2; exit 3", "why"), ("echo why; exit 3", "why"), ("exit 3", "it ended with status 3"),
        (DYING, "broke off: the host fell silent. Look at the host")])
    def test_tell_how_a_script_failed(self, first, script, said):
        with pytest.raises(Refused, match=rf"^web-01: trying:? {said}"):
            first.shell("trying", script, {}, timeout=20)

    def test_give_up_a_script_that_does_not_end(self, first):
        with pytest.raises(Refused, match=r"^web-01: trying did not end within 0 s\. Look at the host"):
            first.shell("trying", "cat", {}, timeout=0.3)

    def test_are_reached_through_others_that_are_known_too(self, hosts, tmp_path):
        config, known = tmp_path / "config", tmp_path / "known"
        config.write_text(ssh_config({**hosts.ways, "web-02": hosts.ways["web-02"] | {"ProxyJump": "web-01"}}))
        with hosts.connected("web-02", ssh_config=str(config)) as through:
            through.run("record", {"LINE": "{}"})
        known.write_text(Path(hosts.environment.known_hosts).read_text().splitlines()[1])
        with pytest.raises(Refused, match=r"^web-01 is not in "):
            hosts.connected("web-02", ssh_config=str(config), known_hosts=str(known))
        assert not connections()


def connections() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport) and thread.is_active()]


class TestOneThatIsRefused:
    """The other is let go, nothing is done on any, and no connection stays."""

    @pytest.fixture
    def refused(self, hosts, tmp_path):
        """What is said where web-02 is reached in another way, or something else is known."""
        def said(known: str = "", **way: object) -> str:
            known_hosts, config = tmp_path / "known", tmp_path / "config"
            known_hosts.write_text(known or Path(hosts.environment.known_hosts).read_text())
            config.write_text(ssh_config({**hosts.ways, "web-02": {**hosts.ways["web-02"], **way}}))
            before = hosts.told()
            with pytest.raises(Refused) as refused:
                hosts.connected(known_hosts=str(known_hosts), ssh_config=str(config))
            assert hosts.told() == before
            assert not connections()
            assert str(refused.value).endswith("Nothing was changed anywhere")
            return str(refused.value)
        return said

    def test_as_its_key_is_unknown_or_changed(self, hosts, refused):
        first, second = Path(hosts.environment.known_hosts).read_text().splitlines(keepends=True)
        assert refused(first).startswith("web-02 is not in ")
        assert refused(first + second.replace(second.split()[2], first.split()[2])).startswith(
            "web-02 shows another host key (SHA256:")

    def test_as_it_does_not_know_us(self, hosts, refused, tmp_path):
        keygen(tmp_path / "other")
        assert refused(IdentityFile=tmp_path / "other").startswith(
            f"web-02 cannot be reached as {hosts.environment.user}: Authentication failed")

    def test_as_nobody_listens(self, refused):
        assert refused(Port=free_port("127.0.0.3")).startswith("web-02 cannot be reached as ")

    @pytest.mark.timeout(10)
    @pytest.mark.parametrize("said", [b"", b"SSH-2.0-mute\r\n"])
    def test_as_it_takes_the_connection_and_is_silent(self, refused, monkeypatch, said):
        monkeypatch.setattr(connection, "CONNECT", 0.5)
        with mute(said) as port:
            assert refused(HostName=MUTE, Port=port).startswith("web-02 cannot be reached as ")

    @pytest.mark.timeout(10)
    def test_as_one_on_the_way_is_silent(self, refused, monkeypatch):
        monkeypatch.setattr(connection, "CONNECT", 0.5)
        with mute(b"") as port:
            assert refused(ProxyJump=f"{MUTE}:{port}").startswith(f"{MUTE} cannot be reached as ")

    def test_as_nobody_can_say_where_it_is(self, refused):
        assert re.match(r"\S+/config cannot be understood: .*'none'", refused(Port="none"))

    def test_in_one_line(self, hosts, tmp_path):
        with mute(b"HTTP/1.0 400 Bad Request\r\n" * 200) as port:
            (tmp_path / "config").write_text(f"Host web-01\n    HostName {MUTE}\n    Port {port}\n")
            (tmp_path / "hosts.toml").write_text(
                f"[dev]\nweb = ['web-01']\nssh_config = '{tmp_path}/config'\n"
                f"known_hosts = '{hosts.environment.known_hosts}'")
            ended = subprocess.run([FAB, "dev", "status"], cwd=ROOT, capture_output=True, text=True,
                                   env={"HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PATH": "/usr/bin:/bin"})
        assert ended.stderr.startswith("fab: web-01 cannot be reached as deploy: ")
        assert ended.stderr.count("\n") == 1


class TestLock:
    def test_is_taken_on_all_or_none_and_says_who_has_it(self, hosts):
        with hosts.connected("web-02", lock="deploy new") as at_work:
            at_work.run("record", {"LINE": "{}"})       # and the lock is not forgotten
            with pytest.raises(Refused, match=r"^web-02: a deployment is at work: \S+, deploy new, since 2") as told:
                hosts.connected(lock="rollback")
            assert told.value.status == 75
            locked(hosts, "web-01").close()
        locked(hosts, "web-02").close()

    def test_is_free_once_its_holder_was_killed(self, hosts):
        with subprocess.Popen([sys.executable, "-c", HOLDER.format(environment=hosts.environment)], cwd=ROOT,
                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout.readline() == "locked\n"
                with pytest.raises(Refused, match="deploy new, since"):
                    hosts.connected("web-02", lock="rollback")
            finally:
                holder.send_signal(signal.SIGKILL)
        locked(hosts, "web-02").close()

    def test_cannot_be_taken_where_nothing_was_set_up(self, hosts):
        with pytest.raises(Refused, match="the lock cannot be taken: is this host provisioned") as told:
            hosts.connected(lock="deploy", root="nowhere")
        assert told.value.status == 1


def locked(hosts: Loopback, name: str) -> product.Host:
    """A host, as soon as it is free."""
    while True:
        try:
            return hosts.connected(name, lock="test").first
        except Refused:
            time.sleep(0.02)


class TestUpload:
    CONTENT = os.urandom(150_000)

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "new.tgz"
        path.write_bytes(self.CONTENT)
        return path

    @pytest.fixture
    def there(self, hosts, request):
        """A name for the file on the host."""
        return hosts.folder / "web-01" / re.sub(r"\W", "-", request.node.name)

    @pytest.mark.parametrize(("part", "sent"), [
        (b"", [150_000]), (CONTENT[:100_000], [50_000]), (b"?" * 100_000, [50_000, 150_000]),
        (CONTENT * 2, [0, 150_000])], ids=["all", "its rest", "anew", "anew where there is more"])
    def test_sends(self, hosts, first, path, there, part, sent):
        there.with_suffix(".part").write_bytes(part)
        first.upload(path, there.name)
        assert there.read_bytes() == self.CONTENT
        assert not there.with_suffix(".part").exists()
        written = re.findall(rf'close "{there.name}.part" .* written (\d+)', (hosts.folder / "sent").read_text())
        assert [int(number) for number in written] == sent

    def test_of_what_does_not_arrive_leaves_the_host_as_it_was(self, first, path, there, monkeypatch):
        there.write_text("before")
        monkeypatch.setattr(product, "digest", lambda _: "0" * 64)
        with pytest.raises(Refused, match=r"^web-01: received: what arrived is not what was sent; it was removed"):
            first.upload(path, there.name)
        assert there.read_text() == "before"
        assert not there.with_suffix(".part").exists()

    def test_that_cannot_begin_is_told(self, first, path):
        with pytest.raises(Refused, match=r"^web-01: uploading new.tgz \(is its disk full\?\) broke off: "):
            first.upload(path, "nowhere/new.tgz")

    def test_of_what_nobody_else_may_read_comes_back_the_same(self, first, tmp_path):
        path = first.put(b"secret")
        try:
            assert Path(path).stat().st_mode & 0o777 == 0o600
            first.download(path, tmp_path / "back")
        finally:
            first.run("forget", {"FILE": path})
        assert (tmp_path / "back").read_bytes() == b"secret"
        assert not Path(path).exists()


@pytest.fixture
def site(hosts):
    """Two releases on each host, which only say their names, behind its nginx; gives the addresses."""
    with ExitStack() as stack:
        addresses = []
        for name, address in hosts.addresses.items():
            root, port = hosts.folder / name, free_port(address)
            apps = ""
            for release in ("one", "two"):
                folder = root / "releases" / release
                for each in (folder / "web_static", folder / "run"):
                    each.mkdir(parents=True)
                (folder / "web_static" / "index.html").write_text(release)
                apps += (f"server {{ listen unix:{folder}/run/app.sock; default_type application/json;\n"
                         f"""return 200 '{{"release": "{release}"}}'; }}\n""")
            (root / "current").symlink_to("releases/one")
            # Its own look at the front door ends here.
            (root / ".curlrc").write_text(f"connect-to = 127.0.0.1:80:{address}:{port}\n")
            stack.enter_context(nginx(root, f"{address}:{port}", apps))
            addresses.append(f"{address}:{port}")
        yield addresses


def test_nobody_notices_that_all_hosts_switch(hosts, site):
    paths = ("/web_static/", "/health/live")
    with ExitStack() as stack:
        both = stack.enter_context(hosts.connected())
        answers = [stack.enter_context(Load(address, paths)) for address in site]
        for turn in range(SWITCHES):
            both.run("switch", {"NAME": ("two", "one")[turn % 2]})
    for each in answers:
        assert each.requests > SWITCHES
        assert not each.failed
    for name in BOTH:
        root = hosts.folder / name
        assert (os.readlink(root / "current"), os.readlink(root / "previous")) == ("releases/two", "releases/one")
