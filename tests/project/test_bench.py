"""Smoke tests of `make bench`: every group runs with tiny data; the figures are not checked."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from bench.scale import report
from bench.servers import catches
from tests.conftest import ROOT
from tests.deploy import hosts

GROUPS = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if "\ndef rows(" in path.read_text())


def bench(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bench", *names], cwd=ROOT, env=os.environ | {"BENCH_QUICK": "1"},
                          capture_output=True, text=True)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_runs_and_prints_a_figure(group):
    if group == "deploy" and (lacking := hosts.missing()):
        pytest.skip(lacking)
    ended = bench(group)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(re.findall(r" x +\| ", ended.stdout)) >= 1, ended.stdout


def test_large_markets_are_measured_and_every_kind_of_search_returns_the_same_places_as_the_limit():
    ended = subprocess.run([sys.executable, "-m", "bench.scale"], cwd=ROOT, env=os.environ | {"BENCH_QUICK": "1"},
                           capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for kind in ("three common amenities", "nearest within 3 km", "a rare word", "facets of one state"):
        assert re.search(rf"^500 places: {kind} +\| [\d.,]+ requests/s", ended.stdout, re.M), ended.stdout
    assert "different places" not in ended.stderr
    assert "failed)" not in ended.stdout
    assert re.search(r"^500 places: time to apply one change, one state +\| ", ended.stdout, re.M)


def test_the_page_about_performance_and_its_plots_show_the_figures_of_the_last_measurement():
    folder = ROOT / "docs" / "performance"
    figures = json.loads((folder / "figures.json").read_text())
    _, _, rest = (ROOT / "docs" / "performance.md").read_text().partition(report.BEGIN)
    assert rest.partition(report.END)[0] == f"\n{report.markdown(figures)}"
    assert {path.name: path.read_text() for path in folder.glob("*.svg")} == report.plots(figures)


def test_an_unknown_group_is_refused_with_the_list_of_all_groups():
    ended = bench("nothing")
    assert ended.returncode == 2
    assert sorted(re.search(r"There are: (.*)", ended.stderr)[1].split(", ")) == GROUPS


def test_an_unknown_part_is_refused_with_the_list_of_all_parts():
    ended = bench("rest:nothing")
    assert ended.returncode == 1
    assert "rest has no part nothing; it has pages, " in ended.stderr


def test_a_signal_is_caught_once_the_process_has_a_handler():
    handled = signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    try:
        assert not catches(os.getpid(), signal.SIGUSR2)
        signal.signal(signal.SIGUSR2, lambda *_: None)
        assert catches(os.getpid(), signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, handled)
