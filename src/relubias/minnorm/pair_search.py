"""The search for two neurons: first on the hull, then with products of slacks added.

The first plunge finds a network, and the closed form may prove it; only then the search goes on.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.branching import Tree
from relubias.minnorm.convexify import convexify
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.global_optimality import certify_two_neurons
from relubias.minnorm.node import Engine, compiled, plain
from relubias.minnorm.node_bounds import NodeBounds, proved_share
from relubias.minnorm.pair_proof import Found, note_halves, prove
from relubias.minnorm.pool import hull_pool
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search
from relubias.minnorm.slack_form import SlackForm, slack_form
from relubias.minnorm.tableau import build_tableau, n_misfits, pool_rows

__all__ = ["search_pair"]

_HULL_NODES = 150
_COMPILED_FROM = 10
"""Samples that the relaxation misfits: beyond, trees are worth loading compiled code."""
_COMPILING = 10.0
"""Seconds that a first compilation may take; it is not begun when fewer are left."""
_CONSISTENT = 1e-9


def search_pair(dive: Dive, units: Units, search: Search) -> Found | None:
    """Find the best network and prove what can be proved of it.

    Parameters
    ----------
    dive : Dive
        The problem in unit scale, for exact solves.
    units : Units
        Used for reports and records.
    search : Search
        Budget of the work.

    Returns
    -------
    Found or None
        None if the Gram matrix is too nearly singular, or an exact solve of the best decisions
        contradicts the search.
    """
    form = slack_form(dive.gram, dive.labels, dive.weights)
    pair = None if form is None else _PairSearch(dive, form, units, search)
    leaf = None if pair is None else pair.first_network()
    if pair is None or leaf is None:
        return None
    dual = leaf.pool.duals(leaf.solution.multipliers, dive.labels.size)
    certificate = certify_two_neurons(dive.gram, dive.labels, dual, dive.weights)
    if certificate.kind != "bound only":
        return Found(leaf, certificate, 1)
    pair.finish()
    leaf = pair.network()
    if leaf is None:
        return None
    return Found(leaf, prove(dive, leaf, pair.trees, units), pair.n_nodes)


class _PairSearch:
    """One tree on the hull and, if that is not enough, one with products of slacks."""

    def __init__(self, dive: Dive, form: SlackForm, units: Units, search: Search) -> None:
        self.dive, self.form, self.units, self.search = dive, form, units, search
        self.rows = pool_rows(dive.labels)
        self.trees: list[tuple[Tree, Float]] = []
        self.incumbent = math.inf
        self.branch: NDArray[np.int_] | None = None
        self.engine: Engine | None = None
        self._leaf: Leaf | None = None

    @property
    def n_nodes(self) -> int:
        """Nodes solved so far."""
        return sum(tree.n_nodes for tree, _ in self.trees)

    def first_network(self) -> Leaf | None:
        """Plunge from the hull to a network."""
        tree = self._plant(np.zeros(self.dive.labels.size), None)
        if tree is None:
            return None
        tree.run(lambda: tree.branch is not None or self.search.stops())
        self._harvest(tree)
        self._pause()
        return self.network()

    def network(self) -> Leaf | None:
        """Solve the best decisions by exact means; None if that contradicts the search."""
        if self.branch is None:
            return None
        leaf = self._leaf
        if leaf is None or not np.array_equal(leaf.branch, self.branch):
            self._leaf = leaf = self.dive.solve(self.branch)
        if not leaf.solution.fits or not self.dive.outputs_labels(leaf):
            return None
        is_consistent = abs(leaf.value - self.incumbent) <= _CONSISTENT * leaf.value
        return leaf if is_consistent else None

    def finish(self) -> None:
        """Search until optimality is proved or the budget is spent."""
        tree = self.trees[0][0]
        tree.run_with_repairs(self._pause, _HULL_NODES)
        self._harvest(tree)
        if tree.is_finished or self.search.stops():
            return
        products = self._products(tree)
        lifted = None if products is None else self._plant(*products)
        tree = tree if lifted is None else lifted
        tree.run_with_repairs(self._pause, math.inf)
        self._harvest(tree)

    def _pause(self) -> bool:
        tree = self.trees[-1][0]
        note_halves(self.search, self.units, tree.incumbent, tree.running_bound, self.n_nodes)
        return self.search.stops()

    def _plant(self, theta: Float, positive: NDArray[np.bool_] | None) -> Tree | None:
        """Solve the root with products of coefficients `theta`."""
        dive, rows = self.dive, self.rows
        share = proved_share(dive.gram, dive.labels, dive.weights, theta)
        table = build_tableau(self.form.with_theta(theta[rows.nonzero]), rows, positive)
        if table is None or share == 0.0:
            return None
        if self.engine is None:
            is_large = n_misfits(table) >= _COMPILED_FROM
            has_time = self.search.deadline - time.monotonic() > _COMPILING
            self.engine = compiled() if is_large and has_time else plain()
        bounds = NodeBounds(dive.gram, dive.labels, dive.weights, rows, theta, share)
        tree = Tree(table, bounds, self.engine, self.incumbent)
        self.trees.append((tree, theta))
        return tree

    def _harvest(self, tree: Tree) -> None:
        if tree.branch is not None:
            self.incumbent, self.branch = tree.incumbent, tree.branch

    def _products(self, tree: Tree) -> tuple[Float, NDArray[np.bool_]] | None:
        """Return the coefficient of every sample, made safely convex, and the positive slacks."""
        dive, rows = self.dive, self.rows

        def hessian_of(pairs: NDArray[np.intp]) -> Float:
            some = rows.nonzero[pairs]
            return hull_pool(dive.gram[np.ix_(some, some)], dive.labels[some], dive.weights).hessian

        gap = max(tree.incumbent - tree.root_value, 1e-12 * tree.incumbent)
        found = convexify(self.form, hessian_of, gap, self.search.stops)
        if found is None:
            return None
        theta = np.zeros(dive.labels.size)
        theta[rows.nonzero] = found.theta
        for shrink in (0.0, 1e-6, 1e-4, 1e-2):
            if proved_share(dive.gram, dive.labels, dive.weights, (1 - shrink) * theta) > 0.0:
                return (1 - shrink) * theta, found.positive
        return None
