"""Dask arrays: tiles are multiplied where their blocks are, on a cluster if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_real_array, fail
from relubias.gram.tiles import Sums, Tiling, tile_product

__all__ = ["DaskSource"]

_AT_ONCE = 64
"""Groups handed to the scheduler together."""

Part = tuple[Float, Float | float]


class DaskSource:
    """A dask array; the products of a group are added up by a chain of tasks in fixed order."""

    kind = "numpy"
    maximum = staticmethod(np.maximum)

    def __init__(self, name: str, value: Any, room: int) -> None:
        shape = tuple(value.shape)
        if not all(isinstance(length, int) for length in shape):
            raise fail(name, "has blocks of unknown size", "call .compute_chunk_sizes() first")
        self.name, self.dtype = name, str(value.dtype)
        self.tiling = Tiling.of(*cast("tuple[int, int]", shape))
        self._value = value
        n = self.tiling.n_samples
        self._at_once = max(1, min(room // (16 * n * n), _AT_ONCE))

    def start(self) -> Sums:
        """Return empty sums."""
        n = self.tiling.n_samples
        return Sums(0, np.zeros((n, n)), np.zeros((n, n)), np.zeros(n))

    def columns(self, first: int, stop: int) -> Float:
        """Return a few columns, in host memory."""
        block = self._value[:, first:stop].compute()
        return np.ascontiguousarray(block, dtype=np.float64)

    def groups(self, first: int) -> Iterator[Part]:
        """Yield sum of products and largest entries of every group from `first` on."""
        import dask

        for begin in range(first, self.tiling.n_groups, self._at_once):
            stop = min(begin + self._at_once, self.tiling.n_groups)
            tasks = [self._group(group) for group in range(begin, stop)]
            yield from cast("Any", dask).compute(*tasks)

    def _group(self, group: int) -> Any:
        import dask

        plus = cast("Any", dask).delayed(_plus, pure=False)
        part: Any = None
        for start, stop in self.tiling.tiles(group):
            tile = self._value[:, start:stop].rechunk((self.tiling.n_samples, stop - start))
            where = (self.tiling.n_tiles > 1, start, stop)
            block = tile.to_delayed().item()
            part = plus(part, self.name, block, where)
        return part

    def on_host(self, sums: Sums) -> Sums:
        """Return the sums: they lie there already."""
        return sums

    def from_host(self, sums: Sums) -> Sums:
        """Return the sums: they lie there already."""
        return sums


def _plus(part: Part | None, name: str, block: Any, where: tuple[bool, int, int]) -> Part:
    """Return a sum of products with one more tile; runs on the workers."""
    has_columns, start, stop = where
    suffix = f" (columns {start} to {stop - 1})" if has_columns else ""
    raw = as_real_array(name, block, ndim=2, shape=f"a block of columns {start} to {stop - 1}")
    with np.errstate(over="ignore"):
        tile = np.ascontiguousarray(raw, dtype=np.float64)
    with one_blas_thread(tile.shape[0]):
        product, peak = tile_product(name, tile, start, suffix)
    return (product, peak) if part is None else (part[0] + product, np.maximum(part[1], peak))
