"""Nodes of a search: a dual ascent from the parent's optimum, in NumPy.

`_node_kernels` holds compiled twins of `ascend` and `degradations`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.tableau import ABSENT, EQUALITY, INEQUALITY, Tableau

__all__ = ["CUT_OFF", "FAILED", "FULL", "SOLVED", "Node", "ascend", "degradations"]

SOLVED, CUT_OFF, FULL, FAILED = 0, 1, 2, 3

_TOLERANCE = 1e-11  # of slacks, in units of the largest label


class Node:
    """Flipped rows F with the inverse of ``A_FF``, multipliers, slacks, and the dual value."""

    __slots__ = ("flips", "inverse", "kind", "multiplier", "n_flips", "position", "slack", "value")

    def __init__(self, table: Tableau, kind: NDArray[np.int8], room: int = 16) -> None:
        self.kind = kind
        self.multiplier = np.where(table.in_root, table.start, 0.0)
        self.slack = np.where(table.in_root, 0.0, table.start)
        self.value = table.value(self.slack)
        self.n_flips = 0
        self.position = np.full(table.start.size, -1, dtype=np.intp)
        self.flips = np.empty(room, dtype=np.intp)
        self.inverse = np.empty((room, room))

    def copy(self) -> Node:
        """Return a node that shares nothing with this one."""
        other = object.__new__(Node)
        other.kind, other.multiplier = self.kind.copy(), self.multiplier.copy()
        other.slack, other.value, other.n_flips = self.slack.copy(), self.value, self.n_flips
        other.position, other.flips = self.position.copy(), self.flips.copy()
        other.inverse = np.empty_like(self.inverse)
        n = self.n_flips
        other.inverse[:n, :n] = self.inverse[:n, :n]
        return other

    def grow(self) -> None:
        """Make room for twice as many flips."""
        n = self.flips.size
        flips, inverse = np.empty(2 * n, dtype=np.intp), np.empty((2 * n, 2 * n))
        flips[:n], inverse[:n, :n] = self.flips, self.inverse
        self.flips, self.inverse = flips, inverse

    def restore(self, table: Tableau, flips: NDArray[np.integer[Any]]) -> None:
        """Take on the flips of a solved node."""
        n = flips.size
        while self.flips.size < n:
            self.grow()
        self.n_flips = n
        self.flips[:n] = flips
        self.position.fill(-1)
        self.position[flips] = np.arange(n)
        self.inverse[:n, :n] = np.linalg.inv(table.columns[np.ix_(flips, flips)].T)
        self.recompute(table)

    def recompute(self, table: Tableau) -> None:
        """Set multipliers, slacks and value from the flips alone."""
        n = self.n_flips
        flips, inverse = self.flips[:n], self.inverse[:n, :n]
        chosen = table.columns[flips]
        p = -inverse @ table.start[flips]
        p -= inverse @ (table.start[flips] + p @ chosen[:, flips])
        q = table.start + p @ chosen
        in_root = table.in_root
        self.multiplier = np.where(in_root, q, 0.0)
        self.slack = np.where(in_root, 0.0, q)
        entered = ~in_root[flips]
        self.multiplier[flips] = np.where(entered, p, 0.0)
        self.slack[flips] = np.where(entered, 0.0, p)
        self.value = table.value(self.slack)


def ascend(table: Tableau, node: Node, cutoff: float) -> int:
    """Raise the dual value of a node until it is solved or passes `cutoff`.

    A dual active-set method: the most violated row enters, rows whose multiplier would change
    sign leave. Multipliers stay feasible, so the value is a lower bound all along.
    """
    for _ in range(50 * node.kind.size + 1000):
        j = _entering(table, node)
        if j < 0:
            node.recompute(table)
            return SOLVED
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
    flips, inverse = node.flips[:n], node.inverse[:n, :n]
    if node.position[j] < 0:
        column = table.columns[j]
        p = -inverse @ column[flips]
        q = column + p @ table.columns[flips]
    else:
        p = inverse[:, node.position[j]]
        q = p @ table.columns[flips]
    rise, lift = np.where(table.in_root, q, 0.0), np.where(table.in_root, 0.0, q)
    entered = ~table.in_root[flips]
    rise[flips] = np.where(entered, p, 0.0)
    lift[flips] = np.where(entered, 0.0, p)
    return rise, lift


def _flip(table: Tableau, node: Node, k: int) -> None:
    """Move row k into F, or out of it."""
    n, inverse, flips = node.n_flips, node.inverse, node.flips
    if node.position[k] < 0:
        F, old = flips[:n], inverse[:n, :n]
        u = old @ table.columns[k, F]
        row = table.columns[F, k]
        v = row @ old
        pivot = 1.0 / float(table.columns[k, k] - row @ u)
        old += np.outer(pivot * u, v)
        inverse[:n, n], inverse[n, :n], inverse[n, n] = -pivot * u, -pivot * v, pivot
        flips[n], node.position[k] = k, n
        node.n_flips = n + 1
        return
    p, last = int(node.position[k]), n - 1
    if p != last:
        inverse[:n, [p, last]] = inverse[:n, [last, p]]
        inverse[[p, last], :n] = inverse[[last, p], :n]
        flips[p] = flips[last]
        node.position[flips[p]] = p
    node.position[k] = -1
    column = inverse[:last, last] / inverse[last, last]
    inverse[:last, :last] -= np.outer(column, inverse[last, :last])
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
    flips, inverse = node.flips[:n], node.inverse[:n, :n]
    into = table.columns[np.ix_(rows, flips)]
    out_of = table.columns[np.ix_(flips, rows)]
    bend = table.columns[rows, rows] - np.einsum("rf,fr->r", into @ inverse.T, out_of)
    flipped = node.position[rows] >= 0
    here = node.position[rows[flipped]]
    bend[flipped] = inverse[here, here]
    return np.maximum(bend, 1e-300)
