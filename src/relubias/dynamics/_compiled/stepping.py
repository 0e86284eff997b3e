"""Compiled steps of gradient descent; `_plain.stepping` is the readable twin."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

from relubias._jit import njit
from relubias.dynamics import _codes as code
from relubias.dynamics._compiled.arithmetic import cholesky, fma

__all__ = ["advance", "attempt_gap", "growth_of", "residual_of", "returned"]

attempt_gap = njit(cache=True)(code.attempt_gap)


@njit(cache=True, error_model="numpy", inline="always")
def residual_of(labels, signs, high, low, active, residual_high, residual_low):
    """Write ``signs @ relu(primal) - labels``; return the largest entry on active samples."""
    n_neurons, n_samples = high.shape
    largest = 0.0
    for i in range(n_samples):
        total = -labels[i]
        rest = 0.0
        supported = False
        for k in range(n_neurons):
            if active[k, i]:
                supported = True
                term = signs[k] * high[k, i]
                s = total + term
                t = s - total
                rest += ((total - (s - t)) + (term - t)) + signs[k] * low[k, i]
                total = s
        s = total + rest
        residual_high[i] = s
        residual_low[i] = rest - (s - total)
        if supported and not abs(s) <= largest:
            largest = abs(s)
    return largest


@njit(cache=True, error_model="numpy", inline="always")
def _step(
    gram, signs, step_size, largest_row, high, low, dual_high, dual_low, active, rounding,
    residual_high, residual_low, index, push_high, push_low, move_high, move_low,
):  # fmt: skip
    """Apply ``beta_k -= step_size s_k A_k r`` and follow it in the primal.

    Returns the largest change of a primal value, the accumulated rounding bound and the number of
    primal values that moved to within it of zero.
    """
    n_neurons, n_samples = high.shape
    path = 0.0
    moved = 0.0
    undecided = 0
    for k in range(n_neurons):
        sign = signs[k]
        n_active = 0
        is_lost = False
        for j in range(n_samples):
            if active[k, j]:
                product = step_size * residual_high[j]
                rest = fma(step_size, residual_high[j], -product) + step_size * residual_low[j]
                c = product + rest
                c_low = rest - (c - product)
                path += abs(c)
                is_lost |= c == 0.0  # the residual is zero, or below the last bit
                index[n_active] = j
                push_high[n_active] = c
                push_low[n_active] = c_low
                n_active += 1
                a = dual_high[k, j]
                p = -sign * c
                s = a + p
                t = s - a
                rest = dual_low[k, j] + (((a - (s - t)) + (p - t)) - sign * c_low)
                dual_high[k, j] = s + rest
                dual_low[k, j] = rest - (dual_high[k, j] - s)
        if n_active == 0:
            continue
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
            a = high[k, i]
            p = -sign * move_high[i]
            s = a + p
            t = s - a
            rest = low[k, i] + (((a - (s - t)) + (p - t)) - sign * move_low[i])
            total = s + rest
            high[k, i] = total
            low[k, i] = rest - (total - s)
        bound = rounding + code.STEP_ROUNDING * largest_row * path
        for i in range(n_samples):
            moved = max(moved, abs(move_high[i]))
            if abs(high[k, i]) <= bound and (move_high[i] != 0.0 or (is_lost and gram[i, i] > 0.0)):
                undecided += 1
    return moved, rounding + code.STEP_ROUNDING * largest_row * path, undecided


@njit(cache=True, error_model="numpy")
def growth_of(gram, step_size, active, support, square):
    """Bound the factor by which one step under this pattern can enlarge an error, at least 1.

    It is ``max(1, step_size lambda_max(H) - 1)``: one where ``2 I - step_size H`` has a Cholesky
    factor, otherwise from the largest row sum.
    """
    n_neurons, n_samples = active.shape
    order = 0
    for i in range(n_samples):
        for k in range(n_neurons):
            if active[k, i]:
                support[order] = i
                order += 1
                break
    row_sum = 0.0
    for a in range(order):
        total = 0.0
        for b in range(order):
            count = 0.0
            for k in range(n_neurons):
                if active[k, support[a]] and active[k, support[b]]:
                    count += 1.0
            square[a, b] = -step_size * (count * gram[support[a], support[b]])
            total += abs(square[a, b])
        row_sum = max(row_sum, total)
    if row_sum <= 2.0:
        return 1.0
    if order <= code.COMPILED_TEST_LIMIT:
        for a in range(order):
            square[a, a] += 2.0
        if cholesky(square, order):
            return 1.0
    return row_sum - 1.0


@njit(cache=True, error_model="numpy", inline="always")
def returned(high, low, saved_high, saved_low, watched, tolerance):
    """Whether the state is back at the saved one; the entry that moved last is compared first."""
    n_neurons, n_samples = high.shape
    k, i = watched // n_samples, watched % n_samples
    if abs((high[k, i] - saved_high[k, i]) + (low[k, i] - saved_low[k, i])) > tolerance:
        return False
    for k in range(n_neurons):
        for i in range(n_samples):
            gap = (high[k, i] - saved_high[k, i]) + (low[k, i] - saved_low[k, i])
            if abs(gap) > tolerance:
                return False
    return True


@njit(cache=True, error_model="numpy")
def advance(
    gram, labels, signs, step_size, largest_row, tol, stop_time,
    high, low, dual_high, dual_low, active, pair_last, saved_high, saved_low,
    counters, rounding, buffer, residual_high, residual_low, index, push_high, push_low,
    move_high, move_low, square, extremes,
):  # fmt: skip
    """Step until something has to be decided; return which (see `_codes`).

    `extremes` is empty, or of shape (3, n_neurons, n_samples): the smallest and the largest primal
    values since they were last set, and those before the last step.
    """
    n_neurons, n_samples = high.shape
    is_watched = extremes.shape[0] > 0
    while True:
        time = counters[code.TIME]
        largest = residual_of(labels, signs, high, low, active, residual_high, residual_low)
        if largest <= tol:
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
        if (
            buffer.shape[0] > 0
            and counters[code.N_BUFFERED] + n_neurons * n_samples > buffer.shape[0]
        ):
            return code.BUFFER_FULL
        if time >= counters[code.NEXT_SAVE]:
            saved_high[:] = high
            saved_low[:] = low
            counters[code.NEXT_SAVE] = 2 * time
            counters[code.SAVED_AT] = time
            counters[code.RETURNED_AT] = time
            counters[code.PERIOD] = 0
            counters[code.N_RETURNS] = 0
        if rounding[code.GROWTH] == 0.0:
            rounding[code.GROWTH] = growth_of(gram, step_size, active, index, square)
        if is_watched:
            extremes[2] = high
        moved, rounding[0], undecided = _step(
            gram, signs, step_size, largest_row, high, low, dual_high, dual_low, active,
            rounding[0] * rounding[code.GROWTH], residual_high, residual_low, index, push_high,
            push_low, move_high, move_low,
        )  # fmt: skip
        if is_watched:
            for k in range(n_neurons):
                for i in range(n_samples):
                    extremes[0, k, i] = min(extremes[0, k, i], high[k, i])
                    extremes[1, k, i] = max(extremes[1, k, i], high[k, i])
        time += 1
        counters[code.TIME] = time
        if undecided > 0 and rounding[code.TRUSTED] == 0.0:
            return code.UNDECIDED
        for k in range(n_neurons):
            for i in range(n_samples):
                now = high[k, i] > 0.0
                if now != active[k, i]:
                    active[k, i] = now
                    if rounding[code.CAN_GROW] > 0.0:
                        rounding[code.GROWTH] = 0.0
                    pair_last[k, i] = time
                    counters[code.LAST_SWITCH] = counters[code.QUIET_FROM] = time
                    if counters[code.NEXT_ATTEMPT] > time + code.ATTEMPT_GAP:
                        counters[code.NEXT_ATTEMPT] = time + code.ATTEMPT_GAP
                    counters[code.WATCHED] = k * n_samples + i
                    counters[code.N_SWITCHES] += 1
                    if buffer.shape[0] > 0:
                        row = counters[code.N_BUFFERED]
                        buffer[row, 0] = time
                        buffer[row, 1] = k
                        buffer[row, 2] = i
                        buffer[row, 3] = 1 if now else -1
                        counters[code.N_BUFFERED] = row + 1
        if counters[code.SAVED_AT] > 0 and returned(
            high, low, saved_high, saved_low, counters[code.WATCHED], code.CYCLE_TOLERANCE * moved
        ):
            period = time - counters[code.RETURNED_AT]
            if period == counters[code.PERIOD]:
                counters[code.N_RETURNS] += 1
            else:
                counters[code.PERIOD] = period
                counters[code.N_RETURNS] = 1
            counters[code.RETURNED_AT] = time
            if period > 1 and counters[code.N_RETURNS] >= code.CYCLE_RETURNS:
                return code.CYCLE
