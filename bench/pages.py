"""The search page rendered on the server, in pages a second: on both engines, against a bare Flask application."""
from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench import albany
from bench.measure import child
from bench.row import Row
from bench.servers import Request, Served, compared
from tests.mariadb import MariaDB

# The target, as a share of the reference's rate.
RENDERED = 0.5


def rows(folder: Path) -> list[Row]:
    """Measure the first page of a city's listings, without and with filters."""
    files = albany.files(folder)
    store = str(folder / "pages.json")
    paths = {child("bench.pages:fill", store, files.listings): ", two amenities of a state", "/hbnb": ""}
    with ExitStack() as stack:
        def served(target: str, **settings: str) -> Served:
            return stack.enter_context(Served(target, settings, folder, root=""))

        rendered, finished = (served(f"bench.bare_flask:{name}", HBNB_FILE_PATH=store) for name in ("app", "finished"))
        rows = []
        for engine, settings in (("a file", {"HBNB_FILE_PATH": store}), ("MariaDB", _database(stack, store))):
            hbnb = served("wsgi:app", **settings)
            for path, kind in paths.items():
                name = f"/hbnb{kind}, {engine}" + ("" if files.real else " (generated: no ../shared/data)")
                _assert_same(path, hbnb, rendered, finished)
                rows.append(compared(name, hbnb, rendered, [Request("GET", path)], RENDERED,
                                     "bare Flask, same template"))
        # For information: the rate of a static page.
        rows.append(compared(name, hbnb, finished, [Request("GET", path)], 0, "bare Flask, finished HTML"))
        return rows


def fill(store: str, listings: str) -> str:
    """Create a store of listings; return the path of a search with filters that finds some of them."""
    import models
    from models.engine.file_storage import FileStorage
    from services.search import search
    from services.transfer.files import import_file

    models.storage = FileStorage(store)
    models.storage.reload()
    import_file(listings, state="New York", city="Albany")
    facets = search({}).facets()
    chosen = [*(f"amenities={each['id']}" for each in facets["amenities"][:2]), f"states={facets['states'][0]['id']}"]
    models.storage.compact()
    return f"/hbnb?{'&'.join(chosen)}"


def import_into(socket: str, store: str) -> None:
    """Import the objects of a file store into the database."""
    import models
    from config import Settings
    from services.transfer.files import import_file

    models.storage = models.make_storage(Settings.from_environ(_settings(socket)))
    import_file(store)


def _database(stack: ExitStack, store: str) -> dict[str, str]:
    """Start a MariaDB server with the objects of a file store; return the settings for it."""
    server = MariaDB()
    stack.callback(server.remove)
    server.execute("CREATE DATABASE pages")
    child("bench.pages:import_into", server.socket, store)
    return _settings(server.socket)


def _settings(socket: str) -> dict[str, str]:
    return {"HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "root", "HBNB_MYSQL_PWD": "", "HBNB_MYSQL_HOST": socket,
            "HBNB_MYSQL_DB": "pages"}


def _assert_same(path: str, *servers: Served) -> None:
    """Assert that all servers return the same page, apart from the path of the home page."""
    pages = {each.get(Request("GET", path)).body.replace(b'"/hbnb"', b'"/"') for each in servers}
    assert len(pages) == 1, path
