"""Gram matrices of one draw at every dimension, and the dimension at which something begins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["GramPath", "smallest_dimensions"]


class GramPath:
    """The Gram matrix of n isotropic Gaussian samples as a smooth function of the dimension.

    Bartlett's decomposition ``G = F F^T`` with common random numbers: the same normals below the
    diagonal of F at every d, and on it the roots of chi-squares at the same quantiles. At each d
    the law is exact.

    Parameters
    ----------
    n : int
    rng : Generator
    """

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.n = n
        self._below = np.tril(rng.standard_normal((n, n)), -1)
        self._quantiles = rng.random(n)

    def at(self, d: float) -> Float:
        """Return the matrix at dimension d > n - 1, which need not be a whole number."""
        from scipy.special import chdtri

        factor = self._below.copy()
        factor[np.diag_indices(self.n)] = np.sqrt(chdtri(d - np.arange(self.n), self._quantiles))
        return factor @ factor.T


def smallest_dimensions(
    holds: Callable[[Float], NDArray[np.bool_]],
    guess: float,
    n_replicates: int,
    *,
    least: float,
    factor: float = 16.0,
    n_rounds: int = 10,
) -> Float:
    """Return for each replicate the dimension from which something holds, by bisection in log d.

    Parameters
    ----------
    holds : callable
        ``holds(d)`` takes and returns one entry for each replicate. It is taken to be true from
        some dimension on.
    guess : float
        Answers are looked for within `factor` of it, which is widened where that is too little.
    n_replicates : int
    least : float
        Smallest dimension that makes sense.
    factor : float, default=16
    n_rounds : int, default=10
        Halvings: answers are off by at most ``factor ** (2 ** -n_rounds)`` as a factor.

    Returns
    -------
    ndarray of shape (n_replicates,)
    """
    low = np.full(n_replicates, np.log(max(guess / factor, least)))
    high = np.full(n_replicates, np.log(guess * factor))
    while not (above := holds(np.exp(high))).all():
        high = np.where(above, high, high + np.log(factor))
    while (below := holds(np.exp(low)) & (low > np.log(least))).any():
        low = np.where(below, np.maximum(low - np.log(factor), np.log(least)), low)
    for _ in range(n_rounds):
        middle = 0.5 * (low + high)
        above = holds(np.exp(middle))
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.exp(0.5 * (low + high))
