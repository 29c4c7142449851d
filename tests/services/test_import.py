"""Import of listings and reviews from Inside Airbnb, into both engines."""
from __future__ import annotations

import csv
import datetime
import gzip
import io
import os
import threading
from pathlib import Path

import pytest

import models
from config import Settings
from errors import Invalid
from models.amenity import Amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.search import search
from services.transfer.files import import_file
from services.transfer.report import Refused, counted
from tests import objects
from tests.airbnb import Files, counts, listing, review, stored, text, without
from tests.conftest import Run
from tests.market import Market


@pytest.fixture
def files(tmp_path: Path, storage: Storage) -> Files:
    return Files(tmp_path)


def only(cls: type) -> object:
    [obj] = models.storage.all(cls).values()
    return obj


class TestListings:
    def test_a_row_becomes_a_place_with_host_city_and_state(self, files: Files):
        report = files.load(listing(7))
        assert report.new == {"State": 1, "City": 1, "User": 1, "Amenity": 2, "Place": 1}
        assert not report.refused
        place = only(Place)
        assert (place.name, place.description) == ("Listing 7", "Quiet.\nCentral.")
        assert (place.number_rooms, place.number_bathrooms, place.max_guest, place.price_by_night) == (2, 2, 4, 1234)
        assert (place.latitude, place.longitude) == (42.65789, -73.7537)
        assert place.created_at == place.updated_at == datetime.datetime(2024, 11, 5)
        assert (place.city.name, place.city.state.name, place.user.first_name) == ("Albany", "New York", "Ada")
        assert sorted(amenity.name for amenity in place.amenities) == ["Kitchen", "Wifi"]

    def test_listings_share_hosts_and_amenities(self, files: Files):
        files.load(listing(1), listing(2, amenities=["Wifi", "Pool"]), listing(3, host_id="901"))
        assert counts() == {"State": 1, "City": 1, "User": 2, "Amenity": 3, "Place": 3, "Review": 0}

    def test_an_existing_state_city_and_amenity_are_used(self, files: Files):
        market = Market()
        report = files.load(listing(), state=market.state.name, city=market.city.name)
        assert report.new == {"User": 1, "Amenity": 1, "Place": 1}
        assert models.storage.count(City) == 1
        found = search({"cities": [market.city.id], "amenities": [market.wifi.id]}).all()
        assert {place["name"] for place in found} == {"Listing 1", market.place.name}

    def test_a_city_with_the_same_name_in_another_state_is_a_different_city(self, files: Files):
        files.load(listing(1))
        files.load(listing(2), state="Georgia")
        assert counts() == {"State": 2, "City": 2, "User": 1, "Amenity": 2, "Place": 2, "Review": 0}

    def test_the_older_of_two_amenities_with_the_same_name_is_used(self, files: Files):
        old, new = Amenity(name="Wifi"), Amenity(name="Wifi")
        new.save()
        old.save()
        files.load(listing(amenities=["Wifi"]))
        assert only(Place).amenity_ids == [old.id]

    def test_names_in_any_script_are_imported_unchanged(self, files: Files):
        files.load(listing(name="Hawaiʻi 🏝️ 東京", host_name="Łukasz", amenities=["Café ☕", "Wi-Fi “fast”"]),
                   state="Hawaiʻi", city="Kailua‑Kona 🌺")
        place = only(Place)
        assert (place.name, place.user.first_name, place.city.name) == ("Hawaiʻi 🏝️ 東京", "Łukasz", "Kailua‑Kona 🌺")
        assert {amenity.name for amenity in place.amenities} == {"Café ☕", "Wi-Fi “fast”"}

    def test_html_is_removed_and_long_texts_are_shortened_and_counted(self, files: Files):
        report = files.load(listing(
            name="<b>Loft</b> &amp; more " * 20, amenities=["Long name " * 20], host_name="x" * 200,
            description="First.<BR/>Second.\r\n\r\nThird. " + "word " * 400))
        place = only(Place)
        assert place.name.startswith("Loft & more Loft & more")
        assert place.name.endswith((" more…", " Loft…", " &…"))
        assert place.description.startswith("First.\nSecond.\n\nThird. word")
        assert place.description.endswith(" word…")
        assert 1000 < len(place.description) <= 1024
        assert place.amenities[0].name.endswith((" name…", " Long…"))
        assert 110 < len(place.amenities[0].name) <= 128 == len(place.user.first_name)
        assert 110 < len(place.name) <= 128
        assert report.notes == {"texts that were too long; they were shortened at a word boundary": 4}

    @pytest.mark.parametrize("name", ["", "   ", "<br />", "\t\x00"])
    def test_a_place_without_a_name_is_named_after_its_type(self, files: Files, name: str):
        report = files.load(listing(1, name=name), listing(2, name=name, property_type=""),
                            without(listing(3, name=name, property_type="", room_type="")))
        assert sorted(place.name for place in models.storage.all(Place).values()) == [
            "Entire home/apt", "Entire loft", "Home"]
        assert report.notes == {"places without a name; they were named after their type": 3}

    def test_an_empty_price_is_imported_as_null_and_counted(self, files: Files):
        report = files.load(listing(1, price=""), listing(2, price=" "), listing(3, price="$0.00"))
        assert {place.name: place.price_by_night for place in models.storage.all(Place).values()} == {
            "Listing 1": None, "Listing 2": None, "Listing 3": 0}
        assert report.notes == {'places without a price; pages say "Price on request"': 2}

    def test_a_second_import_sets_and_removes_prices(self, files: Files):
        for price, expected in (("", None), ("$80", 80), ("", None)):
            report = files.load(listing(price=price))
            assert only(Place).price_by_night == expected
        assert report.changed["Place"] == 1
        assert files.load(listing(price="")).same["Place"] == 1

    def test_a_file_without_a_price_column_keeps_existing_prices(self, files: Files):
        files.load(listing(1, price="$80"))
        files.load(without(listing(1), "price"), without(listing(2), "price"))
        assert {place.price_by_night for place in models.storage.all(Place).values()} == {80, None}

    def test_empty_cells_are_imported_as_null_or_0(self, files: Files):
        files.load(listing(description="", host_name="", latitude="", longitude="", accommodates="", bathrooms="",
                           bathrooms_text="", bedrooms="", amenities="", last_scraped=""))
        place = only(Place)
        assert (place.description, place.latitude, place.longitude) == (None, None, None)
        assert (place.number_rooms, place.number_bathrooms, place.max_guest) == (0, 0, 0)
        assert (place.user.first_name, place.amenities) == ("", [])

    def test_the_required_columns_are_sufficient(self, files: Files):
        row = {name: listing()[name] for name in ("id", "name", "host_id", "latitude", "longitude")}
        assert not files.load(row).refused
        assert only(Place).name == "Listing 1"

    def test_a_file_in_the_format_before_2020_is_imported(self, files: Files):
        row = without(listing(bathrooms="1.0", amenities='{TV,"Cable TV",Wifi,"24"" screen",'
                              '"translation missing: en.hosting_amenity_49"}'), "bathrooms_text", "property_type")
        assert not files.load(row).refused
        assert only(Place).number_bathrooms == 1
        assert {amenity.name for amenity in only(Place).amenities} == {"TV", "Cable TV", "Wifi", '24" screen'}

    @pytest.mark.parametrize("options", [
        {}, {"state": "New York"}, {"city": "Albany"}, {"state": " ", "city": "Albany"}])
    def test_listings_without_state_and_city_are_refused(self, files: Files, options: dict[str, str]):
        with pytest.raises(Invalid, match="--state and --city"):
            files.load(listing(), **{"state": None, "city": None} | options)
        assert models.storage.count() == 0

    @pytest.mark.parametrize("name", ["x" * 129, "a\x00b", "\udcff"])
    def test_an_invalid_name_of_a_city_is_refused_before_the_import(self, files: Files, name: str):
        with pytest.raises(Invalid, match="name must"):
            files.load(listing(), city=name, keep_going=True)
        assert models.storage.count() == 0


