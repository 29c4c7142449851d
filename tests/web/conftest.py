"""Fixtures of the page tests: one server per engine for the whole session, which serves the store of each test."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from config import Settings
from tests.conftest import environment
from tests.servers import Server, free_port


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with ExitStack() as running:
        yield Sites(tmp_path_factory.mktemp("sites"), running)


class Sites:
    """Running servers, at most one per engine.

    Args:
        folder: the folder of the file engine's file.
        running: stops the servers when it is closed.
    """

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.folder, self._running = folder, running
        self._servers: dict[str, Server] = {}

    def server_for(self, settings: Settings) -> Server:
        """Return the server of these settings' engine, started if necessary."""
        if settings.type_storage not in self._servers:
            port = free_port()
            server = Server(["wsgi.py", "--port", str(port)], environment(settings, self.folder), port)
            self._servers[settings.type_storage] = self._running.enter_context(server)
        return self._servers[settings.type_storage]


@pytest.fixture
def settings(settings: Settings, engine: str, sites: Sites) -> Settings:
    """The settings of an empty store, which the server of the session uses too."""
    if engine == "db":
        return settings
    empty = sites.folder / "empty"
    empty.write_text("{}")
    return replace(settings, file_path=str(empty.replace(sites.folder / "file.json")))


@pytest.fixture
def site(sites: Sites, settings: Settings, storage: object) -> Server:
    return sites.server_for(settings)
