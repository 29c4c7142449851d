"""The search that is drawn on the server, in pages a second: on both engines, against a bare Flask application."""
from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench import albany
from bench.measure import child
from bench.row import Row
from bench.served import Request, Served, compared
from tests.mariadb import MariaDB

# How much of a bare page is to be reached.
DRAWN = 0.5


def rows(folder: Path) -> list[Row]:
    """The first page, and one with filters, of a city's listings."""
    files = albany.files(folder)
    store = str(folder / "pages.json")
    asked = {child("bench.pages:fill", store, files.listings): ", two amenities of a state", "/hbnb": ""}
    with ExitStack() as stack:
        def served(target: str, **settings: str) -> Served:
            return stack.enter_context(Served(target, settings, folder, root=""))

        drawn, finished = (served(f"bench.bare:{name}", HBNB_FILE_PATH=store) for name in ("app", "finished"))
        found = []
        for engine, settings in (("a file", {"HBNB_FILE_PATH": store}), ("MariaDB", _database(stack, store))):
            ours = served("wsgi:app", **settings)
            for path, kind in asked.items():
                what = f"/hbnb{kind}, {engine}" + ("" if files.real else " (made up: no ../shared/data)")
                _same(path, ours, drawn, finished)
                found.append(compared(what, ours, drawn, [Request("GET", path)], DRAWN, "bare Flask, same template"))
        # For whoever wonders what a page would cost that nothing could change.
        found.append(compared(what, ours, finished, [Request("GET", path)], 0, "bare Flask, finished HTML"))
        return found


def fill(store: str, listings: str) -> str:
    """Make a store of listings. Returns: the path of a search with filters that finds some of them."""
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
    """Have the database hold what a store holds."""
    import models
    from config import Settings
    from services.transfer.files import import_file

    models.storage = models.make_storage(Settings.from_environ(_settings(socket)))
    import_file(store)


def _database(stack: ExitStack, store: str) -> dict[str, str]:
    """The settings of a MariaDB that holds what the store holds."""
    server = MariaDB()
    stack.callback(server.remove)
    server.execute("CREATE DATABASE pages")
    child("bench.pages:import_into", server.socket, store)
    return _settings(server.socket)


def _settings(socket: str) -> dict[str, str]:
    return {"HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "root", "HBNB_MYSQL_PWD": "", "HBNB_MYSQL_HOST": socket,
            "HBNB_MYSQL_DB": "pages"}


def _same(path: str, *all: Served) -> None:
    """Assert that all give the same page; home is elsewhere where scripts are served, too."""
    pages = {each.get(Request("GET", path)).body.replace(b'"/hbnb"', b'"/"') for each in all}
    assert len(pages) == 1, path
