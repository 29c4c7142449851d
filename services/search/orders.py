"""An order of numbered objects, from which a page is read at any offset without sorting."""
from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pyroaring import BitMap

SIZE = 2048     # numbers in a block: smaller ones make deep offsets slower, larger ones make insertion slower
FEW = 100       # results that are sorted, because that is quicker than looking through the blocks
SPARSE = 20     # if fewer than one in SPARSE numbers of a block are results, they are sorted instead of looked up


@dataclass(slots=True)
class _Block:
    """Successive numbers of an order.

    Args:
        numbers: the numbers, in order.
        members: the same numbers, to count those that are results.
    """

    numbers: array[int]
    members: BitMap


class Order:
    """Numbers sorted by a key, in blocks.

    Args:
        key: returns the key of a number; no two numbers have the same.
        numbers: the first numbers, which are sorted already.
    """

    def __init__(self, key: Callable[[int], Any], numbers: Iterable[int] = ()) -> None:
        self.key = key
        whole = array("I", numbers)
        self._blocks = [_block(whole[start:start + SIZE]) for start in range(0, len(whole), SIZE)] or [
            _block(array("I"))]

    def add(self, number: int) -> None:
        key = self.key(number)
        index, block = self._block_of(key)
        block.numbers.insert(bisect_left(block.numbers, key, key=self.key), number)
        block.members.add(number)
        if len(block.numbers) > 2 * SIZE:
            self._blocks[index:index + 1] = [_block(block.numbers[:SIZE]), _block(block.numbers[SIZE:])]

    def remove(self, number: int) -> None:
        """Remove a number, whose key must not have changed."""
        key = self.key(number)
        index, block = self._block_of(key)
        del block.numbers[bisect_left(block.numbers, key, key=self.key)]
        block.members.remove(number)
        if not block.numbers and len(self._blocks) > 1:
            del self._blocks[index]

    def page(self, found: BitMap, limit: int | None, offset: int) -> list[int]:
        """The numbers of a page of results.

        Args:
            found: the results.
            limit: the largest number of results; `None` for all.
            offset: the number of results to skip.
        """
        if len(found) <= FEW:
            ordered = sorted(found, key=self.key)
            return ordered[offset:None if limit is None else offset + limit]
        page: list[int] = []
        for block in self._blocks:
            count = block.members.intersection_cardinality(found)
            if count <= offset:
                offset -= count
                continue
            is_sparse = count * SPARSE < len(block.numbers)
            results = sorted(block.members & found, key=self.key) if is_sparse else filter(
                found.__contains__, block.numbers)
            page += islice(results, offset, None if limit is None else offset + limit - len(page))
            offset = 0
            if limit is not None and len(page) >= limit:
                break
        return page

    def _block_of(self, key: Any) -> tuple[int, _Block]:
        """The block in which a number with this key is, or belongs, and its index."""
        # Only the first block may be empty, and only if there is no other.
        index = bisect_right(self._blocks, key, lo=1, key=lambda block: self.key(block.numbers[0])) - 1
        return index, self._blocks[index]


def _block(numbers: array[int]) -> _Block:
    return _Block(numbers, BitMap(numbers))
