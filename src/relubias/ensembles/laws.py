"""Feature laws: sample features X, or their Gram matrix in law."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_real, as_stream, fail
from relubias.ensembles.spectra import Spectrum, as_spectrum, isotropic

__all__ = ["FeatureLaw", "Gaussian", "Orthogonal", "Rademacher", "Sphere", "Uniform"]

_MAX_STORED = 250_000_000
"""Entries of the features or of the Gram matrix that are stored at once (2 GB)."""

_MAX_DRAWN = 1_000_000_000
"""Random numbers that one Gram matrix may cost (tens of seconds)."""

_BLOCK = 1 << 20
"""Entries of a block of features (8 MB)."""

_MAX_SIGN_PATTERNS = 1 << 15
_NEVER = 1 << 62

_SMALLEST_SCALE, _LARGEST_SCALE = 1e-260, 1e280

_HUGE = "Gaussian, Sphere and Orthogonal sample the Gram matrix of any dimension"


class FeatureLaw(ABC):
    r"""Law of independent feature vectors with covariance :math:`\Sigma`.

    Features are written in the eigenbasis of :math:`\Sigma`: column j of X has variance
    :math:`\lambda_j`, in decreasing order.

    Attributes
    ----------
    spectrum : Spectrum
        Eigenvalues of :math:`\Sigma`.
    """

    __slots__ = ()

    spectrum: Spectrum

    @property
    def n_features(self) -> int:
        """Dimension d of a sample."""
        return self.spectrum.n_features

    @property
    def trace(self) -> float:
        r"""Expected squared norm of a sample, :math:`\|\lambda\|_1`."""
        return self.spectrum.trace

    @property
    def pairs(self) -> tuple[tuple[float, int], ...]:
        """Pairs ``(eigenvalue, multiplicity)``, eigenvalues decreasing."""
        return self.spectrum.pairs

    @property
    def d_2(self) -> float:
        r"""Effective dimension :math:`\|\lambda\|_1^2 / \|\lambda\|_2^2`."""
        return self.spectrum.d_2

    @property
    def d_inf(self) -> float:
        r"""Effective dimension :math:`\|\lambda\|_1 / \|\lambda\|_\infty`."""
        return self.spectrum.d_inf

    def sample(self, n: int, seed: Any) -> Float:
        """Draw feature vectors.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same features; their stream is independent of those of
            labels and starts from the same seed.

        Returns
        -------
        ndarray of shape (n, n_features)
            One sample per row.

        Raises
        ------
        InvalidInputError
            If `n` is no positive whole number, `seed` is no seed, or the features would take
            more than 2 GB.
        """
        size = self._as_size(n)
        if size * self.n_features > _MAX_STORED:
            got = f"d = {self.n_features} features of {size} samples exceed {_MAX_STORED} numbers"
            raise fail("n", got, f"use sample_gram ({_HUGE})")
        return self._sample(size, as_stream("seed", seed, "features"))

    def sample_gram(self, n: int, seed: Any) -> Float:
        """Draw the Gram matrix of feature vectors; each law's docstring says how.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same matrix.

        Returns
        -------
        ndarray of shape (n, n)
            Exactly symmetric, in squared units of the features.

        Raises
        ------
        InvalidInputError
            If `n` is no positive whole number, `seed` is no seed, or more than 10**9 random
            numbers would be needed.
        """
        size = self._as_size(n)
        if size * size > _MAX_STORED:
            raise fail(
                "n", f"is {size}", f"at most {math.isqrt(_MAX_STORED)}: the matrix is (n, n)"
            )
        if self._n_draws(size) > _MAX_DRAWN:
            got = f"d = {self.n_features} features of {size} samples need {self._n_draws(size)}"
            raise fail("n", f"{got} random numbers", f"at most {_MAX_DRAWN}; {_HUGE}")
        return self._sample_gram(size, as_stream("seed", seed, "features"))

    def _as_size(self, n: Any) -> int:
        return as_count("n", n, minimum=1)

    @abstractmethod
    def _sample(self, n: int, rng: Generator) -> Float: ...

    @abstractmethod
    def _sample_gram(self, n: int, rng: Generator) -> Float: ...

    @abstractmethod
    def _n_draws(self, n: int) -> int: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spectrum!r})"


@dataclass(frozen=True, slots=True, repr=False)
class _SpectralLaw(FeatureLaw):
    """A law given by its spectrum and the law of unit-variance coordinates."""

    spectrum: Spectrum

    def __post_init__(self) -> None:
        object.__setattr__(self, "spectrum", as_spectrum("spectrum", self.spectrum))

    @abstractmethod
    def _coordinates(self, n: int, width: int, rng: Generator) -> Float: ...

    def _sample(self, n: int, rng: Generator) -> Float:
        X = np.empty((n, self.n_features))
        for columns, root in _column_blocks(self.spectrum, n):
            X[:, columns] = self._coordinates(n, root.size, rng) * root
        return X

    def _sample_gram(self, n: int, rng: Generator) -> Float:
        gram = np.zeros((n, n))
        for _, root in _column_blocks(self.spectrum, n):
            block = self._coordinates(n, root.size, rng) * root
            gram += block @ block.T
        return gram

    def _n_draws(self, n: int) -> int:
        return n * self.n_features


@dataclass(frozen=True, slots=True, repr=False)
class Gaussian(_SpectralLaw):
    r"""Gaussian features, :math:`x \sim N(0, \Sigma)`.

    `sample_gram` is exact in law and costs :math:`O(n^3)` per distinct eigenvalue, whatever the
    dimension: :math:`G = \sum_g \lambda_g W_g` with independent Wishart matrices, each drawn by
    Bartlett's decomposition. Eigenvalues of multiplicity below n are drawn as features, in
    blocks of bounded memory. The matrix is not that of `sample` from the same seed.

    Parameters
    ----------
    spectrum : Spectrum, int or array_like of shape (n_features,)
        Eigenvalues of the covariance: a `Spectrum`, a dimension (isotropic), an array of
        eigenvalues, or pairs (value, multiplicity).

    Raises
    ------
    InvalidInputError
        If the spectrum is unusable.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.
    .. [2] M. S. Bartlett, Proc. R. Soc. Edinburgh 53, 1933.

    Examples
    --------
    >>> law = Gaussian(10**12)
    >>> law
    Gaussian(isotropic(1000000000000))
    >>> gram = law.sample_gram(3, seed=0)
    >>> (gram / law.trace).round(4) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    def _coordinates(self, n: int, width: int, rng: Generator) -> Float:
        return rng.standard_normal((n, width))

    def _sample_gram(self, n: int, rng: Generator) -> Float:
        return _gaussian_gram(self.spectrum, n, rng)[0]

    def _n_draws(self, n: int) -> int:
        return _gaussian_draws(self.spectrum, n)


