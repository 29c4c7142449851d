"""Fixtures of the tests of the engines."""
from __future__ import annotations

from pathlib import Path

import pytest

from config import Settings


@pytest.fixture
def path(settings: Settings) -> Path:
    return Path(settings.file_path)
