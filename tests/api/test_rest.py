"""Tests of the REST API beyond the contract: lists, filters, preconditions, concurrency and SQL statements."""
from __future__ import annotations

import io
import json
import re
import threading
from typing import Any

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from models.amenity import Amenity
from models.engine.statements import Result
from models.place import Place
from models.review import Review
from models.state import State
from services import listing
from services.search.filters import FILTERS
from tests.apps import ready_app, shared_app
from tests.market import Market

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
NOT_FOUND, NOT_JSON = {"error": "Not found"}, {"error": "Not a JSON"}

COLLECTIONS = ["states", "states/{state}/cities", "amenities", "users", "cities/{city}/places",
               "places/{place}/reviews"]
OBJECTS = ["states/{state}", "cities/{city}", "amenities/{wifi}", "users/{host}", "places/{place}", "reviews/{review}"]
VALID_BODIES: dict[str, dict[str, Any]] = {
    "states": {"name": "New"}, "states/{state}/cities": {"name": "New"}, "amenities": {"name": "New"},
    "users": {"email": "new@b.c", "password": "secret"}, "cities/{city}/places": {"user_id": "{host}", "name": "New"},
    "places/{place}/reviews": {"user_id": "{guest}", "text": "New"}}


@pytest.fixture
def market(storage) -> Market:
    return Market()


@pytest.fixture
def ask(storage, market):
    """Send a request. Names such as `{place}` in the path and the body are replaced by the ids of the market."""
    client = shared_app().test_client()
    ids = {name: obj.id for name, obj in vars(market).items()}

    def ask(method: str, path: str, body: Any = None, **options: Any):
        if body is not None and "data" not in options:
            options["json"] = json.loads(re.sub(
                r'"\{(\w+)\}"', lambda found: f'"{ids[found[1]]}"', json.dumps(body)))
        return client.open(f"/api/v1/{path.format(**ids)}", method=method, **options)
    return ask


class TestCollections:
    @pytest.mark.parametrize("path", COLLECTIONS)
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_get_returns_a_plain_array_and_post_adds_an_object(self, ask, path, slash):
        before = ask("GET", path + slash)
        assert before.status_code == 200
        made = ask("POST", path + slash, VALID_BODIES[path])
        assert made.status_code == 201
        assert made.json.items() >= {name: value for name, value in VALID_BODIES[path].items()
                                     if name not in ("password", "user_id")}.items()
        assert ID.fullmatch(made.json["id"])
        assert TIME.fullmatch(made.json["created_at"])
        assert "password" not in made.json
        assert ask("GET", path).json == [*before.json, made.json]
        assert ask("GET", made.headers["Location"].removeprefix("/api/v1/")).json == made.json

    @pytest.mark.parametrize("path", ["cities/{city}/places", "places/{place}/reviews"])
    def test_an_unknown_user_is_reported_before_other_missing_attributes(self, ask, path):
        for id in ("nope", "", "ʻ"):
            answer = ask("POST", path, {"user_id": id})
            assert (answer.status_code, answer.json) == (404, NOT_FOUND)
        assert ask("POST", path, {"user_id": ["x"]}).json == {"error": "user_id must be a text"}


