"""Import and restore of files of the wrong type: the error names the type."""
from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import resource
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import models
from errors import Invalid
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from services import backup
from services.transfer import atomic_files, rows
from services.transfer.files import export_file, import_file
from services.transfer.report import Refused
from tests.airbnb import Files, listing, review, text, without
from tests.conftest import ROOT, Run
from tests.market import Market


@pytest.fixture
def files(tmp_path: Path, storage: Storage) -> Files:
    return Files(tmp_path)


GOOD = text(listing(1), listing(2))


def zipped(**content: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, each in content.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), each)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("listings.csv"), io.BytesIO())
    return file.getvalue()


def delimited(row: dict[str, str], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
    writer.writerows([row.keys(), row.values()])
    return file.getvalue()


FOREIGN: dict[str, tuple[bytes, str]] = {
    "UTF-16": (GOOD.encode("utf-16"), "it is UTF-16: save it as UTF-8"),
    "UTF-16 big": (b"\xfe\xff" + GOOD.encode("utf-16-be"), "it is UTF-16"),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), "it is UTF-16"),
    "UTF-16 in gzip": (gzip.compress(GOOD.encode("utf-16")), "it is UTF-16"),
    "xlsx": (zipped(**{"[Content_Types].xml": "<x/>", "xl__workbook_dot_xml": "<x/>"}), "it is an Excel workbook"),
    "ods": (zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "it is an OpenDocument workbook"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "it is an old Excel workbook"),
    "zip": (zipped(listings_dot_csv=GOOD), "it is a zip archive: unpack it"),
    "tar.gz": (gzip.compress(tarred()), "it is a tar archive: unpack it"),
    "bz2": (bz2.compress(GOOD.encode()), "it is compressed by bzip2: decompress it first"),
    "xz": (lzma.compress(GOOD.encode()), "it is compressed by xz: decompress it first"),
    "html": (b"\n<!DOCTYPE html><title>404</title>", "it is a web page or XML"),
}


