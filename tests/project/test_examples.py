"""Examples in README.md and docs/: run on the sample data, they print the output that the documents show."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from sample import Sample
from sample.fill import fill_with_people
from sample.people import PEOPLE, PLACES
from tests.conftest import ROOT, Run
from tests.documents import Block, fenced, sessions, shows
from tests.functional.test_site import Site
from tests.servers import Server, free_port

PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
OWN = {name: value for name, value in os.environ.items() if not name.startswith(("HBNB_", "SENTRY_"))}
# Commands that tests cannot run: they need the network, root, a terminal, or files that are not in the repository.
UNTESTABLE = re.compile(r"make\b|cat setup_mysql_dev\.sql|\.venv/bin/(pip|fab)\b|cp deploy/hosts\.toml|export |\s"
                        r"|\.venv/bin/python console\.py( import .*)?$")


class Reader:
    """A reader with a checkout, the sample data of `make run`, and a terminal."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        for path in ROOT.iterdir():
            if path.name != ".venv" and not path.name.startswith("file.json"):
                (folder / path.name).symlink_to(path)
        (folder / ".venv").symlink_to(sys.prefix)
        self._variables = folder / "variables"
        self._variables.touch()
        self.ports: dict[str, int] = {}
        subprocess.run([sys.executable, "-m", "sample"], cwd=folder, env=OWN, check=True, stdout=subprocess.DEVNULL)
        self.serve("", "5000")

    def serve(self, env: str, port: str) -> None:
        self.ports[port] = free_port()
        command = ["wsgi.py", "--port", str(self.ports[port])]
        settings = {"HBNB_FILE_PATH": str(self._folder / "file.json")} | ({"HBNB_ENV": env} if env else {})
        self._stack.enter_context(Server(command, OWN | settings, self.ports[port]))

    def type(self, text: str) -> str:
        """Run shell commands; return their output. The variable TOKEN is kept for the next call."""
        for port, own in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
        script = f"set -eu -o pipefail\n. ./variables\n{text}\ndeclare -p TOKEN 2>/dev/null >variables || true"
        ended = subprocess.run(["bash", "-c", script], cwd=self._folder, env=OWN | {"PYTHONUNBUFFERED": "1"}, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert ended.returncode == 0, f"{text}{ended.stdout}"
        printed = ended.stdout.replace("\r\n", "\n").removesuffix("\n")
        for port, own in self.ports.items():
            printed = printed.replace(f"127.0.0.1:{own}", f"127.0.0.1:{port}")
        return f"{printed}\n"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with ExitStack() as stack:
        yield Reader(tmp_path, stack)


@pytest.mark.parametrize("page", [page for page in PAGES if any(each.mark for each in fenced(page))])
def test_a_documented_command_prints_the_documented_output(page, reader):
    for each, following in pairwise([*fenced(page), Block("", "", "")]):
        if each.is_session:     # its commands change the data that later commands print
            commands = "\n".join(re.findall(r"^\(hbnb\) (.+)", each.text, re.M))
            reader.type(f".venv/bin/python console.py <<'END'\n{commands}\nEND")
        elif each.mark == "server":
            [(env, port)] = re.findall(r"^HBNB_ENV=(\w+) \.venv/bin/python wsgi\.py --port (\d+)$", each.text, re.M)
            reader.serve(env, port)
        elif each.mark == "sample":
            printed = reader.type(each.text)
            if following.language == "text" and not following.is_session:
                assert shows(following.text, printed), f"{each.text}prints\n{printed}instead of\n{following.text}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_either_tested_or_untestable(page):
    for each in fenced(page):
        if each.language == "sh" and not each.mark:
            for line in each.text.splitlines():
                assert UNTESTABLE.match(line), f"{page}: mark the block of this line as tested: {line}"


@pytest.mark.parametrize("page", [page for page in PAGES if [*sessions(page)]])
def test_a_documented_console_session_prints_the_documented_output(page, console: Run, storage):
    fill_with_people(Sample())
    storage.close()
    for command, output in sessions(page):
        ended = console(command)
        assert shows(output, ended.stdout + ended.stderr), f"{command}\n{ended.stdout}{ended.stderr}"


def test_every_local_address_in_the_readme_works(reader):
    addresses = re.findall(r"<(http://127\.0\.0\.1:5000.*?)>", (ROOT / "README.md").read_text())
    assert len(addresses) > 5
    site = Site(f"http://127.0.0.1:{reader.ports['5000']}")
    for address in addresses:
        assert site.ask(address.removeprefix("http://127.0.0.1:5000") or "/").status == 200, address


def test_the_readme_describes_the_sample_correctly():
    counts: dict[str, int] = {}
    for obj in Sample():
        counts[obj["__class__"]] = counts.get(obj["__class__"], 0) + 1
    text = (ROOT / "README.md").read_text()
    assert (f"{counts['Place']} places in {counts['City']} cities of {counts['State']} states, "
            f"with {counts['Amenity']} amenities, {counts['User']} users and {counts['Review']:,} reviews") in text
    emails = [obj["email"] for obj in Sample() if obj["__class__"] == "User"]
    assert f"`{emails[0]}` to `{emails[-1]}`" in text
    assert not any(obj.get("password") for obj in Sample())
    for person in PEOPLE:
        assert f"`{person.email}` | `{person.password}` |" in text
    assert all(name in text for name, *_ in PLACES)