class TestObjects:
    @pytest.mark.parametrize("path", OBJECTS)
    def test_get_put_and_delete(self, ask, path, storage):
        for slash in ("", "/"):
            shown = ask("GET", path + slash)
            assert shown.status_code == 200
        name = "text" if "review" in path else "first_name" if "user" in path else "name"
        changed = ask("PUT", path, {**shown.json, name: "Changed", "id": "x", "created_at": "yesterday"})
        assert changed.status_code == 200
        assert changed.json == {**shown.json, name: "Changed", "updated_at": changed.json["updated_at"]}
        assert changed.json["updated_at"] > shown.json["updated_at"]
        assert ask("GET", path).json == changed.json
        for _ in range(2):
            assert ask("PUT", path, data="{").json == NOT_JSON
        deleted = ask("DELETE", path + "/")
        assert (deleted.status_code, deleted.json) == (200, {})
        for method in ("GET", "PUT", "DELETE"):
            assert (ask(method, path).status_code, ask(method, path).json) == (404, NOT_FOUND)

    @pytest.mark.parametrize("path", OBJECTS)
    def test_ids_are_case_sensitive(self, ask, path):
        shown = ask("GET", path).json
        assert ask("GET", f"{path.partition('/')[0]}/{shown['id'].upper()}").status_code == 404

    @pytest.mark.parametrize(("path", "body", "error"), [
        ("states/{state}", {"foo": 1}, "Unknown attribute: foo"),
        ("states/{state}", {"cities": []}, "Unknown attribute: cities"),
        ("states/{state}", {"name": None}, "name must not be null"),
        ("states/{state}", {"name": 5}, "name must be a text"),
        ("states/{state}", {"name": " "}, "name must not be empty"),
        ("places/{place}", {"price_by_night": -3}, "price_by_night must be from 0 to 2147483647"),
        ("places/{place}", {"latitude": 91}, "latitude must be from -90 to 90"),
        ("places/{place}", {"_sa_instance_state": 1}, "Unknown attribute: _sa_instance_state")])
    def test_an_invalid_attribute_is_refused_by_its_name(self, ask, path, body, error):
        before = ask("GET", path).json
        answer = ask("PUT", path, body)
        assert (answer.status_code, answer.json) == (400, {"error": error})
        assert ask("GET", path).json == before


class TestLists:
    def test_a_page_has_links_to_other_pages_and_a_total(self, ask):
        for number in range(9):
            ask("POST", "states", {"name": f"S{number}"})
        everything = ask("GET", "states").json
        page = ask("GET", "states?limit=3&offset=3&fields=id,name")
        assert page.json == [{"id": state["id"], "name": state["name"]} for state in everything[3:6]]
        assert page.headers["X-Total-Count"] == "10"
        assert page.headers["Link"] == ", ".join(
            f'</api/v1/states?fields=id%2Cname&limit=3&offset={offset}>; rel="{name}"'
            for offset, name in ((0, "first"), (0, "prev"), (6, "next"), (9, "last")))
        assert ask("GET", "states?offset=9").json == everything[9:]
        assert ask("GET", "states?limit=0").json == []

    def test_lists_can_be_sorted_and_include_related_objects(self, ask, market):
        ask("POST", "cities/{city}/places", {"user_id": "{host}", "name": "Other", "price_by_night": 7})
        for path, prices in (("places?sort=price_by_night", [7, 100]),
                             ("cities/{city}/places?sort=-price_by_night", [100, 7])):
            assert [place["price_by_night"] for place in ask("GET", path).json] == prices
        place = ask("GET", "places/{place}?include=amenities,reviews.user,city.state").json
        assert [amenity["name"] for amenity in place["amenities"]] == ["Wifi", "Pool"]
        assert place["reviews"][0]["user"]["first_name"] == ""
        assert "password" not in place["reviews"][0]["user"]
        assert place["city"]["state"]["name"] == "State of Albany"
        assert ask("GET", "users/{host}/places?fields=name&include=reviews").json[1] == {"name": "Other", "reviews": []}

    @pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=1.5", "sort=nope", "fields=password",
                                       "include=nope", "include=city.state.cities", "include=user.password"])
    def test_an_invalid_query_parameter_is_refused(self, ask, query):
        assert ask("GET", f"places?{query}").status_code == 400


