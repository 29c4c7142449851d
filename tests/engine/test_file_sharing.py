"""A file shared by several processes: no write is lost, no removed object returns, and damage stops all writes."""
from __future__ import annotations

import json
import os
import random
import signal
import stat
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

import models
from errors import Damaged, Unavailable
from models.engine.file import journal, json_file, json_objects
from models.engine.file import lock as file_lock
from models.engine.file_storage import FileStorage
from models.state import State
from models.token import Token
from tests.processes import finish, start
from tests.programs import Program

MEMBER = 33     # a user and group other than root, of every Debian


@pytest.fixture
def engine() -> str:
    return "file"


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every store has a journal, which is merged after a few changes."""
    monkeypatch.setattr(json_file, "SMALL", 0)
    monkeypatch.setattr(json_file, "FOLD_AT", 0.4)


@pytest.fixture
def unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "SMALL", 0)
    monkeypatch.setattr(json_file, "FOLD_AT", 1000)


def journal_of(path: Path) -> Path:
    return Path(f"{path}.journal")


def view(storage: FileStorage) -> dict[str, Any]:
    """Return the names by key, as a new request reads them."""
    storage.close()
    return {key: obj.name for key, obj in storage.all(State).items()}


class TestAllProcessesSeeTheFile:
    @pytest.mark.parametrize("sharing", [2, 3])
    @pytest.mark.parametrize("seed", range(4))
    def test_after_each_random_change(self, path, folding, monkeypatch, sharing, seed):
        chance, expected = random.Random(seed), {}
        stores = [FileStorage(path) for _ in range(sharing)]

        def step(number: int) -> None:
            storage = stores[number]
            match chance.choice(["create", "create", "change", "remove", "fold", "open"]):
                case "create":
                    monkeypatch.setattr(models, "storage", storage)
                    state = State(name=f"{number} {'x' * chance.randint(0, 120)}")
                    state.save()
                    expected[f"State.{state.id}"] = state.name
                case "change" if expected:
                    key = chance.choice([*expected])
                    found = storage.get(State, key.partition(".")[2])
                    found.name = expected[key] = f"changed by {number} {chance.random()}"
                    storage.save()
                case "remove" if expected:
                    key = chance.choice([*expected])
                    storage.delete(storage.get(State, key.partition(".")[2]))
                    storage.save()
                    del expected[key]
                case "fold":
                    storage.compact()
                case "open":    # as after a kill: the journal is not merged
                    stores[number] = FileStorage(path)
        for _ in range(60):
            step(chance.randrange(sharing))
            # Not all of them read now, so that they have read the journal up to different positions.
            for storage in chance.sample(stores, chance.randint(0, sharing)):
                assert view(storage) == expected
            assert view(FileStorage(path)) == expected

    def test_a_change_that_merges_the_journal_is_seen_by_other_processes(self, path, unfolded, monkeypatch):
        one, other = FileStorage(path), FileStorage(path)
        monkeypatch.setattr(models, "storage", one)
        State(name="first").save()
        State(name="second").save()
        assert sorted(view(other).values()) == ["first", "second"]
        monkeypatch.setattr(json_file, "FOLD_AT", 0.01)
        State(name="folds").save()
        assert sorted(view(other).values()) == ["first", "folds", "second"]
        monkeypatch.setattr(models, "storage", other)
        State(name="last").save()
        assert sorted(view(FileStorage(path)).values()) == ["first", "folds", "last", "second"]

    def test_a_revocation_that_merges_the_journal_is_seen_by_other_processes(self, path, unfolded, monkeypatch):
        server, console = FileStorage(path), FileStorage(path)
        monkeypatch.setattr(models, "storage", console)
        Token(name="partner", digest="x").save()
        State(name="S").save()
        assert server.count(Token) == 1
        monkeypatch.setattr(json_file, "FOLD_AT", 0.01)
        [token] = console.all(Token).values()
        token.delete()
        console.save()
        server.close()
        assert server.count(Token) == 0

    def test_two_rewrites_in_quick_succession_have_different_file_times(self, path, storage, monkeypatch):
        """The system's times may have steps of milliseconds, and it reuses the inodes of removed files."""
        times = iter(range(10**18 + 7, 10**18 + 99))
        state = State(name="first")
        with monkeypatch.context() as patch:
            patch.setattr(json_objects.time, "time_ns", lambda: next(times))
            state.save()
            first = path.stat().st_mtime_ns
            state.save()
        assert (first, path.stat().st_mtime_ns) == (10**18 + 7, 10**18 + 8)


