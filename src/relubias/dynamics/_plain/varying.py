"""Steps with momentum and cyclic mini-batches in NumPy; `_compiled.varying` has the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain import stepping
from relubias.dynamics._plain.arithmetic import Pair, accumulate, normalise

__all__ = ["advance_varying"]

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


def _scaled(factor: float, high: Float, low: Float) -> Pair:
    """Return a number times a double-double, not normalised."""
    product, error = two_prod(np.full_like(high, factor), high)
    return product, error + factor * low


def _step(
    gram: Float,
    signs: Float,
    step_size: float,
    momentum: float,
    state: tuple[Float, ...],
    taking: Mask,
    residual: Pair,
) -> tuple[float, float, Mask]:
    """Apply ``v_k = momentum v_k - step_size s_k A_k r`` and ``beta_k += v_k``; follow the primal.

    Returns the largest change of a primal value, the sum of all pushes, and which neurons had one
    that was lost below the last bit.
    """
    high, low, dual_high, dual_low, fast_high, fast_low, dual_fast_high, dual_fast_low = state
    push, push_low = normalise(*_scaled(step_size, *residual))
    path, lost = 0.0, np.zeros(signs.size, np.bool_)
    for k in range(signs.size):
        sign, support = signs[k], np.flatnonzero(taking[k])
        c, c_low = push[support], push_low[support]
        for entry in c:
            path += abs(entry)
        lost[k] = (c == 0.0).any()
        fast, fast_rest = _scaled(momentum, dual_fast_high[k], dual_fast_low[k])
        fast[support], fast_rest[support] = accumulate(
            fast[support], fast_rest[support], -sign * c, -sign * c_low
        )
        dual_fast_high[k], dual_fast_low[k] = normalise(fast, fast_rest)
        moved = accumulate(dual_high[k], dual_low[k], dual_fast_high[k], dual_fast_low[k])
        dual_high[k], dual_low[k] = normalise(*moved)
        move, move_low = np.zeros_like(high[k]), np.zeros_like(high[k])
        rows = gram[support]
        terms, errors = two_prod(c[:, None], rows)
        errors = errors + c_low[:, None] * rows
        for term, error in zip(terms, errors, strict=True):
            move, move_low = accumulate(move, move_low, term, error)
        fast, fast_rest = _scaled(momentum, fast_high[k], fast_low[k])
        fast, fast_rest = normalise(*accumulate(fast, fast_rest, -sign * move, -sign * move_low))
        gone = (np.abs(fast) < code.FLUSH) & (fast != 0.0)
        lost[k] |= gone.any()
        fast_high[k], fast_low[k] = np.where(gone, 0.0, fast), np.where(gone, 0.0, fast_rest)
        high[k], low[k] = normalise(*accumulate(high[k], low[k], fast_high[k], fast_low[k]))
    return float(np.abs(fast_high).max()), path, lost


def _follow_shadow(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    momentum: float,
    shadow: Float,
    shadow_fast: Float,
    active: Mask,
    taking: Mask,
) -> None:
    """Take the same step in plain doubles, under the same pattern."""
    residual = -labels
    for k in range(signs.size):
        residual = np.where(active[k], residual + signs[k] * shadow[k], residual)
    for k in range(signs.size):
        fast = momentum * shadow_fast[k]
        for j in np.flatnonzero(taking[k]):
            fast = fast - (signs[k] * (step_size * residual[j])) * gram[j]
        shadow_fast[k] = fast
        shadow[k] += fast


def _is_undecided(gram: Float, high: Float, fast: Float, lost: Mask, bound: float) -> bool:
    """Whether a value that moves came to within its rounding error of zero."""
    can_move = (fast != 0.0) | (lost[:, None] & (np.diagonal(gram) > 0.0))
    return bound > 0.0 and bool(((np.abs(high) <= bound) & can_move).any())


def advance_varying(  # noqa: C901
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    momentum: float,
    batch_of: Int,
    largest_row: float,
    tol: float,
    stop_time: int,
    high: Float,
    low: Float,
    dual_high: Float,
    dual_low: Float,
    fast_high: Float,
    fast_low: Float,
    dual_fast_high: Float,
    dual_fast_low: Float,
    shadow: Float,
    shadow_fast: Float,
    active: Mask,
    taking: Mask,
    pair_last: Int,
    saved_high: Float,
    saved_low: Float,
    counters: Int,
    rounding: Float,
    growths: Float,
    moves: Float,
    buffer: Int,
    residual_high: Float,
    residual_low: Float,
    *_work: Any,
) -> int:
    """Step until something has to be decided; return which (see `_codes`)."""
    state = high, low, dual_high, dual_low, fast_high, fast_low, dual_fast_high, dual_fast_low
    n_batches = growths.size
    while True:
        time = int(counters[code.TIME])
        phase = time % n_batches
        residual = stepping.residual_of(labels, signs, high, low, active)
        residual_high[:], residual_low[:] = residual
        supported = active.any(axis=0)
        largest = float(np.abs(residual[0][supported]).max(initial=0.0))
        if largest <= tol and momentum * float(np.abs(fast_high).max()) <= tol:
            return code.SMALL_RESIDUAL
        if not largest < code.HUGE:
            return code.DIVERGED
        if time >= stop_time:
            return code.STOPPED
        if stepping.is_test_due(counters):
            return code.ATTEMPT
        if counters[code.N_BUFFERED] + high.size > buffer.shape[0]:
            return code.BUFFER_FULL
        if time >= counters[code.NEXT_SAVE]:
            saved_high[:], saved_low[:] = high, low
            stepping.note_save(counters)
        taking[:] = active & (batch_of == phase)
        if growths[phase] == 0.0:
            growths[phase] = stepping.growth_of(gram, step_size, taking)
        if momentum > 0.0:
            _follow_shadow(
                gram, labels, signs, step_size, momentum, shadow, shadow_fast, active, taking
            )
        moves[phase], path, lost = _step(gram, signs, step_size, momentum, state, taking, residual)
        if momentum > 0.0:  # what rounding did to plain doubles, and far more than it does here
            gap = float(np.abs((high - shadow) + low).max())
            rounding[0] = max(rounding[0], gap) if gap < code.HUGE else np.inf
            bound = float(code.SHADOW_MARGIN * rounding[0])
        else:
            rounding[0] = rounding[0] * growths[phase] + code.STEP_ROUNDING * largest_row * path
            rounding[0] += code.SUM_ROUNDING * float(np.abs(high).max())
            bound = float(rounding[0])
        counters[code.TIME] = time + 1
        if not rounding[code.TRUSTED] and _is_undecided(gram, high, fast_high, lost, bound):
            return code.UNDECIDED
        if stepping.note_switches(high, active, pair_last, counters, buffer):
            growths[:] = 1.0 - rounding[code.CAN_GROW]
        is_aligned = (counters[code.TIME] - counters[code.SAVED_AT]) % n_batches == 0
        if is_aligned and stepping.closed_a_cycle(
            high, low, saved_high, saved_low, counters, float(moves.max())
        ):
            return code.CYCLE
