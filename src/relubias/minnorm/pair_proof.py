r"""What searched trees prove about a network of one neuron of each sign.

A tree proves optimality up to the relative tolerance `OPTIMALITY` of the norm. Beyond that, where
every leaf either lies strictly above the network or satisfies its optimality conditions, the
network is the optimum itself, and its distance from it is that of rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.global_optimality import pair_multipliers, pair_slacks
from relubias.minnorm.pool import SHARED, UNDECIDED
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search
from relubias.minnorm.search_tree import SearchTree

__all__ = ["OPTIMALITY", "Found", "Searched", "note_halves", "prove"]

OPTIMALITY = 1e-9
"""Relative gap between norm and proved lower bound up to which a tree proves optimality."""


class Found(NamedTuple):
    """What a search leaves: its best network if there is one, what is proved, and its size."""

    leaf: Leaf | None
    certificate: MinimumNormCertificate
    n_nodes: int
    conflict: NDArray[np.intp] | None = None
    """Samples that no network fits together, if that is proved."""


class Searched(Protocol):
    """A tree, finished or not."""

    def proved(self) -> Float:
        """Return the bound of every node: half the squared norm."""
        ...

    def leaves(self) -> NDArray[np.intp]:
        """Return the nodes without children."""
        ...

    def decisions(self, index: int) -> NDArray[np.int_]:
        """Return what is decided at a node."""
        ...

    def tree(self, bounds: Float, theta: Float) -> SearchTree | None:
        """Return the record."""
        ...


def note_halves(search: Search, units: Units, incumbent: float, bound: float, n_nodes: int) -> None:
    """Take note of incumbent and bound, both halves of squared norms in unit scale."""
    norm, low = (
        units.norm(math.sqrt(max(2.0 * half, 0.0))) if math.isfinite(half) else half
        for half in (incumbent, min(bound, incumbent))
    )
    search.note(norm, low, n_nodes)


def prove(
    dive: Dive, leaf: Leaf, trees: Sequence[tuple[Searched, Float]], units: Units
) -> MinimumNormCertificate:
    """State what the trees prove about a network, in unit scale but for the record."""
    pool = leaf.pool
    own = certify_multipliers(
        pool.hessian, pool.right, pool.free, 1.0, leaf.solution.multipliers, kind="tree"
    )
    norm = math.sqrt(2.0 * max(leaf.value, 0.0)) * (1 + 1e-14)
    highest = norm + own.error_bound  # of the least norm with these decisions
    best = 0.0
    record: tuple[Searched, Float, Float] | None = None
    is_exact = False
    for searched, theta in trees:
        bounds = np.sqrt(2.0 * np.maximum(searched.proved(), 0.0)) * (1 - 1e-15)
        leaves = searched.leaves()
        low = leaves[bounds[leaves] <= highest]
        tight = _tight(dive, leaf, searched, low, theta)
        if tight.all() and math.isfinite(own.error_bound):
            bounds[low] = np.maximum(bounds[low], own.lower_bound)
            is_exact = True
        if record is None or bounds[leaves].min() >= best:
            best = max(best, float(bounds[leaves].min()))
            record = searched, theta, bounds
    best = min(best, norm)
    kind = "tree" if best >= norm * (1 - OPTIMALITY) else "bound only"
    is_exact = is_exact and kind == "tree"
    tree = None
    if record is not None:
        searched, theta, bounds = record
        tree = searched.tree(np.ldexp(bounds, units.label), theta)
    return MinimumNormCertificate(
        kind=kind,
        error_bound=own.error_bound if is_exact else math.inf,
        duality_gap=own.duality_gap if is_exact else norm**2 - best**2,
        lower_bound=best,
        tree=tree,
    )


def _tight(
    dive: Dive, leaf: Leaf, tree: Searched, leaves: NDArray[np.intp], theta: Float
) -> NDArray[np.bool_]:
    """Whether the network solves the relaxation at each of these leaves.

    It does if its decisions agree and the gradient ``(mu + theta b, nu + theta a)`` of the
    objective is not negative at samples that the leaf has not decided.
    """
    n = dive.labels.size
    dual = leaf.pool.duals(leaf.solution.multipliers, n)
    mu, nu = pair_multipliers(dive.labels, dual, dive.weights)
    a, b = pair_slacks(dive.gram, dive.labels, dual)
    nonzero = dive.labels != 0
    products = theta[nonzero]
    margin = 1e-10 * (1.0 + float(np.abs(dual).max()))
    is_good = np.zeros(n, dtype=np.bool_)
    is_shared = leaf.branch[nonzero] == SHARED
    free, slack = np.where(is_shared, nu, mu), np.where(is_shared, a, b)
    is_good[nonzero] = free + products * np.maximum(slack, 0.0) > margin
    is_good[~nonzero] = ~dual[:, ~nonzero].any(axis=0)
    tight = np.zeros(leaves.size, dtype=np.bool_)
    for i, index in enumerate(leaves.tolist()):
        decided = tree.decisions(index)
        agrees = (decided == leaf.branch) | ((decided == UNDECIDED) & is_good)
        tight[i] = bool(agrees.all())
    return tight
