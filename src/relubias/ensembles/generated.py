"""Features that are made as they are read: every block of columns from a seed of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from relubias._validate import Float, fail, shown
from relubias.ensembles.spectra import Spectrum
from relubias.gram.tiles import Tiling

if TYPE_CHECKING:
    from relubias.ensembles.feature_law import FeatureLaw

__all__ = ["GeneratedFeatures", "Seeds"]

_MAX_STORED = 250_000_000
_OF_BLOCKS, _OF_SHARES, _OF_ALL = 0, 1, 2


class Seeds:
    """Streams of random numbers keyed by block, and what blocks share."""

    def __init__(self, key: SeedSequence, tiling: Tiling) -> None:
        self._key, self._tiling = key, tiling
        self._ends: NDArray[np.int64] | None = None
        self._splits: dict[tuple[int, int], Float] = {}

    def _generator(self, *path: int) -> Generator:
        spawn_key = (*self._key.spawn_key, *path)
        return np.random.default_rng(SeedSequence(self._key.entropy, spawn_key=spawn_key))

    def stream(self, start: int) -> Generator:
        """Return the stream of the block that begins with column `start`."""
        return self._generator(_OF_BLOCKS, start // self._tiling.width)

    def shared_stream(self) -> Generator:
        """Return a stream that is the same for every block."""
        return self._generator(_OF_ALL)

    def ends(self, spectrum: Spectrum) -> NDArray[np.int64]:
        """Return the cumulated multiplicities of a spectrum, computed once."""
        if self._ends is None:
            self._ends = np.cumsum(spectrum.multiplicities)
        return self._ends

    def shares(self, n: int, start: int) -> Float:
        """Return the squared norms, within one block, of vectors on the sphere of radius sqrt(d).

        The whole is halved again and again: the share of one side of a uniform direction has a
        beta law, and so a block needs the halvings on its way, not the other blocks.
        """
        block, low, high = start // self._tiling.width, 0, self._tiling.n_tiles
        share = np.full(n, float(self._tiling.n_features))
        splits: dict[tuple[int, int], Float] = {}
        while high - low > 1:
            middle = (low + high) // 2
            left = self._splits.get((low, high))
            if left is None:
                sizes = self._width(low, middle) / 2, self._width(middle, high) / 2
                left = self._generator(_OF_SHARES, low, high).beta(*sizes, size=n)
            splits[low, high] = left
            if block < middle:
                share, high = share * left, middle
            else:
                share, low = share * (1.0 - left), middle
        self._splits = splits  # neighbours share most of the way
        return share

    def _width(self, low: int, high: int) -> int:
        return min(high * self._tiling.width, self._tiling.n_features) - low * self._tiling.width


class GeneratedFeatures:
    """Features of a law, of any dimension, made as they are read; `FeatureLaw.features` gives them.

    Every block of columns is drawn from a seed of its own, so that any part can be made at any
    time, on any machine, with the same bits. Slices give arrays; `numpy.asarray` gives all.

    Parameters
    ----------
    law : FeatureLaw
        The law.
    n : int
        Number of samples.
    key : numpy.random.SeedSequence
        What the seeds of the blocks are derived from.

    Attributes
    ----------
    law : FeatureLaw
        The law.
    shape : tuple of int
        ``(n_samples, n_features)``.
    dtype : numpy.dtype
        float64.
    chunks : tuple of int
        Shape of a block; slices of one block's columns are made fastest.

    Examples
    --------
    >>> from relubias.ensembles import Uniform
    >>> X = Uniform(10**9).features(64, seed=0)
    >>> X
    <Uniform(isotropic(1000000000)) features of shape (64, 1000000000)>
    >>> X[:2, 999_999_997:].round(3)
    array([[-0.976, -1.58 ,  1.722],
           [-0.146, -0.229, -1.22 ]])
    """

    __slots__ = ("_seeds", "_width", "chunks", "dtype", "law", "ndim", "shape")

    def __init__(self, law: FeatureLaw, n: int, key: SeedSequence) -> None:
        self.law, self.ndim, self.dtype = law, 2, np.dtype(np.float64)
        self.shape = (n, law.n_features)
        tiling = Tiling.of(*self.shape)
        self._width = min(tiling.width, law.n_features)
        self._seeds = Seeds(key, tiling)
        self.chunks = (n, self._width)

    def __getitem__(self, key: Any) -> Any:
        """Return the entries of a slice or an index of rows, and one of columns."""
        pair = cast("tuple[Any, ...]", key if isinstance(key, tuple) else (key, slice(None)))
        if len(pair) != 2 or not all(isinstance(part, (slice, int, np.integer)) for part in pair):
            raise fail("index", f"is {shown(key)}", "pass a slice or a number for each axis")
        rows, place = pair
        if not isinstance(place, slice):
            at = range(self.shape[1])[int(place)]
            return self._columns(at, at + 1)[rows, 0]
        wanted = range(self.shape[1])[place]
        if not wanted:
            return np.zeros((self.shape[0], 0))[rows]
        first, last = sorted((wanted[0], wanted[-1]))
        found = self._columns(first, last + 1)
        return found[rows, :: wanted.step]

    def _columns(self, first: int, stop: int) -> Float:
        n, width = self.shape[0], self._width
        if n * (stop - first) > _MAX_STORED:
            got = f"asks for {n} x {stop - first} entries"
            raise fail("index", got, f"take at most {_MAX_STORED} at a time")
        parts: list[Float] = []
        for start in range(first - first % width, stop, width):
            end = min(start + width, self.shape[1])
            block = self.law._columns(n, start, end, self._seeds)  # pyright: ignore[reportPrivateUsage]
            parts.append(block[:, max(first - start, 0) : stop - start])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all entries."""
        if copy is False:
            raise ValueError("these features are made as they are read: a copy is needed")
        found = self._columns(0, self.shape[1])
        return found if dtype is None else found.astype(dtype)

    def __repr__(self) -> str:
        return f"<{self.law!r} features of shape {self.shape}>"
