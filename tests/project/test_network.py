"""Browsers and changes of the machine's network wait for each other."""
from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser

from tests import network


def enters(block: Callable[[], AbstractContextManager[None]]) -> threading.Event:
    """Begin a block in another thread. Returns: whether it has begun."""
    begun = threading.Event()

    def enter() -> None:
        with block():
            begun.set()
    threading.Thread(target=enter).start()
    return begun


@pytest.fixture
def folder(tmp_path, monkeypatch) -> None:
    """Locks of this test alone."""
    monkeypatch.setattr(network, "_FOLDER", str(tmp_path))


def test_tests_with_a_browser_run_at_once(folder):
    with network.steady():
        assert enters(network.steady).wait(10)


def test_a_change_waits_for_browsers_and_browsers_wait_for_a_change_that_waits(folder):
    with network.steady():
        change = enters(network.changing)
        assert not change.wait(0.3)
        browser = enters(network.steady)
        assert not browser.wait(0.3)
    assert change.wait(10)
    assert browser.wait(10)


def test_a_test_with_a_browser_holds_off_changes(browser: Browser):
    change = enters(network.changing)
    assert not change.wait(0.3)
