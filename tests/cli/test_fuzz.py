"""Fuzz tests of the console: it answers every line, and the session continues."""
from __future__ import annotations

import io
import re
import string
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import models
from cli.formatting import FORMATS
from cli.interpreter import CALLABLE, CLASSIC
from config import Settings
from console import HBNBCommand
from models.state import State
from models.user import User
from tests.market import Market

LINES = 1_000
ENDS = re.compile(r"\s*(quit|EOF|exit)(?![A-Za-z0-9_])")
IDS = ("s", "u")        # of an existing state and user
OWN = ("find", "import", "export")
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~")

# Any character, including control characters and lone surrogates, which represent bytes that are not UTF-8.
special = st.sampled_from("\"'\\_=.,(){}[]<>~!?-\0\t\r\n\x1b\udcff\ud800")
character = st.one_of(st.characters(exclude_categories=()), special)
anything = st.text(character, max_size=60)

classes = st.sampled_from([*models.classes])
names = st.sampled_from(sorted({name for cls in models.classes.values() for name in
                                [*cls.__table__.c.keys(), *cls.__mapper__.relationships.keys()]}
                               | {"amenity_ids", "__class__", "__dict__", "save", "metadata", "_sa_instance_state"}))
ids = st.one_of(st.sampled_from(IDS), st.text(string.ascii_letters + string.digits + "-", max_size=8),
                st.uuids().map(str))
texts = st.one_of(st.text(string.ascii_letters + " _\"\\'", max_size=20), anything)
quoted = texts.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
numbers = st.one_of(st.integers(), st.integers(-3, 200), st.floats(), st.sampled_from(
    ["0", "-0", "+1", "1.", ".5", "1e5", "1.5e999", "0x10", "1_0", "nan", "inf", "٣", "9" * 300, "9" * 400, "9" * 5000,
     "0x" + "f" * 5000])).map(str)
times = st.one_of(st.datetimes().map(lambda time: time.isoformat()), st.sampled_from(
    ["2024-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2024-13-01", "yesterday", "24:00"]))
value = st.one_of(quoted, numbers, times, times.map(lambda time: f'"{time}"'), texts, ids)
word = st.one_of(value, ids, names, classes, st.sampled_from(["sort", "limit", "--state", "--city", *FORMATS]))
parameter = st.builds("{}={}".format, names, value)
path = st.lists(names, min_size=1, max_size=4).map(".".join)
condition = st.builds("{}{}{}".format, path, st.sampled_from(OPERATORS), value)


def line(command: st.SearchStrategy[str], *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A line of words; sometimes the last words are missing, or more follow."""
    whole = st.tuples(command, *parts).map(list)
    cut = st.builds(lambda words, length: words[:length], whole, st.integers(0, len(parts)))
    more = st.builds(lambda words, others: words + others, whole, st.lists(word, max_size=3))
    return st.one_of(whole, whole, cut, more).map(" ".join)


def braced(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name}: {each}" for name, each in pairs) + "}"


def literal(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A Python or JSON literal."""
    other = st.sampled_from(["None", "null", "True", "b'x'", "1j", "{}", "NaN", "'\\d'", '"\\ud800"'])
    written = st.one_of(leaf, quoted, numbers, texts.map(repr), other)
    return st.recursive(written, lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(st.tuples(inner, inner), max_size=3).map(braced)), max_leaves=6)


def attributes() -> st.SearchStrategy[str]:
    return st.lists(st.tuples(names.map(lambda name: f'"{name}"'), literal(value)), max_size=4).map(braced)


known = st.sampled_from([("State", "s"), ("User", "u")])
known_words = known.map(" ".join)
commands = st.one_of(
    line(st.just("create"), classes, parameter, parameter, parameter),
    line(st.just("create"), st.just('State name="x"')),
    line(st.sampled_from(["show", "destroy"]), classes, ids),
    line(st.sampled_from(["show", "destroy"]), known_words),
    line(st.sampled_from(["all", "count"]), classes, st.sampled_from(FORMATS)),
    line(st.just("update"), classes, ids, names, value),
    line(st.just("update"), known_words, names, value),
    line(st.just("help"), st.sampled_from([*CLASSIC, *OWN])),
    line(st.just("find"), classes, condition, condition),
    line(st.just("find"), classes, condition, st.just("sort"), names, st.just("limit"), numbers),
    line(st.just("find"), classes, names, st.sampled_from(OPERATORS), value, st.just("columns"), path),
    line(st.just("count"), classes, condition, condition),
    st.one_of(      # only files in this folder
        st.sampled_from(["export out.jsonl", "export out.jsonl.gz --passwords", "export", "export nowhere/out",
                         'export ""', "export a\0b", "import out.jsonl", "import out.jsonl.gz --dry-run"]),
        line(st.just("import"), st.sampled_from(["bytes", "nowhere", ".", '""']), st.just("--state"), quoted,
             st.just("--city"), quoted)))

