"""Steps of gradient descent in NumPy, readable; `_compiled.stepping` has the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.arithmetic import (
    Pair,
    accumulate,
    cholesky,
    normalise,
    sequential_sum,
)

__all__ = [
    "advance",
    "closed_a_cycle",
    "growth_of",
    "is_test_due",
    "note_save",
    "note_switches",
    "residual_of",
]

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


def residual_of(labels: Float, signs: Float, high: Float, low: Float, active: Mask) -> Pair:
    """Return ``signs @ relu(primal) - labels``."""
    total, rest = -labels, np.zeros_like(labels)
    for k in range(signs.shape[0]):
        term = np.where(active[k], signs[k] * high[k], 0.0)
        total, error = two_sum(total, term)
        rest = rest + np.where(active[k], error + signs[k] * low[k], 0.0)
    return normalise(total, rest)


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
    push, push_low = normalise(product, error + step_size * residual[1])
    path, largest, undecided = 0.0, 0.0, 0
    for k in range(signs.shape[0]):
        support = np.flatnonzero(active[k])
        for j in support:
            path += abs(push[j])
        if support.size == 0:
            continue
        sign, c, c_low = signs[k], push[support], push_low[support]
        moved = accumulate(dual_high[k, support], dual_low[k, support], -sign * c, -sign * c_low)
        dual_high[k, support], dual_low[k, support] = normalise(*moved)
        rows = gram[support]
        terms, errors = two_prod(c[:, None], rows)
        errors = errors + c_low[:, None] * rows
        move, move_low = np.zeros_like(high[k]), np.zeros_like(high[k])
        for term, term_error in zip(terms, errors, strict=True):
            move, move_low = accumulate(move, move_low, term, term_error)
        high[k], low[k] = normalise(*accumulate(high[k], low[k], -sign * move, -sign * move_low))
        largest = max(largest, float(np.abs(move).max()))
        is_lost = (c == 0.0).any()  # the residual is zero, or below the last bit
        can_move = (move != 0.0) | (is_lost & (np.diagonal(gram) > 0.0))
        bound = rounding + code.STEP_ROUNDING * largest_row * path
        undecided += int(((np.abs(high[k]) <= bound) & can_move).sum())
    return largest, rounding + code.STEP_ROUNDING * largest_row * path, undecided


def growth_of(gram: Float, step_size: float, active: Mask) -> float:
    """Bound the factor by which one step under this pattern can enlarge an error, at least 1.

    It is ``max(1, step_size lambda_max(H) - 1)``: one where ``2 I - step_size H`` has a Cholesky
    factor, otherwise from the largest row sum.
    """
    P = np.flatnonzero(active.any(axis=0))
    pattern = active[:, P].astype(float)
    change = -step_size * ((pattern.T @ pattern) * gram[np.ix_(P, P)])
    row_sum = float(sequential_sum(np.abs(change)).max(initial=0.0))
    if row_sum <= 2.0:
        return 1.0
    if P.size <= code.COMPILED_TEST_LIMIT and cholesky(change + 2.0 * np.eye(P.size)) is not None:
        return 1.0
    return row_sum - 1.0


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
    *work: Any,
) -> int:
    """Step until something has to be decided; return which (see `_codes`).

    The last of `work`, `extremes`, is empty, or of shape (3, n_neurons, n_samples): the smallest
    and the largest primal values since they were last set, and those before the last step.
    """
    extremes: Float = work[-1]
    while True:
        time = int(counters[code.TIME])
        residual = residual_of(labels, signs, high, low, active)
        residual_high[:], residual_low[:] = residual
        supported = active.any(axis=0)
        largest = float(np.abs(residual[0][supported]).max(initial=0.0))
        if largest <= tol:
            return code.SMALL_RESIDUAL
        if not largest < code.HUGE:
            return code.DIVERGED
        if time >= stop_time:
            return code.STOPPED
        if is_test_due(counters):
            return code.ATTEMPT
        if buffer.shape[0] > 0 and counters[code.N_BUFFERED] + high.size > buffer.shape[0]:
            return code.BUFFER_FULL
        if time >= counters[code.NEXT_SAVE]:
            saved_high[:], saved_low[:] = high, low
            note_save(counters)
        if rounding[code.GROWTH] == 0.0:
            rounding[code.GROWTH] = growth_of(gram, step_size, active)
        if extremes.size:
            extremes[2] = high
        moved, rounding[0], undecided = _step(
            gram, signs, step_size, largest_row, high, low, dual_high, dual_low, active,
            float(rounding[0] * rounding[code.GROWTH]), residual,
        )  # fmt: skip
        if extremes.size:
            np.minimum(extremes[0], high, out=extremes[0])
            np.maximum(extremes[1], high, out=extremes[1])
        counters[code.TIME] = time + 1
        if undecided and not rounding[code.TRUSTED]:
            return code.UNDECIDED
        if note_switches(high, active, pair_last, counters, buffer):
            rounding[code.GROWTH] = 1.0 - rounding[code.CAN_GROW]
        if closed_a_cycle(high, low, saved_high, saved_low, counters, moved):
            return code.CYCLE


def is_test_due(counters: Int) -> bool:
    """Whether it is time for a test and no switch came since the last one."""
    time = int(counters[code.TIME])
    if time < counters[code.NEXT_ATTEMPT]:
        return False
    quiet = counters[code.LAST_SWITCH] <= counters[code.LAST_ATTEMPT]
    counters[code.NEXT_ATTEMPT] = time + code.attempt_gap(time, int(counters[code.QUIET_FROM]))
    counters[code.LAST_ATTEMPT] = time
    return bool(quiet)


def note_save(counters: Int) -> None:
    """Start watching for a return to the present state."""
    time = counters[code.TIME]
    counters[code.NEXT_SAVE] = 2 * time
    counters[code.SAVED_AT] = counters[code.RETURNED_AT] = time
    counters[code.PERIOD] = counters[code.N_RETURNS] = 0


def note_switches(high: Float, active: Mask, pair_last: Int, counters: Int, buffer: Int) -> bool:
    """Compare the activation pattern with the state, record every change; say if there was one."""
    now = high > 0.0
    time = counters[code.TIME]
    changes = np.argwhere(now != active)
    for k, i in changes:
        active[k, i] = now[k, i]
        pair_last[k, i] = time
        counters[code.LAST_SWITCH] = counters[code.QUIET_FROM] = time
        counters[code.NEXT_ATTEMPT] = min(counters[code.NEXT_ATTEMPT], time + code.ATTEMPT_GAP)
        counters[code.WATCHED] = k * high.shape[1] + i
        counters[code.N_SWITCHES] += 1
        if buffer.shape[0] > 0:
            buffer[counters[code.N_BUFFERED]] = (time, k, i, 1 if now[k, i] else -1)
            counters[code.N_BUFFERED] += 1
    return changes.size > 0


def closed_a_cycle(
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
