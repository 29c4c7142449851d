"""`deploy.hosts` with loopback hosts: connections, scripts, locks and uploads. Needs no root."""
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
from deploy import hosts as deploy_hosts
from deploy.config import DeployError
from tests.conftest import ROOT
from tests.deploy.hosts import keygen
from tests.deploy.load import Load
from tests.deploy.loopback import Loopback, nginx, ssh_config
from tests.deploy.test_pack import FAB
from tests.servers import free_port

pytestmark = pytest.mark.timeout(60)
BOTH = ("web-01", "web-02")
SILENT_ADDRESS = "127.0.0.9"
SWITCHES = 21
# Kills the sshd that runs the script, as if the host died.
KILL_SSHD = """
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
    """An empty home, because the user of the tests may have SSH keys."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def first(hosts):
    with hosts.connected("web-01") as found:
        yield found.first


@contextmanager
def silent_server(sent: bytes):
    """A server that accepts one connection, and sends only these bytes. Yields its port."""
    with socket.create_server((SILENT_ADDRESS, 0)) as server, ExitStack() as accepted:
        def accept() -> None:
            accepted.enter_context(server.accept()[0]).sendall(sent)
        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


class TestHosts:
    def test_run_a_step_on_all_and_return_the_output_by_name(self, hosts):
        line = """{"by": "it's $HOME `id` \\n é"}"""
        for name in BOTH:
            (hosts.folder / name / "releases.log").write_text(f'{{"at": "{name}"}}\n')
        with hosts.connected() as both:
            both.run("record", {"LINE": line})
            assert both.run("history", {"LINES": 2}) == {name: f'{{"at": "{name}"}}\n{line}\n' for name in BOTH}

    def test_report_the_error_of_each_host(self, hosts):
        with hosts.connected() as both, pytest.raises(DeployError) as refused:
            both.run("backup")
        assert str(refused.value).splitlines() == [
            f"{name}: backup: no release runs here, so it cannot be backed up: deploy a release first" for name in BOTH]

    @pytest.mark.parametrize(("script", "message"), [
        ("echo out; echo why >&2; exit 3", "why"), ("echo why; exit 3", "why"), ("exit 3", "exit status 3"),
        (KILL_SSHD, "failed: the host stopped answering. Check the host")])
    def test_report_how_a_script_failed(self, first, script, message):
        with pytest.raises(DeployError, match=rf"^web-01: trying:? {message}"):
            first.shell("trying", script, {}, timeout=20)

    def test_stop_a_script_that_times_out(self, first):
        with pytest.raises(DeployError, match=r"^web-01: trying did not finish within 0 s\. Check the host"):
            first.shell("trying", "cat", {}, timeout=0.3)

    def test_are_reached_through_jump_hosts_whose_keys_are_checked_too(self, hosts, tmp_path):
        config, known = tmp_path / "config", tmp_path / "known"
        config.write_text(ssh_config({**hosts.ways, "web-02": hosts.ways["web-02"] | {"ProxyJump": "web-01"}}))
        with hosts.connected("web-02", ssh_config=str(config)) as through:
            through.run("record", {"LINE": "{}"})
        known.write_text(Path(hosts.environment.known_hosts).read_text().splitlines()[1])
        with pytest.raises(DeployError, match=r"^web-01 is not in "):
            hosts.connected("web-02", ssh_config=str(config), known_hosts=str(known))
        assert not connections()


def connections() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport) and thread.is_active()]


class TestAFailedConnection:
    """If one host fails, nothing runs on any host, and all connections are closed."""

    @pytest.fixture
    def error(self, hosts, tmp_path):
        """Function that connects with another known_hosts, or other SSH options of web-02, and returns the error."""
        def error(known: str = "", **way: object) -> str:
            known_hosts, config = tmp_path / "known", tmp_path / "config"
            known_hosts.write_text(known or Path(hosts.environment.known_hosts).read_text())
            config.write_text(ssh_config({**hosts.ways, "web-02": {**hosts.ways["web-02"], **way}}))
            before = hosts.commands()
            with pytest.raises(DeployError) as refused:
                hosts.connected(known_hosts=str(known_hosts), ssh_config=str(config))
            assert hosts.commands() == before
            assert not connections()
            assert str(refused.value).endswith("Nothing was changed on any host")
            return str(refused.value)
        return error

    def test_because_of_an_unknown_or_changed_host_key(self, hosts, error):
        first, second = Path(hosts.environment.known_hosts).read_text().splitlines(keepends=True)
        assert error(first).startswith("web-02 is not in ")
        assert error(first + second.replace(second.split()[2], first.split()[2])).startswith(
            "web-02 shows another host key (SHA256:")

    def test_because_the_log_in_is_refused(self, hosts, error, tmp_path):
        keygen(tmp_path / "other")
        assert error(IdentityFile=tmp_path / "other").startswith(
            f"web-02 cannot be reached as {hosts.environment.user}: Authentication failed")

    def test_because_nothing_listens(self, error):
        assert error(Port=free_port("127.0.0.3")).startswith("web-02 cannot be reached as ")

    @pytest.mark.timeout(10)
    @pytest.mark.parametrize("sent", [b"", b"SSH-2.0-silent\r\n"])
    def test_because_the_host_does_not_answer(self, error, monkeypatch, sent):
        monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.5)
        with silent_server(sent) as port:
            assert "web-02 cannot be reached as " in error(HostName=SILENT_ADDRESS, Port=port)

    @pytest.mark.timeout(10)
    def test_because_a_jump_host_does_not_answer(self, error, monkeypatch):
        monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.5)
        with silent_server(b"") as port:
            assert f"{SILENT_ADDRESS} cannot be reached as " in error(ProxyJump=f"{SILENT_ADDRESS}:{port}")

    def test_because_the_ssh_configuration_is_invalid(self, error):
        assert re.match(r"\S+/config is not a valid SSH configuration: .*'none'", error(Port="none"))

    def test_is_reported_in_one_line(self, hosts, tmp_path):
        with silent_server(b"HTTP/1.0 400 Bad Request\r\n" * 200) as port:
            (tmp_path / "config").write_text(f"Host web-01\n    HostName {SILENT_ADDRESS}\n    Port {port}\n")
            (tmp_path / "hosts.toml").write_text(
                f"[dev]\nweb = ['web-01']\nssh_config = '{tmp_path}/config'\n"
                f"known_hosts = '{hosts.environment.known_hosts}'")
            ended = subprocess.run([FAB, "dev", "status"], cwd=ROOT, capture_output=True, text=True,
                                   env={"HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PATH": "/usr/bin:/bin"})
        assert ended.stderr.startswith("fab: web-01 cannot be reached as deploy: ")
        assert ended.stderr.count("\n") == 1


