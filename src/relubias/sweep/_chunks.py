"""The chunks of a plan: ranges of tasks, made when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

__all__ = ["Chunks"]


class Chunks(Sequence[range]):
    """Ranges of tasks that cut blocks of tasks into pieces of bounded size.

    Parameters
    ----------
    blocks : sequence of range
        Tasks of each block, in order.
    sizes : sequence of int
        The most tasks of a chunk, by block.
    """

    __slots__ = ("_blocks", "_firsts", "_sizes")

    def __init__(self, blocks: Sequence[range], sizes: Sequence[int]) -> None:
        self._blocks, self._sizes = tuple(blocks), tuple(sizes)
        counts = [-(-len(block) // size) for block, size in zip(blocks, sizes, strict=True)]
        self._firsts = (0, *accumulate(counts))

    def __len__(self) -> int:
        return self._firsts[-1]

    @overload
    def __getitem__(self, index: int) -> range: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[range, ...]: ...

    def __getitem__(self, index: int | slice) -> range | tuple[range, ...]:
        if isinstance(index, slice):
            return tuple(self._chunk(k) for k in range(*index.indices(len(self))))
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        return self._chunk(place)

    def _chunk(self, place: int) -> range:
        b = bisect_right(self._firsts, place) - 1
        size = self._sizes[b]
        return self._blocks[b][(place - self._firsts[b]) * size :][:size]

    def __iter__(self) -> Iterator[range]:
        for block, size in zip(self._blocks, self._sizes, strict=True):
            for first in range(block.start, block.stop, size):
                yield range(first, min(first + size, block.stop))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chunks):
            return NotImplemented
        return (self._blocks, self._sizes) == (other._blocks, other._sizes)

    def __hash__(self) -> int:
        return hash((self._blocks, self._sizes))

    def __repr__(self) -> str:
        return f"Chunks({len(self)} of {self._blocks[-1].stop} tasks)"
