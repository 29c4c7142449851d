"""Import of damaged files: the reason is reported, and the store does not change."""
from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import models
from config import Settings
from errors import HBNBError, Invalid, Unavailable
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.user import User
from services.transfer.files import import_file
from services.transfer.report import Refused
from tests.airbnb import Files, counts, listing, review, stored, text, without
from tests.conftest import Run
from tests.market import Market

GOOD = [listing(number, host_id=str(900 + number)) for number in range(1, 4)]


@pytest.fixture
def files(tmp_path: Path, storage: Storage) -> Files:
    return Files(tmp_path)


@pytest.fixture
def unchanged(storage: Storage, settings: Settings) -> Callable[[], bool]:
    """Returns whether a store with a market is unchanged in memory and on disk."""
    def state() -> tuple[object, ...]:
        folder = Path(settings.file_path).parent
        disk = {path.name: path.read_bytes() for path in folder.glob("file.json*") if not path.name.endswith(".lock")}
        return stored(models.storage), disk
    Market()
    before = state()
    assert before[0]
    return lambda: state() == before


class TestRows:
    @pytest.mark.parametrize(("cells", "reason"), [
        ({"id": ""}, "the id of the listing is missing"), ({"host_id": " "}, "the id of the host is missing"),
        ({"id": "5.4E+17"}, "the id of the listing is '5.4E+17', which is invalid, or rounded by a spreadsheet"),
        ({"latitude": "91"}, "latitude must be from -90 to 90"),
        ({"longitude": "-180.5"}, "longitude must be from -180"), ({"latitude": "nan"}, "latitude must be "),
        ({"longitude": "inf"}, "longitude must be "),
        ({"latitude": "42,65"}, "latitude is '42,65', which is not a number"), ({"price": "free"}, "price is 'free'"),
        ({"price": "-$5.00"}, "price is '-$5.00'"), ({"price": "-5"}, "price_by_night must be from 0 to"),
        ({"price": "$99999999999"}, "price_by_night must be from 0 to 2147483647"),
        ({"bedrooms": "1e12"}, "number_rooms must be from 0"), ({"bedrooms": "NaN"}, "bedrooms is 'NaN'"),
        ({"accommodates": "many"}, "accommodates is 'many'"), ({"accommodates": "1e999"}, "accommodates is '1e999'"),
        ({"bathrooms": "-1"}, "number_bathrooms must be from 0"), ({"bathrooms": "two"}, "bathrooms is 'two'"),
        ({"amenities": '["Wifi"'}, "amenities is '[\"Wifi\"', which is not a JSON list"),
        ({"amenities": "[1]"}, "amenities is '[1]'"), ({"last_scraped": "yesterday"}, "'yesterday' is not a date"),
        ({"last_scraped": "2024-02-30"}, "'2024-02-30' is not a date"),
        ({"name": "Caf\udce9"}, "it is not valid UTF-8"),
        ({"host_about": "Caf\udce9"}, "it is not valid UTF-8")])
    def test_broken_rows_are_refused_with_the_reason(self, files: Files, unchanged: Callable[[], bool],
                                                     cells: dict[str, str], reason: str):
        rows = [{"host_about": ""} | each for each in [*GOOD[:2], listing(9, host_id="999") | cells, GOOD[2]]]
        content = text(*rows).encode(errors="surrogateescape")
        for options in ({}, {"dry_run": True}):
            with pytest.raises(Refused, match=r"1 row was refused, so nothing was imported") as error:
                files.load_text(content, **options)
            [(place, found)] = error.value.report.refused
            assert place == "line 4"
            assert found.startswith(reason)
            assert unchanged()
        report = files.load_text(content, keep_going=True)
        assert report.refused == [(place, found)]
        assert report.new["Place"] == report.new["User"] == 3
        assert files.load_text(content, keep_going=True).new.total() == 0

    @pytest.mark.parametrize(("cells", "reason"), [
        ({"id": ""}, "the id of the review is missing"), ({"reviewer_id": ""}, "the id of the reviewer is missing"),
        ({"listing_id": ""}, "the id of the listing is missing"),
        ({"date": "02/29/2020"}, "'02/29/2020' is not a date"),
        ({"date": ""}, "'' is not a date"), ({"listing_id": "77"}, "listing 77 does not exist"),
        ({"listing_id": "1e3"}, "the id of the listing is '1e3'"),
        ({"reviewer_name": "\udcff"}, "it is not valid UTF-8")])
    def test_broken_rows_of_reviews_are_refused_with_the_reason(self, files: Files, cells: dict[str, str], reason: str):
        files.load(listing())
        before = stored(models.storage)
        content = text(review(1), review(2, reviewer_id="999") | cells).encode(errors="surrogateescape")
        with pytest.raises(Refused) as error:
            files.load_text(content, "reviews.csv")
        [(place, found)] = error.value.report.refused
        assert place == "line 3"
        assert found.startswith(reason)
        assert stored(models.storage) == before
        assert files.load_text(content, "reviews.csv", keep_going=True).new == {"User": 1, "Review": 1}

    def test_refused_rows_create_no_hosts_amenities_or_cities(self, files: Files):
        files.load(listing(latitude="91"), keep_going=True)
        assert models.storage.count() == 0

    def test_a_refused_row_is_named_by_its_first_line(self, files: Files):
        with pytest.raises(Refused) as error:
            files.load(listing(1, description="a\nb\nc"), listing(2, description="a\r\nb", price="?"),
                       listing(""))
        assert [place for place, _ in error.value.report.refused] == ["line 5", "line 7"]

    def test_rows_with_too_few_or_too_many_columns_are_refused(self, files: Files):
        rows = [each | {"last": "x"} for each in GOOD]
        lines = text(*rows).splitlines()
        lines[1], lines[2] = lines[1].rpartition(",")[0], f"{lines[2]},surplus"
        with pytest.raises(Refused) as error:
            files.load_text("\n".join(lines))
        assert error.value.report.refused == [("line 2", "it has 16 columns, but the header has 17"),
                                              ("line 3", "it has 18 columns, but the header has 17")]
        assert files.load_text("\n".join(lines), keep_going=True).new["Place"] == 1

    def test_control_characters_are_removed_from_texts(self, files: Files):
        report = files.load(listing(name="Lo\x00ft\x07", description="a\x1b[31mb"))
        assert not report.refused
        [place] = models.storage.all(Place).values()
        assert (place.name, place.description) == ("Loft", "a[31mb")

    def test_a_repeated_id_is_skipped_if_equal_and_refused_if_different(self, files: Files):
        report = files.load(listing(1), listing(2), listing(1))
        assert report.new["Place"] == 2
        assert report.notes == {"rows that occurred twice; they were imported once": 1}
        with pytest.raises(Refused) as error:
            files.load(listing(1), listing(2), listing(1, price="$5"))
        assert error.value.report.refused == [("line 4", "an earlier row has the same id and different values")]

    def test_a_repeated_id_in_a_later_batch_is_refused(self, files: Files):
        rows = [listing(number) for number in range(1500)]
        rows.append(listing(3, price="$5"))
        for _ in range(2):
            report = files.load(*rows, keep_going=True)
            assert report.refused == [("line 1502", "an earlier row has the same id and different values")]
            assert not report.changed.total()
        with pytest.raises(Refused):
            files.load(*rows)

    def test_a_host_with_the_address_of_another_user_is_refused(self, files: Files):
        User(email="901@AIRBNB.invalid", password="x").save()
        with pytest.raises(Refused):
            files.load(*GOOD)
        report = files.load(*GOOD, keep_going=True)
        assert ("line 2", "another object has the email 901@airbnb.invalid") in report.refused
        assert report.new["Place"] == report.new["User"] == 2

    def test_many_broken_rows_are_all_counted(self, files: Files):
        report = files.load(*[listing(number, price="?") for number in range(3000)], keep_going=True)
        assert len(report.refused) == 3000