WORK = """
import json, os, random, sys
import models
from errors import HBNBError
from models.engine.file import json_file
from models.token import Token
from models.state import State
from services.idempotency import Reply, run_once
json_file.SMALL, json_file.FOLD_AT = 0, 0.3
name, writes, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance, own = random.Random(name + sys.argv[3]), []
def say(*words):
    os.write(1, (json.dumps(words) + "\\n").encode())
for number in range(first, first + writes):
    kind = chance.choice(["create"] * 5 + ["remove", "keyed", "keyed", "token"])
    if kind == "create":
        state = State(name=f"{name} {number}")
        state.save()
        own.append(state)
        say("made", state.id)
    elif kind == "remove" and own:
        state = own.pop(chance.randrange(len(own)))
        say("removing", state.id)
        state.delete()
        models.storage.save()
        say("removed", state.id)
    elif kind == "keyed":
        key = str(chance.randrange(20))
        def work():
            state = State(name=f"keyed {key}")
            state.save()
            return Reply(201, {}, state.id)
        reply, _ = run_once(("all", key), b"", work)
        say("keyed", key, reply.body)
    elif kind == "token":
        token = Token(name=f"{name}-{number}", digest="x")
        token.save()
        say("removing", token.id)
        token.delete()
        models.storage.save()
        say("removed", token.id)
    models.storage.close()
say("done")
"""


class Writer:
    """A process that runs WORK and prints a line for each thing it has done."""

    def __init__(self, folder: Path, environ: Mapping[str, str], name: str, writes: int, first: int) -> None:
        self._output = folder / f"output of {name}"
        with open(self._output, "wb") as output:
            self.process = Program(["-c", WORK, name, str(writes), str(first)], environ, stdout=output)

    def printed(self) -> list[list[str]]:
        """Return the lines it has printed so far, without an incomplete last one."""
        lines = self._output.read_bytes().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def kill_after(self, lines: int) -> None:
        while len(self.printed()) < lines and self.process.poll() is None:
            time.sleep(0.01)
        self.process.kill()
        self.process.wait()


class TestEightProcesses:
    def test_1000_writes_each_with_kills_lose_nothing_and_run_no_keyed_request_twice(
            self, path, environ, tmp_path):
        chance = random.Random(2)
        writers = [Writer(tmp_path, environ, str(number), 1000, 0) for number in range(8)]
        for number in range(4):     # half of them are killed at random, and replaced by others
            writers[number].kill_after(chance.randint(20, 200))
            writers.append(Writer(tmp_path, environ, f"{number}-again", 800, 1000))
        assert [writer.process.wait() for writer in writers] == [-signal.SIGKILL] * 4 + [0] * 8
        words = [word for writer in writers for word in writer.printed()]
        assert [word for word in words if word[0] == "done"] == [["done"]] * 8
        named = {kind: {word[1] for word in words if word[0] == kind} for kind in ("made", "removing", "removed")}
        keyed = {(word[1], word[2]) for word in words if word[0] == "keyed"}
        assert len(keyed) == len({key for key, _ in keyed}) == 20
        found = {key: obj.name for key, obj in FileStorage(path).all(State).items()}
        ids = {key.partition(".")[2] for key in found}
        assert named["made"] - named["removing"] <= ids
        assert not named["removed"] & ids
        assert {id for _, id in keyed} <= ids
        assert sorted(name for name in found.values() if name.startswith("keyed")) == sorted(
            f"keyed {key}" for key, _ in keyed)
        assert not any(obj.id in named["removed"] for obj in FileStorage(path).all(Token).values())


