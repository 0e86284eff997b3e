"""The law of exactly orthogonal features."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from relubias._progress import Report
from relubias._validate import Float, as_count, as_real, fail
from relubias.ensembles.feature_law import FeatureLaw
from relubias.ensembles.generated import Seeds
from relubias.ensembles.spectra import Spectrum, isotropic

__all__ = ["Orthogonal"]

_SMALLEST_SCALE, _LARGEST_SCALE = 1e-260, 1e280


@dataclass(frozen=True, slots=True, repr=False)
class Orthogonal(FeatureLaw):
    r"""Exactly orthogonal features: :math:`G = L I` without rounding, for at most d samples.

    `sample` places the samples on distinct random coordinate axes with random signs,
    :math:`x_i = \pm\sqrt{L}\,e_{\pi(i)}`, so that all inner products are exactly zero.
    `sample_gram` is ``scale * I``, exact in law and without rounding, in any dimension.

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

    def _sample_gram(self, n: int, rng: Generator, report: Report) -> Float:  # noqa: ARG002
        return self._length * np.eye(n)

    def _columns(self, n: int, start: int, stop: int, seeds: Seeds) -> Float:
        rng = seeds.shared_stream()
        axes = rng.choice(self.d, size=n, replace=False)
        signs = 2.0 * rng.integers(0, 2, size=n) - 1.0
        block = np.zeros((n, stop - start))
        here = np.flatnonzero((start <= axes) & (axes < stop))
        block[here, axes[here] - start] = signs[here] * math.sqrt(self._length)
        return block

    def _n_draws(self, n: int) -> int:
        return n

    def __repr__(self) -> str:
        return f"Orthogonal({self.d}, scale={self._length!r})"