class TestReviews:
    def test_a_row_becomes_a_review_of_a_place_by_a_user(self, files: Files):
        files.load(listing(5))
        report = files.load(review(3, 5, comments="Great!<br/>Would <b>stay</b> again &amp; again.\r\nBye"))
        assert report.new == {"User": 1, "Review": 1}
        found = only(Review)
        assert found.text == "Great!\nWould stay again & again.\nBye"
        assert (found.place.name, found.user.first_name) == ("Listing 5", "Bob")
        assert found.created_at == found.updated_at == datetime.datetime(2020, 2, 29)

    def test_a_host_that_also_writes_reviews_is_one_user(self, files: Files):
        files.load(listing())
        files.load(review(reviewer_id="900", reviewer_name="Ada"))
        assert only(User).reviews == [*models.storage.all(Review).values()]

    def test_reviews_are_imported_without_state_and_city(self, files: Files):
        files.load(listing())
        assert files.load(review(), state=None, city=None).new["Review"] == 1

    def test_reviews_of_unknown_listings_are_refused_and_create_no_users(self, files: Files):
        files.load(listing(1))
        before = stored(models.storage)
        with pytest.raises(Refused) as error:
            files.load(review(1, 2), review(2, 1))
        assert error.value.report.refused == [("line 2", "listing 2 does not exist")]
        assert stored(models.storage) == before
        report = files.load(review(1, 2, reviewer_id="1"), review(2, 1, reviewer_id="2"), keep_going=True)
        assert report.new == {"User": 1, "Review": 1}
        assert len(report.refused) == 1

    def test_reviews_without_a_text_are_imported_and_counted(self, files: Files):
        files.load(listing())
        report = files.load(review(1, comments=""), review(2, comments="<br/>"))
        assert report.new["Review"] == 2
        assert report.notes == {"reviews without a text": 2}

    def test_many_reviews_are_imported_in_batches(self, files: Files):
        files.load(listing())
        rows = [review(number, reviewer_id=str(10_000 + number // 2)) for number in range(2500)]
        assert files.load(*rows).new == {"User": 1250, "Review": 2500}
        assert files.load(*rows).same == {"User": 1250, "Review": 2500}


class TestImportedUsers:
    def test_imported_users_cannot_log_in(self, files: Files):
        files.load(listing())
        files.load(review())
        users = [*models.storage.all(User).values()]
        assert len(users) == 2
        for user in users:
            for password in ("", user.password, "$nologin$", user.email, user.id, "None", "null", "x"):
                assert not user.check_password(password)

    def test_imported_users_have_undeliverable_addresses(self, files: Files):
        files.load(listing())
        assert only(User).email == "900@airbnb.invalid"

    def test_a_second_import_keeps_changes_of_users(self, files: Files):
        files.load(listing())
        user = only(User)
        user.password, user.first_name = "mine now", "Countess"
        user.save()
        report = files.load(listing(host_name="Ada L."))
        assert report.changed["User"] == 0
        assert only(User).first_name == "Countess"
        assert only(User).check_password("mine now")


class TestSecondImport:
    def test_a_second_import_changes_nothing(self, files: Files, settings: Settings):
        def twice() -> list[object]:
            return [files.load(listing(1), listing(2, name="<b>x</b>" * 99, price="", last_scraped="")),
                    files.load(review(1), review(2, 2, comments="long " * 999))]
        first = twice()
        before, on_disk = stored(models.storage), disk(settings)
        assert [sum(report.new.values()) for report in first] == [7, 3]
        for report in twice():
            assert not report.new.total()
            assert not report.changed.total()
            assert report.same.total()
        assert stored(models.storage) == before
        assert disk(settings) == on_disk

    def test_a_second_import_updates_only_changed_listings(self, files: Files):
        files.load(listing(1), listing(2))
        before = stored(models.storage)
        report = files.load(listing(1, price="$99.00", last_scraped="2025-01-01"),
                            listing(2, last_scraped="2025-01-01"))
        assert report.changed == {"Place": 1, "User": 0}
        assert report.same["Place"] == 1
        after = stored(models.storage)
        [changed] = [key for key in before if before[key] != after[key]]
        assert after[changed]["price_by_night"] == 99
        assert after[changed]["created_at"] == before[changed]["created_at"]
        assert after[changed]["updated_at"] > before[changed]["updated_at"]
        assert after.keys() == before.keys()

    def test_a_second_import_unlinks_amenities_that_the_listing_no_longer_has(self, files: Files):
        files.load(listing(1), listing(2))
        before = only_named("Listing 1").updated_at
        report = files.load(listing(1, amenities=["Kitchen", "Pool"]), listing(2))
        assert (report.changed["Place"], report.same["Place"]) == (1, 1)
        assert +report.new == {"Amenity": 1}
        place = only_named("Listing 1")
        assert {amenity.name for amenity in place.amenities} == {"Kitchen", "Pool"}
        assert place.updated_at > before
        assert {amenity.name for amenity in only_named("Listing 2").amenities} == {"Kitchen", "Wifi"}

    def test_a_second_import_creates_a_removed_place_again(self, files: Files):
        files.load(listing())
        objects.remove(only(Place))
        assert files.load(listing()).new == {"User": 0, "Place": 1}

    def test_an_import_of_another_city_leaves_the_first_one_unchanged(self, files: Files):
        files.load(listing(1))
        before = stored(models.storage)
        files.load(listing(2), city="Troy")
        assert before.items() <= stored(models.storage).items()


def only_named(name: str) -> Place:
    [place] = [each for each in models.storage.all(Place).values() if each.name == name]
    return place


def disk(settings: Settings) -> bytes | None:
    return None if settings.uses_db or not os.path.exists(settings.file_path) else Path(settings.file_path).read_bytes()


class TestShortFiles:
    @pytest.mark.parametrize("columns", [
        ("description", "amenities", "accommodates", "bedrooms", "bathrooms", "bathrooms_text"),
        ("description", "amenities", "accommodates", "bedrooms", "bathrooms", "bathrooms_text", "price", "host_name")])
    def test_attributes_without_a_column_keep_their_values(self, files: Files, storage: Storage, columns):
        files.load(listing(1))
        before = storage.get(Place, only(Place).id).to_dict(save_fs=1)
        report = files.load(without(listing(1, name="Renamed", price="$1,234.00"), *columns))
        storage.close()
        after = only(Place).to_dict(save_fs=1)
        assert report.changed["Place"] == 1
        assert after.pop("updated_at") > before.pop("updated_at")
        assert after == {**before, "name": "Renamed"}


class TestDryRun:
    def test_a_dry_run_reports_everything_and_stores_nothing(self, files: Files, settings: Settings):
        report = files.load(listing(1), listing(2), dry_run=True)
        assert report.new == {"State": 1, "City": 1, "User": 1, "Amenity": 2, "Place": 2}
        assert stored(models.storage) == {}
        assert disk(settings) is None
        files.load(listing(1))
        before, on_disk = stored(models.storage), disk(settings)
        report = files.load(listing(1, price="$1"), listing(2), dry_run=True)
        assert (report.new["Place"], report.changed["Place"]) == (1, 1)
        assert (stored(models.storage), disk(settings)) == (before, on_disk)

    def test_a_dry_run_refuses_the_same_rows(self, files: Files):
        with pytest.raises(Refused):
            files.load(listing(1), listing(2, price="x"), dry_run=True)
        report = files.load(listing(1), listing(2, price="x"), dry_run=True, keep_going=True)
        assert (report.new["Place"], len(report.refused)) == (1, 1)
        assert models.storage.count() == 0


class TestFormats:
    @pytest.mark.parametrize("change", [
        lambda text: text, lambda text: text.replace("\n", "\r\n"), lambda text: f"\ufeff{text}",
        lambda text: text + "\n\n", lambda text: text.replace("\n", "\r\n") + "\r\n",
        lambda text: text.replace("id,", '"id",', 1), lambda text: text.replace("\n", ",,\n"),
        lambda text: text.replace("host_id,", " host_id ,", 1), lambda text: text.rstrip("\n")])
    @pytest.mark.parametrize("name", ["listings.csv", "listings.csv.gz", "no-ending"])
    def test_the_kind_of_a_file_is_recognized_by_its_content(self, files: Files, change: object, name: str):
        content = text(listing(1), listing(2, description="a\nb")).replace("a\nb", "a$b")
        assert files.load_text(change(content).replace("a$b", "a\nb"), name).new["Place"] == 2

    def test_a_compressed_file_needs_no_gz_suffix(self, files: Files):
        assert files.load_text(gzip.compress(text(listing()).encode())).new["Place"] == 1

    def test_a_gzip_file_with_several_members_and_padding_is_read(self, files: Files):
        whole = text(listing(1), listing(2)).encode()
        packed = gzip.compress(whole[:300]) + gzip.compress(whole[300:]) + bytes(512)
        assert files.load_text(packed).new["Place"] == 2

    def test_columns_may_be_in_any_order_and_unknown_columns_are_ignored(self, files: Files):
        row = listing(later_column="x", license="")
        files.load_text(text(row, heading=sorted(row, reverse=True)))
        assert only(Place).price_by_night == 1234

    def test_a_pipe_can_be_imported(self, files: Files):
        path = files.folder / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[gzip.compress(text(listing()).encode())])
        writer.start()
        assert import_file(str(path), "New York", "Albany").new["Place"] == 1
        writer.join()

    def test_progress_is_reported_up_to_the_end(self, files: Files):
        steps: list[tuple[int, int]] = []
        path = files.write(text(*[listing(number) for number in range(2000)]), "listings.csv.gz")
        import_file(path, "New York", "Albany", progress=lambda *step: steps.append(step))
        size = os.path.getsize(path)
        assert steps[-1] == (size, size)
        assert steps == sorted(steps)


class TestConsole:
    def test_import_prints_a_report(self, files: Files, console: Run):
        path = files.write(text(listing(1), listing(2, price="")), "my listings.csv")
        ran = console(args=("import", path, "--state", "New York", "--city", "Albany"))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert [line.split() for line in ran.stdout.splitlines()[2:7]] == [
            ["State", "1", "0", "0"], ["City", "1", "0", "0"], ["User", "1", "0", "0"], ["Amenity", "2", "0", "0"],
            ["Place", "2", "0", "0"]]
        assert '1 place without a price; pages say "Price on request"' in ran.stdout
        assert models.storage.count(Place) == 2

    def test_import_lists_refused_rows_and_fails(self, files: Files, console: Run):
        path = files.write(text(listing(1), *[listing(number, latitude="91") for number in range(2, 30)]))
        ran = console(f'import "{path}" --state "New York" --city Albany', "count Place",
                      f'import "{path}" --state "New York" --city Albany --keep-going', "count Place")
        assert "28 rows refused:\n  line 3: latitude must be from -90 to 90\n" in ran.stdout
        assert "… and 8 more\nNothing was imported. Fix these rows, or use --keep-going\n0\n" in ran.stdout
        assert ran.stdout.endswith("… and 8 more\n1\n")
        assert console(args=("import", path, "--state", "S", "--city", "C")).returncode == 1

    def test_import_says_that_a_dry_run_stored_nothing(self, files: Files, console: Run):
        ran = console(args=("import", files.write(text(listing())), "--state", "S", "--city", "C", "--dry-run"))
        assert ran.returncode == 0
        assert ran.stdout.endswith("Dry run: nothing was imported\n")
        assert models.storage.count() == 0

    @pytest.mark.parametrize("words", ["", "a b", "--state", "x.csv --no-such", "''", "/nonexistent/x.csv"])
    def test_a_wrong_command_prints_one_line_and_the_session_continues(self, files: Files, console: Run, words: str):
        ran = console(f"import {words}", "count State")
        assert ran.stdout == "0\n"
        assert ran.stderr.count("\n") == 1
        assert "Traceback" not in ran.stderr
        assert "mistake" not in ran.stderr

    def test_import_shows_progress_only_on_a_terminal(self, files: Files, monkeypatch: pytest.MonkeyPatch,
                                                      capsys: pytest.CaptureFixture[str]):
        from cli.transfer import run_import

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True
        arguments = [files.write(text(listing())), "--state", "New York", "--city", "Albany"]
        assert run_import(arguments)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr("sys.stderr", terminal := Terminal())
        assert run_import(arguments)
        assert "listings.csv" in terminal.getvalue()

    def test_control_characters_of_a_file_do_not_reach_the_terminal(self, files: Files, console: Run):
        path = files.write('{"State.\x1b[2J\\u001b]0;x": 5}'.replace("\x1b", "\\u001b"))
        ran = console(args=("import", path))
        assert "1 row refused:" in ran.stdout
        assert "\x1b" not in ran.stdout + ran.stderr


def test_a_very_large_cell_is_imported(files: Files):
    report = files.load(listing(description="word " * 1_000_000))
    assert only(Place).description.endswith("word…")
    assert report.notes.total() == 1
    assert csv.field_size_limit() > 1_000_000


def test_a_search_finds_places_by_imported_states(files: Files):
    files.load(listing(1), listing(2, amenities=["Pool"]))
    state, pool = only(State), next(each for each in models.storage.all(Amenity).values() if each.name == "Pool")
    assert len(search({"states": [state.id]}).all()) == 2
    assert [place["name"] for place in search({"states": [state.id], "amenities": [pool.id]}).all()] == ["Listing 2"]


@pytest.mark.parametrize(("note", "one"), [
    ("texts that were too long; they were shortened", "1 text that was too long; it was shortened"),
    ("places without a name; they were named after their type", "1 place without a name; it was named after its type"),
    ("rows that occurred twice; they were imported once", "1 row that occurred twice; it was imported once"),
    ("links by amenity_id to objects that do not exist; they were left out",
     "1 link by amenity_id to objects that do not exist; it was left out"),
    ("attributes Place.were that HBNB does not know; they were left out",
     "1 attribute Place.were that HBNB does not know; it was left out")])
def test_a_note_with_a_count_of_one_is_in_the_singular(note: str, one: str):
    assert counted(1, note) == one
    assert counted(2, note) == f"2 {note}"