@pytest.mark.parametrize("engine", ["file"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_binary_files_are_named_by_import_and_restore(files: Files, kind: str):
    content, reason = FOREIGN[kind]
    path = files.write(content)
    for read in (lambda: import_file(path, "S", "C", keep_going=True), lambda: backup.check(path)):
        with pytest.raises(Invalid, match=reason) as error:
            read()
        assert str(error.value).startswith(f"{path}: it is ")
    assert models.storage.count() == 0


@pytest.mark.parametrize("engine", ["file"])
@pytest.mark.parametrize("row", [listing(), review(), {"listing_id": "1", "date": "2020-01-01", "available": "t"}])
@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_wrong_separator_is_named(files: Files, row: dict[str, str], separator: str, name: str, quoting: int):
    for content in (delimited(row, separator, quoting), "\ufeff" + delimited(row, separator, quoting).upper()):
        with pytest.raises(Invalid, match=f"its columns are separated by {name}: save it with commas"):
            files.load_text(content)


class TestColumns:
    @pytest.mark.parametrize("change", [
        str.upper, str.title, lambda name: name.replace("_", " "), lambda name: f" {name.replace('_', '-').title()} "])
    def test_column_names_may_have_capitals_and_spaces(self, files: Files, change: Callable[[str], str]):
        files.load({change(name): cell for name, cell in listing(7).items()})
        files.load({change(name): cell for name, cell in review(1, 7).items()})
        [place] = models.storage.all(Place).values()
        assert (place.name, place.price_by_night, len(place.amenities), len(place.reviews)) == ("Listing 7", 1234, 2, 1)

    @pytest.mark.parametrize("again", ["price", "Price", " PRICE "])
    def test_repeated_columns_are_refused_and_named(self, files: Files, again: str):
        head, *lines = text(listing(1), review := listing(2)).splitlines()
        assert review
        content = "\n".join([f"{head},{again}", *(f"{line},$5" for line in lines)])
        with pytest.raises(Invalid, match="the column price occurs more than once: remove or rename one of them"):
            files.load_text(content, keep_going=True)
        assert models.storage.count() == 0

    def test_repeated_columns_of_reviews_are_refused(self, files: Files):
        files.load(listing())
        with pytest.raises(Invalid, match="the column comments occurs more than once"):
            files.load_text("listing_id,id,date,reviewer_id,comments,Comments\n1,1,2020-01-01,1,a,b\n")

    def test_several_columns_without_a_name_are_accepted(self, files: Files):
        head, line = text(listing()).splitlines()
        assert files.load_text(f"{head},,,\n{line},,,\n").new["Place"] == 1


class TestWrongFiles:
    @pytest.mark.parametrize(("content", "reason"), [
        ("listing_id,date,available,price\n1,2020-01-01,t,$5\n", "it is a calendar, which HBNB does not use"),
        ("listing_id,date\n1,2020-01-01\n", "it is a summary of reviews without their texts"),
        ("__class__,id,name\nState,1,A\n", "it was printed by --csv, which omits data"),
        (text(without(listing(), "host_id")), "these columns are missing: host_id")])
    def test_other_files_of_inside_airbnb_are_named(self, files: Files, content: str, reason: str):
        with pytest.raises(Invalid, match=reason):
            files.load_text(content)

    def test_a_backup_is_not_imported_and_an_export_is_not_restored(self, files: Files, storage: Storage):
        Market()
        saved, exported = str(files.folder / "x"), str(files.folder / "y")
        backup.back_up(saved)
        export_file(exported)
        with pytest.raises(Invalid, match="it is a backup: use `restore`"):
            import_file(saved)
        for read in (backup.check, lambda path: backup.restore(path, replace=True)):
            with pytest.raises(Invalid, match="it is an export: use `import`"):
                read(exported)
            with pytest.raises(Invalid, match=r"`restore` reads files that `backup` wrote\. Use `import` for exports"):
                read(files.write(GOOD))
        assert models.storage.count() == 8

    def test_reviews_without_their_listings_are_refused_with_one_error(self, files: Files, console: Run):
        path = files.write(text(*[review(number, number % 7) for number in range(2500)]), "reviews.csv")
        reason = "none of the reviewed listings exists: import the file of listings first"
        for options in ({}, {"keep_going": True}, {"dry_run": True}):
            with pytest.raises(Invalid, match=reason):
                import_file(path, **options)
            assert models.storage.count() == 0
        ran = console(args=("import", path))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"** {path}: {reason} **\n"
        files.load(listing(3))
        report = import_file(path, keep_going=True)
        assert report.new["Review"] == 357
        assert len(report.refused) == 2143

    def test_broken_reviews_are_not_reported_as_missing_listings(self, files: Files):
        with pytest.raises(Refused):
            files.load(review(1, date="never"))


class TestRepeatedNames:
    @pytest.mark.parametrize("line", [
        '{"__class__": "State", "id": "s", "name": "A", "name": "B", %s}',
        '{"__class__":"State","id":"s","name":"A",%s,"name" : "A"}',
        '{"__class__": "State", "id": "s", "name": "{\\"x\\": 1}", "name": "", %s}'])
    def test_repeated_names_in_an_object_are_refused(self, files: Files, line: str):
        times = '"created_at": "2020-01-01T00:00:00", "updated_at": "2020-01-01T00:00:00"'
        with pytest.raises(Refused) as error:
            files.load_text(line.replace("%s", times))
        assert error.value.report.refused == [("line 1", "name occurs twice")]

    def test_repeated_names_inside_texts_are_accepted(self, files: Files):
        obj = {"__class__": "State", "id": "s", "name": '"name": "name": ', "created_at": "2020-01-01T00:00:00",
               "updated_at": "2020-01-01T00:00:00"}
        assert files.load(obj).new == {"State": 1}


class TestFormulas:
    CELLS = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "''-1", "'x", "x=1", "", "'", " =1", "-73.5")

    def test_escaping_formulas_can_be_undone(self):
        for cell in self.CELLS:
            assert rows.unescape_formula(rows.escape_formula(cell)) == cell
            assert rows.escape_formula(cell)[:1] not in ("=", "+", "-", "@", "\t", "\r")
        assert rows.escape_formula("=1") == "'=1"
        assert rows.escape_formula("'x") == rows.unescape_formula("'x") == "'x"

    def test_csv_output_escapes_only_formulas(self, storage: Storage, console: Run):
        market = Market()
        market.place.name, market.place.description = "=HYPERLINK(1)", "-1+1"
        market.place.save()
        storage.close()
        [row] = csv.DictReader(io.StringIO(console("find Place --csv").stdout))
        assert (row["name"], row["description"]) == ("'=HYPERLINK(1)", "'-1+1")
        assert row["longitude"] == "-73.756232"
        [row] = json.loads(console("find Place --json").stdout)
        assert row["name"] == "=HYPERLINK(1)"

    def test_import_unescapes_formulas(self, files: Files):
        names = ["'=HYPERLINK(1)", "'@home", "'tis", "''+x", "=x"]
        files.load(*[listing(number, name=name) for number, name in enumerate(names)])
        assert sorted(place.name for place in models.storage.all(Place).values()) == sorted(
            ["=HYPERLINK(1)", "@home", "'tis", "'+x", "=x"])


def bomb(path: str, start: bytes, filling: bytes, mebibytes: int = 320) -> None:
    """Write a small compressed file that ends in a line of `mebibytes` MiB."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(mebibytes):
            file.write(filling * ((1 << 20) // len(filling)))


class TestLongLines:
    @pytest.mark.parametrize("engine", ["file"])
    @pytest.mark.parametrize(("start", "filling", "command"), [
        (GOOD.encode(), b"x", "import"), (GOOD.encode(), b'"%b\n",' % (b"x" * 1020), "import"), (b" ", b" ", "import"),
        (b'{"__class__": "State"}\n{"', b"x", "import"), (b'{"State.1": {"name": "', b"x", "import"),
        (b'{"hbnb_backup": 1, "made_at": "", "schema": {}}\n["', b"x", "restore"), (b"#", b"", "-f")])
    def test_long_lines_are_refused_with_little_memory(self, environ: dict[str, str], tmp_path: Path, start: bytes,
                                                       filling: bytes, command: str):
        path = str(tmp_path / "bomb")
        if filling:
            bomb(path, start, filling)
        else:       # a sparse file, which is not compressed
            Path(path).write_bytes(start)
            os.truncate(path, 1 << 30)
        words = ["-f", path] if command == "-f" else [command, path, *["--state", "S", "--city", "C"] * (
            command == "import")]

        def bound() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (300 << 20,) * 2)
        ran = subprocess.run([sys.executable, str(ROOT / "console.py"), *words], cwd=tmp_path, env=environ, text=True,
                             capture_output=True, preexec_fn=bound, timeout=300)
        assert ran.returncode == (2 if command == "-f" else 1)
        assert ran.stderr.rstrip().count("\n") < 6
        assert "Memory" not in ran.stderr
        assert "Traceback" not in ran.stderr

    def test_long_lines_are_named(self, files: Files, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(atomic_files, "LONGEST", 2000)
        monkeypatch.setattr(rows, "LONGEST", 3000)
        for content, reason in (
                (text(listing(1), listing(2, description="x" * 3000)), "line 3 is longer than"),
                (text(listing(1), listing(2, description="x\n" * 3000)), "the row that continues in line"),
                ('{"__class__": "State"}\n"' + "x" * 3000, "line 2 is longer than")):
            with pytest.raises(Invalid, match=reason):
                files.load_text(content, keep_going=True)
        assert models.storage.count() == 0

    def test_a_classic_file_may_be_one_line_up_to_its_size_limit(self, files: Files, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(atomic_files, "LONGEST", 200)
        states = {f"State.{number}": {"name": "x"} for number in range(100)}
        assert files.load_text(json.dumps(states)).new["State"] == 100
        monkeypatch.setattr("services.transfer.files.MAX_CLASSIC", 1000)
        with pytest.raises(Invalid, match="is not an export: open it as a store"):
            files.load_text(json.dumps(states))

    def test_backup_refuses_objects_that_restore_would_refuse(self, storage: Storage, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch):
        market = Market()
        market.review.text = "😀" * 1000     # 4000 bytes, more than the first line, which names all columns
        market.review.save()
        monkeypatch.setattr(backup, "LONGEST", 3500)
        with pytest.raises(Invalid, match=f"Review.{market.review.id} is larger than .*: shorten it"):
            backup.back_up(str(tmp_path / "x"))
        assert not (tmp_path / "x").exists()
        assert models.storage.count(Review) == 1
