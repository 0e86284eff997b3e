"""What every law of features can do: sample features X, or their Gram matrix in law."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from numpy.random import Generator

from relubias._progress import Progress, Report, duration, reporting
from relubias._validate import Float, as_count, as_seed_sequence, as_stream, fail
from relubias.ensembles.generated import GeneratedFeatures, Seeds
from relubias.ensembles.spectra import Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FeatureLaw"]

_MAX_STORED = 250_000_000
"""Entries of the features or of the Gram matrix that are stored at once (2 GB)."""

_MAX_DRAWN = 1_000_000_000
"""Random numbers that one Gram matrix may cost unasked (tens of seconds)."""

_DRAWS_PER_SECOND = 5e7

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

    def sample_gram(self, n: int, seed: Any, *, progress: Progress = False) -> Float:
        """Draw the Gram matrix of feature vectors; each law's docstring says how.

        What a law cannot draw without features is drawn with them, in blocks of bounded memory,
        in any dimension. For sums that can be interrupted and taken up again, see `features`.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same matrix.
        progress : bool or callable, default=False
            True, or a callable that takes the fraction done and a sentence. More than 10**9
            random numbers are drawn only with progress.

        Returns
        -------
        ndarray of shape (n, n)
            Exactly symmetric, in squared units of the features.

        Raises
        ------
        InvalidInputError
            If `n` is no positive whole number, `seed` is no seed, the matrix would take more
            than 2 GB, or more than 10**9 random numbers are needed and no progress is asked for;
            the message says how long it takes.
        """
        size = self._as_size(n)
        if size * size > _MAX_STORED:
            raise fail(
                "n", f"is {size}", f"at most {math.isqrt(_MAX_STORED)}: the matrix is (n, n)"
            )
        draws = self._n_draws(size)
        if draws > _MAX_DRAWN and progress is False:
            wait = duration(draws / _DRAWS_PER_SECOND)
            got = f"d = {self.n_features} features of {size} samples need {draws} random numbers"
            remedy = "pass progress=True to wait, or gram_matrix(law.features(n, seed), checkpoint="
            raise fail("n", f"{got}, about {wait}", f"{remedy}FILE) to resume; {_HUGE}")
        rng = as_stream("seed", seed, "features")
        with reporting(progress, "Gram matrix") as report:
            return self._sample_gram(size, rng, report)

    def features(self, n: int, seed: Any) -> GeneratedFeatures:
        """Return feature vectors of any dimension that are made as they are read.

        ``gram_matrix(law.features(n, seed), checkpoint=FILE)`` streams them, and can be
        interrupted and taken up again. They are not those of `sample` from the same seed.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same features, whatever part of them is read, in any order.

        Returns
        -------
        GeneratedFeatures
            With ``.shape``, ``.dtype`` and slices.

        Raises
        ------
        InvalidInputError
            If `n` is no positive whole number or `seed` is no seed.

        Examples
        --------
        >>> from relubias import gram_matrix
        >>> from relubias.ensembles import Rademacher
        >>> gram_matrix(Rademacher(10**6).features(2, seed=0))
        array([[1000000.,   -2320.],
               [  -2320., 1000000.]])
        """
        return GeneratedFeatures(
            self, self._as_size(n), as_seed_sequence("seed", seed, "blocks of features")
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the spectrum of the features' covariance.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Those of `Spectrum.plot`.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.ensembles._plot import draw_spectrum

        return draw_spectrum(self.spectrum, ax)

    def _as_size(self, n: Any) -> int:
        return as_count("n", n, minimum=1)

    @abstractmethod
    def _sample(self, n: int, rng: Generator) -> Float: ...

    @abstractmethod
    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float: ...

    @abstractmethod
    def _columns(self, n: int, start: int, stop: int, seeds: Seeds) -> Float:
        """Return a whole block of columns, drawn from its own stream."""

    @abstractmethod
    def _n_draws(self, n: int) -> int: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spectrum!r})"