class TestQuotes:
    def test_rows_inside_an_unclosed_quote_are_refused(self, files: Files, unchanged: Callable[[], bool]):
        lines = text(*GOOD).splitlines()
        lines[2] = lines[2].replace("Listing 2", '"Listing 2')
        with pytest.raises(Refused) as error:
            files.load_text("\n".join(lines))
        [(place, reason)] = error.value.report.refused
        assert place.startswith("line")
        assert "3" in place
        assert reason.startswith("invalid CSV: ")
        assert unchanged()
        assert files.load_text("\n".join(lines), keep_going=True).new["Place"] >= 1

    def test_a_quote_that_is_never_closed_is_reported(self, files: Files):
        files.load(listing())
        before = stored(models.storage)
        content = text(review(1, comments="a"), review(2, comments="QUOTE"), review(3, comments="b")).replace("QUOTE",
                                                                                                              '"c')
        with pytest.raises(Refused) as error:
            files.load_text(content, keep_going=False)
        assert error.value.report.refused[0] == ("lines 3 to 4", "invalid CSV: unexpected end of data")
        assert stored(models.storage) == before

    @pytest.mark.parametrize(("start", "reason"), [
        ('"', "line 1: invalid CSV: ',' expected after '\"'"), ('"id"x', "line 1: invalid CSV: ',' expected")])
    def test_a_misplaced_quote_in_the_header_is_refused(self, files: Files, start: str, reason: str):
        with pytest.raises(Invalid, match=reason):
            files.load_text(start + text(*GOOD))
        with pytest.raises(Invalid, match="line 1: invalid CSV: unexpected end of data"):
            files.load_text('"id,name\n1,x\n')

    def test_a_cell_above_the_size_limit_is_refused(self, files: Files, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("services.transfer.rows.LARGEST", 10_000)
        report = files.load(listing(1), listing(2, description="x" * 20_000), listing(3), keep_going=True)
        assert report.new["Place"] == 2
        assert report.refused == [("line 3", "invalid CSV: field larger than field limit (10000)")]


class TestWholeFiles:
    @pytest.mark.parametrize(("content", "reason"), [
        (b"", "it is empty"), (b"\xef\xbb\xbf", "it is empty"), (gzip.compress(b""), "it is empty"),
        (b"\n\n", "it is empty"), (b"hello", "it has neither listings, reviews nor JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither listings, reviews nor JSON"),
        (bytes(range(9, 256)) + bytes(3000), "neither"), (b"<html><body>404</body></html>", "it is a web page"),
        (b"listing_id,date,id\n1,2020-01-01,2\n", "these columns are missing: comments, reviewer_id"),
        (text(without(listing(), "host_id")).encode(), "these columns are missing: host_id"),
        (b"{", "it is not valid JSON"),
        (b"[]", "a JSON object of objects"), (b'{"State.1": ', "it is not valid JSON"),
        (b'\xef\xbb\xbf[1]', "a JSON object of objects"), (b"{" * 100_000, "it is not valid JSON"),
        (b"[" * 100_000, "it is not valid JSON"), (b'{"a": ' + b"1" * 5000 + b"}", "it is not valid JSON"),
        (b'{"a": "\xff"}', "it is not valid JSON")])
    def test_files_of_another_kind_are_refused(self, files: Files, unchanged: Callable[[], bool], content: bytes,
                                               reason: str):
        for keep_going in (False, True):
            with pytest.raises(Invalid, match=reason) as error:
                files.load_text(content, keep_going=keep_going)
            assert str(error.value).startswith(f"{files.folder}/listings.csv: ")
            assert len(str(error.value)) < 400
        assert unchanged()

    @pytest.mark.parametrize("make", [
        lambda packed: packed[:len(packed) // 2], lambda packed: packed[:-1], lambda packed: packed[:-8],
        lambda packed: packed[:10], lambda packed: packed[:2], lambda packed: packed + b"garbage",
        lambda packed: packed[:200] + bytes(4) + packed[204:], lambda packed: packed[:-8] + b"\0" * 4 + packed[-4:],
        lambda packed: packed + packed[:20], lambda packed: b"\x1f\x8b\x07" + packed[3:]])
    def test_incomplete_or_damaged_gzip_files_store_nothing(self, files: Files, unchanged: Callable[[], bool],
                                                            make: object):
        rows = [listing(number, description=os.urandom(200).hex()) for number in range(1200)]
        damaged = make(gzip.compress(text(*rows).encode()))
        for keep_going in (False, True):
            with pytest.raises(Invalid, match="incomplete or damaged"):
                files.load_text(damaged, "listings.csv", keep_going=keep_going)
            assert unchanged()

    def test_files_with_only_a_header_create_nothing(self, files: Files):
        for row in (listing(), review()):
            report = files.load_text(text(row).splitlines()[0])
            assert not report.new.total()
            assert not report.refused
        assert models.storage.count() == 0

    def test_files_that_end_in_the_middle_of_a_row_are_refused(self, files: Files, unchanged: Callable[[], bool]):
        content = text(*GOOD).encode()
        for cut in range(len(content) - 200, len(content) - 12, 20):
            with pytest.raises(Refused):
                files.load_text(content[:cut])
        assert unchanged()

    @pytest.mark.parametrize(("path", "reason"), [
        ("no-such-file", "No such file"), (".", "Is a directory"), ("file/x", "Not a directory"),
        ("x" * 300, "too long"), ("/proc/self/mem", "Input/output error"), ("/no/such/folder/x.csv", "No such file")])
    def test_files_that_cannot_be_read_are_named(self, files: Files, unchanged: Callable[[], bool], path: str,
                                                 reason: str):
        files.write("", "file")
        where = os.path.join(files.folder, path)
        with pytest.raises(Unavailable, match=reason) as error:
            import_file(where, "S", "C")
        assert str(error.value).startswith(f"{where}: ")
        assert unchanged()

    def test_a_failure_of_the_storage_stores_nothing(self, files: Files, unchanged: Callable[[], bool],
                                                     monkeypatch: pytest.MonkeyPatch):
        write, calls = models.storage.write, iter(range(100))

        def fail(*arguments: object) -> int:
            if next(calls) == 4:
                raise Unavailable("The disk is full")
            return write(*arguments)
        monkeypatch.setattr(models.storage, "write", fail)
        with pytest.raises(Unavailable, match="disk is full"):
            files.load(*GOOD, keep_going=True)
        assert unchanged()

    def test_an_interrupted_import_stores_nothing(self, files: Files, unchanged: Callable[[], bool]):
        def interrupt(done: int, total: int) -> None:
            if done > total / 2:
                raise KeyboardInterrupt
        path = files.write(text(*[listing(number, description="x" * 500) for number in range(3000)]))
        with pytest.raises(KeyboardInterrupt):
            import_file(path, "S", "C", progress=interrupt)
        assert unchanged()

    def test_the_console_prints_one_line_for_a_damaged_file(self, files: Files, console: Run):
        path = files.write(gzip.compress(text(*GOOD).encode())[:-20])
        ran = console(f"import {path} --state S --city C", f"import {files.folder}", "import nothing.csv",
                      "count Place")
        assert ran.stdout == "0\n"
        cut_off, folder, missing = ran.stderr.splitlines()
        assert cut_off.startswith(f"** {path}: it is incomplete or damaged (")
        assert cut_off.endswith("). Nothing was changed **")
        assert folder == f"** {files.folder}: Is a directory **"
        assert missing == "** nothing.csv: No such file or directory **"


def test_the_storage_works_after_a_refused_import(files: Files):
    with pytest.raises(HBNBError):
        files.load(listing(1), listing(2, price="?"))
    Market()
    assert files.load(listing(1)).new["Place"] == 1
    assert counts()["Place"] == 2
    with pytest.raises(HBNBError):
        files.load(review(1), review(2, 2))
    assert models.storage.count(Review) == 1


@pytest.mark.parametrize("kind", ["listings", "reviews", "compressed", "lines", "store"])
def test_random_damage_is_reported_or_refused_with_an_error_of_hbnb(files: Files, unchanged: Callable[[], bool],
                                                                    kind: str):
    chance = random.Random(kind)
    export = [{**obj, "__class__": key.partition(".")[0]} for key, obj in stored(models.storage).items()]
    content = {"listings": text(*GOOD).encode(), "reviews": text(review(1), review(2, comments='a "b"\nc')).encode(),
               "compressed": gzip.compress(text(*GOOD).encode()),
               "lines": b"".join(json.dumps(obj).encode() + b"\n" for obj in export),
               "store": json.dumps({f"{obj['__class__']}.{obj['id']}": obj for obj in export}).encode()}[kind]
    outcomes = set()
    for number in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 1, 2, 5])):
            place, length = chance.randrange(len(damaged)), chance.choice([0, 1, 1, 4, 60])
            damaged[place:place + length] = chance.choice([
                b"", b"\0", b"\xff", b'"', b",", b"\n", b"{", b"}", b"null", b"1e999", chance.randbytes(3),
                damaged[:50]])
        try:
            files.load_text(bytes(damaged), dry_run=True, keep_going=bool(number % 2))
            outcomes.add("taken")
        except HBNBError as error:
            outcomes.add(type(error).__name__)
    assert outcomes & {"Refused", "Invalid"}
    assert unchanged()