class TestLock:
    def test_is_taken_on_all_hosts_or_none_and_names_its_holder(self, hosts):
        with hosts.connected("web-02", lock="deploy new") as holder:
            holder.run("record", {"LINE": "{}"})        # keeps a reference, and so the lock
            message = r"^web-02: another deployment is running: \S+, deploy new, since 2"
            with pytest.raises(DeployError, match=message) as raised:
                hosts.connected(lock="rollback")
            assert raised.value.status == 75
            wait_for_lock(hosts, "web-01").close()
        wait_for_lock(hosts, "web-02").close()

    def test_is_released_if_its_holder_is_killed(self, hosts):
        with subprocess.Popen([sys.executable, "-c", HOLDER.format(environment=hosts.environment)], cwd=ROOT,
                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout.readline() == "locked\n"
                with pytest.raises(DeployError, match="deploy new, since"):
                    hosts.connected("web-02", lock="rollback")
            finally:
                holder.send_signal(signal.SIGKILL)
        wait_for_lock(hosts, "web-02").close()

    def test_needs_a_provisioned_host(self, hosts):
        with pytest.raises(DeployError, match="cannot be locked: run `fab ENV provision` first") as raised:
            hosts.connected(lock="deploy", root="nowhere")
        assert raised.value.status == 1


def wait_for_lock(hosts: Loopback, name: str) -> deploy_hosts.Host:
    """Wait until a host can be locked, and lock it."""
    while True:
        try:
            return hosts.connected(name, lock="test").first
        except DeployError:
            time.sleep(0.02)


class TestUpload:
    CONTENT = os.urandom(150_000)

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "new.tgz"
        path.write_bytes(self.CONTENT)
        return path

    @pytest.fixture
    def remote(self, hosts, request):
        """The path of the uploaded file."""
        return hosts.folder / "web-01" / re.sub(r"\W", "-", request.node.name)

    @pytest.mark.parametrize(("part", "sent"), [
        (b"", [150_000]), (CONTENT[:100_000], [50_000]), (b"?" * 100_000, [50_000, 150_000]),
        (CONTENT * 2, [0, 150_000])], ids=["all", "the rest", "all after a damaged part", "all after a longer part"])
    def test_sends(self, hosts, first, path, remote, part, sent):
        remote.with_suffix(".part").write_bytes(part)
        first.upload(path, remote.name)
        assert remote.read_bytes() == self.CONTENT
        assert not remote.with_suffix(".part").exists()
        written = re.findall(rf'close "{remote.name}.part" .* written (\d+)', (hosts.folder / "sent").read_text())
        assert [int(number) for number in written] == sent

    def test_that_arrives_damaged_leaves_the_host_unchanged(self, first, path, remote, monkeypatch):
        remote.write_text("before")
        monkeypatch.setattr(deploy_hosts, "sha256", lambda _: "0" * 64)
        with pytest.raises(DeployError, match=r"^web-01: finish_upload: the uploaded file is damaged and was removed"):
            first.upload(path, remote.name)
        assert remote.read_text() == "before"
        assert not remote.with_suffix(".part").exists()

    def test_that_cannot_start_is_an_error(self, first, path):
        with pytest.raises(DeployError, match=r"^web-01: uploading new.tgz \(is the disk full\?\) failed: "):
            first.upload(path, "nowhere/new.tgz")

    def test_of_a_private_file_is_readable_only_by_its_owner(self, first, tmp_path):
        path = first.upload_private(b"secret")
        try:
            assert Path(path).stat().st_mode & 0o777 == 0o600
            first.download(path, tmp_path / "back")
        finally:
            first.run("remove_file", {"FILE": path})
        assert (tmp_path / "back").read_bytes() == b"secret"
        assert not Path(path).exists()


@pytest.fixture
def site(hosts):
    """Two releases on each host, which only answer with their names, behind nginx. Returns the addresses."""
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
            # Redirects the step's check through nginx to this port.
            (root / ".curlrc").write_text(f"connect-to = 127.0.0.1:80:{address}:{port}\n")
            stack.enter_context(nginx(root, f"{address}:{port}", apps))
            addresses.append(f"{address}:{port}")
        yield addresses


def test_switching_all_hosts_fails_no_request(hosts, site):
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
