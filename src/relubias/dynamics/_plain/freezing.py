"""The ball test in NumPy, readable; `_compiled.freezing` has the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.arithmetic import (
    Pair,
    accumulate,
    backward,
    cholesky,
    forward,
    normalise,
    sequential_sum,
)

__all__ = ["Solver", "freeze_test", "settle"]

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Solver(NamedTuple):
    """How a symmetric system is factored: ``H = L L.T``, None where a pivot is not safe."""

    cholesky: Callable[[Float], Float | None]
    forward: Callable[[Float, Float], Float]
    backward: Callable[[Float, Float], Float]


SEQUENTIAL = Solver(cholesky, forward, backward)
"""The order of sums of the compiled kernel."""


def _push_residual(gram_pp: Float, pattern: Float, residual: Pair, push: Float) -> Float:
    """Return ``r - H push`` on the supported samples, rounded once."""
    total, below = residual
    for b in range(push.shape[0]):
        term, error = two_prod(-gram_pp[:, b], push[b])
        for active in pattern:
            on = (active * active[b]) > 0
            total, below = accumulate(
                total, below, np.where(on, term, 0.0), np.where(on, error, 0.0)
            )
    return total + below


def _move_limit(gram: Float, signs: Float, limit: Pair, active: Mask, push: Float) -> Pair:
    """Return ``limit_k - s_k G (A_k * push)`` on the supported samples."""
    total, below = limit
    for j, v in zip(np.flatnonzero(active.any(axis=0)), push, strict=True):
        term, error = two_prod(-signs[:, None] * gram[None, j], v)
        on = active[:, j, None]
        total, below = accumulate(total, below, np.where(on, term, 0.0), np.where(on, error, 0.0))
    return normalise(total, below)


def settle(
    gram: Float,
    signs: Float,
    state: Pair,
    active: Mask,
    residual: Pair,
    solve: Callable[[Float], Float],
) -> tuple[Float, Pair]:
    """Return ``H^{-1} r`` and the limit, each stage solving for what the last one left over."""
    P = np.flatnonzero(active.any(axis=0))
    pattern, gram_pp = active[:, P].astype(float), gram[np.ix_(P, P)]
    push, limit = np.zeros(P.size), state
    if gram.shape[0] > code.COMPILED_TEST_LIMIT:
        return _settle_compiled(gram, signs, state, active, P, residual, solve)
    for _ in range(3):
        part = solve(residual[0])
        push = push + part
        limit = _move_limit(gram, signs, limit, active, part)
        residual = _push_residual(gram_pp, pattern, residual, part), np.zeros(P.size)
    return push, limit


def _settle_compiled(
    gram: Float,
    signs: Float,
    state: Pair,
    active: Mask,
    P: NDArray[np.intp],
    residual: Pair,
    solve: Callable[[Float], Float],
) -> tuple[Float, Pair]:
    """Do the same in the compiled loops, which large problems are not worth waiting without."""
    from relubias.dynamics import _compiled

    engine: Any = _compiled
    push, limit = np.zeros(P.size), (state[0].copy(), state[1].copy())
    left, left_low = residual[0].copy(), residual[1].copy()
    for _ in range(3):
        part = solve(left)
        push += part
        engine.move_limit(gram, signs, active, P.size, P, part, *limit)
        engine.push_residual(gram, active, P.size, P, part, left, left_low)
    return push, limit


def freeze_test(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    high: Float,
    low: Float,
    active: Mask,
    residual_high: Float,
    residual_low: Float,
    _hessian: Float,
    _factor: Float,
    support: Int,
    push: Float,
    _work: Float,
    limit_high: Float,
    limit_low: Float,
    solver: Solver = SEQUENTIAL,
) -> tuple[int, int]:
    """Prove that the pattern never changes again: the Thales ball of the frozen path."""
    counts = active.sum(axis=0)
    if ((counts == 1) & (labels == 0.0)).any():
        return code.NEEDS_EIGENBASIS, 0
    P = np.flatnonzero(counts)
    order = P.size
    support[:order] = P
    pattern = active[:, P].astype(float)
    gram_pp = gram[np.ix_(P, P)]
    hessian = (pattern.T @ pattern) * gram_pp
    row_sums = sequential_sum(np.abs(hessian))
    if not step_size * row_sums.max(initial=0.0) <= 1.0:
        shift = (1.0 - 4.0 * order * code.EPS) * np.eye(order)
        if solver.cholesky(-step_size * hessian + shift) is None:
            return code.NEEDS_EIGENBASIS, order
    factor = solver.cholesky(hessian)
    if factor is None:
        return code.NEEDS_EIGENBASIS, order
    z = solver.forward(factor, residual_high[P])
    radius = math.sqrt(float(sequential_sum(z * z))) * code.BALL_SLACK

    def solve(right: Float) -> Float:
        return solver.backward(factor, solver.forward(factor, right))

    residual = residual_high[P], residual_low[P]
    push[:order], limit = settle(gram, signs, (high, low), active, residual, solve)
    limit_high[:], limit_low[:] = limit
    diagonal = np.diagonal(factor)
    condition = (diagonal.max() / diagonal.min()) ** 2 if order else 1.0
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
    for k in range(signs.shape[0]):
        rows = np.flatnonzero(unclear[k])
        seen = solver.forward(factor, gram[np.ix_(P, rows)] * pattern[k][:, None])
        reach = np.sqrt(sequential_sum(seen * seen))
        if not (centre[k, rows] > reach * radius).all():
            return code.BALL_FAILS, order
    return code.FROZEN, order
