"""What the tests of the engines share."""
from __future__ import annotations

from pathlib import Path

import pytest

from config import Settings


@pytest.fixture
def path(settings: Settings) -> Path:
    return Path(settings.file_path)
