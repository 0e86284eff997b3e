"""Nodes of a search: a dual ascent from the parent's optimum, in NumPy and compiled.

Because ``A.T == S A S`` with S = +1 on rows active at the root and -1 elsewhere, products from the
left are those from the right with signs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.tableau import ABSENT, EQUALITY, INEQUALITY, Tableau

__all__ = ["CUT_OFF", "FAILED", "FULL", "SOLVED", "Engine", "Node", "compiled", "plain"]

SOLVED, CUT_OFF, FULL, FAILED = 0, 1, 2, 3

_TOLERANCE = 1e-11  # of slacks, in units of the largest label


class Node:
    """Flipped rows F, the inverse of ``A_FF`` (transposed), multipliers, slacks, dual value.

    `cost` keeps the degradations once they are known.
    """

    __slots__ = (
        *("cost", "flips", "kind", "multiplier", "n_flips", "position", "slack"),
        *("transposed", "value"),
    )

    def __init__(self, table: Tableau, kind: NDArray[np.int8], room: int = 16) -> None:
        self.kind = kind
        self.cost: Float | None = None
        self.multiplier = np.where(table.in_root, table.start, 0.0)
        self.slack = np.where(table.in_root, 0.0, table.start)
        self.value = table.value(self.slack)
        self.n_flips = 0
        self.position = np.full(table.start.size, -1, dtype=np.intp)
        self.flips = np.empty(room, dtype=np.intp)
        self.transposed = np.empty((room, room))

    def copy(self) -> Node:
        """Return a node that shares nothing with this one."""
        other = object.__new__(Node)
        other.cost = None
        other.kind, other.multiplier = self.kind.copy(), self.multiplier.copy()
        other.slack, other.value, other.n_flips = self.slack.copy(), self.value, self.n_flips
        other.position, other.flips = self.position.copy(), self.flips.copy()
        other.transposed = np.empty_like(self.transposed)
        n = self.n_flips
        other.transposed[:n, :n] = self.transposed[:n, :n]
        return other

    def grow(self) -> None:
        """Make room for twice as many flips."""
        n = self.flips.size
        flips, transposed = np.empty(2 * n, dtype=np.intp), np.empty((2 * n, 2 * n))
        flips[:n], transposed[:n, :n] = self.flips, self.transposed
        self.flips, self.transposed = flips, transposed

    def restore(self, table: Tableau, flips: NDArray[np.integer[Any]]) -> None:
        """Take on the flips of a solved node."""
        n = flips.size
        while self.flips.size < n:
            self.grow()
        self.n_flips = n
        self.flips[:n] = flips
        self.position.fill(-1)
        self.position[flips] = np.arange(n)
        if n:
            self.transposed[:n, :n] = np.linalg.inv(table.columns[flips[:, None], flips])
        self.recompute(table)

    def recompute(self, table: Tableau) -> None:
        """Set multipliers, slacks and value from the flips alone."""
        n = self.n_flips
        flips, transposed = self.flips[:n], self.transposed[:n, :n]
        chosen = table.columns[flips]
        p = -table.start[flips] @ transposed
        p -= (table.start[flips] + p @ chosen[:, flips]) @ transposed
        q = table.start + p @ chosen
        in_root = table.in_root
        self.multiplier = np.where(in_root, q, 0.0)
        self.slack = np.where(in_root, 0.0, q)
        entered = ~in_root[flips]
        self.multiplier[flips] = np.where(entered, p, 0.0)
        self.slack[flips] = np.where(entered, 0.0, p)
        self.value = table.value(self.slack)


class Engine(NamedTuple):
    """How nodes are solved: `ascend` and `degradations`, or their compiled twins."""

    ascend: Callable[[Tableau, Node, float], int]
    degradations: Callable[[Tableau, Node, NDArray[np.bool_]], Float]


def plain() -> Engine:
    """Return the engine that loads nothing."""
    return Engine(ascend, degradations)


def compiled() -> Engine:
    """Return the compiled engine; loading it takes about a second."""
    from relubias.minnorm import _node_kernels as kernels

    def fast_ascend(table: Tableau, node: Node, cutoff: float) -> int:
        pending = -1
        while True:
            status, node.n_flips, node.value, pending = kernels.ascend(
                *(table.columns, table.start, table.in_root, table.curvature, table.cost),
                *(table.constant, node.kind, node.multiplier, node.slack, node.position),
                *(
                    node.flips,
                    node.transposed,
                    node.n_flips,
                    node.value,
                    cutoff,
                    _TOLERANCE,
                    pending,
                ),
            )
            if status != FULL:
                return status
            node.grow()

    def fast_degradations(table: Tableau, node: Node, undecided: NDArray[np.bool_]) -> Float:
        cost = np.empty((2, undecided.size))
        kernels.degradations(
            *(table.columns, table.in_root, node.slack, node.position, node.flips),
            *(node.transposed, node.n_flips, table.rows.of_sample, undecided),
            *(10 * _TOLERANCE, cost),
        )
        return cost

    return Engine(fast_ascend, fast_degradations)


def ascend(table: Tableau, node: Node, cutoff: float) -> int:
    """Raise the dual value of a node until it is solved or passes `cutoff`.

    A dual active-set method: the most violated row enters, rows whose multiplier would change
    sign leave. Multipliers stay feasible, so the value is a lower bound all along.
    """
    n_solved = 0
    for _ in range(100 * node.kind.size + 1000):
        j = _entering(table, node)
        if j < 0:
            node.recompute(table)
            n_solved += 1
            if n_solved == 3 or _entering(table, node) < 0:
                return SOLVED
            continue
        status = _enter(table, node, j, cutoff)
        if status != SOLVED:
            return status
    return FAILED


def _entering(table: Tableau, node: Node) -> int:
    """Return the row that is violated most for its curvature, or -1."""
    depth = np.where(node.kind == EQUALITY, np.abs(node.slack), -node.slack)
    depth[node.kind == ABSENT] = 0.0
    depth[depth <= _TOLERANCE] = 0.0
    gain = depth * depth / table.curvature
    j = int(np.argmax(gain))
    return j if gain[j] > 0.0 else -1


def _enter(table: Tableau, node: Node, j: int, cutoff: float) -> int:
    sign = 1.0 if node.slack[j] < 0.0 else -1.0
    for _ in range(node.kind.size + 10):
        if node.n_flips >= node.flips.size - 1:
            node.grow()
        rise, lift = _direction(table, node, j)
        bend = float(lift[j])
        if not bend > 0.0:
            return FAILED
        missing = abs(float(node.slack[j]))
        step, drop = missing / bend, -1
        fall = -sign * rise
        falling = np.flatnonzero((node.kind == INEQUALITY) & (fall > 0.0))
        if falling.size:
            ratio = np.maximum(node.multiplier[falling], 0.0) / fall[falling]
            first = int(np.argmin(ratio))
            if ratio[first] < step:
                step, drop = float(ratio[first]), int(falling[first])
        node.value += step * (missing - step * bend / 2)
        node.multiplier += sign * step * rise
        node.slack += sign * step * lift
        node.multiplier[j] += sign * step
        if node.value >= cutoff:
            return CUT_OFF
        if drop < 0:
            node.slack[j] = 0.0
            _flip(table, node, j)
            return SOLVED
        node.multiplier[drop] = node.slack[drop] = 0.0
        _flip(table, node, drop)
    return FAILED


def _direction(table: Tableau, node: Node, j: int) -> tuple[Float, Float]:
    """Return the change of multipliers (but that of j) and slacks as multiplier j rises."""
    n = node.n_flips
    flips, transposed = node.flips[:n], node.transposed[:n, :n]
    if node.position[j] < 0:
        column = table.columns[j]
        p = -column[flips] @ transposed
        q = column + p @ table.columns[flips]
    else:
        p = transposed[node.position[j]]
        q = p @ table.columns[flips]
    rise, lift = np.where(table.in_root, q, 0.0), np.where(table.in_root, 0.0, q)
    entered = ~table.in_root[flips]
    rise[flips] = np.where(entered, p, 0.0)
    lift[flips] = np.where(entered, 0.0, p)
    return rise, lift


def _flip(table: Tableau, node: Node, k: int) -> None:
    """Move row k into F, or out of it."""
    n, transposed, flips = node.n_flips, node.transposed, node.flips
    if node.position[k] < 0:
        F, old = flips[:n], transposed[:n, :n]
        column: Float = table.columns[k, F]
        u = column @ old
        from_left: Float = np.where(
            table.in_root[F] == table.in_root[k], u, -u
        )  # row k times inverse
        pivot = 1.0 / float(table.columns[k, k] - column @ from_left)
        old += np.outer(pivot * from_left, u)
        transposed[:n, n], transposed[n, :n] = -pivot * from_left, -pivot * u
        transposed[n, n] = pivot
        flips[n], node.position[k] = k, n
        node.n_flips = n + 1
        return
    p, last = int(node.position[k]), n - 1
    if p != last:
        transposed[:n, [p, last]] = transposed[:n, [last, p]]
        transposed[[p, last], :n] = transposed[[last, p], :n]
        flips[p] = flips[last]
        node.position[flips[p]] = p
    node.position[k] = -1
    row = transposed[last, :last] / transposed[last, last]
    transposed[:last, :last] -= np.outer(transposed[:last, last], row)
    node.n_flips = last


def degradations(table: Tableau, node: Node, undecided: NDArray[np.bool_]) -> Float:
    """Predict how much each decision about each undecided, violated sample costs.

    Returns
    -------
    ndarray of shape (2, n_samples)
        Growth of the value when the own neuron alone fits the sample, and when both do; zero
        where the sample fits already.
    """
    rows, s = table.rows.of_sample, node.slack
    cost = np.zeros((2, rows.shape[0]))
    nonzero = table.rows.nonzero
    a, b = rows[nonzero, 0], rows[nonzero, 1]
    bad = undecided[nonzero] & (np.minimum(s[a], s[b]) > 10 * _TOLERANCE)
    a, b, samples = a[bad], b[bad], nonzero[bad]
    if samples.size:
        cost[0, samples] = s[a] ** 2 / (2 * _curvatures(table, node, a))
        cost[1, samples] = s[b] ** 2 / (2 * _curvatures(table, node, b))
    zero = table.rows.zero
    off_plus, off_minus, tied, _ = rows[zero].T
    up, um = -s[off_plus], -s[off_minus]
    bad = undecided[zero] & (np.maximum(up, um) > 10 * _TOLERANCE)
    if bad.any():
        samples, up, um = zero[bad], up[bad], um[bad]
        cost[1, samples] = (up - um) ** 2 / (2 * _curvatures(table, node, tied[bad]))
        for u, off in ((up, off_plus), (um, off_minus)):
            cost[0, samples] += np.maximum(u, 0.0) ** 2 / (2 * _curvatures(table, node, off[bad]))
    return cost


def _curvatures(table: Tableau, node: Node, rows: NDArray[np.intp]) -> Float:
    """Return how fast slacks of nonbasic rows rise with their multipliers, at this node."""
    n = node.n_flips
    flips, transposed = node.flips[:n], node.transposed[:n, :n]
    into = table.columns[rows[:, None], flips]
    from_left = (into @ transposed) * table.side[flips]
    bend = table.columns[rows, rows] - table.side[rows] * (from_left * into).sum(axis=1)
    flipped = node.position[rows] >= 0
    here = node.position[rows[flipped]]
    bend[flipped] = transposed[here, here]
    return np.maximum(bend, 1e-300)