class TestSearch:
    @pytest.mark.parametrize("query", ["states=", "amenities=,", "states=&cities=,,&amenities="])
    def test_empty_ids_in_a_query_do_not_filter(self, ask, query):
        assert len(ask("GET", f"places?{query}").json) == 1

    @pytest.mark.parametrize("number", [10**12, -1, 1.5, True])
    def test_a_number_out_of_range_is_refused_and_the_range_named(self, ask, number):
        answer = ask("POST", "places_search", {"price_min": number})
        assert (answer.status_code, answer.json["error"]) == (
            400, "price_min must be a whole number from 0 to 2147483647")
        answer = ask("GET", f"places?price_min={number}")
        assert (answer.status_code, answer.json["error"]) == (
            400, "price_min must be a whole number from 0 to 999999999")

    @pytest.mark.parametrize(("filters", "count"), [
        ({}, 1), ({"text": "loft ALBANY"}, 1), ({"text": "loft nowhere"}, 0), ({"text": "%"}, 0),
        ({"price_min": 100}, 1), ({"price_min": 101}, 0), ({"price_max": 99}, 0),
        ({"guests": 2, "rooms": 0, "bathrooms": 0}, 1), ({"guests": 3}, 0),
        ({"bbox": [-74, 42, -73, 43]}, 1), ({"bbox": [-73, 42, -74, 43]}, 0), ({"bbox": [170, 42, -70, 43]}, 1),
        ({"bbox": [-74, 43, -73, 42]}, 0),
        ({"near": {"latitude": 42.65, "longitude": -73.75, "km": 1}}, 1), ({"limit": 0}, 0), ({"offset": 1}, 0),
        ({"near": {"latitude": 42.7, "longitude": -73.75, "km": 5}, "sort": "distance"}, 0)])
    def test_places_search_applies_the_other_filters(self, ask, filters, count):
        answer = ask("POST", "places_search", filters)
        assert (answer.status_code, len(answer.json)) == (200, count)

    @pytest.mark.parametrize("filters", [
        {"foo": 1}, {"text": 5}, {"price_min": "x"}, {"guests": -1}, {"guests": True}, {"bbox": [1]},
        {"near": {}}, {"near": {"latitude": 91, "longitude": 0, "km": 1}}, {"sort": "nope"}, {"sort": "distance"},
        {"limit": 1.5}, {"sort": []}])
    def test_an_invalid_filter_is_refused(self, ask, filters):
        assert ask("POST", "places_search", filters).status_code == 400

    @pytest.mark.parametrize("name", sorted(FILTERS))
    def test_a_filter_with_the_value_null_is_ignored(self, ask, name):
        assert ask("POST", "places_search", {name: None}).json == ask("POST", "places_search", {}).json

    def test_facets_count_the_places_of_each_value(self, ask, market):
        answer = ask("POST", "places_search", {"facets": True}).json
        assert len(answer["places"]) == answer["total"] == 1
        assert {each["name"]: each["count"] for each in answer["facets"]["amenities"]} == {"Wifi": 1, "Pool": 1}
        assert answer["facets"]["states"] == [{"id": market.state.id, "name": "State of Albany", "count": 1}]
        assert ask("GET", "places?near=42.65,-73.75,9&sort=distance&facets=true").json == answer