@dataclass(frozen=True, slots=True, repr=False)
class Sphere(_SpectralLaw):
    r"""Features on a sphere: :math:`x = \sqrt{d}\,\Sigma^{1/2} u`, u uniform on the unit sphere.

    Then :math:`E\,x x^\top = \Sigma` exactly. An isotropic spectrum gives uniform directions of
    squared norm exactly ``trace``; otherwise samples lie on an ellipsoid of that mean squared
    norm.

    `sample_gram` is exact in law and costs what `Gaussian`'s does: directions are normalised
    Gaussian vectors, whose norms are on the diagonal of the Wishart matrices. The diagonal is
    exactly ``trace`` for an isotropic spectrum. The matrix is not that of `sample` from the same
    seed.

    Parameters
    ----------
    spectrum : Spectrum, int or array_like of shape (n_features,)
        Eigenvalues of the covariance: a `Spectrum`, a dimension (isotropic), an array of
        eigenvalues, or pairs (value, multiplicity).

    Raises
    ------
    InvalidInputError
        If the spectrum is unusable.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> Sphere(50).sample_gram(4, seed=0).diagonal()
    array([50., 50., 50., 50.])
    """

    def _coordinates(self, n: int, width: int, rng: Generator) -> Float:
        return rng.standard_normal((n, width))

    def _sample(self, n: int, rng: Generator) -> Float:
        X = np.empty((n, self.n_features))
        squares = np.zeros(n)
        for columns, root in _column_blocks(self.spectrum, n):
            block = self._coordinates(n, root.size, rng)
            squares += np.einsum("ij,ij->i", block, block)
            X[:, columns] = block * root
        np.multiply(X, np.sqrt(self.n_features / squares)[:, None], out=X)
        return X

    def _sample_gram(self, n: int, rng: Generator) -> Float:
        gram, squares = _gaussian_gram(self.spectrum, n, rng)
        factor = np.sqrt(self.n_features / squares)
        gram *= factor[:, None] * factor
        if self.spectrum.n_distinct == 1:
            np.fill_diagonal(gram, self.trace)
        return gram

    def _n_draws(self, n: int) -> int:
        return _gaussian_draws(self.spectrum, n)


