"""Values of numbered objects in arrays, which fill less memory than Python's objects and are compared at once."""
from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

_COOKIE = 12346             # of a serialized bitmap without runs
_CONTAINER = 1 << 16        # numbers of a container
_MOST_LISTED = 4096         # a container with at most so many members lists them, instead of having a bit for each


class Column:
    """Growing array of one value for each number.

    Args:
        kind: NumPy's type of the values.
    """

    def __init__(self, kind: type[Any], values: Iterable[Any] = ()) -> None:
        self._array = np.fromiter(values, kind)
        self._size = len(self._array)

    @property
    def values(self) -> NDArray[Any]:
        return self._array[:self._size]

    def __getitem__(self, number: int) -> Any:
        return self._array[number]

    def __setitem__(self, number: int, value: Any) -> None:
        """Set the value of a number, which may be the next one after the last."""
        if number == len(self._array):
            self._array = np.resize(self._array, number + number // 8 + 16)
        self._array[number] = value
        self._size = max(self._size, number + 1)

    @property
    def bytes(self) -> int:
        return self._array.nbytes


class Texts:
    """A text for each number, as UTF-8 in one buffer. Comparing the bytes gives the order of the characters."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._starts, self._ends = Column(np.uint32), Column(np.uint32)

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._data[self._starts[number]:self._ends[number]])

    def __setitem__(self, number: int, text: bytes) -> None:
        """Set the text of a number, which may be the next one after the last."""
        if number < len(self._starts.values) and len(text) <= self._ends[number] - (start := self._starts[number]):
            self._data[start:start + len(text)] = text
        else:   # the old text, if any, stays in the buffer
            start = self._starts[number] = len(self._data)
            self._data += text
        self._ends[number] = start + len(text)

    @property
    def bytes(self) -> int:
        return len(self._data) + self._starts.bytes + self._ends.bytes


def true_numbers(mask: NDArray[np.bool_]) -> BitMap:
    """The numbers at which a mask is true.

    They are written in the serialized form of bitmaps, which is a hundred times faster than adding one by one.
    Source: https://github.com/RoaringBitmap/RoaringFormatSpec
    """
    bits = np.packbits(mask, bitorder="little")
    containers = np.zeros((-(-len(mask) // _CONTAINER), _CONTAINER // 8), np.uint8)
    containers.reshape(-1)[:len(bits)] = bits
    counts = np.bitwise_count(containers).sum(axis=1, dtype=np.int64)
    keys = np.flatnonzero(counts)
    parts = [containers[key].tobytes() if counts[key] > _MOST_LISTED else
             np.flatnonzero(mask[key * _CONTAINER:(key + 1) * _CONTAINER]).astype("<u2").tobytes() for key in keys]
    heads = np.column_stack([keys, counts[keys] - 1]).astype("<u2").tobytes()
    sizes = np.array([0, *map(len, parts)], np.int64)[:-1].cumsum()
    offsets = (8 + 8 * len(keys) + sizes).astype("<u4").tobytes()
    return BitMap.deserialize(struct.pack("<II", _COOKIE, len(keys)) + heads + offsets + b"".join(parts))
