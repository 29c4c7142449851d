"""Every command that the documents name is there, and what is quick and harmless does what it is said to."""
from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from invoke.collection import Collection
from invoke.parser import Parser

import fabfile
import wsgi
from console import HBNBCommand
from tests.conftest import ROOT

TEXTS = {path.relative_to(ROOT): path.read_text() for path in (
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md"))}
PLACEHOLDERS = {"ENV": "production", "ENVIRONMENT": "production", "TASK": "status", "…": "", "...": ""}


def code() -> Iterator[str]:
    """The lines of code in all documents, and the code within sentences; continued lines are one."""
    for text in TEXTS.values():
        text = re.sub(r" *\\\n *", " ", text)
        for line in re.findall(r"^ {4,}(\S.*)$", text, re.M):
            yield line.removeprefix("$ ")
        yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            yield from block.splitlines()


CODE = list(dict.fromkeys(code()))


def named(pattern: str) -> list[str]:
    """What a pattern finds in the code, each once."""
    found = sorted({match for line in CODE for match in re.findall(pattern, line)})
    assert found, f"no document names {pattern}: does this test still look where it should?"
    return found


@pytest.mark.parametrize("target", named(r"^(?:[A-Z_]+=\S+ )*make ([a-z]+)"))
def test_a_target_of_make_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("module", named(r"python3? -m ([\w.]+)"))
def test_a_module_is_there(module):
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("path", named(r"(?:-r |cat |python3? |(?=requirements))([\w./-]+\.(?:txt|sql|py))\b"))
def test_a_file_is_there(path):
    assert (ROOT / path).exists() or list(ROOT.glob(f"**/{path}"))


@pytest.mark.parametrize("document", [path for path in TEXTS if path.parts[0] == "docs"], ids=str)
def test_links_and_modules_of_a_document_are_there(document):
    for link in re.findall(r"\]\((?!http)(.*?)\)", TEXTS[document]):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in map(anchored, re.findall(r"^#+ (.+)$", target.read_text(), re.M)), link
    modules = re.findall(r"`((?:\w+/)+\w+\.(?:py|sh|js|toml|conf))`", TEXTS[document])
    assert not [path for path in modules if not (ROOT / path).exists()]


def anchored(heading: str) -> str:
    """What a heading is called in links."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("command", named(r"console\.py (?:-c ')?([a-z]\w+)"))
def test_a_command_of_the_console_is_there(command):
    assert hasattr(HBNBCommand, f"do_{command}")


@pytest.mark.parametrize("command", named(r"flask --app wsgi ([a-z]+(?: [a-z]+)?)"))
def test_a_command_of_flask_is_there(command):
    found: click.Command | None = wsgi.app.cli
    for name in command.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
        assert found, name


@pytest.mark.parametrize("line", named(r"(?:^|/)fab ([a-zE].*)"))
def test_a_task_of_fab_is_there_with_its_options(line):
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line, comments=True)]
    tasks = Collection.from_module(fabfile, auto_dash_names=False)
    Parser(contexts=tasks.to_contexts()).parse_argv([word for word in words if word])


@pytest.mark.parametrize("path", named(r"^curl (?:-\w+ )*'?http://127\.0\.0\.1:5000(/[^\s']*)'?$"))
def test_an_address_that_is_only_read_answers(path, storage):
    assert wsgi.app.test_client().get(path).status_code == 200


def headings(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", line).lower().replace(" ", "-") for line in re.findall("^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("page", [*TEXTS, Path("CHANGELOG.md")], ids=str)
def test_a_link_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\((?!http)(.*?)\)", (ROOT / page).read_text()):
        name, _, anchor = target.partition("#")
        path = (ROOT / page.parent / name).resolve() if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in headings(path.read_text()), target