class TestConditionalRequests:
    def test_an_unchanged_object_or_list_gets_304(self, ask):
        for path in ("places/{place}", "places", "places?limit=1"):
            first = ask("GET", path)
            again = ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        ask("PUT", "places/{place}", {"name": "Changed"})
        assert ask("GET", "places/{place}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200

    def test_if_match_prevents_overwriting_the_change_of_another_client(self, ask):
        seen = ask("GET", "places/{place}").headers["ETag"]
        first = ask("PUT", "places/{place}", {"name": "Mine"}, headers={"If-Match": seen})
        assert first.status_code == 200
        for method in ("PUT", "DELETE"):
            answer = ask(method, "places/{place}", {"name": "Theirs"}, headers={"If-Match": seen})
            assert answer.status_code == 412
            assert "changed after you read it" in answer.json["error"]
        assert ask("GET", "places/{place}").json["name"] == "Mine"
        assert ask("DELETE", "places/{place}", headers={"If-Match": first.headers["ETag"]}).status_code == 200

    CHANGES = [("PUT", "places/{place}"), ("DELETE", "places/{place}"), ("POST", "states"),
               ("POST", "places/{place}/reviews"), ("POST", "places/{place}/amenities/{pool}"),
               ("DELETE", "places/{place}/amenities/{pool}")]
    BODIES = {"states": {"name": "N"}, "places/{place}": {"name": "N"},
              "places/{place}/reviews": {"user_id": "{guest}", "text": "N"}}

    UNREADABLE = [
        *((header, value) for header in ("If-Match", "If-None-Match") for value in (
            '"abc', 'abc"', "abc", "", " ", '"', '"a" "b"', '"a", b', "w/\"a\"", "W/abc", "*, *", '*, "a"', '"a b"')),
        *(("If-Unmodified-Since", value) for value in (
            "yesterday", "", "5", "Sat, 32 Jan 2099 10:00:00 GMT", "Sat, 31 Jan 2099 10:00:00 GMT, x", "2099-01-31")),
        ("If-Range", '"abc"'), ("If-Range", '"abc'), ("If-Modified-Since", "Sat, 31 Jan 2026 10:00:00 GMT")]

    @pytest.mark.parametrize(("method", "path"), CHANGES)
    def test_a_write_with_a_malformed_precondition_is_refused(self, ask, storage, method, path):
        before = ask("GET", "places/{place}").data, ask("GET", "places/{place}/amenities").data, storage.count()
        for header, value in self.UNREADABLE:
            answer = ask(method, path, self.BODIES.get(path), headers={header: value})
            assert answer.status_code == 400, (header, value)
            assert header in answer.json["error"]
        storage.close()
        assert (ask("GET", "places/{place}").data, ask("GET", "places/{place}/amenities").data,
                storage.count()) == before

    def test_a_route_that_does_not_support_preconditions_refuses_them(self, ask):
        for method, path in self.CHANGES[2:]:
            for header, value in (("If-Match", '"a"'), ("If-Match", "*"), ("If-None-Match", "*"),
                                  ("If-Unmodified-Since", "Sat, 31 Jan 2099 10:00:00 GMT")):
                answer = ask(method, path, self.BODIES.get(path), headers={header: value})
                assert (answer.status_code, answer.json) == (
                    400, {"error": f"{method} does not support {header} on this route. Nothing was changed. "
                                   "Send the request without this header"})

    @pytest.mark.parametrize(("method", "path"), [("PUT", "places/{place}"), ("DELETE", "reviews/{review}")])
    def test_a_write_happens_only_if_its_preconditions_hold(self, ask, method, path):
        date, other = "Sat, 31 Jan {} 10:00:00 GMT".format, '"x"'
        for headers in ({"If-Match": "W/{tag}"}, {"If-Match": other}, {"If-Match": 'W/{tag}, "x"'},
                        {"If-None-Match": "*"}, {"If-None-Match": "{tag}"}, {"If-None-Match": "W/{tag}"},
                        {"If-Match": "{tag}", "If-None-Match": "{tag}"}, {"If-Unmodified-Since": date(2009)},
                        {"If-Unmodified-Since": "Saturday, 31-Jan-09 10:00:00 GMT"},
                        {"If-Unmodified-Since": "Sat Jan 31 10:00:00 2009"},
                        {"If-Unmodified-Since": date(2099), "If-Match": other}):
            assert self.status_of_write(headers, ask, method, path) == 412, headers
        for headers in ({"If-Match": "*"}, {"If-Match": '"x", {tag}'}, {"If-Match": '"x",,{tag} ,"y"'},
                        {"If-None-Match": other}, {"If-Unmodified-Since": date(2099)},
                        {"If-Unmodified-Since": date(2009), "If-Match": "{tag}"}):
            assert self.status_of_write(headers, ask, method, path) == 200, headers

    @staticmethod
    def status_of_write(headers: dict[str, str], ask, method: str, path: str) -> int:
        """The status of a write with these headers. A review that an earlier call deleted is created again."""
        seen = ask("GET", path)
        if seen.status_code == 404:
            path = f"reviews/{ask('POST', 'places/{place}/reviews', {'user_id': '{guest}', 'text': 'N'}).json['id']}"
            seen = ask("GET", path)
        sent = {name: value.replace("{tag}", seen.headers["ETag"]) for name, value in headers.items()}
        status = ask(method, path, {"text" if "review" in path else "name": "Mine"}, headers=sent).status_code
        assert (ask("GET", path).data == seen.data) == (status == 412)
        return status


class TestQuery:
    def test_an_unknown_parameter_is_refused_by_its_name_on_every_route(self, ask, storage):
        before = storage.count()
        for method, path in (
                *(("GET", path) for path in ("status", "stats", "places", "users/{host}/places",
                                             "places/{place}/amenities", *COLLECTIONS, *OBJECTS)),
                *(("POST", path) for path in COLLECTIONS), *(("PUT", path) for path in OBJECTS),
                *(("DELETE", path) for path in OBJECTS), ("POST", "places/{place}/amenities/{pool}"),
                ("DELETE", "places/{place}/amenities/{pool}"), ("POST", "places_search")):
            for name in ("limt", "guest", "LIMIT", "__", "callback"):
                answer = ask(method, f"{path}?{name}=3", VALID_BODIES.get(path, {}) if method != "GET" else None)
                assert answer.status_code == 400, (method, path)
                assert answer.json["error"].startswith(f"Unknown parameter: {name} (this route accepts ")
        storage.close()
        assert storage.count() == before

    def test_a_repeated_parameter_is_refused(self, ask):
        for query in ("limit=1&limit=2", "limit=1&limit=1", "states=a&text=x&states=b"):
            name = query.partition("=")[0]
            assert ask("GET", f"places?{query}").json == {"error": f"{name} was sent 2 times: send it once"}

    def test_the_cache_buster_of_jquery_is_ignored(self, ask):
        for path in ("places", "status", "places/{place}"):
            assert ask("GET", f"{path}?_=1700000000000&_=2").data == ask("GET", path).data
        assert ask("POST", "states?_=1", {"name": "N"}).status_code == 201

    def test_a_preflight_is_not_checked_for_unknown_parameters(self, ask):
        assert ask("OPTIONS", "places?limt=3", headers={"Origin": "http://x.example"}).status_code == 200


class TestEdgeCases:
    def test_a_body_without_content_length_has_the_same_limit(self, storage):
        app = ready_app()
        for size, status in ((999_000, "201 CREATED"), (1_000_000, "413 "), (2_000_000, "413 ")):
            environ = create_environ("/api/v1/states", method="POST", content_type="application/json",
                                     input_stream=io.BytesIO(b'{"name": "early"}'.ljust(size)))
            del environ["CONTENT_LENGTH"]
            body, status_line, headers = run_wsgi_app(app, environ | {"wsgi.input_terminated": True})
            assert status_line.startswith(status)
            assert headers["Content-Type"] == "application/json"
            json.loads(b"".join(body))

    @pytest.mark.parametrize("path", ["/api/v1//states", "/api/v1/states//", "//api/v1/states", "/api//v1/states"])
    def test_extra_slashes_do_not_redirect_to_another_host(self, storage, path):
        client = ready_app().test_client()
        answer = client.post(path, json={"name": "S"}, headers={"Host": "evil.example"})
        assert answer.status_code == 404
        assert "Location" not in answer.headers

    @pytest.mark.parametrize(("text", "error"), [
        (5, "text must be a text"), ("x" * 1025, "text must have at most 1024 characters, not 1025"),
        (" ".join(map(str, range(11))), "text must have at most 10 different words, not 11")])
    def test_an_invalid_search_text_is_refused_by_its_name(self, ask, text, error):
        answer = ask("POST", "places_search", {"text": text})
        assert (answer.status_code, answer.json) == (400, {"error": error})
        assert ask("POST", "places_search", {"text": "loft " * 200}).status_code == 200

    @pytest.mark.parametrize(("name", "text", "found"), [
        ("İstanbul", "İ", True), ("İstanbul", "istanbul", True), ("İstanbul", "i̇stanbul", True),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ", True), ("Σίσυφος", "σίσυφος", True), ("STRAẞE", "straße", True),
        ("ΟΔΟΣ", "οδοσ", True), ("ΟΔΟΣ", "οδος", True), ("Élan", "éLAN", True)])
    def test_both_engines_compare_case_insensitively_in_the_same_way(self, ask, name, text, found):
        ask("PUT", "places/{place}", {"name": name})
        assert len(ask("POST", "places_search", {"text": text}).json) == found

    def test_a_page_beyond_the_end_links_to_the_last_page(self, ask):
        for number in range(11):
            ask("POST", "states", {"name": f"S{number}"})
        links = ask("GET", "states?limit=5&offset=1000").headers["Link"]
        assert '</api/v1/states?limit=5&offset=10>; rel="prev"' in links
        assert "Link" not in ask("GET", "states?limit=0").headers

    def test_problem_details_with_quality_zero_are_not_returned(self, ask):
        accept = {"Accept": "application/problem+json;q=0, application/json"}
        assert ask("GET", "states/nope", headers=accept).json == NOT_FOUND

    def test_near_requires_three_numbers(self, ask):
        assert ask("GET", "places?near=1,2,3,4").json == {"error": "near must be latitude,longitude,km"}
        assert ask("GET", "places?near=42.652579,-73.756232,0.5&sort=distance").status_code == 200


class TestRaces:
    """Requests of twenty concurrent clients."""

    @staticmethod
    def race(send) -> list[int]:
        """The sorted statuses of twenty requests that are sent at the same time."""
        app, start, statuses = ready_app(), threading.Barrier(20), []

        def run(number: int) -> None:
            client = app.test_client()
            start.wait()
            statuses.append(send(client, number).status_code)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    def test_concurrent_requests_link_an_amenity_once(self, market, storage):
        sauna = Amenity(name="Sauna")
        sauna.save()
        path = f"/api/v1/places/{market.place.id}/amenities/{sauna.id}"
        storage.close()
        assert self.race(lambda client, _: client.post(path)) == [200] * 19 + [201]
        assert storage.get(Place, market.place.id).amenity_ids.count(sauna.id) == 1

    def test_of_concurrent_writers_with_the_same_etag_one_succeeds(self, market, storage, ask):
        seen = ask("GET", "places/{place}").headers["ETag"]
        path = f"/api/v1/places/{market.place.id}"
        storage.close()
        statuses = self.race(lambda client, number: client.put(
            path, json={"name": str(number)}, headers={"If-Match": seen}))
        assert statuses == [200] + [412] * 19

    def test_listing_succeeds_during_concurrent_deletes(self, market, storage):
        states = [State(name=str(number)) for number in range(10)]
        for state in states:
            storage.new(state)
        storage.save()
        paths = [f"/api/v1/states/{state.id}" for state in states]
        storage.close()
        statuses = self.race(lambda client, number: (
            client.get("/api/v1/states") if number % 2 else client.delete(paths[number // 2])))
        assert statuses == [200] * 20
        assert storage.count(State) == 1

    def test_concurrent_requests_create_one_user_per_email(self, market, storage):
        storage.close()
        statuses = self.race(lambda client, _: client.post(
            "/api/v1/users", json={"email": "same@b.c", "password": "x"}))
        assert statuses == [201] + [409] * 19


class TestStatements:
    @pytest.mark.parametrize("places", [1, 1000])
    @pytest.mark.parametrize(("method", "path", "most"), [
        ("GET", "states", 1), ("GET", "cities/{city}/places", 2), ("GET", "places?limit=20", 1),
        ("GET", "places?include=amenities,reviews.user,city.state", 7), ("GET", "places/{place}/amenities", 2),
        ("GET", "places/{place}", 1), ("GET", "places/{place}?include=city", 2), ("GET", "users/{host}/places", 2),
        ("GET", "stats", 6), ("POST", "places_search", 2)])
    def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
            self, storage, market, ask, sent, places, method, path, most):
        for number in range(places - 1):
            storage.new(Place(name=str(number), city_id=market.city.id, user_id=market.host.id))
        storage.save()
        storage.close()
        for _ in range(2):     # the first search also collects statistics of the market
            sent.clear()
            answer = ask(method, path, {} if method == "POST" else None)
            assert answer.status_code == 200
        assert 0 < len(sent) <= most, sent

    def test_a_streamed_list_is_complete_and_in_order(self, storage, market, ask):
        for number in range(2500):
            storage.new(Place(name=f"{number:04}", city_id=market.city.id, user_id=market.host.id))
        storage.save()
        storage.close()
        everything = [*(f"{number:04}" for number in range(2500)), "Loft in Albany"]
        for query, expected in (("", everything), ("&offset=0&limit=2400", everything[:2400]),
                                ("&offset=7", everything[7:]), ("&offset=2&limit=99999", everything[2:]),
                                ("&facets=true", everything)):
            answer = ask("GET", f"places?sort=name{query}")
            assert answer.is_streamed
            places = answer.json if "facets" not in query else answer.json["places"]
            assert [place["name"] for place in places] == expected, query
            assert answer.headers.get("X-Total-Count") == ("2501" if "offset" in query else None)
        answer = ask("GET", "places?sort=name&facets=true&limit=1").json
        assert (len(answer["places"]), answer["total"], answer["facets"]["cities"][0]["count"]) == (1, 2501, 2501)


class TestLimits:
    """Limits on what a request may cost in memory and time, which are checked before anything is read."""

    @pytest.mark.parametrize(("parameter", "name", "most"), [
        ("sort", "name", 14), ("sort", "-name", 14), ("fields", "id", 15), ("include", "city", 11)])
    def test_a_parameter_with_more_names_than_exist_is_refused(self, ask, parameter, name, most):
        for count in (most + 1, 500, 5000):
            for path in ("places", "cities/{city}/places", "users/{host}/places"):
                assert ask("GET", f"{path}?{parameter}={','.join([name] * count)}").json == {
                    "error": f"{parameter} accepts at most {most} names, not {count}"}
        assert ask("GET", f"places?{parameter}={','.join([name] * most)}").status_code == 200
        assert ask("POST", f"places_search?{parameter}={','.join([name] * 500)}", {}).status_code == 400

    def test_a_list_with_include_has_a_maximum_length(self, ask, monkeypatch):
        monkeypatch.setattr(listing, "MAX_WITH_INCLUDED", 3)
        for path in ("states", "amenities", "users"):
            for number in range(4):
                ask("POST", path, VALID_BODIES[path] | ({"email": f"{number}@b.c"} if path == "users" else {}))
            include = "include=" + {"states": "cities", "amenities": "places", "users": "reviews"}[path]
            refused = ask("GET", f"{path}?{include}")
            assert (refused.status_code, refused.json) == (400, {
                "error": "include: a list with related objects may have at most 3 objects, and this one has more. "
                         "Set limit to 3 or less"})
            assert ask("GET", f"{path}?{include}&limit=4").json == refused.json
            assert len(ask("GET", f"{path}?{include}&limit=3").json) == 3
            assert len(ask("GET", path).json) == len(ask("GET", f"{path}?limit=9").json) > 4
        for filters in ({}, {"limit": 4}, {"limit": 10**9}):
            assert ask("POST", "places_search?include=city", filters).json[0]["city"]["name"] == "Albany"

    @pytest.mark.parametrize(("path", "held"), [
        ("places/{place}?include=amenities,reviews.user,city.state", 7),
        ("amenities?include=places.user,places.city,places.reviews", 10),    # the place once per amenity
        ("cities/{city}/places?include=amenities.places", 5), ("users/{host}?include=places.amenities", 4),
        ("places?include=city.state&facets=true", 3)])
    def test_a_response_with_included_objects_has_a_maximum_size(
            self, ask, storage, monkeypatch, path, held):
        assert json.dumps(ask("GET", path).json).count('"__class__"') == held
        monkeypatch.setattr(listing, "MAX_RESPONSE", held)
        assert ask("GET", path).status_code == 200
        monkeypatch.setattr(listing, "MAX_RESPONSE", held - 1)
        answer = ask("GET", path)
        assert answer.status_code == 400
        assert f"more than {held - 1} objects" in answer.json["error"]

    def test_no_more_rows_are_read_than_a_response_may_hold(self, ask, market, storage, monkeypatch):
        for number in range(50):
            storage.new(Review(text=f"{number}", place_id=market.place.id, user_id=market.guest.id))
        storage.save()
        storage.close()
        monkeypatch.setattr(listing, "MAX_RESPONSE", 10)
        read, fetch_all = [], Result.all
        monkeypatch.setattr(Result, "all", lambda result: read.append(rows := fetch_all(result)) or rows)
        for path in ("places/{place}?include=reviews.user", "users?include=reviews.place",
                     "cities/{city}?include=places.reviews"):
            assert ask("GET", path).status_code == 400
        assert max(map(len, read)) <= 11
