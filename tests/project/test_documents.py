"""Documentation: every command, file and link in it exists, and the quick, harmless commands work."""
from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator

import click
import pytest
from invoke.collection import Collection
from invoke.parser import Parser

import fabfile
import wsgi
from console import HBNBCommand
from sample import Sample
from sample.fill import fill
from tests.conftest import ROOT, Run

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
def test_links_and_source_files_of_a_document_exist(document):
    for link in re.findall(r"\]\((?!http)(.*?)\)", TEXTS[document]):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in map(anchored, re.findall(r"^#+ (.+)$", target.read_text(), re.M)), link
    modules = re.findall(r"`((?:\w+/)+\w+\.(?:py|sh|js|toml|conf))`", TEXTS[document])
    assert not [path for path in modules if not (ROOT / path).exists()]


def anchored(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


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


def test_documented_console_commands_find_something_in_the_sample(console: Run, storage):
    fill(Sample(places=300))
    storage.close()
    for line in named(r"^\(hbnb\) (.+)"):
        ended = console(line)
        assert ended.stdout.strip(), line
        # The number of rows of a table is printed on standard error.
        assert re.fullmatch(r"((?:of )?(?:[1-9]\d* of )?[1-9]\d* \w+\n)?", ended.stderr), (line, ended.stderr)
