"""Searches while another process writes: each answer is that of a moment between the request and the answer."""
from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from models.engine.base import Storage
from tests.market import Market
from tests.processes import family, start
from tests.servers import Server, free_port

SECONDS = 6
LEAST = 50      # changes, also on a busy machine
LIMIT = 8
# Makes about 50 changes a second; prints for each when it began and ended, and the place as visitors see it then.
WRITER = f"""
import json, random, time
from models.amenity import Amenity
from models.place import Place
from tests import objects
user, city, wifi = sys.argv[1:]
choose, known, count, end = random.Random(5), [], 0, time.monotonic() + {SECONDS}
while time.monotonic() < end or count < {LEAST}:
    kinds = ["create", "price", "price", "name", "link", "hide", "hide", "remove"] if len(known) > 12 else ["create"]
    kind, count = choose.choice(kinds), count + 1
    began, id, row = time.monotonic(), choose.choice(known) if known else None, None
    if kind == "create":
        place = objects.create(Place, {{"user_id": user, "city_id": city, "name": f"P{{choose.randrange(99)}}",
                                      "price_by_night": choose.randrange(1, 50), "max_guest": choose.randrange(4)}})
        known.append(place.id)
    else:
        place = models.storage.get(Place, id)
        if kind == "remove":
            known.remove(id)
            objects.remove(place)
        elif kind == "link":
            objects.offer(place, [] if place.amenity_ids else [wifi])
        elif kind == "hide":
            objects.update(place, {{"status": "draft" if place.status == "listed" else "listed"}})
        else:
            new = {{"price_by_night": choose.randrange(1, 50)}} if kind == "price" else {{"name": "New"}}
            objects.update(place, new)
    if kind != "remove" and place.status == "listed":
        row = [place.created_at.isoformat(), place.price_by_night, place.max_guest, place.name,
               [] if not place.amenity_ids else [wifi]]
    models.storage.close()
    print(json.dumps([began, time.monotonic(), place.id, row]), flush=True)
    time.sleep(max(0, began + 0.02 - time.monotonic()))
"""
SEARCHES: list[dict[str, Any]] = [
    {"sort": "price"}, {"guests": 2}, {"price_min": 20, "sort": "price"}, {"amenities": ["WIFI"], "sort": "name"},
    {"text": "new", "sort": "newest"}, {"cities": ["CITY"], "sort": "price", "offset": 3}]


class Answered(NamedTuple):
    """A search and its answer: when it was sent and answered, and what it found."""

    sent: float
    answered: float
    wanted: Mapping[str, Any]
    found: Any


def right_answer(places: Mapping[str, Any], wanted: Mapping[str, Any]) -> Any:
    """The answer to a search at a moment, given the places of that moment."""
    keys = {"price": lambda each: (each[1][1],), "name": lambda each: (each[1][3],), "newest": lambda _: ()}
    by = keys.get(wanted.get("sort", ""), lambda _: ())
    found = [(id, row) for id, row in places.items()
             if row[2] >= wanted.get("guests", 0) and row[1] >= wanted.get("price_min", 0)
             and {*wanted.get("amenities", ())} <= {*row[4]} and (row[3] == "New" or "text" not in wanted)]
    found.sort(key=lambda each: (each[1][0], each[0]), reverse=wanted.get("sort") == "newest")
    found.sort(key=by)
    offset = wanted.get("offset", 0)
    return ([[id, row[1], row[3]] for id, row in found[offset:offset + LIMIT]], len(found),
            sum(bool(row[4]) for _, row in found))


def ask(address: str, wanted: Mapping[str, Any]) -> Answered:
    body = json.dumps({**wanted, "limit": LIMIT, "facets": True}).encode()
    sent = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1/places_search", body, {
            "Content-Type": "application/json"}), timeout=30) as response:
        found = json.loads(response.read())
    offered = [each["count"] for each in found["facets"]["amenities"] if each["name"] == "Wifi"]
    return Answered(sent, time.monotonic(), wanted, (
        [[each["id"], each["price_by_night"], each["name"]] for each in found["places"]], found["total"],
        sum(offered)))


def test_each_answer_is_that_of_a_moment_between_request_and_answer_even_if_workers_and_a_server_are_killed(
        storage: Storage, environ: dict[str, str]):
    market = Market()
    storage.delete(market.place)
    storage.save()
    storage.close()
    searches = json.loads(json.dumps(SEARCHES).replace("WIFI", market.wifi.id).replace("CITY", market.city.id))
    ports = [free_port() for _ in range(2)]
    commands = [["wsgi.py", "--port", str(port), "--workers", "2"] for port in ports]
    answers: list[Answered] = []
    with (Server(commands[0], environ, ports[0]) as steady, Server(commands[1], environ, ports[1]) as killed,
          start(WRITER, environ, market.host.id, market.city.id, market.wifi.id) as writer, ExitStack() as later):
        written: list[Any] = []
        reader = threading.Thread(target=lambda: written.extend(map(json.loads, writer.stdout or ())))
        reader.start()
        choose, steps, begin = random.Random(1), ["a worker", "the server"], time.monotonic()
        while reader.is_alive():
            if steps and time.monotonic() - begin > SECONDS / (len(steps) + 1):
                processes = family(killed.process.pid)
                if steps.pop(0) == "a worker":
                    os.kill(processes[1], signal.SIGKILL)
                else:
                    os.kill(processes[0], signal.SIGKILL)
                    killed.process.wait()
                    while any(Path(f"/proc/{pid}").exists() for pid in processes):      # its workers end soon
                        time.sleep(0.05)
                    later.enter_context(Server(commands[1], environ, ports[1]))
            with suppress(OSError):     # the killed server answers nothing for a while
                answers.append(ask(choose.choice([steady, killed]).address, choose.choice(searches)))
        reader.join()
        assert writer.wait() == 0, writer.stderr and writer.stderr.read()
        answers += [ask(each, wanted) for each in (steady.address, killed.address) for wanted in searches]
    assert not steps
    assert len(written) >= LEAST
    assert len(answers) > 2 * len(searches)
    check(answers, written)


def check(answers: Sequence[Answered], written: Sequence[Any]) -> None:
    """Compare answers with all that would be right at a moment between the request and the answer.

    Args:
        written: for each change when it began and ended, the id of the place, and the place; `None` if it was removed.
    """
    moments: list[dict[str, Any]] = [{}]
    for _, _, id, row in written:
        moments.append({key: value for key, value in moments[-1].items() if key != id} | ({id: row} if row else {}))
    for answer in answers:
        first = sum(ended < answer.sent for _, ended, *_ in written)        # these changes were acknowledged before
        last = sum(began < answer.answered for began, *_ in written)        # the others had not begun
        possible = [right_answer(places, answer.wanted) for places in moments[first:last + 1]]
        assert answer.found in possible, (answer, possible)
