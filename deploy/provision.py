"""Provisioning: turns a bare Debian host into a web server, a balancer or a database server, and reports changes."""
from __future__ import annotations

import base64
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from deploy.archive import ROOT
from deploy.config import DeployError, Environment
from deploy.hosts import Host, Hosts, in_parallel
from deploy.transaction import echo

HERE = Path(__file__).parent
MAINTENANCE_PAGE = ROOT / "web_static" / "maintenance.html"
# Refuse requests for other names. nginx also evaluates this for its internal error pages, which `/.down/` allows.
CHECK_NAME = """    set $asked "$host$uri";
    if ($asked !~* "^{}/|^[^/]*/\\.down/") {{ return 421; }}"""
HTTPS = """    bind :443 ssl crt {0} ssl-min-ver TLSv1.2 alpn h2,http/1.1
    # Redirect to the configured name, because a client can send any Host.
    http-request redirect prefix https://{1} code 301 unless {{ ssl_fc }}
    http-response set-header Strict-Transport-Security max-age=31536000"""
DATABASE_TLS = """ssl-cert = /etc/mysql/hbnb/certificate.pem
ssl-key = /etc/mysql/hbnb/key.pem
require-secure-transport = ON"""
TIMEOUT = 1800      # seconds: downloading packages may take long


def provision(environment: Environment, database: bool = False) -> int:
    """Set up the hosts of an environment.

    Args:
        database: also set up the database server, and write its password on the web servers.
    Returns:
        The number of changes; 0 if the hosts were up to date.
    Raises:
        DeployError: it failed on a host, or a deployment is running. Changes made so far stay.
    """
    if database and not environment.database:
        raise DeployError(f"[{environment.name}] has no database: set `database` to the database server")
    names = [*dict.fromkeys([*environment.web, *environment.balancer, *([environment.database] if database else [])])]
    count, certificate = 0, ""
    with Hosts(environment, names, environment.admin) as hosts:
        by_name = {host.name: host for host in hosts}
        for name in environment.web:
            if by_name[name].shell("checking for a lock", '[ ! -e "$ROOT/.lock" ] || echo exists', {}, 10):
                by_name[name].lock("provision")
        settings = {"HBNB_ENV": environment.name, "HBNB_PROXIES": "1", "HBNB_FILE_PATH": "/var/lib/hbnb/file.json"}
        if database:
            output, count = _provision_database(by_name[environment.database], environment)
            certificate = base64.b64decode(output.get("certificate", "")).decode()
            settings |= _database_settings(environment, output["password"], bool(certificate))
        settings |= environment.settings
        variables = {"BUILD": "" if environment.wheels else "gcc pkg-config python3-dev libmariadb-dev"}
        roles = [(by_name[name], role) for role in ("web", "balancer") for name in getattr(environment, role)]
        count += sum(in_parallel(
            lambda pair: _run(*pair, environment, variables, settings if pair[1] == "web" else {}, certificate)[1],
            roles))
    echo(f"{count} change{'s' * (count != 1)}")
    return count


def _provision_database(host: Host, environment: Environment) -> tuple[dict[str, str], int]:
    """Set up the database server. Returns its password and certificate, by name, and the number of changes."""
    local = environment.database_is_local
    addresses = ["127.0.0.1", "localhost"] if local else environment.web_addresses
    return _run(host, "database", environment, {
        "ADDRESSES": " ".join(addresses), "TLS_ADDRESS": "" if local else environment.database_address})


def _database_settings(environment: Environment, password: str, tls: bool) -> dict[str, str]:
    return {"HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "hbnb", "HBNB_MYSQL_DB": "hbnb_db",
            "HBNB_MYSQL_HOST": environment.database_address, "HBNB_MYSQL_PWD": password,
            "HBNB_MYSQL_CA": "/etc/hbnb/database.pem" if tls else ""}


def _run(host: Host, role: str, environment: Environment, variables: Mapping[str, str] = {},
         settings: Mapping[str, str] = {}, certificate: str = "") -> tuple[dict[str, str], int]:
    """Run a role's script and print its changes.

    Returns:
        The secrets that the script printed (`password`, `certificate`), and the number of changes.
    """
    # Settings go into a file: other users of the host can see a command's arguments.
    archive = host.upload_private(_files(environment, settings, certificate))
    script = "\n".join((HERE / "provision" / f"{name}.sh").read_text() for name in ("common", role))
    variables = {"USER_NAME": environment.user, "ARCHIVE": archive, **variables}
    output = host.shell(f"provisioning ({role})", script, variables, TIMEOUT)
    lines = [line.partition(": ") for line in output.splitlines()]
    changes = [text for kind, _, text in lines if kind == "changed"]
    echo(*(f"{host.name}: {text}" for text in changes))
    return {kind: text for kind, _, text in lines if kind in ("password", "certificate")}, len(changes)


def _files(environment: Environment, settings: Mapping[str, str], certificate: str = "") -> bytes:
    """A .tgz of the files for all roles, with their placeholders filled in."""
    page = standalone(MAINTENANCE_PAGE)
    values = _placeholders(environment)
    files = {path.name: re.sub(r"@(\w+)@", lambda found: values[found[1]], path.read_text())
             for path in (HERE / "files").iterdir()}
    files |= {
        # Quoted for the shell that runs `setting`, and again for the shell that reads /etc/hbnb/env.
        "settings": "".join(f"setting {name} {quote(quote(value))}\n" for name, value in settings.items()),
        **({"database.pem": certificate} if certificate else {}),
        "away.html": page,
        "away.json": '{"error": "HBNB is temporarily unavailable. Try again in a moment; if your request changes '
                     'something, first check whether it was stored"}\n',
        "unavailable.http": "HTTP/1.0 503 Service Unavailable\r\nCache-Control: no-store\r\nRetry-After: 30\r\n"
                            f"Content-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n{page}"}
    return _tgz(files)


def _placeholders(environment: Environment) -> dict[str, str]:
    """The values of the placeholders in `files/`, such as `@root@`."""
    servers = [*zip(environment.web, environment.web_addresses, strict=False)]
    return {
        "root": environment.root, "user": environment.user, "workers": str(environment.workers),
        "server_name": environment.server_name, "health": environment.health, "retries": str(environment.retries),
        "check_name": CHECK_NAME.format(re.escape(environment.server_name)) if environment.server_name != "_" else "",
        "trusted_proxies": "\n".join(f"    set_real_ip_from {address};" for address in environment.balancer_addresses),
        "https": HTTPS.format(environment.certificate, environment.server_name) if environment.certificate else "",
        "servers": "\n".join(f"    server {name} {address}:80 check" for name, address in servers),
        "api_servers": "\n".join(f"    server {name} {address}:80 track web/{name}" for name, address in servers),
        "bind": environment.database_address,
        "database_tls": "" if environment.database_is_local else DATABASE_TLS}


def _tgz(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content := text.encode())
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def standalone(path: Path) -> str:
    """A page with its styles and pictures embedded, so that it needs no other request. Its links lead to `/`."""
    def style(found: re.Match[str]) -> str:
        return f"<style>\n{(path.parent / found[1]).read_text()}</style>"

    def picture(found: re.Match[str]) -> str:
        content = base64.b64encode((path.parent / found[2]).read_bytes()).decode()
        return f'{found[1]}="data:image/svg+xml;base64,{content}"'
    text = re.sub(r'<link rel="stylesheet" href="([^"]+)">', style, path.read_text())
    text = re.sub(r'(src|href)="([^"]+\.svg)"', picture, text)
    return re.sub(r'href="[^"#:]+\.html"', 'href="/"', text)
