"""The test hosts: they behave like machines, and leave nothing behind."""
from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests import network
from tests.conftest import ROOT
from tests.deploy.hosts import Host, Hosts

WHOLE = """
import sys
from pathlib import Path
from tests.deploy.hosts import Hosts
with Hosts(("one", "two"), Path(sys.argv[1])) as hosts:
    hosts["two"].off()
    hosts["two"].boot()
    print(hosts.link, hosts.switch.pid, *(host.pid for host in hosts), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def two(can_boot, tmp_path_factory):
    """Two bare hosts."""
    with Hosts(("web-01", "web-02"), tmp_path_factory.mktemp("hosts")) as found:
        yield found


def ssh(hosts: Hosts, name: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ssh", "-F", str(hosts.config), name, command], capture_output=True, text=True, timeout=30)


def connect(host: Host) -> int:
    """The result of connecting: 0, or an error number."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host.address, 22))


class TestHost:
    def test_its_systemd_is_running(self, two):
        for host in two:
            assert host.run("systemctl is-system-running --wait").stdout == "running\n"

    def test_accepts_ssh(self, two):
        for host in two:
            ended = ssh(two, host.name, "hostname; id -un")
            assert ended.stdout == f"{host.name}\nroot\n", ended.stderr

    def test_has_its_own_host_key(self, two):
        first, second = two.known_hosts.read_text().splitlines()
        assert first.split()[2] != second.split()[2]
        two.known_hosts.write_text("\n".join([first, second.replace(second.split()[2], first.split()[2])]))
        try:
            assert "HOST IDENTIFICATION HAS CHANGED" in ssh(two, "web-02", "true").stderr
        finally:
            two.known_hosts.write_text(f"{first}\n{second}\n")

    def test_is_bare(self, two):
        host = two["web-01"]
        assert host.run("ls -A /root /home /srv /opt /usr/local /data").stdout.split() == [
            "/home:", "/opt:", "/root:", ".ssh", "/srv:", "/usr/local:"]
        listening = host.run("ss -Hltn").stdout
        assert {line.split()[3] for line in listening.splitlines()} == {"0.0.0.0:22", "[::]:22"}

    def test_reaches_only_its_neighbours(self, two):
        first, second = two
        reach = "timeout 2 bash -c '</dev/tcp/{}/{}'"
        assert first.run(reach.format(second.address, 22)).returncode == 0
        assert "unreachable" in first.run(reach.format("203.0.113.1", 80)).stderr

    def test_cannot_change_the_machine(self, two):
        host = two["web-01"]
        for path in ("/proc/sys/kernel/hostname", "/sys/kernel/profiling"):
            assert "Read-only" in host.run(f"echo x > {path}").stderr
        host.run("touch /etc/of-the-host /usr/bin/of-the-host /tmp/of-the-host")
        for path in ("/etc/of-the-host", "/usr/bin/of-the-host", "/tmp/of-the-host"):
            assert not Path(path).exists()


class TestPower:
    def test_a_boot_keeps_the_disk_and_clears_the_memory(self, two):
        host = two["web-02"]
        host.run("echo kept > /etc/kept; echo kept > /root/kept; echo lost > /run/lost; systemctl start nginx")
        host.off()
        host.boot()
        assert host.run("cat /etc/kept /root/kept").stdout == "kept\nkept\n"
        assert host.run("cat /run/lost").returncode != 0
        assert host.run("systemctl is-active nginx").stdout == "inactive\n"
        assert ssh(two, "web-02", "hostname").stdout == "web-02\n"

    def test_a_host_that_is_off_cannot_be_reached(self, two):
        host = two["web-02"]
        host.off()
        try:
            assert connect(host) in (errno.EAGAIN, errno.EHOSTUNREACH)
            assert connect(two["web-01"]) == 0
        finally:
            host.boot()

    def test_a_host_that_drops_packets_does_not_answer_and_keeps_running(self, two):
        host = two["web-01"]
        host.drop_packets()
        try:
            assert connect(host) == errno.EAGAIN        # a timeout, not a refused connection
            neighbour = f"timeout 1 bash -c '</dev/tcp/{host.address}/22'"
            assert two["web-02"].run(neighbour).returncode == 124
        finally:
            host.accept_packets()
        assert connect(host) == 0

    def test_a_full_disk_accepts_no_byte(self, two):
        host = two["web-01"]
        with host.full():
            assert "No space left" in host.run("head -c 1M /dev/zero > /root/big").stderr
        assert host.run("head -c 1M /dev/zero > /root/big").returncode == 0


class TestCleanUp:
    @pytest.mark.parametrize("sent", [None, signal.SIGTERM, signal.SIGKILL])
    def test_leaves_nothing_behind(self, can_boot, tmp_path, sent):
        # A normal end, SIGTERM, and SIGKILL, which cannot be handled.
        with subprocess.Popen([sys.executable, "-c", WHOLE, str(tmp_path)], cwd=ROOT, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            link, *pids = process.stdout.readline().split()
            assert len(pids) == 3
            assert link in groups()
            with network.changing() if sent else nullcontext():
                if sent:
                    process.send_signal(sent)
                process.stdin.close()
                process.wait(30)
                for _ in range(200):
                    left = [pid for pid in pids if Path("/proc", pid).exists()]
                    if not left and not Path("/sys/class/net", link).exists() and link not in groups():
                        break
                    time.sleep(0.05)
                else:
                    raise AssertionError(f"{link}: processes {left}, control groups {groups()}")
        assert str(tmp_path) not in Path("/proc/mounts").read_text()
        assert os.listdir(tmp_path / "disks") == []

    def test_leaves_the_hosts_of_another_run_alone(self, two, tmp_path):
        with Hosts(["web-01"], tmp_path) as others:
            assert others.network != two.network
            assert ssh(others, "web-01", "hostname").stdout == "web-01\n"
        assert ssh(two, "web-01", "hostname").stdout == "web-01\n"


def groups() -> str:
    """The top-level control groups."""
    return subprocess.run(["unshare", "--mount", "sh", "-c", "mount -t cgroup2 cgroup2 /mnt && ls /mnt"],
                          capture_output=True, text=True, check=True).stdout
