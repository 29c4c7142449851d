"""Values of numbered objects in arrays, which fill less memory than Python's objects and are compared at once."""
from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

_COOKIE = 12346             # of a serialized bitmap without runs
_CONTAINER = 1 << 16        # numbers of a container
_MOST_LISTED = 4096         # a container with at most so many members lists them, instead of having a bit for each
MOST_UNUSED = 1 << 20       # bytes of former texts that are kept at least


class Column:
    """Growing array of one value for each number.

    Args:
        kind: NumPy's type of the values.
    """

    def __init__(self, kind: type[Any]) -> None:
        self._array = np.empty(0, kind)
        self._size = 0

    @property
    def values(self) -> NDArray[Any]:
        return self._array[:self._size]

    def __getitem__(self, number: int) -> Any:
        return self._array[number]

    def __setitem__(self, number: int, value: Any) -> None:
        """Set the value of a number, which may be the next one after the last."""
        if number == self._size:
            self.extend([value])
        else:
            self._array[number] = value

    def extend(self, values: Sequence[Any] | NDArray[Any]) -> None:
        """Add the values of the next numbers; `None` becomes NaN."""
        size = self._size + len(values)
        if size > len(self._array):
            self._array = np.resize(self._array, size + size // 8)
        self._array[self._size:size] = values
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self._array.nbytes


class Texts:
    """A text for each number, as UTF-8 in one buffer. Comparing the bytes gives the order of the characters."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._unused = 0        # bytes of former texts
        self._starts, self._ends = Column(np.uint32), Column(np.uint32)

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._data[self._starts[number]:self._ends[number]])

    def __setitem__(self, number: int, text: bytes) -> None:
        """Set the text of a number, which may be the next one after the last."""
        size, start = len(text), len(self._data)
        if number == len(self._starts.values):
            self.extend([text])
            return
        former = int(self._ends[number] - self._starts[number])
        if size <= former:
            start, former = int(self._starts[number]), former - size
        self._data[start:start + size] = text
        self._starts[number], self._ends[number] = start, start + size
        self._unused += former
        if self._unused > max(MOST_UNUSED, len(self._data) // 2):
            self._compact()

    def extend(self, texts: Sequence[bytes]) -> None:
        """Add the texts of the next numbers."""
        ends = np.cumsum([len(self._data), *map(len, texts)])
        self._starts.extend(ends[:-1])
        self._ends.extend(ends[1:])
        self._data += b"".join(texts)

    def _compact(self) -> None:
        texts = [self[number] for number in range(len(self._starts.values))]
        self._data, self._unused = bytearray(), 0
        self._starts, self._ends = Column(np.uint32), Column(np.uint32)
        self.extend(texts)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self._data) + self._starts.size + self._ends.size


def numbers_of(found: BitMap) -> NDArray[np.uint32]:
    """The numbers of a bitmap, in ascending order."""
    return np.frombuffer(found.to_array(), np.uint32)


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
