"""Test hosts: Debian with its own systemd, sshd, disk and address, booted in a second.

They need no container software. A host is a process in namespaces; its root is an overlay over the machine's root, and
its disk a tmpfs. If the tests end in any way, even if they are killed, the hosts end too; only their control groups
must be removed.

A host looks like a bare Debian with the machine's packages, so nothing must be downloaded (hosts have no internet).
None of the machine's services is enabled, and its home, data and local directories are hidden.
"""
from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import network

HERE = Path(__file__).parent
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "sshd", "ssh-keygen", "/lib/systemd/systemd")
KEPT = {"bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"}      # visible in a host's root
EMPTY = {"boot", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp"}
OPAQUE = "trusted.overlay.opaque"
# Units that would configure the machine's kernel, or wait for hardware that a test host does not have.
MASKED = ("systemd-sysctl.service", "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount",
          "systemd-modules-load.service", "systemd-udevd.service", "systemd-udev-trigger.service",
          "systemd-random-seed.service", "systemd-pstore.service", "dev-hugepages.mount", "dev-mqueue.mount",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount",
          "systemd-remount-fs.service", "systemd-firstboot.service", "systemd-machine-id-commit.service")
Ended = subprocess.CompletedProcess[str]


def missing() -> str | None:
    """Why this machine cannot run test hosts; None if it can."""
    if os.getuid() != 0:
        return "test hosts need root, for namespaces and mounts"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "test hosts need overlayfs, which this kernel does not support"
    if absent := [name for name in NEEDED if not shutil.which(name)]:
        return f"test hosts need {', '.join(absent)}: run `sh tests/install`"
    return None


class Host:
    """A test host. `Hosts` boots it."""

    def __init__(self, hosts: Hosts, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._hosts = hosts
        self._process: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    @property
    def packages(self) -> Path:
        """The folder of the running host that holds HBNB's virtual environments and wheels, as seen from outside."""
        return Path(f"/proc/{self.pid}/root/data/hbnb/shared")

    def boot(self) -> None:
        """Power on, with the disk of before."""
        self.start()
        self.wait()

    def start(self) -> None:
        with (self._hosts.folder / f"{self.name}.log").open("a") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *self._hosts.beside("--mount"),
                 "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL",
                 "sh", str(HERE / "boot.sh"), self.name, self.address, str(self._hosts.switch.pid),
                 str(self._hosts.disks), str(self._hosts.group / self.name)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait(self) -> None:
        """Wait until sshd answers."""
        for _ in range(300):
            try:
                with socket.create_connection((self.address, 22), 0.2) as connection:
                    connection.settimeout(10)
                    if connection.recv(4) == b"SSH-":
                        break
            except OSError:
                assert self._process.poll() is None, self.log()
                time.sleep(0.05)
        else:
            raise AssertionError(f"{self.name} does not answer SSH:\n{self.log()}")
        unshare = self._process.pid
        self.pid = int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text())

    def off(self) -> None:
        """Power off without a shutdown."""
        assert self.pid is not None
        init = os.pidfd_open(self.pid)
        self.end()
        select.select([init], [], [], 30)   # init is the last process to end
        os.close(init)
        self.pid = None
        subprocess.run([*self._hosts.beside("--net"), "ip", "link", "delete", self.name], capture_output=True)

    def end(self) -> None:
        """Kill it. The kernel may take a moment longer to clean up."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def drop_packets(self) -> None:
        """Drop every packet to and from the host."""
        self._route("add")

    def accept_packets(self) -> None:
        self._route("delete")

    def _route(self, change: str) -> None:
        # Two halves of the network take precedence over its own route. ARP still works; without it, the kernel would
        # report "no route".
        for half in (0, 128):
            self.run(f"ip route {change} blackhole {self._hosts.network}.{half}/25").check_returncode()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Its disk is full during the block."""
        disk = self._hosts.disks / self.name
        remount = [*self._hosts.beside("--mount"), "mount", "-o"]
        for _ in range(100):    # its log may grow at the same time
            found = os.statvfs(f"/proc/{self._hosts.switch.pid}/root{disk}")
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            if not subprocess.run([*remount, f"remount,size={used}", str(disk)], stderr=subprocess.DEVNULL).returncode:
                break
        else:
            raise AssertionError(f"the disk of {self.name} cannot be made full")
        try:
            yield
        finally:
            subprocess.run([*remount, "remount,size=50%", str(disk)], check=True)

    def run(self, command: str, timeout: float = 60, input: str | None = None) -> Ended:
        """Run a shell command as root, without SSH."""
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
             "--wd", "env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", command],
            input=input, stdin=None if input else subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def log(self) -> str:
        return (self._hosts.folder / f"{self.name}.log").read_text()


