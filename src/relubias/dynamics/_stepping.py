"""Readable NumPy twins of the compiled kernels: same arguments, same arrays, same bits.

A problem that is solved in a few thousand steps never needs the compiler. Sums run in the order
of the samples, one sample a time, because that is what makes the bits equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.dynamics import _codes as code

__all__ = [
    "add",
    "advance",
    "freeze_test",
    "multiply",
    "note_switches",
    "power_steps",
    "product",
    "settle",
]

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]
Pair = tuple[Float, Float]


def _normalise(high: Float, low: Float) -> Pair:
    total = high + low
    return total, low - (total - high)


def _accumulate(high: Float, low: Float, term: Float, term_low: Float | float) -> Pair:
    """Add a double-double term to an unnormalised double-double sum."""
    total, error = two_sum(high, term)
    return total, low + (error + term_low)


def _residual(labels: Float, signs: Float, high: Float, low: Float, active: Mask) -> Pair:
    """Return ``signs @ relu(primal) - labels``."""
    total, rest = -labels, np.zeros_like(labels)
    for k in range(signs.shape[0]):
        term = np.where(active[k], signs[k] * high[k], 0.0)
        total, error = two_sum(total, term)
        rest = rest + np.where(active[k], error + signs[k] * low[k], 0.0)
    return _normalise(total, rest)


def _step(
    gram: Float,
    signs: Float,
    step_size: float,
    largest_row: float,
    high: Float,
    low: Float,
    dual_high: Float,
    dual_low: Float,
    active: Mask,
    rounding: float,
    residual: Pair,
) -> tuple[float, float, int]:
    """Apply ``beta_k -= step_size s_k A_k r`` and follow it in the primal."""
    product, error = two_prod(np.full_like(residual[0], step_size), residual[0])
    push, push_low = _normalise(product, error + step_size * residual[1])
    path, largest, undecided = 0.0, 0.0, 0
    for k in range(signs.shape[0]):
        support = np.flatnonzero(active[k])
        for j in support:
            path += abs(push[j])
        if support.size == 0:
            continue
        sign, c, c_low = signs[k], push[support], push_low[support]
        moved = _accumulate(dual_high[k, support], dual_low[k, support], -sign * c, -sign * c_low)
        dual_high[k, support], dual_low[k, support] = _normalise(*moved)
        rows = gram[support]
        terms, errors = two_prod(c[:, None], rows)
        errors = errors + c_low[:, None] * rows
        move, move_low = np.zeros_like(high[k]), np.zeros_like(high[k])
        for term, term_error in zip(terms, errors, strict=True):
            move, move_low = _accumulate(move, move_low, term, term_error)
        high[k], low[k] = _normalise(*_accumulate(high[k], low[k], -sign * move, -sign * move_low))
        largest = max(largest, float(np.abs(move).max()))
        bound = rounding + code.STEP_ROUNDING * largest_row * path
        undecided += int(((np.abs(high[k]) <= bound) & (high[k] != 0.0) & (move != 0.0)).sum())
    return largest, rounding + code.STEP_ROUNDING * largest_row * path, undecided


def advance(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    largest_row: float,
    tol: float,
    stop_time: int,
    high: Float,
    low: Float,
    dual_high: Float,
    dual_low: Float,
    active: Mask,
    pair_last: Int,
    saved_high: Float,
    saved_low: Float,
    counters: Int,
    rounding: Float,
    buffer: Int,
    residual_high: Float,
    residual_low: Float,
    *_work: Any,
) -> int:
    """Step until something has to be decided; return which (see `_codes`)."""
    while True:
        time = int(counters[code.TIME])
        residual = _residual(labels, signs, high, low, active)
        residual_high[:], residual_low[:] = residual
        supported = active.any(axis=0)
        largest = float(np.abs(residual[0][supported]).max(initial=0.0))
        if largest <= tol:
            return code.SMALL_RESIDUAL
        if not largest < code.HUGE:
            return code.DIVERGED
        if time >= stop_time:
            return code.STOPPED
        if time >= counters[code.NEXT_ATTEMPT]:
            quiet = counters[code.LAST_SWITCH] <= counters[code.LAST_ATTEMPT]
            gap = code.attempt_gap(time, int(counters[code.QUIET_FROM]))
            counters[code.NEXT_ATTEMPT] = time + gap
            counters[code.LAST_ATTEMPT] = time
            if quiet:
                return code.ATTEMPT
        if buffer.shape[0] > 0 and counters[code.N_BUFFERED] + high.size > buffer.shape[0]:
            return code.BUFFER_FULL
        if time >= counters[code.NEXT_SAVE]:
            saved_high[:], saved_low[:] = high, low
            counters[code.NEXT_SAVE] = 2 * time
            counters[code.SAVED_AT] = counters[code.RETURNED_AT] = time
            counters[code.PERIOD] = counters[code.N_RETURNS] = 0
        if rounding[code.GROWTH] == 0.0:
            rounding[code.GROWTH] = _growth(gram, step_size, active)
        moved, rounding[0], undecided = _step(
            gram, signs, step_size, largest_row, high, low, dual_high, dual_low, active,
            float(rounding[0] * rounding[code.GROWTH]), residual,
        )  # fmt: skip
        counters[code.TIME] = time + 1
        if undecided and not rounding[code.TRUSTED]:
            return code.UNDECIDED
        n_switches = counters[code.N_SWITCHES]
        note_switches(high, active, pair_last, counters, buffer)
        if rounding[code.CAN_GROW] and counters[code.N_SWITCHES] > n_switches:
            rounding[code.GROWTH] = 0.0
        if _closed_a_cycle(high, low, saved_high, saved_low, counters, moved):
            return code.CYCLE


def _growth(gram: Float, step_size: float, active: Mask) -> float:
    """Bound the factor by which one step under this pattern can enlarge an error, at least 1.

    It is ``max(1, step_size lambda_max(H) - 1)``: one where ``2 I - step_size H`` has a Cholesky
    factor, otherwise from the largest row sum.
    """
    P = np.flatnonzero(active.any(axis=0))
    pattern = active[:, P].astype(float)
    change = -step_size * ((pattern.T @ pattern) * gram[np.ix_(P, P)])
    row_sum = float(_sequential_sum(np.abs(change)).max(initial=0.0))
    if row_sum <= 2.0:
        return 1.0
    if P.size <= code.COMPILED_TEST_LIMIT and _cholesky(change + 2.0 * np.eye(P.size)) is not None:
        return 1.0
    return row_sum - 1.0


def note_switches(high: Float, active: Mask, pair_last: Int, counters: Int, buffer: Int) -> None:
    """Compare the activation pattern with the state and record every change."""
    now = high > 0.0
    time = counters[code.TIME]
    for k, i in np.argwhere(now != active):
        active[k, i] = now[k, i]
        pair_last[k, i] = time
        counters[code.LAST_SWITCH] = counters[code.QUIET_FROM] = time
        counters[code.NEXT_ATTEMPT] = min(counters[code.NEXT_ATTEMPT], time + code.ATTEMPT_GAP)
        counters[code.WATCHED] = k * high.shape[1] + i
        counters[code.N_SWITCHES] += 1
        if buffer.shape[0] > 0:
            buffer[counters[code.N_BUFFERED]] = (time, k, i, 1 if now[k, i] else -1)
            counters[code.N_BUFFERED] += 1


def _closed_a_cycle(
    high: Float, low: Float, saved_high: Float, saved_low: Float, counters: Int, moved: float
) -> bool:
    """Whether the state is back at the saved one, for the last of several equal periods."""
    if counters[code.SAVED_AT] == 0:
        return False
    gap = (high - saved_high) + (low - saved_low)
    if (np.abs(gap) > code.CYCLE_TOLERANCE * moved).any():
        return False
    period = counters[code.TIME] - counters[code.RETURNED_AT]
    if period == counters[code.PERIOD]:
        counters[code.N_RETURNS] += 1
    else:
        counters[code.PERIOD], counters[code.N_RETURNS] = period, 1
    counters[code.RETURNED_AT] = counters[code.TIME]
    return bool(period > 1 and counters[code.N_RETURNS] >= code.CYCLE_RETURNS)


def _cholesky(matrix: Float) -> Float | None:
    """Return the lower Cholesky factor, or None where a pivot is not safely positive."""
    factor = np.tril(matrix)
    full = np.diagonal(matrix).copy()
    for j in range(matrix.shape[0]):
        if not factor[j, j] > code.PIVOT_TOLERANCE * full[j]:
            return None
        factor[j, j] = math.sqrt(factor[j, j])
        factor[j + 1 :, j] /= factor[j, j]
        factor[j + 1 :, j + 1 :] -= np.tril(np.outer(factor[j + 1 :, j], factor[j + 1 :, j]))
    return factor


def _forward(factor: Float, right: Float) -> Float:
    """Solve ``L z = right`` for a vector or for columns."""
    z = right.copy()
    for a in range(factor.shape[0]):
        z[a] /= factor[a, a]
        z[a + 1 :] -= np.multiply.outer(factor[a + 1 :, a], z[a])
    return z


def _backward(factor: Float, right: Float) -> Float:
    """Solve ``L.T z = right``."""
    z = right.copy()
    for a in range(factor.shape[0] - 1, -1, -1):
        z[a] /= factor[a, a]
        z[:a] -= factor[a, :a] * z[a]
    return z


def _sequential_sum(values: Float) -> Float:
    """Sum over the first axis in order (`numpy.sum` may add pairwise)."""
    return np.cumsum(values, axis=0)[-1] if values.shape[0] else np.zeros(values.shape[1:])


def _push_residual(gram_pp: Float, pattern: Float, residual: Pair, push: Float) -> Float:
    """Return ``r - H push`` on the supported samples, rounded once."""
    total, below = residual
    for b in range(push.shape[0]):
        term, error = two_prod(-gram_pp[:, b], push[b])
        for active in pattern:
            on = (active * active[b]) > 0
            total, below = _accumulate(
                total, below, np.where(on, term, 0.0), np.where(on, error, 0.0)
            )
    return total + below


def _move_limit(gram: Float, signs: Float, limit: Pair, active: Mask, push: Float) -> Pair:
    """Return ``limit_k - s_k G (A_k * push)`` on the supported samples."""
    total, below = limit
    for j, v in zip(np.flatnonzero(active.any(axis=0)), push, strict=True):
        term, error = two_prod(-signs[:, None] * gram[None, j], v)
        on = active[:, j, None]
        total, below = _accumulate(total, below, np.where(on, term, 0.0), np.where(on, error, 0.0))
    return _normalise(total, below)


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
    for _ in range(3):
        part = solve(residual[0])
        push = push + part
        limit = _move_limit(gram, signs, limit, active, part)
        residual = _push_residual(gram_pp, pattern, residual, part), np.zeros(P.size)
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
    row_sums = _sequential_sum(np.abs(hessian))
    if not step_size * row_sums.max(initial=0.0) <= 1.0:
        shift = (1.0 - 4.0 * order * code.EPS) * np.eye(order)
        if _cholesky(-step_size * hessian + shift) is None:
            return code.NEEDS_EIGENBASIS, order
    factor = _cholesky(hessian)
    if factor is None:
        return code.NEEDS_EIGENBASIS, order
    z = _forward(factor, residual_high[P])
    radius = math.sqrt(float(_sequential_sum(z * z))) * code.BALL_SLACK

    def solve(right: Float) -> Float:
        return _backward(factor, _forward(factor, right))

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
        seen = _forward(factor, gram[np.ix_(P, rows)] * pattern[k][:, None])
        reach = np.sqrt(_sequential_sum(seen * seen))
        if not (centre[k, rows] > reach * radius).all():
            return code.BALL_FAILS, order
    return code.FROZEN, order


def multiply(
    left_high: Float,
    left_low: Float,
    right_high: Float,
    right_low: Float,
    out_high: Float,
    out_low: Float,
) -> None:
    """Write a double-double matrix product; sums run in the order of the inner index."""
    high, low = np.zeros_like(out_high), np.zeros_like(out_low)
    for k in range(left_high.shape[1]):
        x, x_low = left_high[:, k, None], left_low[:, k, None]
        y, y_low = right_high[None, k], right_low[None, k]
        product, error = two_prod(x, y)
        high, low = _accumulate(high, low, product, error + (x * y_low + x_low * y))
    out_high[:], out_low[:] = _normalise(high, low)


def product(left: Pair, right: Pair) -> Pair:
    """Return a double-double matrix product."""
    out = np.empty((left[0].shape[0], right[0].shape[1]))
    out_low = np.empty_like(out)
    multiply(*left, *right, out, out_low)
    return out, out_low


def add(first: Pair, factor: float, second: Pair) -> Pair:
    """Return ``first + factor * second`` for a factor that is a signed power of two."""
    return _normalise(*_accumulate(*first, factor * second[0], factor * second[1]))


def power_steps(
    hessian_high: Float,
    hessian_low: Float,
    step_size: float,
    residual_high: Float,
    residual_low: Float,
    n_steps: int,
) -> tuple[Float, Float, float]:
    """Sum the residuals of `n_steps` steps under a frozen pattern, times the step size.

    With ``S_1 = step_size I`` and ``S_2a = 2 S_a - S_a H S_a`` (Newton and Schulz), the sum over
    the first a steps is ``S_a r``; rounding errors do not grow with the number of steps.
    """
    order = hessian_high.shape[0]
    hessian = hessian_high, hessian_low
    S = step_size * np.eye(order), np.zeros((order, order))
    left = residual_high, residual_low
    total = np.zeros((order, 1)), np.zeros((order, 1))
    largest = step_size
    while True:
        if n_steps & 1:
            part = product(S, left)
            total = add(total, 1.0, part)
            left = add(left, -1.0, product(hessian, part))
        n_steps >>= 1
        if n_steps == 0:
            return total[0], total[1], largest
        S = add((2.0 * S[0], 2.0 * S[1]), -1.0, product(S, product(hessian, S)))
        largest = max(largest, float(np.abs(S[0]).max()))
