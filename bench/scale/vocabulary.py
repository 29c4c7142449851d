"""A vocabulary of invented words, whose frequencies follow Zipf's law, as those of a language do."""
from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bench.size import size

WORDS = size(50_000, 2_000)
_FIRST, _VOWELS, _LAST = "bcdfghjklmnprstvwz", "aeiou", ["", "", "l", "n", "r", "s", "t", "m"]


class Vocabulary:
    """Words, the most frequent first.

    Args:
        random: the generator that chooses the words and the texts.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self.words = self._invented()
        weights = 1 / (np.arange(WORDS) + 2.7)
        self._up_to = np.cumsum(weights / weights.sum())
        self._up_to[-1] = 1
        self._array = np.array(self.words, object)

    def texts(self, count: int, least: int, most: int) -> Iterator[str]:
        """Yield texts of `least` to `most` words."""
        lengths = self._random.integers(least, most + 1, count)
        ends = np.cumsum(lengths)
        taken = self._array[np.searchsorted(self._up_to, self._random.random(int(lengths.sum())))].tolist()
        for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True):
            yield " ".join(taken[start:end])

    def ranked(self, start: int, end: int) -> list[str]:
        """Return words of these ranks that are not a part of any other word, so that all ways to match agree."""
        return [word for word in self.words[start:end] if len(word) > 4 and self._joined.count(word) == 1]

    @cached_property
    def _joined(self) -> str:
        return " ".join(self.words)

    def _invented(self) -> list[str]:
        syllables = [f"{first}{vowel}{last}" for first in _FIRST for vowel in _VOWELS for last in _LAST]
        numbers = self._random.integers(0, len(syllables), (2 * WORDS, 4))
        lengths = self._random.integers(2, 5, 2 * WORDS)
        words = dict.fromkeys("".join(syllables[each] for each in row[:length])
                              for row, length in zip(numbers.tolist(), lengths.tolist(), strict=True))
        return [*words][:WORDS]
