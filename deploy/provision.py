"""Provisioning: making a bare Debian a web server, a balancer or a database server, and telling what changed."""
from __future__ import annotations

import base64
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from deploy.archive import ROOT
from deploy.config import Environment, Refused
from deploy.hosts import Host, Hosts, in_parallel
from deploy.work import say

HERE = Path(__file__).parent
PAGE = ROOT / "web_static" / "maintenance.html"
# Every other name is refused. What nginx itself answers with comes by here once more.
STRANGERS = """    set $asked "$host$uri";
    if ($asked !~* "^{}/|^[^/]*/\\.down/") {{ return 421; }}"""
HTTPS = """    bind :443 ssl crt {0} ssl-min-ver TLSv1.2 alpn h2,http/1.1
    # A redirect must not repeat the Host that a client made up.
    http-request redirect prefix https://{1} code 301 unless {{ ssl_fc }}
    http-response set-header Strict-Transport-Security max-age=31536000"""
DATABASE_TLS = """ssl-cert = /etc/mysql/hbnb/certificate.pem
ssl-key = /etc/mysql/hbnb/key.pem
require-secure-transport = ON"""
LONGEST = 1800      # seconds: packages may have a long way


def provision(environment: Environment, database: bool = False) -> int:
    """Make the hosts of an environment what they should be.

    Args:
        database: also install the database server, and tell the web servers its password.
    Returns:
        The number of changes; 0 the second time.
    Raises:
        Refused: it failed on one; what was done before stays. Or a deployment is at work.
    """
    if database and not environment.database:
        raise Refused(f"[{environment.name}] has no database: name the host that is to get it")
    names = [*dict.fromkeys([*environment.web, *environment.balancer, *([environment.database] if database else [])])]
    count, certificate = 0, ""
    with Hosts(environment, names, environment.admin) as hosts:
        by_name = {host.name: host for host in hosts}
        for name in environment.web:
            if by_name[name].shell("looking", '[ ! -e "$ROOT/.lock" ] || echo "somebody was at work"', {}, 10):
                by_name[name].lock("provision")
        settings = {"HBNB_ENV": environment.name, "HBNB_PROXIES": "1", "HBNB_FILE_PATH": "/var/lib/hbnb/file.json"}
        if database:
            local = environment.database_is_local
            addresses = ["127.0.0.1", "localhost"] if local else environment.web_addresses
            told, changes = _run(by_name[environment.database], "database", environment, {
                "ADDRESSES": " ".join(addresses), "TLS_ADDRESS": "" if local else environment.database_address})
            count += changes
            certificate = base64.b64decode(told.get("certificate", "")).decode()
            settings |= {"HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "hbnb", "HBNB_MYSQL_DB": "hbnb_db",
                         "HBNB_MYSQL_HOST": environment.database_address, "HBNB_MYSQL_PWD": told["password"],
                         "HBNB_MYSQL_CA": "/etc/hbnb/database.pem" if certificate else ""}
        given = {"BUILD": "" if environment.wheels else "gcc pkg-config python3-dev libmariadb-dev"}
        settings |= environment.settings
        roles = [(by_name[name], role) for role in ("web", "balancer") for name in getattr(environment, role)]
        count += sum(in_parallel(
            lambda each: _run(*each, environment, given, settings if each[1] == "web" else {}, certificate)[1], roles))
    say(f"{count} changes")
    return count


def _run(host: Host, role: str, environment: Environment, given: Mapping[str, str] = {},
         settings: Mapping[str, str] = {}, certificate: str = "") -> tuple[dict[str, str], int]:
    """What a role's script tells us alone, by kind, and the number of changes it made, which are printed."""
    # In a file: what is in a command, everybody on the host can see.
    archive = host.put(_files(environment, settings, certificate))
    script = "\n".join((HERE / "provision" / f"{name}.sh").read_text() for name in ("common", role))
    given = {"USER_NAME": environment.user, "ARCHIVE": archive, **given}
    said = [line.partition(": ") for line in host.shell(f"provisioning ({role})", script, given, LONGEST).splitlines()]
    changes = [text for kind, _, text in said if kind == "changed"]
    say(*(f"{host.name}: {text}" for text in changes))
    return {kind: text for kind, _, text in said if kind in ("password", "certificate")}, len(changes)


def _files(environment: Environment, settings: Mapping[str, str], certificate: str = "") -> bytes:
    """The files of all roles, filled in, in an archive."""
    page = standalone(PAGE)
    servers = [*zip(environment.web, environment.web_addresses, strict=False)]
    values = {
        "root": environment.root, "user": environment.user, "workers": str(environment.workers),
        "server_name": environment.server_name, "health": environment.health, "retries": str(environment.retries),
        "strangers": STRANGERS.format(re.escape(environment.server_name)) if environment.server_name != "_" else "",
        "trusted": "\n".join(f"    set_real_ip_from {each};" for each in environment.balancer_addresses),
        "https": HTTPS.format(environment.certificate, environment.server_name) if environment.certificate else "",
        "servers": "\n".join(f"    server {name} {address}:80 check" for name, address in servers),
        "api_servers": "\n".join(f"    server {name} {address}:80 track web/{name}" for name, address in servers),
        "bind": environment.database_address,
        "database_tls": "" if environment.database_is_local else DATABASE_TLS}
    files = {path.name: re.sub(r"@(\w+)@", lambda found: values[found[1]], path.read_text())
             for path in (HERE / "files").iterdir()}
    files |= {
        # Quoted for the shell, and once more, as the file has them quoted.
        "settings": "".join(f"setting {name} {quote(quote(value))}\n" for name, value in settings.items()),
        **({"database.pem": certificate} if certificate else {}),
        "away.html": page,
        "away.json": '{"error": "HBNB is being worked on: try again in a moment"}\n',
        "unavailable.http": "HTTP/1.0 503 Service Unavailable\r\nCache-Control: no-store\r\nRetry-After: 30\r\n"
                            f"Content-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n{page}"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content := text.encode())
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def standalone(path: Path) -> str:
    """A page with its styles and pictures in it, for when nothing else can be asked for; its links lead home."""
    def style(found: re.Match[str]) -> str:
        return f"<style>\n{(path.parent / found[1]).read_text()}</style>"

    def picture(found: re.Match[str]) -> str:
        content = base64.b64encode((path.parent / found[2]).read_bytes()).decode()
        return f'{found[1]}="data:image/svg+xml;base64,{content}"'
    text = re.sub(r'<link rel="stylesheet" href="([^"]+)">', style, path.read_text())
    text = re.sub(r'(src|href)="([^"]+\.svg)"', picture, text)
    return re.sub(r'href="[^"#:]+\.html"', 'href="/"', text)