arguments = st.one_of(
    st.lists(literal(value), max_size=4).map(", ".join), st.builds("{}, {}".format, ids.map(repr), attributes()),
    st.builds("{}, {}, {}".format, ids.map(repr), names.map(repr), literal(value)), anything)
calls = st.one_of(
    st.builds("{}.{}({})".format, st.one_of(classes, classes, texts),
              st.sampled_from([*CALLABLE, *CALLABLE, "create", "quit"]), arguments),
    st.builds(lambda known, values: f'{known[0]}.update("{known[1]}", {values})', known, attributes()))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A valid line with characters inserted or removed."""
    text = draw(st.one_of(commands, calls))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 5)))
    return text[:start] + draw(st.text(character, max_size=3)) + text[end:]


def is_safe(text: str) -> bool:
    """False for a backup, and for an export to an unknown file."""
    return not re.match(r"\s*(export|backup)\b", text) or bool(
        re.fullmatch(r"export( (out\.jsonl(\.gz --passwords)?|nowhere/out|\"\"|a\0b))?", text))


lines = st.one_of(anything, commands, calls, damaged()).filter(is_safe)


class Stage:
    """A store in a file, which can be reset to its original state.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        models.storage = models.make_storage(replace(Settings(), file_path=str(path)))
        models.storage.reload()
        State(id="s", name="Ohio").save()
        User(id="u", email="a@b.c", password="secret").save()
        Market()
        models.storage.close()
        self._content, self._stamp = path.read_bytes(), self._now()

    def reset(self) -> None:
        """Restore the original file, if it was changed."""
        if self._now() != self._stamp:
            beside = self._path.with_suffix(".new")
            beside.write_bytes(self._content)
            beside.replace(self._path)      # as another process may do it
            self._stamp = self._now()

    def _now(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A working directory with a store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "storage", None)
    (tmp_path / "bytes").write_bytes(b"id,name,host_id,latitude,longitude\n1,\xff,1,1,1\n2,Loft,1,1,1\n")
    return Stage(tmp_path / "file.json")


def feed(console: HBNBCommand, text: str) -> str:
    """Run a line, and check its output. Returns: its standard output."""
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as notes:
        console.stdout = printed
        ended = console.onecmd(text)
    assert not ended or ENDS.match(text), f"{text!r} ends it"
    answer = printed.getvalue() + notes.getvalue()
    assert "Internal error" not in answer, f"{text!r}: {notes.getvalue()}"
    assert "Traceback" not in answer
    assert "$argon2" not in answer
    note = notes.getvalue()
    assert re.fullmatch(r"(\*\* [^\n]* \*\*\n|(of|No|[0-9]+) [ \w]+\n)*", note), f"{text!r}: {note}"
    return printed.getvalue()


def test_random_lines_are_answered_and_never_end_the_session(stage: Stage) -> None:
    fed = []

    @settings(max_examples=LINES, deadline=None, suppress_health_check=[*HealthCheck])
    @given(lines)
    def run(text: str) -> None:
        stage.reset()
        feed(HBNBCommand(), text)
        fed.append(text)
    run()
    assert len(fed) >= LINES
    assert len({*fed}) > LINES / 2      # Hypothesis repeats some examples


def test_a_session_of_random_lines_leaves_a_working_store(stage: Stage) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[*HealthCheck])
    @given(st.lists(lines, min_size=10, max_size=10))
    def run(session: list[str]) -> None:
        stage.reset()
        console = HBNBCommand()
        for text in session:
            feed(console, text)
        assert feed(console, 'create State id="last" name="the last one"') == "last\n"
        models.storage.close()
        models.storage.reload()
        assert models.storage.get(State, "last").name == "the last one"
        models.storage.close()
    run()
