"""Gram matrices drawn without features, and features drawn in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from relubias._progress import Report
from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.ensembles.spectra import Spectrum
from relubias.gram.tiles import Sums

__all__ = [
    "add_blocks",
    "column_blocks",
    "fewest_counted",
    "gaussian_draws",
    "gaussian_gram",
    "roots",
    "sign_gram",
    "split",
    "width_of",
    "wishart",
    "wishart_draws",
]

_BLOCK = 1 << 20
"""Entries of a block of features (8 MB)."""

_BLOCKS_PER_GROUP = 1 << 10
"""Blocks added up plainly; beyond, the sums are compensated."""

_MAX_SIGN_PATTERNS = 1 << 15
_NEVER = 1 << 62


def gaussian_gram(
    spectrum: Spectrum, n: int, rng: Generator, report: Report
) -> tuple[Float, Float]:
    """Return a Gaussian Gram matrix and the squared norms of the unit-variance coordinates."""
    wide, drawn = split(spectrum, n)
    gram, squares = np.zeros((n, n)), np.zeros(n)
    with one_blas_thread(n):
        for done, (value, multiplicity) in enumerate(wide):
            matrix = wishart(*wishart_draws(n, multiplicity, rng))
            gram += value * matrix
            squares += np.diagonal(matrix)
            report(done / len(wide), f"eigenvalue {done + 1} of {len(wide)}")

    def draw(width: int) -> Float:
        block = rng.standard_normal((n, width))
        np.add(squares, np.einsum("ij,ij->i", block, block), out=squares)
        return block

    return add_blocks(gram, drawn, draw, report), squares


def add_blocks(
    gram: Float, spectrum: Spectrum | None, draw: Callable[[int], Float], report: Report
) -> Float:
    """Return a Gram matrix and that of drawn features, which are held a block at a time."""
    n = gram.shape[0]
    part = np.array(gram)
    sums = Sums(0, np.zeros((n, n)), np.zeros((n, n)), None)
    total = width_of(spectrum)
    with one_blas_thread(n):
        for number, (columns, root) in enumerate(column_blocks(spectrum, n)):
            if number and number % _BLOCKS_PER_GROUP == 0:
                sums, part = sums.plus(part, None), np.zeros((n, n))
            block = draw(root.size)
            block *= root
            part += block @ block.T
            report(columns.stop / total, f"{columns.stop:,} of {total:,} columns")
    sums = sums.plus(part, None)
    return np.asarray(sums.high + sums.low)


def gaussian_draws(spectrum: Spectrum, n: int) -> int:
    wide, drawn = split(spectrum, n)
    return n * (n * len(wide) + width_of(drawn))


def wishart_draws(n: int, degrees: int, rng: Generator) -> tuple[Float, Float]:
    """Draw what Bartlett's decomposition needs: normals (n, n) and chi-squares (n,)."""
    return rng.standard_normal((n, n)), rng.chisquare(float(degrees) - np.arange(n))


def wishart(normals: Float, squares: Float) -> Float:
    """Return standard Wishart matrices, with ``degrees >= n``, of draws of shape (..., n, n)."""
    n = squares.shape[-1]
    factor = np.tril(normals, -1)
    factor[..., np.arange(n), np.arange(n)] = np.sqrt(squares)
    return factor @ np.swapaxes(factor, -1, -2)


def fewest_counted(n: int) -> int:
    """Return the multiplicity from which counting sign patterns of n samples is cheaper."""
    patterns = 2 ** (n - 1)
    return patterns + 1 if patterns <= _MAX_SIGN_PATTERNS else _NEVER


def sign_gram(n: int, width: int, rng: Generator) -> Float:
    """Draw the Gram matrix of n rows of `width` fair signs: a multinomial count per pattern.

    A column and its negative count as one pattern. All sums are of whole numbers, hence exact.
    """
    n_patterns = 2 ** (n - 1)
    pattern = np.arange(n_patterns, dtype=np.int64)
    signs = np.stack([1.0 - 2.0 * (pattern >> i & 1) for i in range(n)])
    counts = rng.multinomial(width, np.full(n_patterns, 1.0 / n_patterns))
    return (signs * counts) @ signs.T


def split(spectrum: Spectrum, fewest: int) -> tuple[list[tuple[float, int]], Spectrum | None]:
    """Separate the eigenvalues of multiplicity at least `fewest` from the others."""
    wide = spectrum.multiplicities >= fewest
    if not wide.any():
        return [], spectrum
    values, counts = spectrum.values, spectrum.multiplicities
    pairs = list(zip(values[wide].tolist(), counts[wide].tolist(), strict=True))
    return pairs, None if wide.all() else Spectrum(values[~wide], counts[~wide])


def width_of(spectrum: Spectrum | None) -> int:
    return 0 if spectrum is None else spectrum.n_features


def column_blocks(spectrum: Spectrum | None, n: int) -> Iterator[tuple[slice, Float]]:
    """Yield blocks of columns and the roots of their eigenvalues; they depend on n alone."""
    if spectrum is None:
        return
    width = max(1, _BLOCK // n)
    ends = np.cumsum(spectrum.multiplicities)
    for start in range(0, spectrum.n_features, width):
        stop = min(start + width, spectrum.n_features)
        yield slice(start, stop), roots(spectrum, ends, start, stop)


def roots(spectrum: Spectrum, ends: NDArray[np.int64], start: int, stop: int) -> Float:
    """Return the roots of the eigenvalues of some columns; `ends` are cumulated multiplicities."""
    place = np.searchsorted(ends, np.arange(start, stop), side="right")
    return np.sqrt(spectrum.values[place])
