"""TLS connections to the database: encryption, and verification of the server's certificate."""
from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config import Settings
from errors import Unavailable
from models.engine.db import connection as db_connection
from tests.mariadb import MariaDB
from tests.servers import free_port


def certificate(folder: Path, name: str, address: str) -> Path:
    """Create the certificate `NAME.pem` for an address, and its key `NAME.key`."""
    path = folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={address}", "-addext", f"subjectAltName=IP:{address}", "-keyout",
                    str(folder / f"{name}.key"), "-out", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("tls")
    for name, address in (("own", "127.0.0.1"), ("stranger", "127.0.0.1"), ("elsewhere", "10.0.0.1")):
        certificate(found, name, address)
    return found


@pytest.fixture(scope="module", params=["own", "elsewhere"])
def shown(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, Settings]]:
    """The name of a server's certificate, and the settings for connecting to it without TLS."""
    port = free_port()
    server = MariaDB("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}",
                     f"--ssl-cert={folder / request.param}.pem", f"--ssl-key={folder / request.param}.key")
    try:
        server.execute("CREATE DATABASE hbnb_test; CREATE USER hbnb IDENTIFIED BY 'p'; GRANT ALL ON *.* TO hbnb")
        yield request.param, replace(Settings(), type_storage="db", mysql_host=f"127.0.0.1:{port}", mysql_user="hbnb",
                                     mysql_pwd="p", mysql_db="hbnb_test")
    finally:
        server.remove()


def cipher(settings: Settings) -> str:
    """Return the cipher of a connection of each pool, which must be the same, after a probe of the health check."""
    db_connection.probe(settings, 5)
    found = set()
    for engine in db_connection.engines(settings):
        with engine.connect() as connection:
            found.add(connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1])
        engine.dispose()
    [name] = found
    return str(name)


def test_a_connection_is_encrypted_if_and_only_if_a_ca_certificate_is_set(shown, folder):
    name, settings = shown
    if name == "own":
        assert cipher(replace(settings, mysql_ca=str(folder / "own.pem")))
    assert not cipher(settings)


@pytest.mark.parametrize("trusted", ["stranger", "elsewhere", "nothing"])
def test_a_server_with_an_untrusted_certificate_or_one_for_another_host_is_refused(shown, folder, trusted):
    _, settings = shown
    settings = replace(settings, mysql_ca=str(folder / f"{trusted}.pem"))
    with pytest.raises(Unavailable, match="TLS"):
        db_connection.probe(settings, 5)
    for engine in db_connection.engines(settings):
        with pytest.raises(Exception, match="TLS"):
            engine.connect()


def test_a_connection_to_a_socket_does_not_use_tls(folder):
    assert "ssl" not in db_connection.address_options(replace(Settings(), mysql_host="/run/s", mysql_ca="/some.pem"))
