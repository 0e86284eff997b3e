"""Gram matrices drawn without features, and features drawn in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.ensembles.spectra import Spectrum

__all__ = [
    "column_blocks",
    "fewest_counted",
    "gaussian_draws",
    "gaussian_gram",
    "sign_gram",
    "split",
    "width_of",
    "wishart",
    "wishart_draws",
]

_BLOCK = 1 << 20
"""Entries of a block of features (8 MB)."""

_MAX_SIGN_PATTERNS = 1 << 15
_NEVER = 1 << 62


def gaussian_gram(spectrum: Spectrum, n: int, rng: Generator) -> tuple[Float, Float]:
    """Return a Gaussian Gram matrix and the squared norms of the unit-variance coordinates."""
    wide, drawn = split(spectrum, n)
    gram, squares = np.zeros((n, n)), np.zeros(n)
    with one_blas_thread(n):
        for value, multiplicity in wide:
            matrix = wishart(*wishart_draws(n, multiplicity, rng))
            gram += value * matrix
            squares += np.diagonal(matrix)
    for _, root in column_blocks(drawn, n):
        block = rng.standard_normal((n, root.size))
        squares += np.einsum("ij,ij->i", block, block)
        block *= root
        gram += block @ block.T
    return gram, squares


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
        place = np.searchsorted(ends, np.arange(start, stop), side="right")
        yield slice(start, stop), np.sqrt(spectrum.values[place])
