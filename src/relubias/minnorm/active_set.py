r"""Dual active-set method for programs whose rows may be dependent.

The same program as in `pivoting`, with H only positive semi-definite:

.. math:: \min_\lambda \tfrac12 \lambda^\top H \lambda - e^\top \lambda, \qquad
          \lambda_j \ge 0 \text{ unless } j \text{ is free}, \qquad s = H\lambda - e.

Rows enter one by one, so the active rows stay independent. A violated row that depends on them
and that no multiplier blocks gives a ray: ``H z = 0``, ``z >= 0`` off the free rows and
``e @ z > 0``, the proof (Farkas) that no weights satisfy all rows.

Reference: D. Goldfarb, A. Idnani, Math. Program. 27 (1983), in sweep-tableau form (J. H.
Goodnight, Am. Stat. 33 (1979)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm._systems import cholesky_solver, refine

__all__ = ["ActiveSetResult", "NullTest", "dual_active_set", "gram_null_test"]

Bool = NDArray[np.bool_]
NullTest = Callable[[Float, int], float]
"""Takes a combination of rows and the row that it is to explain by the others; returns the squared
distance of that row from their span, or 0 if rounding explains it."""

_EPS = float(np.finfo(np.float64).eps)
_SUSPICIOUS = 1e-6
"""Pivots below this share of the diagonal are recomputed before they decide anything."""
_MAX_ROUNDS = 20


class ActiveSetResult(NamedTuple):
    """Multipliers and active rows, or the ray that proves infeasibility."""

    multipliers: Float
    active: Bool
    ray: Float | None
    n_pivots: int


def gram_null_test(hessian: Float) -> NullTest:
    """Return the test that knows H alone, whose entries may each be one rounding off."""
    lengths = np.sqrt(np.diagonal(hessian))

    def squared_length(z: Float, lead: int) -> float:
        del lead
        high, low, _ = residual(hessian, z, np.zeros(z.size))
        value = float(z @ high + z @ low)
        return value if value > 4 * _EPS * float(np.abs(z) @ lengths) ** 2 else 0.0

    return squared_length


class _Tableau:
    """Goodnight's sweep of H on the active rows W.

    Blocks: ``-H_WW^-1``, ``H_NW H_WW^-1`` and the Schur complement of H_WW.
    """

    def __init__(self, hessian: Float) -> None:
        self.table = hessian.copy()

    def sweep(self, k: int, *, enter: bool, pivot: float | None = None) -> None:
        """Move row `k` into the active rows, or out of them."""
        column = self.table[:, k].copy()
        d = column[k] if pivot is None else pivot
        column[k] = 0.0
        self.table -= np.outer(column / d, column)
        new = column / d if enter else -column / d
        self.table[:, k] = new
        self.table[k, :] = new
        self.table[k, k] = -1.0 / d


def dual_active_set(
    hessian: Float, linear: Float, free: Bool, null_test: NullTest | None = None
) -> ActiveSetResult:
    """Solve the dual program, or find the ray along which it is unbounded.

    Parameters
    ----------
    hessian : ndarray of shape (N, N)
        Symmetric positive semi-definite, of about unit size.
    linear : ndarray of shape (N,)
        Right-hand side e.
    free : ndarray of bool, shape (N,)
        Rows whose multiplier has no sign.
    null_test : callable, optional
        Decides whether a combination of rows vanishes; from `hessian` if omitted.

    Returns
    -------
    ActiveSetResult
        Multipliers refined to working accuracy, or a ray.
    """
    search = _Search(hessian, linear, free, null_test or gram_null_test(hessian))
    for _ in range(_MAX_ROUNDS):
        ray = search.run()
        if ray is not None:
            return ActiveSetResult(np.zeros(linear.size), search.active, ray, search.n_pivots)
        if search.refresh():
            break
    return ActiveSetResult(search.multipliers, search.active, None, search.n_pivots)


class _Search:
    """State of the method: multipliers, slacks, active rows and the tableau."""

    def __init__(self, hessian: Float, linear: Float, free: Bool, null_test: NullTest) -> None:
        self.hessian, self.linear, self.free, self.null_test = hessian, linear, free, null_test
        n = linear.size
        self.diagonal = np.diagonal(hessian)
        self.size = np.abs(hessian)
        self.multipliers, self.slack = np.zeros(n), -linear
        self.active = np.zeros(n, dtype=np.bool_)
        self.settled = np.zeros(n, dtype=np.bool_)
        self.tableau = _Tableau(hessian)
        self.n_pivots = 0

    def noise(self) -> Float:
        """Bound what rounding can do to each slack."""
        terms = self.size @ np.abs(self.multipliers) + np.abs(self.linear)
        return 16 * _EPS * np.sqrt(self.linear.size) * terms

    def violation(self) -> Float:
        """Return how far each row is from holding, 0 where it holds to rounding."""
        amount = np.where(self.free, np.abs(self.slack), np.maximum(-self.slack, 0.0))
        amount[self.active | self.settled] = 0.0
        return np.where(amount > self.noise(), amount, 0.0)

    def run(self) -> Float | None:
        """Add violated rows until none is left; return a ray if one shows up."""
        while True:
            violation = self.violation()
            if not violation.any():
                return None
            depth = np.maximum(np.diagonal(self.tableau.table), 1e-9 * self.diagonal)
            gain = violation**2 / np.maximum(depth, np.finfo(np.float64).tiny)
            ray = self.enter(int(np.argmax(gain)))
            if ray is not None:
                return ray

    def enter(self, j: int) -> Float | None:
        """Raise the multiplier of row `j` until the row holds, dropping rows that block."""
        sign = 1.0 if self.slack[j] < 0 else -1.0
        while True:
            self.n_pivots += 1
            column = self.tableau.table[:, j].copy()
            pivot = float(column[j])
            direction = np.where(self.active, -sign * column, 0.0)
            direction[j] = sign
            dependent = False
            if pivot <= _SUSPICIOUS * self.diagonal[j]:
                direction[self.active] = -sign * self.combination(j)
                pivot = self.null_test(direction, j)
                dependent = pivot == 0.0
                if dependent and self.linear @ direction <= np.abs(direction) @ self.noise():
                    self.settled[j] = True  # its label agrees with the rows it depends on
                    return None
            blocking = self.active & ~self.free & (direction < -1e-13 * np.abs(direction).max())
            ratio = np.full(self.linear.size, np.inf)
            ratio[blocking] = self.multipliers[blocking] / -direction[blocking]
            drop = int(np.argmin(ratio))
            if dependent and not np.isfinite(ratio[drop]):
                return direction
            full = np.inf if dependent else abs(float(self.slack[j])) / pivot
            step = min(full, float(ratio[drop]))
            self.multipliers += step * direction
            if not dependent:
                moved = ~self.active
                moved[j] = False
                self.slack[moved] += step * sign * column[moved]
                self.slack[j] += step * sign * pivot
            if full <= ratio[drop]:
                self.slack[j] = 0.0
                self.tableau.sweep(j, enter=True, pivot=pivot)
                self.active[j] = True
                return None
            self.multipliers[drop] = self.slack[drop] = 0.0
            self.tableau.sweep(drop, enter=False)
            self.active[drop] = False

    def combination(self, j: int) -> Float:
        """Return the combination of active rows nearest to row `j`, to working accuracy."""
        rows = np.flatnonzero(self.active)
        solve = cholesky_solver(self.hessian[np.ix_(rows, rows)])
        if solve is None:
            return self.tableau.table[rows, j]
        return refine(self.hessian[np.ix_(rows, rows)], self.hessian[rows, j], solve)

    def refresh(self) -> bool:
        """Recompute everything from the active rows; return whether the answer stands."""
        while True:
            rows = np.flatnonzero(self.active)
            solve = cholesky_solver(self.hessian[np.ix_(rows, rows)])
            if solve is None:
                return True  # dependent beyond what H can tell: the certificate will say so
            x = refine(self.hessian[np.ix_(rows, rows)], self.linear[rows], solve)
            wrong = ~self.free[rows] & (x < -8 * _EPS * np.abs(x).max(initial=0.0))
            if not wrong.any():
                break
            self.active[rows[wrong]] = False
        x[~self.free[rows]] = np.maximum(x[~self.free[rows]], 0.0)
        self.multipliers = np.zeros(self.linear.size)
        self.multipliers[rows] = x
        self.slack = self.hessian @ self.multipliers - self.linear
        self.slack[rows] = 0.0
        settled, self.settled = self.settled, np.zeros_like(self.settled)
        doubtful = self.violation() > 0
        if (
            not (doubtful & ~settled).any()
            and not (settled & (self.violation() > 1e3 * self.noise())).any()
        ):
            return True
        self.tableau = _Tableau(self.hessian)
        for k in rows:
            self.tableau.sweep(int(k), enter=True)
        return False
