"""Words of texts, by which the search finds them: regardless of case, accents and punctuation."""
from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyroaring import BitMap

from errors import Invalid
from models.codec import checker
from models.place import Place

MOST = 10       # words of a query
# Scripts that write words without spaces: a run of them is indexed by its pairs of characters.
_UNSPACED = ("\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
             "\U00020000-\U0003ffff")
_WORDS = re.compile(rf"[{_UNSPACED}]+|[^\s{_UNSPACED}'-]+(?:['-]+[^\s{_UNSPACED}'-]+)*")
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_JOINTS = re.compile("[-']+")
_ASCII_SEPARATORS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "'-"}
_APOSTROPHES = "'’‘ʻʼʾʿ"      # the last four are letters for Unicode
_LAST = "\U0010ffff"
_NUMBERS = array("I")


class _Folding(dict[int, str]):
    """Maps each character of a decomposed text in small letters to what stands for it in words."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if unicodedata.combining(character) or category == "Cf" or (
                "VARIATION SELECTOR" in unicodedata.name(character, "")):
            folded = ""     # accents, marks of the direction of writing, and the choice between forms of a symbol
        elif category == "Pd" or character in _APOSTROPHES:
            folded = "-" if category == "Pd" else "'"
        elif category[0] in "LMN":
            folded = character
        else:
            folded = f" {character} " if category == "So" else " "
        return self.setdefault(code, folded)


_FOLDING = _Folding()
# Letters that Unicode does not decompose, although many people type them without their stroke or ligature.
_FOLDING.update({ord(letter): plain for letter, plain in (
    ("ı", "i"), ("ł", "l"), ("ø", "o"), ("đ", "d"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"), ("ð", "d"))})


def _runs(text: str) -> list[str]:
    """The words of a text, folded: small letters without accents; hyphens and apostrophes inside words are kept."""
    if text.isascii():
        return _WORDS.findall(text.lower().translate(_ASCII_SEPARATORS))
    return _WORDS.findall(unicodedata.normalize("NFKD", text).casefold().translate(_FOLDING))


def tokens(*texts: str) -> set[str]:
    """The tokens under which texts are indexed.

    `Wi-Fi` has the tokens `wi`, `fi` and `wifi`. A run of characters of a script without spaces has its pairs of
    characters, and its last character.
    """
    found: set[str] = set()
    for text in texts:
        for run in _runs(text):
            if "-" in run or "'" in run:
                parts = _JOINTS.split(run)
                found.update(parts)
                found.add("".join(parts))
            elif not run.isascii() and _UNSPACED_CHARACTER.match(run):
                found.update(run[place:place + 2] for place in range(len(run)))
            else:
                found.add(run)
    return found


def split(name: str, text: Any) -> list[list[list[str]]]:
    """The words of a query.

    Symbols, such as `★`, count if there are no words. `Wi-Fi` counts as two words.

    Args:
        name: the name of the filter, for the error.
    Returns: for each distinct word the ways in which it can be found, each a list of beginnings of tokens that must
        all be there: `wi-fi` is found by `wifi`, or by `wi` and `fi`. Punctuation alone is a word without a way.
    Raises:
        Invalid: the value is not a text, is too long, or has too many words.
    """
    if wrong := checker(Place.__table__.c.description)(text):
        raise Invalid(f"{name} {wrong}", name)
    runs = [*dict.fromkeys(_runs(text))]
    words = [run for run in runs if any(map(str.isalnum, run))] or [run for run in runs if run.strip("-'")]
    if (count := sum(len({*_JOINTS.split(word)}) for word in words)) > MOST:
        raise Invalid(f"{name} must have at most {MOST} different words, not {count}", name)
    return [[*_ways(run)] for run in words] or ([[]] if text.strip() else [])


def _ways(run: str) -> Iterator[list[str]]:
    if "-" in run or "'" in run:
        parts = _JOINTS.split(run)
        yield ["".join(parts)]
        yield [*dict.fromkeys(parts)]
    elif len(run) > 1 and _UNSPACED_CHARACTER.match(run):
        yield [*dict.fromkeys(run[place:place + 2] for place in range(len(run) - 1))]
    else:
        yield [run]


def inverted(start: int, texts: Iterable[Sequence[str]]) -> dict[str, array[int]]:
    """The numbers of the texts that have each token.

    Args:
        start: the number of the first text; the others follow.
        texts: for each number its texts.
    """
    found: defaultdict[str, array[int]] = defaultdict(_NUMBERS.__copy__)
    for number, each in enumerate(texts, start):
        for word in tokens(*each):
            found[word].append(number)
    return dict(found)


class Words:
    """An inverted index: the numbers of the texts that have a word."""

    def __init__(self) -> None:
        # A word of a single text has its number, because a bitmap takes 200 bytes.
        self._postings: dict[str, int | BitMap] = {}
        self._sorted: list[str] | None = None
        self._added = 0

    def __len__(self) -> int:
        return len(self._postings)

    def add(self, number: int, words: Iterable[str]) -> None:
        self.merge({word: [number] for word in words})

    @property
    def size(self) -> int:
        """Approximate bytes in memory: 2 for each number in a bitmap, and 200 for a word and its bitmap."""
        return 2 * self._added + 200 * len(self)

    def merge(self, numbers: Mapping[str, Sequence[int]]) -> None:
        """Add numbers by word."""
        for word, new in numbers.items():
            self._added += len(new)
            found = self._postings.get(word)
            if isinstance(found, BitMap):
                found.update(new)
            elif found is not None:
                self._postings[word] = BitMap([found, *new])
            else:
                self._postings[word] = BitMap(new) if len(new) > 1 else new[0]
                if self._sorted is not None:
                    insort(self._sorted, word)

    def remove(self, number: int, words: Iterable[str]) -> None:
        """Remove a number from the words with which it was added."""
        for word in words:
            found = self._postings[word]
            if isinstance(found, BitMap):
                found.remove(number)
            if isinstance(found, int) or not found:
                del self._postings[word]
                if self._sorted is not None:
                    del self._sorted[bisect_left(self._sorted, word)]

    def discard(self, numbers: BitMap) -> None:
        """Remove numbers from all words, which takes time in proportion to the number of words."""
        for word, found in [*self._postings.items()]:
            if isinstance(found, BitMap):
                found -= numbers
            if found in numbers if isinstance(found, int) else not found:
                del self._postings[word]
        self._sorted = None

    def starting_with(self, prefix: str) -> BitMap:
        """The numbers of the texts that have a word with this beginning."""
        return self.having(self.beginning(prefix))

    def having(self, words: Iterable[str]) -> BitMap:
        """The numbers of the texts that have any of these words, which must be in the index."""
        found = [self._postings[word] for word in words]
        bitmaps = [each for each in found if isinstance(each, BitMap)]
        return BitMap.union(BitMap(each for each in found if not isinstance(each, BitMap)), *bitmaps)

    def beginning(self, prefix: str) -> list[str]:
        """The words with this beginning, in the order of their characters."""
        if self._sorted is None:
            self._sorted = sorted(self._postings)
        start = bisect_left(self._sorted, prefix)
        return self._sorted[start:bisect_left(self._sorted, prefix + _LAST, start)]
