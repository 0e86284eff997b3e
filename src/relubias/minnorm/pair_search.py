r"""The search for two neurons: first on the hull, then with products of slacks added.

A tree proves optimality up to the relative tolerance `OPTIMALITY` of the norm. Beyond that, where
every leaf either lies strictly above the network or satisfies its optimality conditions, the
network is the optimum itself, and its distance from it is that of rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.branching import Tree
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.convexify import convexify
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.global_optimality import pair_multipliers, pair_slacks
from relubias.minnorm.node import compiled, plain
from relubias.minnorm.node_bounds import NodeBounds, proved_share
from relubias.minnorm.pool import SHARED, UNDECIDED, hull_pool
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search
from relubias.minnorm.search_tree import SearchTree
from relubias.minnorm.slack_form import SlackForm, slack_form
from relubias.minnorm.tableau import Rows, build_tableau, pool_rows

__all__ = ["OPTIMALITY", "Found", "search_pair"]

OPTIMALITY = 1e-9
"""Relative gap between norm and proved lower bound up to which a tree proves optimality."""
_HULL_NODES = 150
_LARGEST_RECORD = 200_000  # nodes
_CONSISTENT = 1e-9


class Found(NamedTuple):
    """What a search leaves: its best network, what is proved, and its size."""

    leaf: Leaf
    certificate: MinimumNormCertificate
    n_nodes: int


def search_pair(dive: Dive, leaf: Leaf, units: Units, search: Search) -> Found | None:
    """Search all decisions, from a network that fits; None if G is too nearly singular.

    Parameters
    ----------
    dive : Dive
        The problem in unit scale.
    leaf : Leaf
        A network that fits.
    units : Units
        Used for reports.
    search : Search
        Budget of the work.
    """
    form = slack_form(dive.gram, dive.labels, dive.weights)
    if form is None:
        return None
    rows = pool_rows(dive.labels)
    trees: list[tuple[Tree, Float]] = []
    incumbent, branch = leaf.value, None
    engine = compiled() if dive.labels.size >= 40 else plain()

    def pause() -> bool:
        tree, n_nodes = trees[-1][0], sum(tree.n_nodes for tree, _ in trees)
        norm = _norm(tree.incumbent, units)
        search.note(norm, min(_norm(tree.running_bound, units), norm), n_nodes)
        return search.stops()

    for with_products in (False, True):
        theta = np.zeros(dive.labels.size)
        positive = None
        if with_products:
            products = _products(dive, form, rows, trees[-1][0], search)
            if products is None:
                break
            theta, positive = products
        share = proved_share(dive.gram, dive.labels, dive.weights, theta)
        table = build_tableau(form.with_theta(theta[rows.nonzero]), rows, positive)
        if table is None or share == 0.0:
            break
        bounds = NodeBounds(dive.gram, dive.labels, dive.weights, rows, theta, share)
        tree = Tree(table, bounds, engine, incumbent)
        trees.append((tree, theta))
        tree.run_with_repairs(pause, math.inf if with_products else _HULL_NODES)
        if tree.branch is not None:
            incumbent, branch = tree.incumbent, tree.branch
        if tree.is_finished or search.stops():
            break
    if not trees:
        return None
    leaf, is_consistent = _resolved(dive, leaf, incumbent, branch)
    certificate = _certificate(dive, leaf, trees, units, is_consistent)
    return Found(leaf, certificate, sum(tree.n_nodes for tree, _ in trees))


def _norm(half_square: float, units: Units) -> float:
    return units.norm(math.sqrt(max(2.0 * half_square, 0.0)))


def _products(
    dive: Dive, form: SlackForm, rows: Rows, tree: Tree, search: Search
) -> tuple[Float, NDArray[np.bool_]] | None:
    """Return the coefficient of every sample, made safely convex, and the positive slacks."""

    def hessian_of(pairs: NDArray[np.intp]) -> Float:
        some = rows.nonzero[pairs]
        return hull_pool(dive.gram[np.ix_(some, some)], dive.labels[some], dive.weights).hessian

    gap = max(tree.incumbent - tree.root_value, 1e-12 * tree.incumbent)
    found = convexify(form, hessian_of, gap, search.stops)
    if found is None:
        return None
    theta = np.zeros(dive.labels.size)
    theta[rows.nonzero] = found.theta
    for shrink in (0.0, 1e-6, 1e-4, 1e-2):
        if proved_share(dive.gram, dive.labels, dive.weights, (1 - shrink) * theta) > 0.0:
            return (1 - shrink) * theta, found.positive
    return None


def _resolved(
    dive: Dive, leaf: Leaf, incumbent: float, branch: NDArray[np.int_] | None
) -> tuple[Leaf, bool]:
    """Solve the best decisions again by exact means, and say whether that confirms the search."""
    if branch is None:
        return leaf, True
    again = dive.solve(branch)
    if not again.solution.fits:
        return leaf, False
    is_consistent = abs(again.value - incumbent) <= _CONSISTENT * again.value
    return (again if again.value < leaf.value else leaf), is_consistent


def _certificate(
    dive: Dive, leaf: Leaf, trees: list[tuple[Tree, Float]], units: Units, is_consistent: bool
) -> MinimumNormCertificate:
    """State what the trees prove about a network, in unit scale but for the record."""
    pool = leaf.pool
    own = certify_multipliers(
        pool.hessian, pool.right, pool.free, 1.0, leaf.solution.multipliers, kind="tree"
    )
    norm = math.sqrt(2.0 * max(leaf.value, 0.0)) * (1 + 1e-14)
    best = 0.0
    record: tuple[Tree, Float, Float] | None = None
    is_exact = False
    for tree, theta in trees:
        bounds = np.sqrt(2.0 * np.maximum(tree.proved(), 0.0)) * (1 - 1e-15)
        leaves = tree.leaves()
        low = leaves[bounds[leaves] <= norm]
        tight = _tight(dive, leaf, tree, low, theta)
        if tight.all() and math.isfinite(own.error_bound):
            bounds[low] = np.maximum(bounds[low], own.lower_bound)
            is_exact = True
        if record is None or bounds[leaves].min() >= best:
            best = max(best, float(bounds[leaves].min()))
            record = tree, theta, bounds
    best = min(best, norm)
    if not is_consistent or best < norm * (1 - OPTIMALITY):
        kind, is_exact = "bound only", False
    else:
        kind = "tree"
    return MinimumNormCertificate(
        kind=kind,
        error_bound=own.error_bound if is_exact else math.inf,
        duality_gap=own.duality_gap if is_exact else norm**2 - best**2,
        lower_bound=best,
        tree=None if record is None else _record(*record, units),
    )


def _tight(
    dive: Dive, leaf: Leaf, tree: Tree, leaves: NDArray[np.intp], theta: Float
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


def _record(tree: Tree, theta: Float, bounds: Float, units: Units) -> SearchTree | None:
    """Return the record, unless it is too large to keep."""
    if tree.n_nodes > _LARGEST_RECORD:
        return None
    return SearchTree(
        parent=np.array(tree.parent),
        neuron=np.where(np.array(tree.parent) < 0, -1, 0),
        sample=np.array(tree.sample),
        choice=np.array(tree.choice, dtype=np.int8),
        bound=np.ldexp(bounds, units.label),
        theta=theta,
    )
