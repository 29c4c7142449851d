"""Test of a server that streams a list of 100,000 places: completeness, order and memory."""
from __future__ import annotations

import http.client
import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models.city import City
from models.state import State
from models.user import User
from serving.concurrency import MAX_READS
from tests.processes import family, memory
from tests.servers import Server, free_port

PLACES = 100_000
MAX_GROWTH = 50_000           # the memory in KiB that the server may need in addition
ID = re.compile(rb'"id":"([0-9a-f-]{36})"')


def places(city: City, user: User) -> Iterator[dict[str, Any]]:
    """The rows of the places: ten with each time of creation, whose ids are not in order."""
    for number in range(PLACES):
        minute, second = divmod(number // 10 % 3600, 60)
        at = f"2024-01-0{number // 36_000 + 1}T12:{minute:02}:{second:02}.000000"
        yield {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))), "created_at": at, "updated_at": at,
               "city_id": city.id, "user_id": user.id, "name": f"Place {number}", "description": "x" * 100,
               "number_rooms": 1, "number_bathrooms": 1, "max_guest": 2, "price_by_night": number % 500,
               "latitude": 42.5, "longitude": -73.5}


@pytest.fixture
def expected_ids(storage, engine, settings, request) -> list[bytes]:
    """Store the places; returns their ids in the order in which they should be listed."""
    state, user = State(name="S"), User(email="a@b.c", password="x")
    city = City(name="C", state_id=state.id)
    for obj in (state, user, city):
        storage.new(obj)
    storage.save()
    made = list(places(city, user))
    storage.close()
    if engine == "file":
        path = Path(settings.file_path)
        found = json.loads(path.read_text())
        found |= {f"Place.{place['id']}": {**place, "amenity_ids": [], "__class__": "Place"} for place in made}
        path.write_text(json.dumps(found))
    else:
        with closing(request.getfixturevalue("database").connect()) as connection:
            connection.cursor().executemany(
                f"INSERT INTO places ({', '.join(made[0])}) VALUES ({', '.join(['%s'] * len(made[0]))})",
                [tuple(place.values()) for place in made])
            connection.commit()
    return [place["id"].encode() for place in sorted(made, key=lambda place: (place["created_at"], place["id"]))]


@pytest.fixture
def server(expected_ids, environ) -> Iterator[Server]:
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        yield server


def test_a_list_of_100_000_places_is_complete_and_ordered_and_needs_little_memory(server, expected_ids):
    with closing(http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=120)) as connection:
        def ask(method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200
            return answer
        for _ in range(MAX_READS):
            ask("GET", "/api/v1/places?limit=1").read()
        processes = family(server.process.pid)
        before = {pid: memory(pid, "VmRSS") for pid in processes}
        for pid in processes:
            Path(f"/proc/{pid}/clear_refs").write_text("5")     # resets the peak of memory (VmHWM)
        for method, path, body in (("POST", "/api/v1/places_search", "{}"), ("GET", "/api/v1/places", None)):
            answer = ask(method, path, body)
            time.sleep(1)       # a client that is slow to read
            assert list(ids(answer)) == expected_ids
        grown = {pid: memory(pid, "VmHWM") - before[pid] for pid in processes}
        assert sum(grown.values()) < MAX_GROWTH, grown


def ids(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The ids in a JSON array of objects, which is read in pieces."""
    left = answer.read(1)
    assert left == b"["
    while part := answer.read(1 << 16):
        text = left + part
        end = text.rfind(b"}") + 1
        yield from ID.findall(text[:end])
        left = text[end:]
    assert left == b"]\n"
