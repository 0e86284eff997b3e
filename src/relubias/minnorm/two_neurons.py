r"""Two neurons of opposite signs, as far as no search is needed.

.. math:: \min c_+\|w_+\|^2 + c_-\|w_-\|^2 \quad\text{s.t.}\quad
          \mathrm{relu}(X w_+) - \mathrm{relu}(X w_-) = y .

In high dimension the optimum decouples into two problems of one neuron, so that pair is tried
first. Otherwise the convex relaxation gives a lower bound, and a dive from it a network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.global_optimality import certify_two_neurons
from relubias.minnorm.infeasible import tidy_ray
from relubias.minnorm.pool import UNDECIDED
from relubias.minnorm.search import Search

__all__ = ["Pair", "solve_two_neurons"]


class Pair(NamedTuple):
    """Duals of one neuron of each sign, or the ray that proves that there is none, or neither."""

    dual: Float | None
    certificate: MinimumNormCertificate | None
    ray: Float | None
    n_nodes: int


def solve_two_neurons(
    gram: Float,
    labels: Float,
    weights: tuple[float, float] = (1.0, 1.0),
    *,
    decoupled: Float | None = None,
    features: Float | None = None,
    row: Float | None = None,
    search: Search | None = None,
) -> Pair:
    """Find a network and prove what can be proved without a search.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    labels : ndarray of shape (n_samples,)
        Labels in unit scale.
    weights : tuple of float, default=(1.0, 1.0)
        Factors of both squared norms.
    decoupled : ndarray of shape (2, n_samples), optional
        Duals of the pair of neurons that each fit the labels of their sign, if there is one.
    features : ndarray of shape (n_samples, n_features), optional
        Used where samples are dependent, as far as `gram` can tell.
    row : ndarray of shape (n_samples,), optional
        What brings each sample of `features` to unit scale.
    search : Search, optional
        Budget of the work; unlimited if omitted.

    Returns
    -------
    Pair
        Positive neuron first.
    """
    certificate = None
    if decoupled is not None:
        certificate = certify_two_neurons(gram, labels, decoupled, weights)
        if certificate.kind != "bound only":
            return Pair(decoupled, certificate, None, 1)
    search = Search() if search is None else search
    dive = Dive(gram, labels, weights, features, row, search.deadline)
    hull = dive.solve(np.full(labels.size, UNDECIDED))
    if hull.solution.ray is not None:
        return Pair(None, None, _tidied(hull, dive), 1)
    if not hull.solution.solved:
        return Pair(decoupled, certificate, None, 1)
    pool = hull.pool
    bound = certify_multipliers(
        pool.hessian, pool.right, pool.free, 1.0, hull.solution.multipliers
    ).lower_bound
    candidates = [] if decoupled is None else [decoupled]
    leaf = dive.run(hull)
    if leaf is not None:
        leaf = leaf if leaf is hull else dive.improve(leaf)
        candidates.append(leaf.pool.duals(leaf.solution.multipliers, labels.size))
    if not candidates:
        return Pair(None, None, None, 1)
    dual = min(candidates, key=lambda dual: _value(gram, dual, weights))
    return Pair(dual, certify_two_neurons(gram, labels, dual, weights, bound), None, 1)


def _value(gram: Float, dual: Float, weights: tuple[float, float]) -> float:
    return sum(c * float(row @ gram @ row) for c, row in zip(weights, dual, strict=True))


def _tidied(hull: Leaf, dive: Dive) -> Float:
    """Return the ray of the relaxation as a combination of samples for each neuron."""
    pool = hull.pool
    ray = hull.solution.ray
    assert ray is not None  # noqa: S101
    test = dive.null_test(pool)
    return pool.duals(tidy_ray(ray, pool.hessian, pool.right, ~pool.free, test), dive.labels.size)
