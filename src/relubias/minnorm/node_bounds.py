r"""Lower bounds of the nodes of a search, from the data, with an allowance for rounding.

For multipliers :math:`\lambda` that are feasible at a node, any rows' duals :math:`\lambda'` with
predictions :math:`u = G\beta`, slacks z, and :math:`g = \lambda' + \Theta z - \lambda`, half the
objective of every network below the node is at least

.. math:: e^\top\lambda' - \tfrac12\sum_\pm c_\pm \beta_\pm^\top u_\pm - \sum_i\theta_i a_i b_i
          + g^\top z - \tfrac12 g^\top M_\theta^{-1} g .

(The objective with :math:`\theta` is convex with Hessian :math:`M_\theta`, and its gradient at z
is :math:`\lambda' + \Theta z`; minimise the tangent parabola of the Lagrangian.) Here g vanishes
but for rounding, and only on the pairs V with :math:`\theta \ne 0`. There
:math:`M_\theta^{-1} \preceq H_{VV} / \tau` if :math:`(1-\tau) H_{VV} + H_{VV}\Theta H_{VV}
\succeq 0`, which one Cholesky factorisation proves, whatever the quality of :math:`\theta`.

Nothing of the solvers' factorisations enters: a wrong multiplier only makes a bound worse.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.pool import hull_pool
from relubias.minnorm.tableau import EQUALITY, INEQUALITY, Rows

__all__ = ["NodeBounds", "proved_share"]

_EPS = float(np.finfo(np.float64).eps)
_BATCH = 32


def proved_share(gram: Float, labels: Float, weights: tuple[float, float], theta: Float) -> float:
    r"""Return a :math:`\tau > 0` for which convexity is proved, or 0.

    `theta` has one entry per sample.
    """
    chosen = np.flatnonzero(theta[labels != 0])
    if chosen.size == 0:
        return 1.0
    some = np.flatnonzero(labels != 0)[chosen]
    pool = hull_pool(gram[np.ix_(some, some)], labels[some], weights)
    H, k = pool.hessian, chosen.size
    coupled = np.empty_like(H)
    coupled[:k] = theta[some][:, None] * H[k:]
    coupled[k:] = theta[some][:, None] * H[:k]
    product = H @ coupled
    size, largest = float(np.linalg.norm(H)), float(np.abs(theta).max())
    rounding = 8 * (2 * k + 4) * _EPS * (size + largest * size**2)
    shift = rounding + 8 * (2 * k + 4) * _EPS * float(np.trace(H) + np.abs(np.trace(product)))
    for tau in (1e-3, 1e-5, 1e-7):
        matrix = (1 - tau) * H + (product + product.T) / 2
        matrix[np.diag_indices(2 * k)] -= shift
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            continue
        return tau
    return 0.0


class NodeBounds:
    """Bounds of many nodes, computed in batches; ``bounds[node]`` is half the squared norm."""

    def __init__(
        self,
        gram: Float,
        labels: Float,
        weights: tuple[float, float],
        rows: Rows,
        theta: Float,
        share: float,
    ) -> None:
        self.gram, self.labels, self.weights, self.rows = gram, labels, weights, rows
        k = rows.nonzero.size
        self.pairs = np.flatnonzero(theta[rows.nonzero])
        self.theta = theta[rows.nonzero][self.pairs]
        self.columns = np.concatenate((self.pairs, self.pairs + k))
        self.share = share
        self.longest = math.sqrt(float((gram * gram).sum(axis=1).max()))
        size = np.abs(labels[rows.nonzero])
        self.right = np.concatenate((size, size))
        self.bounds: list[float] = []
        self._queue: list[tuple[int, Float, Float, NDArray[np.bool_]]] = []

    def add(self, kind: NDArray[np.int8], multiplier: Float, slack: Float, known: float) -> None:
        """Take on the next node; `known` is a bound from its parent."""
        self.bounds.append(known)
        self.improve(len(self.bounds) - 1, kind, multiplier, slack)

    def improve(self, index: int, kind: NDArray[np.int8], multiplier: Float, slack: Float) -> None:
        """Take on multipliers for a node that is known already."""
        feasible = np.where(kind == INEQUALITY, np.maximum(multiplier, 0.0), multiplier)
        free = kind[self.columns] == EQUALITY
        self._queue.append((index, feasible, slack[self.columns], free))
        if len(self._queue) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Compute the bounds of the nodes that wait."""
        if not self._queue:
            return
        index, multipliers, slacks, free = zip(*self._queue, strict=True)
        self._queue = []
        found = self._evaluate(np.array(multipliers), np.array(slacks), np.array(free))
        for node, bound in zip(index, found.tolist(), strict=True):
            self.bounds[int(node)] = max(self.bounds[int(node)], float(bound))

    def _evaluate(self, multiplier: Float, slack: Float, free: NDArray[np.bool_]) -> Float:
        v, k = self.pairs.size, self.rows.nonzero.size
        theta = np.tile(self.theta, 2)
        moved = multiplier.copy()
        moved[:, self.columns] -= theta * np.roll(slack, v, axis=1)
        dual = self._duals(moved)
        primal = dual @ self.gram
        length = np.linalg.norm(dual, axis=2).sum(axis=0)
        error = 1.2 * (self.labels.size + 12) * _EPS * self.longest * length + 8 * _EPS * (
            np.abs(primal).max(axis=(0, 2)) + float(np.abs(self.right).max(initial=0.0))
        )
        pad = error[:, None]

        z = self._pair_slacks(primal)
        swapped = theta * np.roll(z, v, axis=1)
        target = moved[:, self.columns] + swapped
        feasible = np.where(free, target, np.maximum(target, 0.0))
        g = target - feasible
        g_size = np.abs(g) + np.abs(theta) * pad + 4 * _EPS * (np.abs(target) + np.abs(swapped))

        weight = np.array(self.weights)[:, None, None]
        base = moved[:, : 2 * k]
        squares = (weight * dual * primal).sum(axis=(0, 2))
        square_sizes = (weight * np.abs(dual) * np.abs(primal)).sum(axis=(0, 2))
        products = self.theta * z[:, :v] * z[:, v:]
        value = base @ self.right - squares / 2 - products.sum(axis=1) + (g * z).sum(axis=1)

        n_terms = 4 * self.labels.size + 20
        sizes = np.abs(base) @ self.right + square_sizes + np.abs(products).sum(axis=1)
        loss = n_terms * _EPS * (sizes + np.abs(g * z).sum(axis=1))
        loss += (weight * np.abs(dual)).sum(axis=(0, 2)) * error
        loss += 8 * _EPS * np.abs(moved).sum(axis=1) * np.abs(primal).max(axis=(0, 2))
        loss += (np.abs(z) * (g_size - np.abs(g))).sum(axis=1)
        loss += (2 * np.abs(theta) * np.abs(z) + np.abs(theta) * pad + g_size).sum(axis=1) * error
        if v:
            reach = (g_size**2).sum(axis=1) * self._hessian_size() / (2 * self.share)
            loss += reach * (1 + 1e-9)
        return value - loss * (1 + 1e-9)

    def _hessian_size(self) -> float:
        """Bound the largest eigenvalue of ``H_VV``: each row is one of at most two predictions."""
        return 3.0 * self.longest * math.sqrt(self.labels.size) / min(self.weights)

    def _duals(self, moved: Float) -> Float:
        """Return the duals of both neurons, shape (2, n_nodes, n_samples)."""
        rows, k, z = self.rows, self.rows.nonzero.size, self.rows.zero.size
        dual = np.zeros((2, moved.shape[0], self.labels.size))
        a, b = moved[:, :k], moved[:, k : 2 * k]
        own = (self.labels[rows.nonzero] < 0).astype(np.intp)
        weight = np.array(self.weights)
        dual[own, :, rows.nonzero] = ((a + b) / weight[own]).T
        dual[1 - own, :, rows.nonzero] = (-b / weight[1 - own]).T
        if z:
            off_plus, off_minus, tied, on = np.split(moved[:, 2 * k :], 4, axis=1)
            dual[0][:, rows.zero] = (tied + on - off_plus) / weight[0]
            dual[1][:, rows.zero] = (-tied - off_minus) / weight[1]
        return dual

    def _pair_slacks(self, primal: Float) -> Float:
        samples = self.rows.nonzero[self.pairs]
        own = (self.labels[samples] < 0).astype(np.intp)
        mine, other = primal[own, :, samples].T, primal[1 - own, :, samples].T
        a = mine - np.abs(self.labels[samples])
        return np.concatenate((a, a - other), axis=1)
