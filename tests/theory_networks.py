"""Networks with owners (Assumption 3) on Gaussian data: where Theorem 5 needs its lower bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.oracles.theory_run import Instance

__all__ = ["crowded", "owned_network", "wishart"]


def wishart(rng: np.random.Generator, n: int, d: int) -> NDArray[np.float64]:
    """Return the Gram matrix of n standard Gaussian vectors in dimension d: Bartlett."""
    T = np.tril(rng.standard_normal((n, n)), -1)
    T[np.diag_indices(n)] = np.sqrt(rng.chisquare(d - np.arange(n)))
    gram = T @ T.T
    return (gram + gram.T) / 2


def owned_network(
    seed: int, n: int, d: int, band: tuple[float, float], *, kappa: float = 0.9
) -> tuple[Instance, NDArray[np.bool_]]:
    """Return a network of three positive and two negative neurons, and who owns what.

    Labels have sizes between 1/2 and 1; all initial values, owned, parked and opposed, have sizes
    in `band` times the smallest label, as Assumption 3 orients them.
    """
    rng = np.random.default_rng([5, seed, n, d, round(1e6 * band[0])])
    signs = np.array([1.0, 1.0, 1.0, -1.0, -1.0])
    y = rng.uniform(0.5, 1.0, n) * rng.choice([-1.0, 1.0], n)
    owner = np.array([rng.choice(np.flatnonzero(signs == s)) for s in np.sign(y)])
    own = np.arange(5)[:, None] == owner
    opposed = signs[:, None] * y < 0
    sizes = np.abs(y).min() * rng.uniform(*band, (5, n))
    gram = wishart(rng, n, d)
    start = np.linalg.solve(gram, np.where(own | opposed, sizes, -sizes).T).T
    return Instance(gram, y, signs, np.ascontiguousarray(start), kappa / d, float(d)), own


def crowded(first: float, second: float, kappa: float = 0.9) -> Instance:
    """Return two positive neurons that are both active on the one sample, exactly orthogonal.

    One agreeing active neuron alone would stay active. Together their output may exceed the
    label, and one step throws the smaller of the two below zero.
    """
    gram, trace = np.array([[1000.0]]), 1000.0
    start = np.array([[first], [second]]) / trace
    return Instance(gram, np.array([1.0]), np.ones(2), start, kappa / trace, trace)
