"""The report of large markets: rows with targets for the terminal, and docs/performance.md with its plots."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.row import Row, rounded
from bench.scale.kinds import FACETS
from bench.scale.plot import Line, plot

FIGURES = ROOT / "docs" / "performance"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
LIMIT = "bare WSGI, no total"
# The targets at the largest market.
P95, BUILD, ONCE, EACH_WORKER, CHANGE, WRITING = 25, 60, 400, 60, 1, 0.9    # ms, s, MB, MB, ms, share
Result = dict[str, Any]


def rows(figures: Result) -> Iterator[Row]:
    """Yield the measurements with their targets."""
    for market in figures["markets"][:-1]:
        for kind in market["kinds"]:
            yield _kind(market, kind, 0)
    market = figures["markets"][-1]
    name = f"{market['places']:,} places"
    kinds = {kind["name"]: kind for kind in market["kinds"]}
    for kind in market["kinds"]:
        yield _kind(market, kind, kind["target"])
    for kind in market["kinds"]:
        if kind["page"]:
            yield Row(f"{name}: median, {kind['name']}", kind["hbnb"]["p50"], kinds[kind["page"]]["hbnb"]["p50"], "ms",
                      f"the page, {kind['page']}", at_most=FACETS)
    slowest = max(market["kinds"], key=lambda kind: kind["hbnb"]["p95"])
    yield Row(f"{name}: slowest p95, {slowest['name']}", slowest["hbnb"]["p95"], P95, "ms", "the most", at_most=1)
    for kind_name, rates in market["writes"]["rates"].items():
        for writes, found in [*rates.items()][1:]:
            yield Row(f"{name}: {kind_name}, {writes} writes/s", found["rate"], rates["0"]["rate"], "requests/s",
                      "without writes", at_least=WRITING if writes in ("1", "5") else 0)
    for kind_name, taken in market["writes"]["taken_over"].items():
        yield Row(f"{name}: time to apply one change, {kind_name}", taken, CHANGE, "ms", "the most", at_most=1)
    yield Row(f"{name}: from the start to the first search", market["start"]["answered"], BUILD, "s", "the most",
              at_most=1)
    small, memory = figures["markets"][0], market["memory"]
    more = f"compared with {small['places']:,} places"
    for what, value, before, most in (
            ("extra memory of the first process", memory["parent"], small["memory"]["parent"], ONCE),
            ("extra private memory of a worker", max(memory["private"]), max(small["memory"]["private"]), EACH_WORKER),
            ("extra memory of all processes", memory["total"], small["memory"]["total"], ONCE + 2 * EACH_WORKER)):
        yield Row(f"{name}: {what}, {more}", max(value - before, 0), most, "MB", "the most", at_most=1)
    yield Row(f"{name}: peak memory of the first process", memory["peak"], small["memory"]["peak"], "MB",
              f"with {small['places']:,} places")
    yield Row(f"{name}: loading", market["load"]["rate"], 40_000, "rows/s", "the least", at_least=1)


def _busy(load: float) -> str:
    """Say how busy other programs kept the machine."""
    busy = ": **other programs used the machine**, so all absolute figures are too low, and ratios uncertain."
    return f"The load average before the run was {load:.1f}{busy if load > 0.5 else '.'}"


def _kind(market: Result, kind: Result, target: float) -> Row:
    return Row(f"{market['places']:,} places: {kind['name']}{_note(kind)}", kind["hbnb"]["rate"], kind["limit"]["rate"],
               "requests/s", LIMIT, at_least=target)


def _note(kind: Result) -> str:
    """Say what makes a rate of HBNB doubtful."""
    failed = kind["hbnb"]["failed"]
    return f" ({failed:.0%} failed)" if failed else " (other places)" if kind["same"] is False else ""


def write(figures: Result, folder: Path = FIGURES, page: Path = PAGE) -> None:
    """Write the figures and the plots into a folder, and the tables into the page."""
    folder.mkdir(exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, text in plots(figures).items():
        (folder / name).write_text(text)
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{markdown(figures)}{END}{after}")


def markdown(figures: Result) -> str:
    """Return the tables of the page."""
    market = figures["markets"][-1]
    lines = [f"Measured on {figures['date']}: {figures['machine']}.",
             f"{_busy(figures['load'])}", "", f"### {market['places']:,} places", "",
             "| search | HBNB, requests/s | p50, ms | p95, ms | limit, requests/s | p50, ms | p95, ms | ratio | "
             "target |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for kind in market["kinds"]:
        row = _kind(market, kind, kind["target"])
        cells = [rounded(kind[side][name]) for side in ("hbnb", "limit") for name in ("rate", "p50", "p95")]
        lines.append(f"| {kind['name']}{_note(kind)} | {' | '.join(cells)} | {rounded(row.ratio)} | "
                     f"{f'≥ {row.at_least:g}' if row.at_least else ''} |")
    lines += ["", "| other measurements | HBNB | compared with | ratio | target | met? |", "|---|--:|---|--:|--:|---|"]
    counted = sum(len(each["kinds"]) for each in figures["markets"])
    others = [*rows(figures)][counted:]
    lines += [f"| {' | '.join(row.cells()).replace('<=', '≤').replace('>=', '≥')} |".replace(
        f"{market['places']:,} places: ", "") for row in others]
    lines += ["", "### Sizes", "", "Requests a second.", ""]
    lines += [f"![{name}: requests a second by the number of places]({FIGURES.name}/{file})"
              for file, name in _plotted(figures).items()]
    lines += ["", "| search | places | HBNB | limit | naive program | HBNB / limit |", "|---|--:|--:|--:|--:|--:|"]
    for name in _plotted(figures).values():
        for each in figures["markets"]:
            hbnb, limit = _rates(each, name)
            slow = each["naive"][name]
            lines.append(f"| {name} | {each['places']:,} | {rounded(hbnb)} | {rounded(limit)} | "
                         f"{'under ' if slow['is_bound'] else ''}{rounded(slow['rate'])} | {rounded(hbnb / limit)} |")
    return "\n".join([*lines, ""])


def plots(figures: Result) -> dict[str, str]:
    """Return the plots by the names of their files."""
    places = [market["places"] for market in figures["markets"]]
    return {file: plot(name, places, [
        Line("HBNB, with total", "hbnb", [_rates(market, name)[0] for market in figures["markets"]]),
        Line("the limit, without total", "limit", [_rates(market, name)[1] for market in figures["markets"]]),
        Line("a naive program", "naive", [0 if slow["is_bound"] else slow["rate"]
                                          for slow in (market["naive"][name] for market in figures["markets"])])],
        f"{figures['date']}, {figures['machine']}") for file, name in _plotted(figures).items()}


def _plotted(figures: Result) -> dict[str, str]:
    return {f"{name.replace(',', '').replace(' ', '-')}.svg": name for name in figures["markets"][0]["naive"]}


def _rates(market: Result, name: str) -> tuple[float, float]:
    [kind] = [each for each in market["kinds"] if each["name"] == name]
    return kind["hbnb"]["rate"], kind["limit"]["rate"]
