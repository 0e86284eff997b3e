"""Compiled steps with momentum and cyclic mini-batches; `_plain.varying` is the readable twin."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

import numpy as np

from relubias._jit import njit
from relubias.dynamics import _codes as code
from relubias.dynamics._compiled.arithmetic import fma
from relubias.dynamics._compiled.stepping import attempt_gap, growth_of, residual_of, returned

__all__ = ["advance_varying"]


@njit(cache=True, error_model="numpy", inline="always")
def _step(
    gram, signs, step_size, momentum, high, low, dual_high, dual_low, fast_high, fast_low,
    dual_fast_high, dual_fast_low, taking, lost, residual_high, residual_low, index, push_high,
    push_low, move_high, move_low,
):  # fmt: skip
    """Apply ``v_k = momentum v_k - step_size s_k A_k r`` and ``beta_k += v_k``; follow the primal.

    Returns the largest change of a primal value and the sum of all pushes.
    """
    n_neurons, n_samples = high.shape
    path = 0.0
    moved = 0.0
    for k in range(n_neurons):
        sign = signs[k]
        n_active = 0
        lost[k] = False
        for j in range(n_samples):
            x = dual_fast_high[k, j]
            p = momentum * x
            rest = fma(momentum, x, -p) + momentum * dual_fast_low[k, j]
            if taking[k, j]:
                product = step_size * residual_high[j]
                below = fma(step_size, residual_high[j], -product) + step_size * residual_low[j]
                c = product + below
                c_low = below - (c - product)
                path += abs(c)
                lost[k] |= c == 0.0  # the residual is zero, or below the last bit
                index[n_active] = j
                push_high[n_active] = c
                push_low[n_active] = c_low
                n_active += 1
                b = -sign * c
                s = p + b
                t = s - p
                rest += ((p - (s - t)) + (b - t)) - sign * c_low
                p = s
            v = p + rest
            v_low = rest - (v - p)
            dual_fast_high[k, j] = v
            dual_fast_low[k, j] = v_low
            a = dual_high[k, j]
            s = a + v
            t = s - a
            rest = dual_low[k, j] + (((a - (s - t)) + (v - t)) + v_low)
            dual_high[k, j] = s + rest
            dual_low[k, j] = rest - (dual_high[k, j] - s)
        for i in range(n_samples):
            move_high[i] = 0.0
            move_low[i] = 0.0
        for q in range(n_active):
            j = index[q]
            c = push_high[q]
            c_low = push_low[q]
            for i in range(n_samples):
                g = gram[j, i]
                p = c * g
                e = fma(c, g, -p) + c_low * g
                a = move_high[i]
                s = a + p
                t = s - a
                move_low[i] += ((a - (s - t)) + (p - t)) + e
                move_high[i] = s
        for i in range(n_samples):
            x = fast_high[k, i]
            p = momentum * x
            rest = fma(momentum, x, -p) + momentum * fast_low[k, i]
            b = -sign * move_high[i]
            s = p + b
            t = s - p
            rest += ((p - (s - t)) + (b - t)) - sign * move_low[i]
            v = s + rest
            v_low = rest - (v - s)
            if abs(v) < code.FLUSH and v != 0.0:
                lost[k] = True
                v = 0.0
                v_low = 0.0
            fast_high[k, i] = v
            fast_low[k, i] = v_low
            moved = max(moved, abs(v))
            a = high[k, i]
            s = a + v
            t = s - a
            rest = low[k, i] + (((a - (s - t)) + (v - t)) + v_low)
            high[k, i] = s + rest
            low[k, i] = rest - (high[k, i] - s)
    return moved, path


@njit(cache=True, error_model="numpy", inline="always")
def _follow_shadow(
    gram, labels, signs, step_size, momentum, shadow, shadow_fast, active, taking, residual
):
    """Take the same step in plain doubles, under the same pattern."""
    n_neurons, n_samples = shadow.shape
    for i in range(n_samples):
        total = -labels[i]
        for k in range(n_neurons):
            if active[k, i]:
                total = total + signs[k] * shadow[k, i]
        residual[i] = total
    for k in range(n_neurons):
        for i in range(n_samples):
            shadow_fast[k, i] = momentum * shadow_fast[k, i]
        for j in range(n_samples):
            if taking[k, j]:
                c = signs[k] * (step_size * residual[j])
                for i in range(n_samples):
                    shadow_fast[k, i] = shadow_fast[k, i] - c * gram[j, i]
        for i in range(n_samples):
            shadow[k, i] += shadow_fast[k, i]


@njit(cache=True, error_model="numpy")
def _note_switches(high, active, pair_last, counters, buffer):
    """Record every change of the pattern; say whether there was one."""
    n_neurons, n_samples = high.shape
    time = counters[code.TIME]
    changed = False
    for k in range(n_neurons):
        for i in range(n_samples):
            now = high[k, i] > 0.0
            if now != active[k, i]:
                changed = True
                active[k, i] = now
                pair_last[k, i] = time
                counters[code.LAST_SWITCH] = counters[code.QUIET_FROM] = time
                if counters[code.NEXT_ATTEMPT] > time + code.ATTEMPT_GAP:
                    counters[code.NEXT_ATTEMPT] = time + code.ATTEMPT_GAP
                counters[code.WATCHED] = k * n_samples + i
                counters[code.N_SWITCHES] += 1
                row = counters[code.N_BUFFERED]
                buffer[row, 0] = time
                buffer[row, 1] = k
                buffer[row, 2] = i
                buffer[row, 3] = 1 if now else -1
                counters[code.N_BUFFERED] = row + 1
    return changed


@njit(cache=True, error_model="numpy")
def advance_varying(
    gram, labels, signs, step_size, momentum, batch_of, largest_row, tol, stop_time,
    high, low, dual_high, dual_low, fast_high, fast_low, dual_fast_high, dual_fast_low,
    shadow, shadow_fast, active, taking, pair_last, saved_high, saved_low,
    counters, rounding, growths, moves, buffer, residual_high, residual_low, index, push_high,
    push_low, move_high, move_low, square,
):  # fmt: skip
    """Step until something has to be decided; return which (see `_codes`)."""
    n_neurons, n_samples = high.shape
    n_batches = growths.size
    lost = np.zeros(n_neurons, np.bool_)
    while True:
        time = counters[code.TIME]
        phase = time % n_batches
        largest = residual_of(labels, signs, high, low, active, residual_high, residual_low)
        if largest <= tol and momentum * np.abs(fast_high).max() <= tol:
            return code.SMALL_RESIDUAL
        if not largest < code.HUGE:
            return code.DIVERGED
        if time >= stop_time:
            return code.STOPPED
        if time >= counters[code.NEXT_ATTEMPT]:
            quiet = counters[code.LAST_SWITCH] <= counters[code.LAST_ATTEMPT]
            counters[code.NEXT_ATTEMPT] = time + attempt_gap(time, counters[code.QUIET_FROM])
            counters[code.LAST_ATTEMPT] = time
            if quiet:
                return code.ATTEMPT
        if counters[code.N_BUFFERED] + n_neurons * n_samples > buffer.shape[0]:
            return code.BUFFER_FULL
        if time >= counters[code.NEXT_SAVE]:
            saved_high[:] = high
            saved_low[:] = low
            counters[code.NEXT_SAVE] = 2 * time
            counters[code.SAVED_AT] = time
            counters[code.RETURNED_AT] = time
            counters[code.PERIOD] = 0
            counters[code.N_RETURNS] = 0
        for k in range(n_neurons):
            for i in range(n_samples):
                taking[k, i] = active[k, i] and batch_of[i] == phase
        if growths[phase] == 0.0:
            growths[phase] = growth_of(gram, step_size, taking, index, square)
        if momentum > 0.0:
            _follow_shadow(
                gram, labels, signs, step_size, momentum, shadow, shadow_fast, active, taking,
                move_high,
            )  # fmt: skip
        moves[phase], path = _step(
            gram, signs, step_size, momentum, high, low, dual_high, dual_low, fast_high, fast_low,
            dual_fast_high, dual_fast_low, taking, lost, residual_high, residual_low, index,
            push_high, push_low, move_high, move_low,
        )  # fmt: skip
        if momentum > 0.0:  # what rounding did to plain doubles, and far more than it does here
            for k in range(n_neurons):
                for i in range(n_samples):
                    gap = abs((high[k, i] - shadow[k, i]) + low[k, i])
                    rounding[0] = max(rounding[0], gap) if gap < code.HUGE else np.inf
            bound = code.SHADOW_MARGIN * rounding[0]
        else:
            rounding[0] = rounding[0] * growths[phase] + code.STEP_ROUNDING * largest_row * path
            rounding[0] += code.SUM_ROUNDING * np.abs(high).max()
            bound = rounding[0]
        time += 1
        counters[code.TIME] = time
        if bound > 0.0 and rounding[code.TRUSTED] == 0.0:
            for k in range(n_neurons):
                for i in range(n_samples):
                    if abs(high[k, i]) <= bound and (
                        fast_high[k, i] != 0.0 or (lost[k] and gram[i, i] > 0.0)
                    ):
                        return code.UNDECIDED
        if _note_switches(high, active, pair_last, counters, buffer):
            growths[:] = 1.0 - rounding[code.CAN_GROW]
        if (
            counters[code.SAVED_AT] > 0
            and (time - counters[code.SAVED_AT]) % n_batches == 0
            and returned(
                high, low, saved_high, saved_low, counters[code.WATCHED],
                code.CYCLE_TOLERANCE * moves.max(),
            )
        ):  # fmt: skip
            period = time - counters[code.RETURNED_AT]
            if period == counters[code.PERIOD]:
                counters[code.N_RETURNS] += 1
            else:
                counters[code.PERIOD] = period
                counters[code.N_RETURNS] = 1
            counters[code.RETURNED_AT] = time
            if period > 1 and counters[code.N_RETURNS] >= code.CYCLE_RETURNS:
                return code.CYCLE
