"""The console at a terminal: in its own process, on a pseudo-terminal."""
from __future__ import annotations

import fcntl
import inspect
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cli import backup, completion, escaping, transfer
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from tests.cli.test_console import write_listings
from tests.conftest import ROOT
from tests.market import Market

PROMPT = "(hbnb) "
TIMEOUT = 60.0      # seconds
CTRL_C, CTRL_D, CTRL_P, TAB = "\x03", "\x04", "\x10", "\t"

only_file = pytest.mark.parametrize("engine", ["file"], indirect=True)


class Terminal:
    """A console at a terminal: `type` sends keys, and `until` waits for output."""

    def __init__(self, environ: Mapping[str, str], folder: Path, *args: str, stdout: int | None = None,
                 width: int = 500) -> None:
        self._ours, theirs = os.openpty()
        # No colours, no settings of the current user, and lines long enough not to wrap.
        settings = {"TERM": "dumb", "INPUTRC": "/dev/null"}
        own = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "console.py"), *args], cwd=folder, env={**own, **settings},
            stdin=theirs, stdout=theirs if stdout is None else stdout, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self._shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, text: str) -> str:
        """Wait until the terminal shows a text. Returns: the output before it, since the last call."""
        assert self._shows(text, TIMEOUT), f"{text!r} was not shown, but {self._shown!r}"
        before, _, self._shown = self._shown.partition(text)
        return before

    def run(self, line: str) -> str:
        """Type a line at the prompt. Returns: the output until the next prompt, without the line."""
        self.type(f"{line}\n")
        self.until(f"{line}\n")
        return self.until(PROMPT)

    def run_typed(self, keys: str) -> str:
        """Press keys, the last of which ends the line. Returns: the output until the next prompt."""
        self.type(keys)
        return self.until(PROMPT)

    def interrupt(self) -> str:
        """Press Ctrl-C until the next prompt. Returns: the output before it.

        Once may not be enough: Python notices a signal late if it arrives just before it waits for input.
        """
        while True:
            self.type(CTRL_C)
            if self._shows(PROMPT, 2.0):
                return self.until(PROMPT)
            assert self.process.poll() is None

    def end(self) -> str:
        """Wait until the process ends. Returns: the output."""
        deadline = time.monotonic() + TIMEOUT
        while self._read(deadline - time.monotonic()):
            pass
        self.process.wait(max(deadline - time.monotonic(), 1))
        shown, self._shown = self._shown, ""
        return shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _shows(self, text: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while text not in self._shown:
            if not self._read(deadline - time.monotonic()):
                return False
        return True

    def _read(self, seconds: float) -> bool:
        """Read more output. Returns: whether there was any before the end or the timeout."""
        if not select.select([self._ours], [], [], max(seconds, 0))[0]:
            return False
        try:
            shown = os.read(self._ours, 65536)
        except OSError:     # it ended
            return False
        self._shown += shown.decode(errors="replace").replace("\r\n", "\n")
        return bool(shown)


@pytest.fixture
def open_terminal(storage, environ, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """Function that starts a console at a terminal, on an empty store; its files are in `tmp_path`."""
    opened: list[Terminal] = []

    def open_one(*args: str, width: int = 500, **more: str) -> Terminal:
        opened.append(Terminal({**environ, **more}, tmp_path, *args, width=width))
        return opened[-1]
    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(open_terminal) -> Terminal:
    """A console at its first prompt."""
    terminal = open_terminal()
    assert terminal.until(PROMPT) == ""
    return terminal


class TestSession:
    def test_a_prompt_an_answer_and_the_next_prompt(self, terminal: Terminal, storage):
        id = terminal.run('create State name="New_York"').strip()
        assert storage.get(State, id).name == "New York"
        assert terminal.run("count State") == "1\n"
        assert terminal.run("") == ""
        assert terminal.run("nonsense") == "*** Unknown syntax: nonsense\n"
        assert terminal.run("find State name").startswith("** name is not a condition, sort, columns or limit")

    @only_file
    def test_quit_ends_it(self, terminal: Terminal):
        terminal.type("quit\n")
        assert terminal.end() == "quit\n"
        assert terminal.process.returncode == 0

    @only_file
    def test_ctrl_d_ends_it_and_starts_a_new_line(self, terminal: Terminal):
        terminal.type(CTRL_D)
        assert terminal.end() == "\n"
        assert terminal.process.returncode == 0

    @only_file
    def test_ctrl_d_in_a_line_does_not_end_it(self, terminal: Terminal):
        terminal.type(f"count{CTRL_D} State\n")
        assert terminal.until(PROMPT).endswith("\n0\n")

    @only_file
    def test_a_command_of_the_command_line_shows_no_prompt(self, open_terminal):
        terminal = open_terminal("count", "State")
        assert terminal.end() == "0\n"
        assert terminal.process.returncode == 0


class TestCtrlC:
    @only_file
    def test_at_the_prompt_discards_the_line_and_continues_the_session(self, terminal: Terminal):
        terminal.type('create State name="Ohio"')
        terminal.until('"Ohio"')
        for _ in range(3):
            assert re.fullmatch(r"(\^C|\n)+", terminal.interrupt())
        assert terminal.run("count State") == "0\n"
        assert terminal.process.poll() is None

    def test_during_a_command_ends_only_the_command_and_changes_nothing(
            self, terminal: Terminal, storage, tmp_path):
        os.mkfifo(tmp_path / "slow.csv")
        terminal.type("import slow.csv --state A --city B\n")
        with open(tmp_path / "slow.csv", "w") as slow:      # waits until the console reads it
            slow.write("id,name,host_id,latitude,longitude\n1,Loft,1,42.6,-73.7\n")
            slow.flush()
            terminal.type(CTRL_C)
            terminal.until("^C")
        shown = terminal.until(PROMPT)
        assert "Traceback" not in shown
        assert "Nothing" not in shown
        assert terminal.run("count Place") == "0\n"
        assert storage.count() == 0
        id = terminal.run('create State name="Ohio"').strip()
        assert storage.get(State, id).name == "Ohio"

    @only_file
    def test_keeps_the_history(self, terminal: Terminal, environ):
        terminal.run("count State")
        terminal.interrupt()
        terminal.run("count City")
        terminal.type("quit\n")
        terminal.end()
        assert Path(environ["HBNB_HISTORY"]).read_text() == "count State\ncount City\nquit\n"


@only_file
class TestCompletion:
    """Lines are typed in part, and completed with Tab."""

    # Lines that change the store come last, because they add completions.
    LINES = [
        (f"cou{TAB} State", "count State"), (f"al{TAB}", "all"), (f"help exp{TAB}", "help export"),
        (f"count Sta{TAB}", "count State"), (f"all Rev{TAB}", "all Review"), (f"create Ame{TAB}", "create Amenity"),
        (f"find Us{TAB}", "find User"),
        (f"Sta{TAB}all()", "State.all()"), (f"State.cou{TAB})", "State.count()"),
        (f"update State abc-1 na{TAB} X", "update State abc-1 name X"),
        (f"find Place price{TAB}<5", "find Place price_by_night<5"),
        (f"find Place ame{TAB}=x", "find Place amenities=x"),
        (f"find State so{TAB} name", "find State sort name"), (f"find State lim{TAB} 5", "find State limit 5"),
        (f"all State --t{TAB}", "all State --table"), (f"all State --j{TAB}", "all State --json"),
        (f"show State abc{TAB}", "show State abc-1"),
        (f"update State a{TAB} name X", "update State abc-1 name X"), (f"show City abc{TAB}", "show City abc"),
        (f"show Foo abc{TAB}", "show Foo abc"), (f"show State %{TAB}", "show State %"), (f"zzz{TAB}", "zzz"),
        (f"tok{TAB} rev{TAB} x", "token revoke x"),
        (f"create State na{TAB}5", "create State name=5"),
        (f"create Place price{TAB}5", "create Place price_by_night=5"),
        (f"destroy State abc{TAB}", "destroy State abc-1")]

    def test_of_commands_classes_attributes_and_ids(self, open_terminal, storage, environ):
        storage.new(State(id="abc-1", name="Ohio"))
        storage.new(State(id="xyz-2", name="Iowa"))
        storage.save()
        terminal = open_terminal()
        terminal.until(PROMPT)
        for typed, _ in self.LINES:
            terminal.run_typed(f"{typed}\n")
        terminal.type("quit\n")
        terminal.end()
        # The history has the executed lines, however often the terminal redrew them.
        history = Path(environ["HBNB_HISTORY"]).read_text().splitlines()
        assert history == [*(line for _, line in self.LINES), "quit"]

    def test_of_files(self, terminal: Terminal, tmp_path, storage, environ):
        (tmp_path / "data").mkdir()
        for name in ("data/listings.csv", "my file.csv", "evil\x1b[31m\x9bred.csv"):
            (tmp_path / name).write_text("x")
        for typed in (f"import da{TAB}li{TAB}", f"export my{TAB}", f"restore ev{TAB}", f"backup x{TAB} --f{TAB}"):
            terminal.run_typed(f"{typed}\n")
        terminal.type("quit\n")
        terminal.end()
        assert Path(environ["HBNB_HISTORY"]).read_text().splitlines() == [
            "import data/listings.csv", 'export "my file.csv"', r'restore "evil\x1b[31m\x9bred.csv"',
            "backup x --force", "quit"]

    def test_lists_the_candidates(self, terminal: Terminal, storage):
        for number in range(3):
            storage.new(State(id=f"abc-{number}", name="Ohio"))
        storage.save()
        terminal.type(f"show State a{TAB * 3}")
        terminal.until("abc-0")
        assert {"abc-1", "abc-2"} <= {*terminal.until(PROMPT).split()}
        terminal.until("show State abc-")
        terminal.interrupt()
        terminal.type(f"c{TAB}{TAB}")
        terminal.until("count")
        assert "create" in terminal.until(PROMPT)

    def test_of_ids_works_with_a_damaged_store(self, terminal: Terminal, settings):
        Path(settings.file_path).write_text("{")
        terminal.type(f"show State a{TAB}{TAB}bc\n")
        shown = terminal.until(PROMPT)
        assert "is damaged" in shown
        assert "Traceback" not in shown


class TestHistory:
    @pytest.fixture
    def path(self, environ) -> Path:
        return Path(environ["HBNB_HISTORY"])

    def test_keeps_lines_for_the_next_session_except_passwords_and_tokens(self, open_terminal, path, storage):
        terminal = open_terminal()
        terminal.until(PROMPT)
        terminal.run("count State")
        user = terminal.run('create User email="a@b.c" password="Tr0ub4dor"').strip()
        for line in (f"update User {user} password Tr0ub4dor", f'User.update("{user}", {{"Password": "Tr0ub4dor"}})',
                     f'User.update("{user}", "password", "Tr0ub4dor")', 'creat User password="Tr0ub4dor"',
                     f"token revoke hbnb_{uuid.uuid4()}_Tr0ub4dor", ""):
            terminal.run(line)
        terminal.run("count City")
        terminal.type("quit\n")
        terminal.end()
        assert path.read_text() == "count State\ncount City\nquit\n"
        assert storage.get(User, user).check_password("Tr0ub4dor")
        again = open_terminal()
        again.until(PROMPT)
        again.type(CTRL_P * 2 + "\n")
        assert again.until(PROMPT).endswith("count City\n0\n")

    @only_file
    def test_a_password_that_the_console_asks_for_is_neither_shown_nor_kept(self, terminal: Terminal, storage):
        user = terminal.run('create User email="a@b.c" password="x"').strip()
        for second, printed in (("Tr0ub4dor 4", "differ"), ("Tr0ub4dor 3", "was changed")):
            terminal.type("user password a@b.c\n")
            terminal.until("New password of a@b.c: ")
            terminal.type("Tr0ub4dor 3\n")
            terminal.until("The same password again: ")
            terminal.type(f"{second}\n")
            shown = terminal.until(PROMPT)
            assert (printed in shown, "Tr0ub4dor" in shown) == (True, False)
        terminal.type("user password a@b.c\n")
        terminal.until("New password of a@b.c: ")
        terminal.type(CTRL_D)
        assert "no password was typed" in terminal.until(PROMPT)
        assert storage.get(User, user).check_password("Tr0ub4dor 3")
        terminal.run("count City")
        terminal.type(CTRL_P + "\n")
        assert terminal.until(PROMPT).endswith("count City\n0\n")

    @only_file
    def test_a_line_with_a_password_is_removed_at_once(self, terminal: Terminal):
        terminal.run("count City")
        terminal.run('create User email="a@b.c" password="Tr0ub4dor"')
        terminal.type(CTRL_P + "\n")
        assert terminal.until(PROMPT).endswith("count City\n0\n")

    @only_file
    @pytest.mark.parametrize("mode", [None, 0o644, 0o666])
    def test_is_readable_only_by_its_owner(self, open_terminal, path, mode):
        if mode is not None:
            path.write_text("count User\n")
            path.chmod(mode)
        terminal = open_terminal()
        terminal.until(PROMPT)
        terminal.run("count State")
        terminal.type(CTRL_D)
        terminal.end()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == ("" if mode is None else "count User\n") + "count State\n"

    @only_file
    @pytest.mark.parametrize("place", ["", "nowhere/history", "."])
    def test_is_optional_and_an_unwritable_file_is_ignored(self, open_terminal, tmp_path, place):
        before = {*tmp_path.iterdir()}
        terminal = open_terminal(HBNB_HISTORY=place)
        terminal.until(PROMPT)
        assert terminal.run("count State") == "0\n"
        terminal.type("quit\n")
        assert terminal.end() == "quit\n"
        assert terminal.process.returncode == 0
        assert {file.name for file in {*tmp_path.iterdir()} - before} <= {"file.json", "file.json.lock"}

    @only_file
    def test_may_contain_bytes_that_are_not_utf8(self, open_terminal, path):
        path.write_bytes(b"count \xff\xfe\n\x00\n")
        terminal = open_terminal()
        assert terminal.until(PROMPT) == ""
        assert terminal.run("count State") == "0\n"

    @only_file
    def test_is_not_used_by_a_pipe_or_a_command_line(self, console, path):
        console("count State")
        console(args=("-c", "count State"))
        assert not path.exists()

    @only_file
    def test_stays_short(self, open_terminal, path):
        path.write_text("".join(f"count {number}\n" for number in range(3000)))
        terminal = open_terminal()
        terminal.until(PROMPT)
        terminal.type("quit\n")
        terminal.end()
        assert path.read_text().splitlines() == [*(f"count {number}" for number in range(2001, 3000)), "quit"]


class TestCascade:
    QUESTION = " Continue? [y/N] "

    @pytest.fixture
    def market(self, storage) -> Market:
        market = Market()
        storage.new(City(name="Troy", state_id=market.state.id))
        storage.save()
        storage.close()
        return market

    @pytest.mark.parametrize(("line", "answer", "removed"), [
        ("destroy State {}", "y", True), ('State.destroy("{}")', "n", False)])
    def test_asks_before_it_removes_dependent_objects(self, terminal: Terminal, storage, market, line, answer,
                                                      removed):
        self.answer(terminal, line.format(market.state.id), answer)
        assert (storage.get(State, market.state.id) is None) == removed
        assert storage.count(City) == (0 if removed else 2)
        assert storage.count(Review) == (0 if removed else 1)
        assert storage.count(User) == 2

    @only_file
    def test_accepts_only_yes_as_confirmation(self, terminal: Terminal, storage, market):
        for answer in ("", "n", "no", "x", "quit", "yesterday", "0", " "):
            self.answer(terminal, f"destroy State {market.state.id}", answer)
            assert storage.get(State, market.state.id) is not None
            storage.close()
        self.answer(terminal, f"destroy State {market.state.id}", " YES ")
        assert storage.get(State, market.state.id) is None

    @only_file
    def test_treats_an_interrupt_or_end_of_input_as_no(self, terminal: Terminal, storage, market):
        terminal.type(f"destroy State {market.state.id}\n")
        terminal.until(self.QUESTION)
        terminal.type(CTRL_D)
        assert terminal.until(PROMPT) == "\n"
        terminal.type(f"destroy State {market.state.id}\n")
        terminal.until(self.QUESTION)
        assert re.fullmatch(r"(\^C|\n)+", terminal.interrupt())
        assert storage.get(State, market.state.id) is not None
        assert terminal.run("count State") == "1\n"

    @only_file
    def test_does_not_ask_without_dependent_objects(self, terminal: Terminal, storage, market):
        assert terminal.run(f"destroy Review {market.review.id}") == ""
        assert terminal.run(f"destroy Amenity {market.wifi.id}") == ""
        assert terminal.run("destroy State nope") == "** no instance found **\n"
        assert (storage.count(Review), storage.count(Place)) == (0, 1)

    @only_file
    def test_does_not_ask_on_the_command_line(self, open_terminal, storage, market):
        assert open_terminal("-c", f"destroy State {market.state.id}").end() == ""
        assert storage.count(State) == 0

    @only_file
    def test_answers_are_not_saved_in_the_history(self, terminal: Terminal, market, environ):
        for answer in ("n", "", "y"):
            self.answer(terminal, f"destroy City {market.city.id}", answer, "1 place, 1 review")
        terminal.type("quit\n")
        terminal.end()
        assert Path(environ["HBNB_HISTORY"]).read_text() == f"destroy City {market.city.id}\nquit\n"

    def answer(self, terminal: Terminal, line: str, answer: str, what: str = "2 cities, 1 place, 1 review") -> None:
        terminal.type(f"{line}\n")
        assert terminal.until(self.QUESTION) == f"{line}\nThis also removes {what}."
        terminal.type(f"{answer}\n")
        assert terminal.until(PROMPT) == f"{answer}\n"


@only_file
class TestReplace:
    def test_asks_before_objects_are_removed(self, terminal: Terminal, storage):
        State(id="ohio", name="Ohio").save()
        storage.close()
        assert terminal.run("backup x").endswith("1 State\n")
        terminal.run('create State name="Iowa"')
        for answer, left in (("n", 2), ("", 2), ("y", 1)):
            terminal.type("restore x --replace\n")
            terminal.until("This removes 1 audit entry, 2 states. Continue? [y/N] ")
            terminal.type(f"{answer}\n")
            terminal.until(PROMPT)
            assert storage.count(State) == left
            storage.close()

    def test_does_not_ask_if_the_store_is_empty(self, terminal: Terminal, storage):
        terminal.run("backup x")
        assert "Continue?" not in terminal.run("restore x --replace") + terminal.run("restore x --replace --check")

    def test_does_not_ask_on_the_command_line(self, console, storage):
        State(name="Ohio").save()
        storage.close()
        for line in ("backup x", "restore x --replace"):
            assert console(args=("-c", line)).returncode == 0


@only_file
class TestScreen:
    EVIL = "c1 \x9b31m bidi \u202e isolate \u2067 end"
    SAFE = r"c1 \x9b31m bidi \u202e isolate \u2067 end"

    def test_shows_no_control_characters(self, open_terminal, storage):
        State(id="ohio", name=self.EVIL).save()
        storage.close()
        lines = [line.replace("EVIL", f'"{self.EVIL}"') for line in (
            "all State", "all State --json", "all State --csv", "all State --table", "find State columns name", "EVIL",
            "show State ohio", "find State EVIL", "count State EVIL", "all State EVIL", "create State EVIL",
            "import EVIL", "help EVIL", "backup nope/EVIL", "update State ohio name Iowa EVIL",
            "update State ohio EVIL x", "find State EVIL=x", "create State EVIL=5", "import x --EVIL")]
        shown = open_terminal(*(each for line in lines for each in ("-c", line))).end()
        output = shown.replace("\r", "")   # of the progress bars
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", output)
        as_json = self.SAFE.replace(r"\x9b", r"\u009b")
        assert output.count(self.SAFE) + output.count(as_json) >= len(lines)
        assert as_json in output

    def test_escapes_standard_error_if_only_that_is_a_terminal(self, environ, tmp_path):
        terminal = Terminal(environ, tmp_path, "-c", f'count State "{self.EVIL}"', stdout=subprocess.DEVNULL)
        try:
            assert self.SAFE in terminal.end()
        finally:
            terminal.close()

    def test_does_not_escape_the_output_of_a_pipe(self, console, storage):
        State(id="ohio", name=self.EVIL).save()
        storage.close()
        assert self.EVIL in console("all State --csv").stdout

    def test_shows_tables_that_fit_with_the_requested_columns(self, open_terminal, storage):
        place = Market().place
        place.name, place.price_by_night = "東京のとても長い名前の家" * 3, 99
        place.save()
        storage.close()
        for width, line in ((80, "find Place price_by_night<100 --table"), (60, "all Place --table"), (
                50, "find Place columns name,price_by_night,city.name,amenities"), (20, "find Place columns id,name")):
            shown = open_terminal("-c", line, width=width).end().splitlines()
            table = [row for row in shown if not row.startswith("No room")]
            assert all(escaping.width(row) <= width for row in table), table
            assert len(table) == 4
            assert ("price_by" in table[0]) == ("price_by_night" in line)
            assert (place.id in table[2]) == ("columns" not in line)
            assert any("No room for created_at" in row or "No room for __class__" in row for row in shown) == (
                "columns" not in line)
            assert table[-1] == "1 place"


@only_file
class TestProgress:
    LINE = 'import listings.csv.gz --state "New York" --city Albany'

    @pytest.fixture(autouse=True)
    def _listings(self, monkeypatch, tmp_path) -> None:
        monkeypatch.chdir(tmp_path)
        write_listings(rows=50)

    def test_of_an_import_is_shown_and_cleared(self, terminal: Terminal, storage):
        bar, _, report = terminal.run(self.LINE).rpartition("\r")
        assert bar.startswith("\rlistings.csv.gz: ")
        assert "class" in report
        assert "listings" not in report
        assert storage.count(Place) == 50

    def test_of_a_failed_import_does_not_hide_the_error(self, terminal: Terminal):
        assert terminal.run("import listings.csv.gz").rpartition("\r")[2] == (
            "** listings.csv.gz: it is a file of listings: name their state and city with --state and --city **\n")

    def test_of_a_backup_and_a_restore_is_shown_and_cleared(self, terminal: Terminal):
        for line in ("backup x", "restore x", "restore x --check"):
            bar, _, summary = terminal.run(line).rpartition("\r")
            assert bar.startswith("\rx: ")
            assert re.search(r"\b0 objects\b", summary)

    def test_is_not_shown_without_a_terminal(self, console):
        answer = console(self.LINE)
        assert answer.stderr == ""
        assert "\r" not in answer.stdout
        assert "listings" not in answer.stdout

    def test_is_shown_if_only_standard_output_is_redirected(self, environ, tmp_path):
        terminal = Terminal(environ, tmp_path, *self.LINE.split()[:2], "--state", "New York", "--city", "Albany",
                            stdout=subprocess.PIPE)
        try:
            assert terminal.end().startswith("\rlistings.csv.gz: ")
            assert "Place" in terminal.process.stdout.read().decode()
        finally:
            terminal.process.stdout.close()
            terminal.close()


@pytest.mark.parametrize(("command", "run"), [
    ("import", transfer.run_import), ("export", transfer.run_export),
    ("backup", backup.run_backup), ("restore", backup.run_restore)])
def test_completion_offers_the_options_of_each_command(command, run):
    assert completion.OPTIONS[command] == re.findall(r'add_argument\("(--[a-z-]+)"', inspect.getsource(run))