@dataclass(frozen=True, slots=True, repr=False)
class Rademacher(_SpectralLaw):
    r"""Features with independent coordinates :math:`\pm\sqrt{\lambda_j}` of fair sign.

    `sample_gram` is the Gram matrix of `sample` from the same seed, up to rounding, computed in
    blocks of bounded memory. For at most 16 samples, eigenvalues of multiplicity above
    :math:`2^{n-1}` are drawn without features, exactly in law in any dimension: the columns of X
    are counted by sign pattern. The matrix is then not that of `sample`.

    Parameters
    ----------
    spectrum : Spectrum, int or array_like of shape (n_features,)
        Eigenvalues of the covariance: a `Spectrum`, a dimension (isotropic), an array of
        eigenvalues, or pairs (value, multiplicity).

    Raises
    ------
    InvalidInputError
        If the spectrum is unusable.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> Rademacher(20).sample_gram(3, seed=0).diagonal()
    array([20., 20., 20.])
    """

    def _coordinates(self, n: int, width: int, rng: Generator) -> Float:
        bits = rng.integers(0, 2, size=(n, width), dtype=np.int8)
        return 2.0 * bits.astype(np.float64) - 1.0

    def _sample_gram(self, n: int, rng: Generator) -> Float:
        counted, drawn = _split(self.spectrum, _fewest_counted(n))
        gram = np.zeros((n, n))
        for value, multiplicity in counted:
            gram += value * _sign_gram(n, multiplicity, rng)
        for _, root in _column_blocks(drawn, n):
            block = self._coordinates(n, root.size, rng) * root
            gram += block @ block.T
        return gram

    def _n_draws(self, n: int) -> int:
        counted, drawn = _split(self.spectrum, _fewest_counted(n))
        return len(counted) * 2 ** (n - 1) + n * _width(drawn)


@dataclass(frozen=True, slots=True, repr=False)
class Uniform(_SpectralLaw):
    r"""Features with independent coordinates uniform on :math:`\pm\sqrt{3\lambda_j}`.

    `sample_gram` is the Gram matrix of `sample` from the same seed, up to rounding, computed in
    blocks of bounded memory; no shortcut in law is known.

    Parameters
    ----------
    spectrum : Spectrum, int or array_like of shape (n_features,)
        Eigenvalues of the covariance: a `Spectrum`, a dimension (isotropic), an array of
        eigenvalues, or pairs (value, multiplicity).

    Raises
    ------
    InvalidInputError
        If the spectrum is unusable.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> X = Uniform([3.0, 1.0 / 3.0]).sample(100, seed=0)
    >>> abs(X).max(axis=0) <= [3.0, 1.0]
    array([ True,  True])
    """

    def _coordinates(self, n: int, width: int, rng: Generator) -> Float:
        return math.sqrt(3.0) * (2.0 * rng.random((n, width)) - 1.0)


@dataclass(frozen=True, slots=True, repr=False)
class Orthogonal(FeatureLaw):
    r"""Exactly orthogonal features: :math:`G = L I` without rounding, for at most d samples.

    `sample` places the samples on distinct random coordinate axes with random signs,
    :math:`x_i = \pm\sqrt{L}\,e_{\pi(i)}`, so that all inner products are exactly zero.
    `sample_gram` is ``scale * I`` exactly and in any dimension.

    Parameters
    ----------
    d : int
        Dimension, up to 10**15.
    scale : float, optional
        Squared norm L of every sample, the trace of the covariance; `d` if omitted, as the
        isotropic spectrum has.

    Attributes
    ----------
    spectrum : Spectrum
        ``isotropic(d, scale / d)``.

    Raises
    ------
    InvalidInputError
        If `d` is not a positive whole number or `scale` is not positive and finite.

    References
    ----------
    .. [1] E. Boursier, L. Pillaud-Vivien, N. Flammarion, NeurIPS 2022 (orthogonal data).

    Examples
    --------
    >>> Orthogonal(1000, scale=4.0).sample_gram(2, seed=0)
    array([[4., 0.],
           [0., 4.]])
    """

    d: int
    scale: float | None = None
    spectrum: Spectrum = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        d = isotropic(self.d).n_features
        scale = float(d) if self.scale is None else as_real("scale", self.scale, minimum=0.0)
        if not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE:
            remedy = f"pass a squared norm in {_SMALLEST_SCALE:g}..{_LARGEST_SCALE:g}"
            raise fail("scale", f"is {scale:g}", remedy)
        object.__setattr__(self, "d", d)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "spectrum", isotropic(d, scale / d))

    @property
    def trace(self) -> float:
        """Squared norm of every sample."""
        return self._length

    @property
    def _length(self) -> float:
        return float(self.d if self.scale is None else self.scale)

    def _as_size(self, n: Any) -> int:
        size = as_count("n", n, minimum=1)
        if size > self.d:
            got = f"is {size}, but {self.d} dimensions hold {self.d} orthogonal samples"
            raise fail("n", got, "raise d or draw fewer samples")
        return size

    def _sample(self, n: int, rng: Generator) -> Float:
        X = np.zeros((n, self.d))
        axes = rng.choice(self.d, size=n, replace=False)
        signs = 2.0 * rng.integers(0, 2, size=n) - 1.0
        X[np.arange(n), axes] = signs * math.sqrt(self._length)
        return X

    def _sample_gram(self, n: int, rng: Generator) -> Float:  # noqa: ARG002
        return self._length * np.eye(n)

    def _n_draws(self, n: int) -> int:
        return n

    def __repr__(self) -> str:
        return f"Orthogonal({self.d}, scale={self._length!r})"


