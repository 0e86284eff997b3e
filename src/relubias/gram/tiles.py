"""Tiles of columns, their products, and sums whose bits depend on the shape of the data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from relubias._validate import Float, fail

__all__ = ["TILES_PER_GROUP", "Sums", "Tiling", "finished", "require_usable_peaks", "tile_product"]

TILES_PER_GROUP = 8
"""Products added up plainly before they enter the compensated sum."""

_CACHED_ENTRIES = 1 << 20
_LARGEST_TILE = 1 << 23
_USUAL_WIDTH = 1 << 13
_NARROWEST = 1 << 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How the columns are cut: a function of the shape, so that the bits are, too.

    Attributes
    ----------
    n_samples, n_features : int
        Shape of the features.
    width : int
        Columns of a tile, a power of two.
    """

    n_samples: int
    n_features: int
    width: int

    @classmethod
    def of(cls, n_samples: int, n_features: int) -> Tiling:
        """Return the tiling for a processor: about 8192 columns, tiles of at most 64 MB."""
        usual = min(_USUAL_WIDTH, _LARGEST_TILE // n_samples)
        width = max(_CACHED_ENTRIES // n_samples, usual, _NARROWEST)
        return cls(n_samples=n_samples, n_features=n_features, width=_power_of_two(width))

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return -(-self.n_features // self.width)

    @property
    def n_groups(self) -> int:
        """Number of groups of tiles."""
        return -(-self.n_tiles // TILES_PER_GROUP)

    def tiles(self, group: int) -> list[tuple[int, int]]:
        """Return first column and end of every tile of a group."""
        span = self.width * TILES_PER_GROUP
        starts = range(group * span, min((group + 1) * span, self.n_features), self.width)
        return [(start, min(start + self.width, self.n_features)) for start in starts]

    def columns_before(self, group: int) -> int:
        """Return the number of columns in the groups before one."""
        return min(group * self.width * TILES_PER_GROUP, self.n_features)


def _power_of_two(number: int) -> int:
    return 1 << (number.bit_length() - 1)


class Sums(NamedTuple):
    """Sums over the groups so far: a compensated matrix, and the largest entry of every row.

    The arrays live where the features do. A new value replaces the old one as a whole, so that
    an interruption at any moment finds one or the other.
    """

    n_groups: int
    high: Any
    low: Any
    peak: Any

    def plus(self, group: Any, peak: Any) -> Sums:
        """Return the sums with one more group, the rounding of the addition kept (Knuth)."""
        high = self.high + group
        part = high - self.high
        low = self.low + ((self.high - (high - part)) + (group - part))
        return Sums(self.n_groups + 1, high, low, peak)


def finished(name: str, sums: Sums) -> Float:
    """Return the Gram matrix of sums that lie in host memory; name rows that are unusable."""
    with np.errstate(all="ignore"):
        gram = np.asarray(sums.high + sums.low)
    require_usable_peaks(name, np.asarray(sums.peak))
    if not np.isfinite(np.diagonal(gram)).all():
        raise fail(name, "has a row of which the squares overflow", "rescale the features")
    return gram


def require_usable_peaks(name: str, peak: Float | float) -> None:
    """Name the first row of which all squares underflow."""
    if not isinstance(peak, np.ndarray):
        return
    small = (peak > 0) & (peak < 1e-150)
    if small.any():
        row = int(np.flatnonzero(small)[0])
        raise fail(name, f"row {row} is smaller than 1e-150", "rescale: its squares underflow")


def tile_product(
    name: str, tile: Float, first: int = 0, where: str = ""
) -> tuple[Float, Float | float]:
    """Return ``tile @ tile.T`` and a bound from below on the largest entry of every row, or inf.

    Squares that are all ordinary prove every entry usable, so that the tile is read only once,
    by BLAS; otherwise the rows are looked at, and the first unusable entry is named.
    """
    with np.errstate(all="ignore"):
        product = tile @ tile.T
    squares = np.diagonal(product)
    if squares.min() > 1e-280 and squares.max() < 1e300:  # false where there is a NaN
        return product, np.inf
    rows = np.flatnonzero(~((squares > 1e-280) & (squares < 1e300)))
    peak = np.full(squares.shape, np.inf)
    peak[rows] = _largest_of(name, tile[rows], rows, first, where)
    return product, peak


def _largest_of(name: str, part: Float, rows: Any, first: int, where: str) -> Float:
    finite = np.isfinite(part)
    if not finite.all():
        i, j = (int(index) for index in np.argwhere(~finite)[0])
        got = f"entry [{rows[i]}, {first + j}] is {part[i, j]}{where}"
        raise fail(name, got, "every entry must be finite")
    largest = np.abs(part).max(axis=1)
    if largest.max() > 1e150:
        got = f"has an entry of size {largest.max():.3g}{where}"
        raise fail(name, got, "rescale: squares overflow")
    return largest
