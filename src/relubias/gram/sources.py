"""Where tiles come from: arrays in memory, memory-mapped files, and anything that can be sliced."""

from __future__ import annotations

import math
import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_real_array, fail
from relubias.errors import InvalidInputError
from relubias.gram.tiles import Sums, Tiling, tile_product

__all__ = [
    "ArraySource",
    "HostSource",
    "MappedSource",
    "SlicedSource",
    "Source",
    "as_bytes",
    "is_memory_mapped",
    "sample_columns",
]

_ROWS_AT_A_TIME = 1 << 24  # bytes of a mapped file that are held while a tile is copied
_LARGE_PAGE = 1 << 21
_ALL = slice(None)


class Source(Protocol):
    """Features of which groups of tiles can be multiplied by their own transpose."""

    name: str
    tiling: Tiling
    dtype: str
    kind: str
    """Where the products are computed: other places give other last bits."""

    def maximum(self, first: Any, second: Any, /) -> Any:
        """Return the larger entries of two arrays."""
        ...

    def start(self) -> Sums:
        """Return empty sums."""
        ...

    def groups(self, first: int) -> Iterator[tuple[Any, Any]]:
        """Yield sum of products and largest entries of every group from `first` on."""
        ...

    def on_host(self, sums: Sums) -> Sums:
        """Return sums that lie in host memory."""
        ...

    def from_host(self, sums: Sums) -> Sums:
        """Return sums where this source adds them up."""
        ...

    def columns(self, first: int, stop: int) -> Float:
        """Return a few columns, in host memory."""
        ...


class HostSource(ABC):
    """Tiles in host memory, multiplied by NumPy; kinds of features differ in `columns`."""

    kind = "numpy"
    maximum = staticmethod(np.maximum)

    def __init__(self, name: str, shape: tuple[int, int], dtype: str) -> None:
        self.name, self.dtype = name, dtype
        self.tiling = Tiling.of(*shape)

    @abstractmethod
    def columns(self, first: int, stop: int) -> Float:
        """Return columns as float64 with contiguous rows; valid until the next call."""

    def start(self) -> Sums:
        """Return empty sums."""
        n = self.tiling.n_samples
        return Sums(0, np.zeros((n, n)), np.zeros((n, n)), np.zeros(n))

    def groups(self, first: int) -> Iterator[tuple[Float, Float]]:
        """Yield sum of products and largest entries of every group from `first` on."""
        for group in range(first, self.tiling.n_groups):
            total: Float | None = None
            largest = np.zeros(self.tiling.n_samples)
            for start, stop in self.tiling.tiles(group):
                where = f" (columns {start} to {stop - 1})" if self.tiling.n_tiles > 1 else ""
                product, peak = tile_product(self.name, self.columns(start, stop), start, where)
                largest = np.maximum(largest, peak)
                total = product if total is None else np.add(total, product, out=total)
            yield cast("Float", total), largest

    def on_host(self, sums: Sums) -> Sums:
        """Return the sums: they lie there already."""
        return sums

    def from_host(self, sums: Sums) -> Sums:
        """Return the sums: they lie there already."""
        return sums


class ArraySource(HostSource):
    """An array in memory; tiles that are no float64 with contiguous rows are copied."""

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        super().__init__(name, cast("tuple[int, int]", array.shape), str(array.dtype))
        self._array = array

    def columns(self, first: int, stop: int) -> Float:
        """Return a view where the entries allow it."""
        tile = self._array[:, first:stop]
        if tile.dtype == np.float64 and tile.dtype.isnative and _rows_are_contiguous(tile):
            return cast("Float", tile)
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(tile, dtype=np.float64)


def _rows_are_contiguous(tile: NDArray[Any]) -> bool:
    return tile.strides[1] == tile.itemsize and tile.strides[0] >= tile.shape[1] * tile.itemsize


