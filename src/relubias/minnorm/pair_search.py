"""The search for two neurons: first on the hull, then with products of slacks added.

Where the Gram matrix is too nearly singular, or rounding made the search contradict an exact
solve of its best decisions, every node is solved from nothing instead.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.branching import Tree
from relubias.minnorm.certificate import MinimumNormCertificate
from relubias.minnorm.convexify import convexify
from relubias.minnorm.direct_tree import DirectTree
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.node import Engine, compiled, plain
from relubias.minnorm.node_bounds import NodeBounds, proved_share
from relubias.minnorm.pair_proof import prove
from relubias.minnorm.pool import hull_pool
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search
from relubias.minnorm.slack_form import SlackForm, slack_form
from relubias.minnorm.tableau import Rows, build_tableau, n_misfits, pool_rows

__all__ = ["Found", "search_pair"]

_HULL_NODES = 150
_COMPILED_FROM = 7
"""Samples that the relaxation misfits: beyond, trees are worth loading compiled code."""
_CONSISTENT = 1e-9
_NOTHING = np.zeros(0, dtype=np.intp)


_Root = tuple[Float, NDArray[np.bool_] | None]
"""Coefficients of the products, and slacks that are positive with them, as far as known."""


class Found(NamedTuple):
    """What a search leaves: its best network if there is one, what is proved, and its size."""

    leaf: Leaf | None
    certificate: MinimumNormCertificate
    n_nodes: int
    conflict: NDArray[np.intp]
    """Samples of which nothing fits all, if that is proved."""


def search_pair(dive: Dive, leaf: Leaf | None, units: Units, search: Search) -> Found:
    """Search all decisions, from a network that fits if one is known.

    Parameters
    ----------
    dive : Dive
        The problem in unit scale.
    leaf : Leaf or None
        A network that fits.
    units : Units
        Used for reports.
    search : Search
        Budget of the work.
    """
    n_nodes = 0
    form = None if leaf is None else slack_form(dive.gram, dive.labels, dive.weights)
    if leaf is not None and form is not None:
        trees = _search_tableaus(dive, leaf, form, units, search)
        n_nodes = sum(tree.n_nodes for tree, _ in trees)
        leaf, is_consistent = _resolved(dive, leaf, trees)
        certificate = prove(dive, leaf, trees, units)
        if not is_consistent:
            certificate = dataclasses.replace(certificate, kind="bound only", error_bound=math.inf)
        if certificate.kind == "tree" or (trees and search.stops()):
            return Found(leaf, certificate, n_nodes, _NOTHING)
    return _search_directly(dive, leaf, units, search, n_nodes)


def _search_tableaus(
    dive: Dive, leaf: Leaf, form: SlackForm, units: Units, search: Search
) -> list[tuple[Tree, Float]]:
    """Search from one root or two; return what was searched with the products added."""
    rows = pool_rows(dive.labels)
    trees: list[tuple[Tree, Float]] = []
    incumbent = leaf.value
    engine: Engine | None = None

    def pause() -> bool:
        tree, n_nodes = trees[-1][0], sum(tree.n_nodes for tree, _ in trees)
        return _noted(search, units, tree.incumbent, tree.running_bound, n_nodes)

    root: _Root | None = np.zeros(dive.labels.size), None
    while root is not None:
        theta, positive = root
        share = proved_share(dive.gram, dive.labels, dive.weights, theta)
        table = build_tableau(form.with_theta(theta[rows.nonzero]), rows, positive)
        if table is None or share == 0.0:
            break
        if engine is None:
            engine = compiled() if n_misfits(table) >= _COMPILED_FROM else plain()
        bounds = NodeBounds(dive.gram, dive.labels, dive.weights, rows, theta, share)
        tree = Tree(table, bounds, engine, incumbent)
        trees.append((tree, theta))
        tree.run_with_repairs(pause, math.inf if len(trees) > 1 else _HULL_NODES)
        incumbent = tree.incumbent
        if len(trees) > 1 or tree.is_finished or search.stops():
            break
        root = _products(dive, form, rows, tree, search)
    if len(trees) == 1:
        trees[0][0].run_with_repairs(pause, math.inf)
    return trees


def _search_directly(
    dive: Dive, leaf: Leaf | None, units: Units, search: Search, n_nodes: int
) -> Found:
    """Search by solving every node from nothing."""
    tree = DirectTree(dive, leaf)
    tree.run(
        lambda: _noted(search, units, tree.incumbent, tree.running_bound, n_nodes + tree.n_nodes)
    )
    n_nodes += tree.n_nodes
    theta = np.zeros(dive.labels.size)
    if tree.leaf is not None:
        return Found(tree.leaf, prove(dive, tree.leaf, [(tree, theta)], units), n_nodes, _NOTHING)
    bounds = np.sqrt(2.0 * tree.proved())
    is_infeasible = tree.is_finished and bool(np.isinf(bounds[tree.leaves()]).all())
    certificate = MinimumNormCertificate(
        kind="infeasible" if is_infeasible else "bound only",
        error_bound=math.inf,
        duality_gap=math.inf,
        lower_bound=float(bounds[tree.leaves()].min()),
        tree=tree.tree(np.ldexp(bounds, units.label), theta),
    )
    conflict = np.array(sorted(tree.conflict), dtype=np.intp) if is_infeasible else _NOTHING
    return Found(None, certificate, n_nodes, conflict)


def _noted(search: Search, units: Units, incumbent: float, bound: float, n_nodes: int) -> bool:
    """Report the state of a search, in halves of squared norms, and ask whether to stop."""
    norm = _norm(incumbent, units)
    search.note(norm, min(_norm(bound, units), norm), n_nodes)
    return search.stops()


def _norm(half_square: float, units: Units) -> float:
    root = math.sqrt(max(2.0 * half_square, 0.0))
    return units.norm(root) if math.isfinite(root) else root


def _products(dive: Dive, form: SlackForm, rows: Rows, tree: Tree, search: Search) -> _Root | None:
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


def _resolved(dive: Dive, leaf: Leaf, trees: list[tuple[Tree, Float]]) -> tuple[Leaf, bool]:
    """Solve the best decisions again by exact means, and say whether that confirms the search."""
    found = [tree for tree, _ in trees if tree.branch is not None]
    if not found or found[-1].branch is None:
        return leaf, True
    again = dive.solve(found[-1].branch)
    if not again.solution.fits:
        return leaf, False
    is_consistent = abs(again.value - found[-1].incumbent) <= _CONSISTENT * again.value
    return (again if again.value < leaf.value else leaf), is_consistent
