"""The ball test of `_compiled.freezing` with LAPACK, for more samples than loops are good for."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.freezing import settle

__all__ = ["freeze_test"]


def freeze_test(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    high: Float,
    low: Float,
    active: NDArray[np.bool_],
    residual_high: Float,
    residual_low: Float,
    support: NDArray[np.int64],
    push: Float,
    limit_high: Float,
    limit_low: Float,
) -> tuple[int, int]:
    """Prove that the pattern never changes again; see the compiled twin."""
    counts = active.sum(axis=0)
    if ((counts == 1) & (labels == 0.0)).any():
        return code.NEEDS_EIGENBASIS, 0
    P = np.flatnonzero(counts)
    if P.size == 0:
        limit_high[:], limit_low[:] = high, low
        return code.FROZEN, 0
    with one_blas_thread():
        return _ball_test(
            gram, signs, step_size, high, low, active, (residual_high[P], residual_low[P]), P,
            support, push, limit_high, limit_low,
        )  # fmt: skip


def _ball_test(
    gram: Float,
    signs: Float,
    step_size: float,
    high: Float,
    low: Float,
    active: NDArray[np.bool_],
    residual: tuple[Float, Float],
    P: NDArray[np.intp],
    support: NDArray[np.int64],
    push: Float,
    limit_high: Float,
    limit_low: Float,
) -> tuple[int, int]:
    from scipy.linalg import cho_solve, solve_triangular

    order = P.size
    support[:order] = P
    pattern = active[:, P].astype(np.float64)
    gram_pp = gram[np.ix_(P, P)]
    hessian = (pattern.T @ pattern) * gram_pp
    if not step_size * np.abs(hessian).sum(axis=0).max() <= 1.0 and not _has_cholesky(
        (1.0 - 4.0 * order * code.EPS) * np.eye(order) - step_size * hessian
    ):
        return code.NEEDS_EIGENBASIS, order
    try:
        factor = np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return code.NEEDS_EIGENBASIS, order
    diagonal = np.diagonal(factor)
    if not (diagonal**2 > code.PIVOT_TOLERANCE * np.diagonal(hessian)).all():
        return code.NEEDS_EIGENBASIS, order
    z = solve_triangular(factor, residual[0], lower=True, check_finite=False)
    radius = float(np.sqrt(z @ z)) * code.BALL_SLACK

    def solve(right: Float) -> Float:
        return cho_solve((factor, True), right, check_finite=False)

    push[:order], limit = settle(gram, signs, (high, low), active, residual, solve)
    limit_high[:], limit_low[:] = limit
    condition = float((diagonal.max() / diagonal.min()) ** 2)
    scale = max(float(np.abs(high).max()), float(np.abs(limit_high).max()))
    margin = max(code.BALL_MARGIN, 8.0 * order * code.EPS * condition) * scale
    moves = (limit_high != high) | (limit_low != low)
    end = np.where(active, limit_high, -limit_high)
    if (moves & (end < -margin)).any():
        return code.SWITCH_COMES, order
    if (moves & ~(end > margin)).any():
        return code.BALL_FAILS, order
    centre = np.abs(high + limit_high) - margin
    unclear = moves & ~(centre > np.sqrt(np.diagonal(gram)) * radius)
    for k in range(signs.size):
        rows = np.flatnonzero(unclear[k])
        right = gram[np.ix_(P, rows)] * pattern[k][:, None]
        seen: Float = cast(Float, solve_triangular(factor, right, lower=True, check_finite=False))
        reach = np.sqrt((seen * seen).sum(axis=0)) * code.BALL_SLACK
        if not (centre[k, rows] > reach * radius).all():
            return code.BALL_FAILS, order
    return code.FROZEN, order


def _has_cholesky(matrix: Float) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True
