r"""Block principal pivoting for the dual of every minimum-norm program of this package.

.. math:: \min_\lambda \tfrac12 \lambda^\top H \lambda - e^\top \lambda, \qquad
          \lambda_j \ge 0 \text{ unless } j \text{ is free}, \qquad s = H\lambda - e,

so ``s = 0`` where free, ``s >= 0`` and ``lambda * s = 0`` elsewhere. H is positive definite here;
`active_set` takes the singular ones.

References: J. J. Judice, F. M. Pires, Comput. Oper. Res. 21 (1994); J. Kim, H. Park, SIAM J. Sci.
Comput. 33 (2011); the single-pivot rule is K. G. Murty's, which makes the method finite.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual

__all__ = ["DualSolution", "NearlySingularError", "block_pivoting"]

Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

_EPS = float(np.finfo(np.float64).eps)
_SINGULAR_PIVOT = 1e-13
"""Cholesky pivots below this share of the diagonal are not told from zero."""
_PATIENCE = 3
_MAX_REFINEMENTS = 8
_MAX_REPAIRS = 20
_CONVERGED = 1e-12


class NearlySingularError(ArithmeticError):
    """A Cholesky pivot is not told from zero; the rows are dependent to working precision."""


class DualSolution(NamedTuple):
    """Multipliers, the rows that hold with equality, and how hard the work was."""

    multipliers: Float
    active: Bool
    first_correction: float
    """Size of the first refinement relative to the answer: about condition number times eps."""
    n_pivots: int
    n_single_pivots: int


class _Factor:
    """Cholesky factors of ``H[A, A]``, where A is the free rows F and then chosen rows S."""

    def __init__(self, hessian: Float, free: Bool) -> None:
        self.free, self.bound = np.flatnonzero(free), np.flatnonzero(~free)
        self.diagonal = np.diagonal(hessian)[self.bound]
        self.chosen: Index | None = None
        self.cholesky_free = _cholesky(
            _block(hessian, self.free, self.free), np.diagonal(hessian)[self.free]
        )
        self.coupling = _lower_solve(
            self.cholesky_free, _block(hessian, self.bound, self.free).T, overwrite=1
        )
        self.schur = _block(hessian, self.bound, self.bound)
        if self.coupling.size:
            self.schur -= self.coupling.T @ self.coupling

    def choose(self, chosen: Index) -> None:
        """Factor the Schur complement of the chosen ones among the bound rows."""
        if self.chosen is not None and np.array_equal(chosen, self.chosen):
            return
        self.cholesky_chosen = _cholesky(_block(self.schur, chosen, chosen), self.diagonal[chosen])
        self.chosen = chosen

    def solve_schur(self, right: Float) -> Float:
        """Solve with the Schur complement of the chosen rows."""
        v = _lower_solve(self.cholesky_chosen, right)
        return _lower_solve(self.cholesky_chosen, v, transposed=1)

    def solve(self, right: Float) -> Float:
        """Solve ``H[A, A] x = right``; rows in the order free, then chosen."""
        k = self.free.size
        coupling = self.coupling[:, self.chosen]
        t = _lower_solve(self.cholesky_free, right[:k])
        v = self.solve_schur(right[k:] - coupling.T @ t)
        t = _lower_solve(self.cholesky_free, t - coupling @ v, transposed=1)
        return np.concatenate([t, v])


def _block(matrix: Float, rows: Index, columns: Index) -> Float:
    """Return ``matrix[rows][:, columns]``, faster than by one index."""
    return np.take(np.take(matrix, rows, axis=0), columns, axis=1)


def _cholesky(matrix: Float, diagonal: Float) -> Float:
    """Factor a fresh symmetric matrix, in place; refuse pivots lost to rounding."""
    from scipy.linalg.lapack import dpotrf

    if matrix.shape[0] == 0:
        return matrix
    factor, info = dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if info != 0 or (np.diagonal(factor) ** 2 <= _SINGULAR_PIVOT * diagonal).any():
        raise NearlySingularError
    return factor


def _lower_solve(factor: Float, right: Float, *, transposed: int = 0, overwrite: int = 0) -> Float:
    from scipy.linalg.lapack import dtrtrs

    if right.size == 0:
        return right
    return dtrtrs(factor, right, lower=1, trans=transposed, overwrite_b=overwrite)[0]


def block_pivoting(
    hessian: Float, linear: Float, free: Bool, start: Bool | None = None
) -> DualSolution:
    """Solve the dual program by exchanging all infeasible rows at once.

    Parameters
    ----------
    hessian : ndarray of shape (N, N)
        Symmetric positive definite, of about unit size.
    linear : ndarray of shape (N,)
        Right-hand side e.
    free : ndarray of bool, shape (N,)
        Rows whose multiplier has no sign.
    start : ndarray of bool, shape (N,), optional
        Rows to try as active first.

    Returns
    -------
    DualSolution
        With the multipliers refined to working accuracy.

    Raises
    ------
    NearlySingularError
        If the rows that had to hold with equality are dependent to working precision.
    """
    factor = _Factor(hessian, free)
    t = _lower_solve(factor.cholesky_free, linear[factor.free])
    c = linear[factor.bound] - factor.coupling.T @ t
    first = c > 0 if start is None else start[factor.bound]
    inside, n_pivots, n_single = _pivot(factor, c, first)
    for _ in range(_MAX_REPAIRS):
        factor.choose(np.flatnonzero(inside))
        rows = np.concatenate([factor.free, factor.bound[factor.chosen]])
        x, first_correction = _refined(factor, hessian, linear, rows)
        wrong = _wrong_after_refinement(factor, hessian, linear, rows, x)
        if not wrong.any():
            break
        inside ^= wrong
        n_pivots += 1
    else:
        raise NearlySingularError
    active = free.copy()
    active[factor.bound[inside]] = True
    multipliers = np.zeros(linear.size)
    multipliers[rows] = x
    multipliers[~free] = np.maximum(multipliers[~free], 0.0)
    return DualSolution(multipliers, active, first_correction, n_pivots, n_single)


def _pivot(factor: _Factor, c: Float, inside: Bool) -> tuple[Bool, int, int]:
    """Find the support of the complementarity problem ``s = M x - c >= 0, x >= 0, x s = 0``."""
    n = c.size
    best, patience, n_single, n_pivots = n + 1, _PATIENCE, 0, 0
    while n:
        n_pivots += 1
        chosen = np.flatnonzero(inside)
        factor.choose(chosen)
        x = factor.solve_schur(c[chosen])
        padded = np.zeros(n)
        padded[chosen] = x
        s = factor.schur @ padded - c
        wrong = s < -16 * _EPS * float(np.abs(c).max())
        wrong[chosen] = x < -16 * _EPS * float(np.abs(x).max(initial=0.0))
        n_wrong = int(wrong.sum())
        if n_wrong == 0:
            break
        if n_wrong < best:
            best, patience = n_wrong, _PATIENCE
        elif patience > 0:
            patience -= 1
        else:
            n_single += 1
            wrong[: int(np.flatnonzero(wrong)[-1])] = False
        if n_pivots > 50 * n + 1000:
            raise NearlySingularError
        inside = inside ^ wrong
    return inside, n_pivots, n_single


def _refined(factor: _Factor, hessian: Float, linear: Float, rows: Index) -> tuple[Float, float]:
    """Solve on the active rows and correct by residuals of twice the working precision."""
    if rows.size == 0:
        return np.zeros(0), 0.0
    order = np.argsort(rows)
    chosen = rows[order]
    matrix = hessian if rows.size == linear.size else _block(hessian, chosen, chosen)
    target = linear[chosen]
    x = factor.solve(linear[rows])
    back = np.empty(rows.size)
    first = previous = np.inf
    for _ in range(_MAX_REFINEMENTS):
        high, low, _ = residual(matrix, x[order], target, brief=True)
        back[order] = high + low
        correction = factor.solve(back)
        share = float(np.abs(correction).max()) / max(float(np.abs(x).max()), 1e-300)
        if share >= previous:
            break
        x = x - correction
        first, previous = min(first, share) if np.isinf(first) else first, share
        if share * min(first, 1.0) < _EPS / 8:
            break
    if previous > _CONVERGED:
        raise NearlySingularError
    return x, first


def _wrong_after_refinement(
    factor: _Factor, hessian: Float, linear: Float, rows: Index, x: Float
) -> Bool:
    """Return the bound rows whose sign the refined answer contradicts."""
    wrong = np.zeros(factor.bound.size, dtype=np.bool_)
    if wrong.size == 0:
        return wrong
    size = float(np.abs(x).max(initial=0.0))
    outside = np.ones(factor.bound.size, dtype=np.bool_)
    outside[factor.chosen] = False
    padded = np.zeros(linear.size)
    padded[rows] = x
    others = factor.bound[outside]
    s = (hessian @ padded - linear)[others]
    noise = 4 * _EPS * (np.sqrt(rows.size) * size + float(np.abs(linear).max()))
    wrong[outside] = s < -noise
    wrong[factor.chosen] = x[factor.free.size :] < -8 * _EPS * size
    return wrong
