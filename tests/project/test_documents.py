"""Documentation: every command, file and link in it exists, and the quick, harmless commands work."""
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
    """Yield the lines of all code blocks and all inline code of the documents; continuation lines are joined."""
    for text in TEXTS.values():
        text = re.sub(r" *\\\n *", " ", text)
        for line in re.findall(r"^ {4,}(\S.*)$", text, re.M):
            yield line.removeprefix("$ ")
        yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            yield from block.splitlines()


CODE = list(dict.fromkeys(code()))


def named(pattern: str) -> list[str]:
    """Return the distinct matches of a pattern in the documents' code."""
    found = sorted({match for line in CODE for match in re.findall(pattern, line)})
    assert found, f"no document matches {pattern}: check the pattern"
    return found


@pytest.mark.parametrize("target", named(r"^(?:[A-Z_]+=\S+ )*make ([a-z]+)"))
def test_a_documented_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("module", named(r"python3? -m ([\w.]+)"))
def test_a_documented_module_exists(module):
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("path", named(r"(?:-r |cat |python3? |(?=requirements))([\w./-]+\.(?:txt|sql|py))\b"))
def test_a_documented_file_exists(path):
    assert (ROOT / path).exists() or list(ROOT.glob(f"**/{path}"))


@pytest.mark.parametrize("document", [path for path in TEXTS if path.parts[0] == "docs"], ids=str)
def test_source_files_that_a_document_names_exist(document):
    modules = re.findall(r"`((?:\w+/)+\w+\.(?:py|sh|js|toml|conf))`", TEXTS[document])
    assert not [path for path in modules if not (ROOT / path).exists()]


@pytest.mark.parametrize("command", named(r"console\.py (?:-c ')?([a-z]\w+)"))
def test_a_documented_console_command_exists(command):
    assert hasattr(HBNBCommand, f"do_{command}")


@pytest.mark.parametrize("command", named(r"flask --app wsgi ([a-z]+(?: [a-z]+)?)"))
def test_a_documented_flask_command_exists(command):
    found: click.Command | None = wsgi.app.cli
    for name in command.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
        assert found, name


@pytest.mark.parametrize("line", named(r"(?:^|/)fab ([a-zE].*)"))
def test_a_documented_fab_task_exists_with_its_options(line):
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line, comments=True)]
    tasks = Collection.from_module(fabfile, auto_dash_names=False)
    Parser(contexts=tasks.to_contexts()).parse_argv([word for word in words if word])


@pytest.mark.parametrize("path", named(r"^curl (?:-\w+ )*'?http://127\.0\.0\.1:5000(/[^\s']*)'?$"))
def test_a_documented_get_request_succeeds(path, storage):
    assert wsgi.app.test_client().get(path).status_code == 200


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub generates them."""
    return {re.sub(r"[^\w\- ]", "", line).lower().replace(" ", "-") for line in re.findall("^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("page", [*TEXTS, Path("CHANGELOG.md")], ids=str)
def test_a_link_leads_to_an_existing_file_and_heading(page):
    for target in re.findall(r"\]\((?!http)(.*?)\)", (ROOT / page).read_text()):
        name, _, anchor = target.partition("#")
        path = (ROOT / page.parent / name).resolve() if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text()), target