class TestDamageFromOutside:
    """After another program has changed the journal, no write is acknowledged."""

    @pytest.mark.parametrize("how", ["a line is missing", "two lines are swapped", "a line is repeated",
                                     "the last line is missing", "the journal is missing", "a bit is wrong",
                                     "a bit of the header is wrong", "the header is a list"])
    def test_reads_and_writes_are_refused_by_a_running_and_a_new_program(self, path, storage, unfolded, how):
        for number in range(5):
            State(name=str(number)).save()
        lines = journal_of(path).read_bytes().splitlines(keepends=True)
        match how:
            case "a line is missing":
                del lines[2]
            case "two lines are swapped":
                lines[1], lines[2] = lines[2], lines[1]
            case "a line is repeated":
                lines.insert(2, lines[2])
            case "the last line is missing":
                del lines[-1]
            case "the journal is missing":
                lines = []
            case "the header is a list":
                lines[0] = b"%08x []\n" % zlib.crc32(b"[]")
            case "a bit is wrong":
                lines[2] = lines[2].replace(b'"2"', b'"3"')
            case _:
                lines[0] = lines[0].replace(b"id", b"ie")
        damaged = b"".join(lines)
        assert damaged != journal_of(path).read_bytes()
        if lines:
            journal_of(path).write_bytes(damaged)
        else:
            journal_of(path).unlink()
        for each in (storage, FileStorage(path)):
            each.close()
            with pytest.raises(Damaged, match="journal is damaged"):
                each.count(State)
            with pytest.raises(Damaged, match="journal is damaged"):
                each.insert(State(name="not acknowledged"))
        assert not lines or journal_of(path).read_bytes() == damaged

    def test_a_truncated_journal_is_read_after_the_operator_removed_the_lock_file(
            self, path, storage, unfolded):
        for number in range(3):
            State(name=str(number)).save()
        lines = journal_of(path).read_bytes().splitlines(keepends=True)
        journal_of(path).write_bytes(b"".join(lines[:-1]))
        with pytest.raises(Damaged, match=r"without the missing changes, remove .*file\.json\.lock"):
            FileStorage(path).count(State)
        Path(f"{path}.lock").unlink()
        assert sorted(view(FileStorage(path)).values()) == ["0", "1"]

    def test_a_transaction_whose_verification_fails_is_not_acknowledged(self, path, storage, unfolded, monkeypatch):
        State(name="a").save()
        State(name="b").save()
        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", lambda *_: b"something else")
            with pytest.raises(Unavailable, match="gave other bytes than were written"):
                State(name="lost").save()
        assert sorted(view(storage).values()) == sorted(view(FileStorage(path)).values()) == ["a", "b"]

    def test_a_new_file_whose_verification_fails_does_not_replace_the_old_one(self, path, storage, monkeypatch):
        State(name="a").save()
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(json_objects, "_content", lambda _: json_file.NOTHING)
            with pytest.raises(Unavailable, match="gave other bytes than were written"):
                State(name="lost").save()
        assert path.read_bytes() == before

    def test_the_journal_of_an_earlier_hbnb_is_read_and_merged(self, path, unfolded, monkeypatch):
        monkeypatch.setattr(models, "storage", FileStorage(path))
        State(name="in the file").save()
        content = journal.Content(len(text := path.read_bytes()), zlib.crc32(text))
        lines = [{"continues": [*content], "after": None},
                 {"State.1": {"name": "in the journal", "__class__": "State"}}]
        journal_of(path).write_bytes(b"".join(
            b"%08x %b\n" % (zlib.crc32(text), text) for text in map(orjson.dumps, lines)))
        storage = FileStorage(path)
        assert sorted(view(storage).values()) == ["in the file", "in the journal"]
        monkeypatch.setattr(models, "storage", storage)
        State(name="new").save()
        assert sorted(view(FileStorage(path)).values()) == ["in the file", "in the journal", "new"]
        assert not journal_of(path).exists()


