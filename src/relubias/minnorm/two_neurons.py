r"""Two neurons of opposite signs.

.. math:: \min c_+\|w_+\|^2 + c_-\|w_-\|^2 \quad\text{s.t.}\quad
          \mathrm{relu}(X w_+) - \mathrm{relu}(X w_-) = y .

In high dimension the optimum decouples into two problems of one neuron, so that pair is tried
first. Otherwise the convex relaxation gives a lower bound, a dive from it a network, and a search
proves what a certificate in closed form cannot.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.direct_tree import search_directly
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.global_optimality import certify_two_neurons
from relubias.minnorm.infeasible import tidy_ray
from relubias.minnorm.pair_proof import Found
from relubias.minnorm.pair_search import search_pair
from relubias.minnorm.pool import SOLE, UNDECIDED
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search

__all__ = ["Pair", "solve_two_neurons"]


class Pair(NamedTuple):
    """Duals of one neuron of each sign, or the ray that proves that there is none, or neither."""

    dual: Float | None
    certificate: MinimumNormCertificate | None
    ray: Float | None
    n_nodes: int
    conflict: NDArray[np.intp] | None = None
    """Samples that no network fits together, if a search proves that."""


def solve_two_neurons(
    gram: Float,
    labels: Float,
    weights: tuple[float, float] = (1.0, 1.0),
    *,
    decoupled: Float | None = None,
    features: Float | None = None,
    units: Units | None = None,
    search: Search | None = None,
    closed_form_only: bool = False,
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
    units : Units, optional
        The way back to the units of the data; needed with `features`.
    search : Search, optional
        Budget of the work; unlimited if omitted.
    closed_form_only : bool, default=False
        Whether to leave it at the certificates that need no search.

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
    units = Units(np.ones(labels.size), 0) if units is None else units
    dive = Dive(gram, labels, weights, features, units.row, search)
    is_short = closed_form_only or search.stops()
    found = None if is_short else search_pair(dive, units, search)
    if found is not None and (found.certificate.kind != "bound only" or search.stops()):
        return _answer(found, labels.size)
    hull = dive.solve(np.full(labels.size, UNDECIDED))
    if hull.solution.ray is not None:
        return Pair(None, None, _tidied(hull, dive), 1)
    if not hull.solution.solved:
        return Pair(decoupled, certificate, None, 1)
    pool = hull.pool
    bound = certify_multipliers(
        pool.hessian, pool.right, pool.free, 1.0, hull.solution.multipliers
    ).lower_bound
    leaf = _network(dive, hull, bound, decoupled, units)
    if leaf is not None:
        dual = leaf.pool.duals(leaf.solution.multipliers, labels.size)
        certificate = certify_two_neurons(gram, labels, dual, weights, bound)
        if certificate.kind != "bound only" or closed_form_only or search.stops():
            return Pair(dual, certificate, None, 1)
    elif closed_form_only or search.stops():
        return Pair(decoupled, _with_bound(certificate, bound), None, dive.n_nodes)
    found = search_directly(dive, leaf, units, search)
    if found.certificate.kind == "bound only":
        found = found._replace(certificate=_with_bound(found.certificate, bound))
    return _answer(found, labels.size)


def _answer(found: Found, n_samples: int) -> Pair:
    if found.leaf is None:
        return Pair(None, found.certificate, None, found.n_nodes, found.conflict)
    dual = found.leaf.pool.duals(found.leaf.solution.multipliers, n_samples)
    return Pair(dual, found.certificate, None, found.n_nodes)


def _network(
    dive: Dive,
    hull: Leaf,
    bound: float,
    decoupled: Float | None,
    units: Units,
) -> Leaf | None:
    """Find a good network from the relaxation."""
    leaf = dive.run(hull)
    if leaf is None:
        return None
    leaf = dive.improve(leaf)
    if decoupled is not None and not dive.search.stops():
        alone = dive.solve(np.full(dive.labels.size, SOLE), leaf.solution.active)
        leaf = alone if alone.solution.fits and alone.value < leaf.value else leaf
    if not dive.outputs_labels(leaf):
        return None
    dive.search.note(units.norm(leaf.norm), units.norm(bound), dive.n_nodes)
    return leaf


def _with_bound(certificate: MinimumNormCertificate | None, bound: float) -> MinimumNormCertificate:
    if certificate is None:
        return MinimumNormCertificate(
            kind="bound only", error_bound=math.inf, duality_gap=math.inf, lower_bound=bound
        )
    return dataclasses.replace(certificate, lower_bound=max(certificate.lower_bound, bound))


def _tidied(hull: Leaf, dive: Dive) -> Float:
    """Return the ray of the relaxation as a combination of samples for each neuron."""
    pool = hull.pool
    ray = hull.solution.ray
    assert ray is not None  # noqa: S101
    test = dive.null_test(pool)
    return pool.duals(tidy_ray(ray, pool.hessian, pool.right, ~pool.free, test), dive.labels.size)
