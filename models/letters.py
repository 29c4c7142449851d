"""Small letters as MySQL has them, so that both engines find the same texts."""
from __future__ import annotations


class _Lower(dict[int, int]):
    """One for one, whatever stands beside, and none of later than Unicode 5.0."""

    def __missing__(self, code: int) -> int:
        small = ord(chr(code).lower()[0]) if code != 0x1e9e else code
        return self.setdefault(code, small)


def lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


_LOWER = _Lower()
