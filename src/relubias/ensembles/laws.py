"""Laws of features given by a spectrum and the law of unit-variance coordinates."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from relubias._progress import Report
from relubias._validate import Float
from relubias.ensembles._grams import (
    add_blocks,
    column_blocks,
    fewest_counted,
    gaussian_draws,
    gaussian_gram,
    roots,
    sign_gram,
    split,
    width_of,
)
from relubias.ensembles.feature_law import FeatureLaw
from relubias.ensembles.generated import Seeds
from relubias.ensembles.spectra import Spectrum, as_spectrum

__all__ = ["Gaussian", "Rademacher", "Sphere", "Uniform"]


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
        for columns, root in column_blocks(self.spectrum, n):
            X[:, columns] = self._coordinates(n, root.size, rng) * root
        return X

    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float:
        def draw(width: int) -> Float:
            return self._coordinates(n, width, rng)

        return add_blocks(np.zeros((n, n)), self.spectrum, draw, report)

    def _n_draws(self, n: int) -> int:
        return n * self.n_features

    def _columns(self, n: int, start: int, stop: int, seeds: Seeds) -> Float:
        block = self._coordinates(n, stop - start, seeds.stream(start))
        if self.spectrum.n_distinct == 1:
            if self.spectrum.values[0] != 1.0:
                block *= math.sqrt(self.spectrum.values[0])
            return block
        block *= roots(self.spectrum, seeds.ends(self.spectrum), start, stop)
        return block


@dataclass(frozen=True, slots=True, repr=False)
class Gaussian(_SpectralLaw):
    r"""Gaussian features, :math:`x \sim N(0, \Sigma)`.

    `sample_gram` is exact in law and costs :math:`O(n^3)` per distinct eigenvalue, whatever the
    dimension: :math:`G = \sum_g \lambda_g W_g` with independent Wishart matrices, each drawn by
    Bartlett's decomposition. Eigenvalues of multiplicity below n are drawn as features, in
    blocks of bounded memory; this is exact as well. The matrix is not that of `sample` from the
    same seed.

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

    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float:
        return gaussian_gram(self.spectrum, n, rng, report)[0]

    def _n_draws(self, n: int) -> int:
        return gaussian_draws(self.spectrum, n)


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
        for columns, root in column_blocks(self.spectrum, n):
            block = self._coordinates(n, root.size, rng)
            squares += np.einsum("ij,ij->i", block, block)
            X[:, columns] = block * root
        np.multiply(X, np.sqrt(self.n_features / squares)[:, None], out=X)
        return X

    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float:
        gram, squares = gaussian_gram(self.spectrum, n, rng, report)
        factor = np.sqrt(self.n_features / squares)
        gram *= factor[:, None] * factor
        if self.spectrum.n_distinct == 1:
            np.fill_diagonal(gram, self.trace)
        return gram

    def _n_draws(self, n: int) -> int:
        return gaussian_draws(self.spectrum, n)

    def _columns(self, n: int, start: int, stop: int, seeds: Seeds) -> Float:
        """Return columns whose squared norms are a share, drawn in law, of the whole sphere's."""
        block = self._coordinates(n, stop - start, seeds.stream(start))
        squares = np.einsum("ij,ij->i", block, block)
        block *= np.sqrt(seeds.shares(n, start) / squares)[:, None]
        block *= roots(self.spectrum, seeds.ends(self.spectrum), start, stop)
        return block


@dataclass(frozen=True, slots=True, repr=False)
class Rademacher(_SpectralLaw):
    r"""Features with independent coordinates :math:`\pm\sqrt{\lambda_j}` of fair sign.

    `sample_gram` is the Gram matrix of `sample` from the same seed, up to rounding, computed in
    blocks of bounded memory. For at most 16 samples, eigenvalues of multiplicity above
    :math:`2^{n-1}` are drawn without features, exactly in law in any dimension: the columns of X
    are counted by sign pattern. The matrix is then not that of `sample`. For more samples no
    shortcut in law is known: features are streamed, whatever the dimension.

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
        signs = rng.integers(0, 2, size=(n, width), dtype=np.int8).astype(np.float64)
        signs *= 2.0
        signs -= 1.0
        return signs

    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float:
        counted, drawn = split(self.spectrum, fewest_counted(n))
        gram = np.zeros((n, n))
        for value, multiplicity in counted:
            gram += value * sign_gram(n, multiplicity, rng)

        def draw(width: int) -> Float:
            return self._coordinates(n, width, rng)

        return add_blocks(gram, drawn, draw, report)

    def _n_draws(self, n: int) -> int:
        counted, drawn = split(self.spectrum, fewest_counted(n))
        return len(counted) * 2 ** (n - 1) + n * width_of(drawn)


@dataclass(frozen=True, slots=True, repr=False)
class Uniform(_SpectralLaw):
    r"""Features with independent coordinates uniform on :math:`\pm\sqrt{3\lambda_j}`.

    `sample_gram` is the Gram matrix of `sample` from the same seed, up to rounding: no shortcut in
    law is known, so features are streamed in blocks of bounded memory, whatever the dimension.

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
        block = rng.random((n, width))
        block *= 2.0
        block -= 1.0
        block *= math.sqrt(3.0)
        return block