class Hosts:
    """Test hosts on their own network, during the block.

    Args:
        names: of the hosts; the first has the address `10.77.N.1`, with a free N.
        folder: an empty folder for keys and logs.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        self.names, self.folder = names, folder
        self.key, self.known_hosts, self.config = folder / "key", folder / "known_hosts", folder / "ssh_config"
        self.disks = folder / "disks"
        self.disks.mkdir()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def __enter__(self) -> Hosts:
        with network.changing():
            self._connect()
        try:
            self._install()
            for host in self:
                host.start()
            for host in self:
                host.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for host in self:
            host.end()
        with network.changing():
            with self.switch:       # closes its input, which ends it
                pass
            while Path("/sys/class/net", self.link).exists():       # the kernel removes it a moment later
                time.sleep(0.01)

    def beside(self, *namespaces: str) -> list[str]:
        """The prefix of a command that runs in some of the switch's namespaces."""
        return ["nsenter", f"--target={self.switch.pid}", *namespaces]

    def _connect(self) -> None:
        """Start the switch, on the first unused network."""
        for number in range(os.getpid() % 250, os.getpid() % 250 + 250):
            self.network, self.link = f"10.77.{number % 250}", f"hbnb-{number % 250}"
            if Path("/sys/class/net", self.link).exists():
                continue
            self.switch = subprocess.Popen(
                ["unshare", "--net", "--mount", "sh", str(HERE / "switch.sh"), str(self.disks), self.link,
                 f"/proc/{os.getpid()}/ns/net", " ".join(self.names)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                start_new_session=True)
            if self.switch.stdout.readline():
                break
            error = self.switch.stderr.read()
            assert "File exists" in error, error    # another test run took this network
        self.group = self.disks / "cgroup" / self.link
        self._hosts = {name: Host(self, name, f"{self.network}.{number}")
                       for number, name in enumerate(self.names, 1)}
        for command in (f"address add {self.network}.254/24 dev {self.link}", f"link set {self.link} up"):
            subprocess.run(["ip", *command.split()], check=True)

    def _install(self) -> None:
        """Write names, keys and SSH configuration onto the hosts' disks."""
        keygen(self.key)
        known = []
        for host in self:
            disk = Path(f"/proc/{self.switch.pid}/root{self.disks}", host.name, "upper")
            _bare(disk)
            _write(disk / "etc/hostname", f"{host.name}\n")
            _write(disk / "etc/hosts", "127.0.0.1 localhost\n" + "".join(
                f"{each.address} {each.name}\n" for each in self))
            _write(disk / "root/.ssh/authorized_keys", self.key.with_suffix(".pub").read_text())
            _write(disk / "etc/ssh/sshd_config.d/test.conf", "HostKey /etc/ssh/ssh_host_test_key\nUseDNS no\n")
            identity = self.folder / host.name
            keygen(identity)
            shutil.copy(identity, disk / "etc/ssh/ssh_host_test_key")
            known.append(f"{host.name},{host.address} {identity.with_suffix('.pub').read_text()}")
        self.known_hosts.write_text("".join(known))
        self.config.write_text("".join(f"Host {host.name}\n    HostName {host.address}\n" for host in self) + (
            f"Host *\n    User root\n    IdentityFile {self.key}\n    IdentitiesOnly yes\n"
            f"    UserKnownHostsFile {self.known_hosts}\n    StrictHostKeyChecking yes\n"))


def _bare(disk: Path) -> None:
    """Hide the machine's own files and services."""
    for entry in Path("/").iterdir():
        if entry.name not in KEPT | EMPTY:
            _hide(disk / entry.name)
    for name in (*EMPTY, "usr/local", "etc/systemd/system", "var/tmp", *(f"etc/rc{level}.d" for level in "0123456S")):
        _empty(disk / name)
    (disk / "root").chmod(0o700)
    for name in ("tmp", "var/tmp"):
        (disk / name).chmod(0o1777)
    _hide(disk / "etc/pip.conf")
    _write(disk / "etc/machine-id", f"{uuid.uuid4().hex}\n")     # without it, systemd would enable every service
    units = disk / "etc/systemd/system"
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "multi-user.target.wants").mkdir()
    (units / "multi-user.target.wants/ssh.service").symlink_to("/lib/systemd/system/ssh.service")
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")


def _empty(path: Path) -> None:
    path.mkdir(parents=True)
    os.setxattr(path, OPAQUE, b"y")


def _hide(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, 0o20000, 0)      # the overlayfs mark of a removed file


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)