class TestLockFile:
    def test_a_waiting_writer_locks_the_new_lock_file_if_the_old_one_is_removed(self, path):
        lock, has_it, over = file_lock.FileLock(str(path)), threading.Event(), threading.Event()

        def wait() -> None:
            with file_lock.FileLock(str(path)).writing(10):
                has_it.set()
                over.wait(10)
        waiting = threading.Thread(target=wait)
        with lock.writing():
            waiting.start()
            time.sleep(0.05)    # so that it waits for the lock file before that is removed
            os.unlink(lock.path)
            Path(lock.path).touch()
        assert has_it.wait(10)
        with pytest.raises(Unavailable, match="in use"), lock.writing(0):
            pass
        over.set()
        waiting.join(10)

    @pytest.mark.parametrize("size", ["small", "large"])
    def test_a_transaction_is_refused_if_its_lock_file_is_removed(self, path, storage, monkeypatch, size):
        if size == "large":
            monkeypatch.setattr(json_file, "SMALL", 0)
        State(name="a").save()
        State(name="b").save()
        with pytest.raises(Unavailable, match=r"file\.json\.lock was removed while it was in use"), \
                storage.transaction():
            storage.new(State(name="in between"))
            os.unlink(f"{path}.lock")
            other = FileStorage(path)
            other.insert(State(name="of another"))
        assert sorted(view(storage).values()) == sorted(view(FileStorage(path)).values()) == ["a", "b", "of another"]
        State(name="c").save()
        assert len(view(FileStorage(path))) == 4

    @pytest.mark.parametrize("size", ["small", "large"])
    def test_a_change_is_refused_if_the_lock_file_is_removed_while_writing(self, path, storage, monkeypatch, size):
        if size == "large":
            monkeypatch.setattr(json_file, "SMALL", 0)
        State(name="a").save()
        State(name="b").save()

        def remove(*_: Any) -> None:
            Path(f"{path}.lock").unlink(missing_ok=True)
        with monkeypatch.context() as patch:
            of, name = (storage._file, "_replace") if size == "small" else (storage._file._journal, "append")
            write = getattr(of, name)
            patch.setattr(of, name, lambda *given: (write(*given), remove())[0])
            with pytest.raises(Unavailable, match="may or may not have been stored"):
                State(name="c").save()
        assert view(storage) == view(FileStorage(path))

    @pytest.mark.parametrize("call", ["flock", "pwrite", "open"])
    def test_an_error_of_the_system_is_reported_as_unavailable(self, path, storage, monkeypatch, call):
        State(name="a").save()

        def fail(*_: Any, **__: Any) -> None:
            raise OSError(37, "No locks available")
        with monkeypatch.context() as patch:
            patch.setattr(file_lock.fcntl if call == "flock" else os, call, fail)
            with pytest.raises(Unavailable, match="No locks available"):
                State(name="b").save()
        assert [*view(storage).values()] == ["a"]

    def test_a_folder_instead_of_the_lock_file_is_reported(self, path, storage):
        Path(f"{path}.lock").mkdir()
        with pytest.raises(Unavailable, match=r"cannot be written: Is a directory .*file\.json\.lock"):
            State(name="a").save()