def _gaussian_gram(spectrum: Spectrum, n: int, rng: Generator) -> tuple[Float, Float]:
    """Return a Gaussian Gram matrix and the squared norms of the unit-variance coordinates."""
    wide, drawn = _split(spectrum, n)
    gram, squares = np.zeros((n, n)), np.zeros(n)
    with one_blas_thread(n):
        for value, multiplicity in wide:
            wishart = _wishart(n, multiplicity, rng)
            gram += value * wishart
            squares += np.diagonal(wishart)
    for _, root in _column_blocks(drawn, n):
        block = rng.standard_normal((n, root.size))
        squares += np.einsum("ij,ij->i", block, block)
        block *= root
        gram += block @ block.T
    return gram, squares


def _gaussian_draws(spectrum: Spectrum, n: int) -> int:
    wide, drawn = _split(spectrum, n)
    return n * (n * len(wide) + _width(drawn))


def _wishart(n: int, degrees: int, rng: Generator) -> Float:
    """Draw a standard Wishart matrix with ``degrees >= n`` by Bartlett's decomposition."""
    factor = np.tril(rng.standard_normal((n, n)), -1)
    factor[np.diag_indices(n)] = np.sqrt(rng.chisquare(float(degrees) - np.arange(n)))
    return factor @ factor.T


def _fewest_counted(n: int) -> int:
    """Return the multiplicity from which counting sign patterns of n samples is cheaper."""
    patterns = 2 ** (n - 1)
    return patterns + 1 if patterns <= _MAX_SIGN_PATTERNS else _NEVER


def _sign_gram(n: int, width: int, rng: Generator) -> Float:
    """Draw the Gram matrix of n rows of `width` fair signs: a multinomial count per pattern.

    A column and its negative count as one pattern. All sums are of whole numbers, hence exact.
    """
    n_patterns = 2 ** (n - 1)
    pattern = np.arange(n_patterns, dtype=np.int64)
    signs = np.stack([1.0 - 2.0 * (pattern >> i & 1) for i in range(n)])
    counts = rng.multinomial(width, np.full(n_patterns, 1.0 / n_patterns))
    return (signs * counts) @ signs.T


def _split(spectrum: Spectrum, fewest: int) -> tuple[list[tuple[float, int]], Spectrum | None]:
    """Separate the eigenvalues of multiplicity at least `fewest` from the others."""
    wide = spectrum.multiplicities >= fewest
    if not wide.any():
        return [], spectrum
    values, counts = spectrum.values, spectrum.multiplicities
    pairs = list(zip(values[wide].tolist(), counts[wide].tolist(), strict=True))
    return pairs, None if wide.all() else Spectrum(values[~wide], counts[~wide])


def _width(spectrum: Spectrum | None) -> int:
    return 0 if spectrum is None else spectrum.n_features


def _column_blocks(spectrum: Spectrum | None, n: int) -> Iterator[tuple[slice, Float]]:
    """Yield blocks of columns and the roots of their eigenvalues; they depend on n alone."""
    if spectrum is None:
        return
    width = max(1, _BLOCK // n)
    ends = np.cumsum(spectrum.multiplicities)
    for start in range(0, spectrum.n_features, width):
        stop = min(start + width, spectrum.n_features)
        place = np.searchsorted(ends, np.arange(start, stop), side="right")
        yield slice(start, stop), np.sqrt(spectrum.values[place])
