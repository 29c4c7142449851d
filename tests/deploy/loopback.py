"""Loopback hosts, which need no root: each is an sshd, and an nginx, on an address 127.0.0.x.

They share the machine's files, so each has its own folder as working directory and release root.
"""
from __future__ import annotations

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.config import Environment
from deploy.hosts import Hosts
from tests.deploy.hosts import keygen
from tests.deploy.test_files import PLAIN, files
from tests.servers import free_port

# With SHLVL set, Bash does not take itself for the first shell of an SSH session, and does not read .bashrc.
SSHD = """
ListenAddress {address}:{port}
HostKey {folder}.key
AuthorizedKeysFile {key}.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv CURL_HOME=. SHLVL=1
ForceCommand cd {folder} && echo "$SSH_ORIGINAL_COMMAND" >> ../commands && eval "$SSH_ORIGINAL_COMMAND"
Subsystem sftp /usr/lib/openssh/sftp-server -e -l INFO 2>> ../sent
"""
NGINX = """
user root; pid {root}/nginx.pid; error_log {root}/error.log; daemon off;
events {{ }}
http {{ include /etc/nginx/mime.types; default_type application/octet-stream; access_log off;
client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u;
scgi_temp_path {root}/s;
{site} }}
"""


class Loopback:
    """Hosts with an sshd each, during the block. The user of the tests can log in.

    Args:
        names: of the hosts; the first has the address 127.0.0.2.
        folder: an empty folder, for the hosts' folders, and for the logs `commands` (commands that they received) and
            `sent` (file transfers).
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        me = pwd.getpwuid(os.getuid())
        if me.pw_shell.endswith(("nologin", "false")):
            pytest.skip(f"{me.pw_name} has the shell {me.pw_shell}, so it cannot log in by SSH: SSH was not tested")
        self.folder = folder
        self.addresses = {name: f"127.0.0.{number}" for number, name in enumerate(names, 2)}
        self.ways = {name: {"HostName": address, "Port": str(free_port(address)), "User": me.pw_name,
                            "IdentityFile": str(folder / "key")} for name, address in self.addresses.items()}
        self.environment = Environment("production", [*names], user=me.pw_name, root=".",
                                       known_hosts=str(folder / "known_hosts"), ssh_config=str(folder / "ssh_config"))

    def __enter__(self) -> Loopback:
        keygen(self.folder / "key")
        known = []
        if os.getuid() == 0:    # root's sshd needs this folder, which its systemd unit would create
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with ExitStack() as stack:
            for name, way in self.ways.items():
                folder, port = self.folder / name, way["Port"]
                folder.mkdir()
                keygen(folder.with_suffix(".key"))
                public = folder.with_suffix(".key.pub").read_text()
                known.append(f"[{self.addresses[name]}]:{port} {public}")
                config = folder.with_suffix(".conf")
                config.write_text(SSHD.format(address=self.addresses[name], port=port, folder=folder,
                                              key=self.folder / "key"))
                stack.enter_context(_served(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
                                            (self.addresses[name], int(port)), folder.with_suffix(".log")))
            self._stack = stack.pop_all()
        Path(self.environment.known_hosts).write_text("".join(known))
        Path(self.environment.ssh_config).write_text(ssh_config(self.ways))
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def connected(self, *names: str, lock: str = "", **changed: str) -> Hosts:
        """Connect to the hosts, as `fab` does.

        Args:
            names: of the hosts; default: all.
            changed: different values of the environment.
        """
        return Hosts(replace(self.environment, **changed), [*(names or self.addresses)], self.environment.user, lock)

    def commands(self) -> str:
        """The commands that the hosts received."""
        path = self.folder / "commands"
        return path.read_text() if path.exists() else ""


def ssh_config(ways: Mapping[str, Mapping[str, str]]) -> str:
    return "".join(f"Host {name}\n" + "".join(f"    {key} {value}\n" for key, value in way.items())
                   for name, way in ways.items())


@contextmanager
def nginx(root: Path, address: str, more: str = "", **changed: str) -> Iterator[None]:
    """nginx with the site's configuration, during the block.

    Args:
        root: the folder of releases.
        address: where it listens, `HOST:PORT`.
        more: additional nginx configuration.
        changed: different values of the environment.
    """
    for folder in (root / "shared", root / "down"):
        folder.mkdir()
    found = files(replace(PLAIN, root=str(root), balancer_addresses=["127.0.0.9"], **changed))
    for name in ("away.html", "away.json"):
        (root / "down" / name).write_text(found[name])
    site = found["nginx.conf"].replace("listen 80 default_server", f"listen {address}").replace(
        "listen [::]:80 default_server;", "").replace("/var/log/nginx", str(root)).replace(
        "/usr/local/lib/hbnb/down", str(root / "down"))
    (root / "nginx.conf").write_text(NGINX.format(root=root, site=site + more))
    host, _, port = address.partition(":")
    with _served(["/usr/sbin/nginx", "-p", str(root), "-e", str(root / "error.log"), "-c", str(root / "nginx.conf")],
                 (host, int(port)), root / "nginx.log"):
        yield


@contextmanager
def _served(command: Sequence[str], address: tuple[str, int], log: Path) -> Iterator[None]:
    """A server that runs during the block, and accepts connections when the block begins."""
    with log.open("w") as output, (
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)) as server:
        try:
            with socket.socket() as probe:
                while probe.connect_ex(address):
                    assert server.poll() is None, log.read_text()
                    time.sleep(0.02)
            yield
        finally:
            server.terminate()
