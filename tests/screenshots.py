"""Screenshots of every page of the sample, light and dark, on a wide window and a phone: `make screenshots`.

They are written to `screenshots/`, or to the folder named on the command line.
"""
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import models
from config import Settings
from models.account import Account
from models.user import User
from sample import Sample
from services import sessions
from tests.conftest import FLAGS, ROOT
from tests.servers import Server, free_port

WINDOWS = {"wide": (1280, 900), "phone": (390, 844)}
FIRST = {cls: next(obj for obj in Sample() if obj["__class__"] == cls) for cls in ("Place", "State")}
PAGES = {
    "search": "/hbnb", "dynamic": "/", "nothing": "/hbnb?guests=99", "filters": "/hbnb_filters",
    "place": f"/places/{FIRST['Place']['id']}", "states": "/states", "state": f"/states/{FIRST['State']['id']}",
    "cities": "/cities_by_states", "number": "/number_odd_or_even/89", "not_found": "/nowhere", "signup": "/signup",
    "login": "/login?done=signed_up", "reset": "/reset", "expired": "/confirm/expired",
}
# The pages of the host of the first place, an admin.
OWN_PAGES = {
    "account": "/account", "hosting": "/hosting?done=created", "new_place": "/hosting/places/new",
    "own_place": f"/places/{FIRST['Place']['id']}", "edit": f"/hosting/places/{FIRST['Place']['id']}/edit",
    "remove": f"/hosting/places/{FIRST['Place']['id']}/remove",
    "users": "/admin/users?text=user1", "mails": "/admin/mails",
}


def log_in(path: str) -> str:
    """Start a session of the host of the first place. Returns: the secret for the cookie."""
    with models.using(Settings(file_path=path)) as storage:
        host = storage.get(User, FIRST["Place"]["user_id"])
        storage.new(Account(id=host.id, user_id=host.id, role="admin"))
        return storage.transact(lambda: sessions.start(host.id, "Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0"))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")}
        environ["HBNB_FILE_PATH"] = str(Path(own) / "file.json")
        subprocess.run([sys.executable, "-m", "sample"], cwd=ROOT, env=environ, check=True)
        secret = log_in(environ["HBNB_FILE_PATH"])
        with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for window, (width, height) in WINDOWS.items():
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                    for name, path in PAGES.items():
                        page.goto(f"{server.address}{path}", wait_until="networkidle")
                        page.screenshot(path=folder / f"{name}-{window}-{scheme}.jpg", quality=75)
                    page.context.add_cookies([{"name": "hbnb", "value": secret, "url": server.address}])
                    for name, path in OWN_PAGES.items():
                        page.goto(f"{server.address}{path}", wait_until="networkidle")
                        page.screenshot(path=folder / f"{name}-{window}-{scheme}.jpg", quality=75, full_page=True)
                    page.close()
            browser.close()
    print(f"Wrote {(len(PAGES) + len(OWN_PAGES)) * len(WINDOWS) * 2} screenshots to {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "screenshots")
