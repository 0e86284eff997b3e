r"""Block principal pivoting for the dual of every minimum-norm program of this package.

.. math:: \min_\lambda \tfrac12 \lambda^\top H \lambda - e^\top \lambda, \qquad
          \lambda_j \ge 0 \text{ unless } j \text{ is free}, \qquad s = H\lambda - e,

so ``s = 0`` where free, ``s >= 0`` and ``lambda * s = 0`` elsewhere. H is positive definite here;
`active_set` takes the singular ones.

References: J. J. Judice, F. M. Pires, Comput. Oper. Res. 21 (1994); J. Kim, H. Park, SIAM J. Sci.
Comput. 33 (2011); the single-pivot rule is K. G. Murty's, which makes the method finite.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._factor import Factor, NearlySingularError, Program
from relubias.minnorm._products import residual

__all__ = ["DualSolution", "NearlySingularError", "block_pivoting"]

Bool = NDArray[np.bool_]

_EPS = float(np.finfo(np.float64).eps)
_PATIENCE = 3
_MAX_REFINEMENTS = 8
_MAX_REPAIRS = 20
_CONVERGED = 1e-12
_LOW_PRECISION_FROM = 200
"""Rows from which the factors are first tried in half the precision, at half the cost."""
_LOW_PRECISION = float(np.finfo(np.float32).eps) / _EPS
_NEARLY = 1e-10
"""Predicted correction from which residuals in working precision are not enough."""
_SLOW = 1e-2
"""First correction from which factors in half the precision are worth nothing."""
_MAX_SINGLE_PIVOTS = 60
"""Rows exchanged one by one, n / 4 more in full precision, before rounding is held to blame."""


class DualSolution(NamedTuple):
    """Multipliers, the rows that hold with equality, slacks s, and how hard the work was."""

    multipliers: Float
    active: Bool
    slack: Float
    first_correction: float
    """Size of the first refinement relative to the answer: about condition number times eps."""
    n_pivots: int
    n_single_pivots: int


def block_pivoting(
    hessian: Float,
    linear: Float,
    free: Bool,
    start: Bool | None = None,
    scale: Float | None = None,
) -> DualSolution:
    """Solve the dual program by exchanging all infeasible rows at once.

    Parameters
    ----------
    hessian : ndarray of shape (N, N)
        Symmetric positive definite.
    linear : ndarray of shape (N,)
        Right-hand side e.
    free : ndarray of bool, shape (N,)
        Rows whose multiplier has no sign.
    start : ndarray of bool, shape (N,), optional
        Rows to try as active first.
    scale : ndarray of shape (N,), optional
        Powers of two, of either sign, by which rows and columns of `hessian` are to be multiplied;
        after that it is of about unit size.

    Returns
    -------
    DualSolution
        With the multipliers refined to working accuracy.

    Raises
    ------
    NearlySingularError
        If the rows that had to hold with equality are dependent to working precision.
    """
    program = Program(hessian, linear, free, scale)
    if linear.size >= _LOW_PRECISION_FROM:
        try:
            return _solve(program, start, np.float32)
        except NearlySingularError:
            pass
    return _solve(program, start, np.float64)


def _solve(program: Program, start: Bool | None, dtype: type[np.floating[Any]]) -> DualSolution:
    factor = Factor(program, dtype)
    inside, x, n_pivots, n_single = _pivot(factor, start)
    for _ in range(_MAX_REPAIRS):
        x, first_correction = _refined(factor, x)
        slack = program.slack(factor.rows, x)
        wrong = _wrong_after_refinement(factor, x, slack)
        if not wrong.any():
            break
        inside ^= wrong
        n_pivots += 1
        factor.choose(inside.nonzero()[0])
        x = factor.solve()
    else:
        raise NearlySingularError
    active = program.free.copy()
    active[factor.bound[inside]] = True
    multipliers = np.zeros(active.size)
    multipliers[factor.rows] = x
    multipliers *= program.sign
    multipliers[factor.bound] = np.maximum(multipliers[factor.bound], 0.0)
    slack *= program.sign
    return DualSolution(multipliers, active, slack, first_correction, n_pivots, n_single)


def _pivot(factor: Factor, start: Bool | None) -> tuple[Bool, Float, int, int]:
    """Find the active bound rows and their solution, up to the precision of the factors."""
    program, bound = factor.program, factor.bound
    k, n, sign = factor.free.size, factor.bound.size, program.sign[factor.bound]
    x = factor.solve_free()
    s = program.slack(factor.free, x)[bound] * sign
    noise = 16 * _EPS * (1.0 if factor.dtype is np.float64 else _LOW_PRECISION)
    size = noise * _size(s)
    inside = s < 0 if start is None else start[bound]
    best, patience, n_single, n_pivots = n + 1, _PATIENCE, 0, 0
    most_single = _MAX_SINGLE_PIVOTS + (n // 4 if factor.dtype is np.float64 else 0)
    while n:
        n_pivots += 1
        factor.choose(inside.nonzero()[0])
        x = factor.solve()
        wrong = program.slack(factor.rows, x)[bound] * sign < -size
        wrong[factor.chosen] = x[k:] * sign[factor.chosen] < -noise * _size(x[k:])
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
        if n_single > most_single:
            raise NearlySingularError
        inside = inside ^ wrong
    return inside, x, n_pivots, n_single


def _refined(factor: Factor, x: Float) -> tuple[Float, float]:
    """Correct the solution on the active rows by residuals of twice the working precision."""
    program, rows = factor.program, factor.rows
    if rows.size == 0:
        return x, 0.0
    order = np.argsort(rows)
    chosen = rows[order]
    matrix, target = program.block(chosen, chosen), program.linear[chosen]
    size = float(program.diagonal[chosen].max())
    back = np.empty(rows.size)
    precise = factor.dtype is np.float64
    first = previous = np.inf
    for _ in range(_MAX_REFINEMENTS):
        if precise:
            high, low, _ = residual(matrix, x[order], target, brief=True, size=size)
            back[order] = high + low
        else:
            back[order] = matrix @ x[order] - target
        correction = factor.solve(back)
        share = _size(correction) / max(_size(x), 1e-300)
        if share >= min(previous, np.inf if precise else _SLOW):
            break
        x = x - correction
        first, previous = min(first, share) if np.isinf(first) else first, share
        if precise and share * min(first, 1.0) < _EPS / 8:
            break
        precise = precise or share * first < _NEARLY
    if not precise or previous > _CONVERGED:
        raise NearlySingularError
    return x, first if factor.dtype is np.float64 else first / _LOW_PRECISION


def _size(values: Float) -> float:
    return float(np.abs(values).max(initial=0.0))


def _wrong_after_refinement(factor: Factor, x: Float, slack: Float) -> Bool:
    """Return the bound rows whose sign the refined answer contradicts."""
    k, sign = factor.free.size, factor.program.sign[factor.bound]
    size = _size(x)
    linear = _size(factor.program.linear)
    wrong = slack[factor.bound] * sign < -4 * _EPS * (np.sqrt(x.size) * size + linear)
    wrong[factor.chosen] = x[k:] * sign[factor.chosen] < -8 * _EPS * size
    return wrong