class MappedSource(HostSource):
    """A memory-mapped file: a tile is copied some rows at a time, and their pages are released.

    The kernel may map two megabytes for every row that is touched, so that a tile taken as a view
    costs gigabytes of resident memory.
    """

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        super().__init__(name, cast("tuple[int, int]", array.shape), str(array.dtype))
        self._array = array
        self._mapping = _shared_mapping(array)
        self._tile = np.empty((self.tiling.n_samples, min(self.tiling.width, array.shape[1])))
        step = max(1, _ROWS_AT_A_TIME // (self._tile[0].nbytes + _LARGE_PAGE))
        self._step = step if self._array.flags.c_contiguous else self.tiling.n_samples

    def columns(self, first: int, stop: int) -> Float:
        """Return a copy."""
        tile = self._tile[:, : stop - first]
        for row in range(0, tile.shape[0], self._step):
            rows = slice(row, row + self._step)
            with np.errstate(over="ignore"):
                tile[rows] = self._array[rows, first:stop]
            if self._mapping is not None:
                self._mapping.madvise(mmap.MADV_DONTNEED)
        return tile


def _shared_mapping(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapping whose pages may be released: they can be read again from the file."""
    owner: Any = array
    is_shared = True
    while isinstance(owner, np.ndarray):
        is_shared &= getattr(cast("Any", owner), "mode", "r") in ("r", "r+", "w+")
        owner = cast("Any", owner).base
    can_release = hasattr(mmap, "MADV_DONTNEED") and isinstance(owner, mmap.mmap)
    return owner if is_shared and can_release else None


def is_memory_mapped(array: NDArray[Any]) -> bool:
    """Return whether the entries of an array lie in a mapped file."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap):
            return True
        owner = cast("Any", owner).base
    return False


class SlicedSource(HostSource):
    """Anything with a shape and slices, such as a zarr array or an HDF5 dataset.

    Tiles whose borders are borders of the source's chunks are read as they are. Otherwise reading
    goes on to the end of a chunk, and what is beyond the tile is kept for the next one, so that no
    chunk is read twice unless chunks are wider than memory allows.
    """

    def __init__(self, name: str, value: Any, room: int) -> None:
        shape = cast("tuple[int, int]", tuple(int(length) for length in value.shape))
        super().__init__(name, shape, str(getattr(value, "dtype", "unknown")))
        self._value = value
        width = self.tiling.width
        self._rows, self._chunk = _chunk_shape(value, shape[0])
        # Columns are held in the buffer, and once more while they are copied there.
        self._most = min(max(room // (16 * shape[0]), 2 * width), width + self._chunk)
        self._buffer = np.zeros((shape[0], 0))
        self._first = self._end = 0

    def columns(self, first: int, stop: int) -> Float:
        """Return columns, read from the source where they are not at hand."""
        if self.tiling.width % self._chunk == 0:
            return self._read(first, stop)
        if not (self._first <= first and stop <= self._end):
            self._move(first, stop)
        return self._buffer[:, first - self._first : stop - self._first]

    def _move(self, first: int, stop: int) -> None:
        if self._buffer.size == 0:
            self._buffer = np.empty((self.tiling.n_samples, self._most))
        kept = max(self._end - first, 0) if self._first <= first else 0
        if kept:
            self._buffer[:, :kept] = self._buffer[:, first - self._first : self._end - self._first]
        border = stop + -stop % self._chunk
        until = min(border, first + self._most, self.tiling.n_features)
        for row in range(0, self.tiling.n_samples, self._rows):
            rows = slice(row, row + self._rows)
            self._buffer[rows, kept : until - first] = self._read(first + kept, until, rows)
        self._first, self._end = first, until

    def _read(self, first: int, stop: int, rows: slice = _ALL) -> Float:
        """Read columns; name what goes wrong with them."""
        where = f"columns {first} to {stop - 1}"
        try:
            block = self._value[rows, first:stop]
        except (KeyboardInterrupt, MemoryError, InvalidInputError):
            raise
        except Exception as error:  # any library may be behind the slice
            got = f"{where} cannot be read ({_sentence(error)})"
            raise fail(self.name, got, "check the source") from error
        wanted = (len(range(self.tiling.n_samples)[rows]), stop - first)
        block = as_real_array(self.name, block, ndim=2, shape=f"{wanted} from {where}")
        if block.shape != wanted:
            got = f"{where} have shape {block.shape}"
            raise fail(self.name, got, f"a slice must have the shape {wanted}")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(block, dtype=np.float64)


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."


def _chunk_shape(value: Any, n_samples: int) -> tuple[int, int]:
    """Return the rows and columns stored together; all rows of one column where it is not said."""
    chunks: Any = getattr(value, "chunks", None)
    if not isinstance(chunks, tuple) or len(cast("tuple[Any, ...]", chunks)) != 2:
        return n_samples, 1
    if not all(
        isinstance(length, int) and length > 0 for length in cast("tuple[Any, Any]", chunks)
    ):
        return n_samples, 1
    rows, columns = cast("tuple[int, int]", chunks)
    return min(rows, n_samples), columns


def sample_columns(source: Source, count: int = 8) -> list[Float]:
    """Return copies of the first, middle and last columns: what a fingerprint looks at."""
    d = source.tiling.n_features
    starts = sorted({0, max(0, d // 2 - count // 2), max(0, d - count)})
    return [np.array(source.columns(start, min(start + count, d))) for start in starts]


def as_bytes(value: int) -> str:
    """Return a number of bytes as people say it."""
    power = min(4, max(0, int(math.log(max(value, 1), 1000))))
    return f"{value / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