class TestWaiting:
    @pytest.fixture
    def held(self, environ, path, storage):
        """Another process that holds the write lock."""
        State(name="before").save()
        process = start("""
with models.storage.transaction():
    print('held', flush=True)
    sys.stdin.readline()""", environ)
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.write("\n")
        finish(process)

    def test_writers_of_one_process_wait_at_the_same_time(self, storage, held, monkeypatch):
        monkeypatch.setattr(file_lock, "TIMEOUT", 0.3)
        waited: list[float] = []

        def write() -> None:
            started = time.monotonic()
            with pytest.raises(Unavailable, match=rf"in use: process {held.pid} is writing"):
                State(name="S").save()
            storage.close()
            waited.append(time.monotonic() - started)
        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        # Waiting one after another would take 0.3, 0.6, 0.9 and 1.2 seconds.
        assert len(waited) == 4
        assert max(waited) < 2 * min(waited) + 0.3

    def test_requests_have_a_shorter_lock_timeout_than_programs(self, storage, held, monkeypatch):
        waited: list[float | None] = []
        writing = file_lock.FileLock.writing
        monkeypatch.setattr(file_lock, "REQUEST_TIMEOUT", 0.1)
        monkeypatch.setattr(file_lock.FileLock, "writing", lambda self, timeout=None: (
            waited.append(timeout), writing(self, timeout))[1])
        storage.enforce_timeouts()
        with pytest.raises(Unavailable, match="in use"):
            State(name="S").save()
        assert waited == [0.1]

    def test_reads_continue_while_another_process_holds_the_lock_and_a_thread_waits_for_it(
            self, path, storage, held, monkeypatch):
        monkeypatch.setattr(file_lock, "PATIENCE", 0.01)
        monkeypatch.setattr(file_lock, "TIMEOUT", 1)

        def write() -> None:
            with pytest.raises(Unavailable):
                State(name="S").save()
        waiting = threading.Thread(target=write)
        waiting.start()
        text = json.loads(path.read_text())
        text["State.1"] = {"name": "from outside", "__class__": "State"}
        path.write_bytes(json_objects.MARKER + json.dumps(text).encode()[1:])
        assert sorted(view(storage).values()) == ["before", "from outside"]
        assert waiting.is_alive()
        waiting.join(60)

    def test_a_read_is_tried_again_while_another_program_removes_the_files(self, path, storage, unfolded, monkeypatch):
        for number in range(3):
            State(name=str(number)).save()
        reader = FileStorage(path)
        path.unlink()       # the journal no longer belongs to a file
        removing = threading.Timer(0.01, journal_of(path).unlink)
        removing.start()
        assert view(reader) == {}
        removing.join()


class TestOwnerAndMode:
    @pytest.mark.parametrize("size", ["small", "large"])
    def test_files_keep_the_owner_and_mode_of_the_store_when_root_writes(self, path, storage, monkeypatch, size):
        if size == "large":
            monkeypatch.setattr(json_file, "SMALL", 0)
        State(name="a").save()
        os.chown(path, MEMBER, MEMBER)
        path.chmod(0o640)
        Path(f"{path}.lock").unlink()
        Path(f"{path}.new").write_text("left by a crash")
        State(name="b").save()
        State(name="c").save()
        storage.compact()
        files = [*path.parent.glob("file.json*")]
        assert len(files) == 2 + (size == "large")
        for each in files:
            found = each.stat()
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (MEMBER, MEMBER, 0o640), each

    def test_a_store_that_root_creates_is_private_and_has_the_owner_of_its_folder(self, path, storage):
        os.chown(path.parent, MEMBER, MEMBER)
        State(name="a").save()
        for each in path.parent.glob("file.json*"):
            found = each.stat()
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (MEMBER, MEMBER, 0o600), each

    def test_a_lock_file_of_root_gets_the_owner_of_the_store(self, path, storage):
        State(name="a").save()
        for each in path.parent.glob("file.json*"):
            os.chown(each, 0, 0)
        os.chown(path, MEMBER, MEMBER)
        State(name="b").save()
        assert Path(f"{path}.lock").stat().st_uid == MEMBER

    def test_the_public_file_of_an_earlier_hbnb_becomes_private(self, path, storage):
        path.write_text(json.dumps({"State.1": {"name": "S"}}))
        path.chmod(0o644)
        os.chown(path, MEMBER, MEMBER)
        State(name="new").save()
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (MEMBER, 0o600)


class TestSymbolicLink:
    def test_running_programs_follow_a_changed_link_to_the_other_file(self, tmp_path, monkeypatch):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        link = tmp_path / "file.json"
        link.symlink_to(tmp_path / "one" / "store.json")
        storage = FileStorage(link)
        monkeypatch.setattr(models, "storage", storage)
        State(name="in one").save()
        link.unlink()
        link.symlink_to(tmp_path / "two" / "store.json")
        assert view(storage) == {}
        link.unlink()
        link.symlink_to(tmp_path / "one" / "store.json")
        assert [*view(storage).values()] == ["in one"]
        link.unlink()
        link.symlink_to(tmp_path / "two" / "store.json")
        State(name="in two").save()     # without a read before
        assert [*view(FileStorage(tmp_path / "one" / "store.json")).values()] == ["in one"]
        assert [*view(FileStorage(tmp_path / "two" / "store.json")).values()] == ["in two"]
        assert storage.owns(str(tmp_path / "two" / "store.json.lock"))
