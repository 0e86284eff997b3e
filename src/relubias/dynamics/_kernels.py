"""Compiled kernels of gradient descent; `_stepping` holds their readable NumPy twins.

Both work on the same arrays and give the same bits: states are double-double (``high + low``),
every sum runs in the order of the samples, and products are error-free. Rounding is then of the
order of 1e-31 of the largest term, so that a sign is wrong only where no float64 input could tell.
Entries are near unit scale; `relubias.dynamics._run` sees to it.
"""
# pyright: basic, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from relubias.dynamics import _codes as code

__all__ = ["advance", "descend_batch", "freeze_test", "multiply", "power_steps"]


_attempt_gap = njit(cache=True)(code.attempt_gap)


@intrinsic
def fma(typingctx, a, b, c):
    """Fused multiply-add: ``a * b + c`` with one rounding."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), codegen


@njit(cache=True, error_model="numpy")
def _residual(labels, signs, high, low, active, residual_high, residual_low):
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


@njit(cache=True, error_model="numpy")
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
        for j in range(n_samples):
            if active[k, j]:
                product = step_size * residual_high[j]
                rest = fma(step_size, residual_high[j], -product) + step_size * residual_low[j]
                c = product + rest
                c_low = rest - (c - product)
                path += abs(c)
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
        if n_samples < code.SHORT:  # keep the sums in registers
            for i in range(n_samples):
                total = 0.0
                below = 0.0
                for q in range(n_active):
                    g = gram[i, index[q]]
                    c = push_high[q]
                    p = c * g
                    e = fma(c, g, -p) + push_low[q] * g
                    s = total + p
                    t = s - total
                    below += ((total - (s - t)) + (p - t)) + e
                    total = s
                move_high[i] = total
                move_low[i] = below
        else:
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
            if abs(high[k, i]) <= bound and high[k, i] != 0.0 and move_high[i] != 0.0:
                undecided += 1
    return moved, rounding + code.STEP_ROUNDING * largest_row * path, undecided


@njit(cache=True, error_model="numpy")
def _cholesky(matrix, order):
    """Overwrite the lower triangle by its Cholesky factor; say whether every pivot was safe."""
    for j in range(order):
        pivot = matrix[j, j]
        full = pivot
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        if not pivot > code.PIVOT_TOLERANCE * full:
            return False
        root = np.sqrt(pivot)
        matrix[j, j] = root
        for i in range(j + 1, order):
            entry = matrix[i, j]
            for k in range(j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry / root
    return True


@njit(cache=True, error_model="numpy")
def _growth(gram, step_size, active, support, square):
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
        if _cholesky(square, order):
            return 1.0
    return row_sum - 1.0


@njit(cache=True, error_model="numpy")
def _returned(high, low, saved_high, saved_low, watched, tolerance):
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
    move_high, move_low, square,
):  # fmt: skip
    """Step until something has to be decided; return which (see `_codes`)."""
    n_neurons, n_samples = high.shape
    while True:
        time = counters[code.TIME]
        largest = _residual(labels, signs, high, low, active, residual_high, residual_low)
        if largest <= tol:
            return code.SMALL_RESIDUAL
        if not largest < code.HUGE:
            return code.DIVERGED
        if time >= stop_time:
            return code.STOPPED
        if time >= counters[code.NEXT_ATTEMPT]:
            quiet = counters[code.LAST_SWITCH] <= counters[code.LAST_ATTEMPT]
            counters[code.NEXT_ATTEMPT] = time + _attempt_gap(time, counters[code.QUIET_FROM])
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
            rounding[code.GROWTH] = _growth(gram, step_size, active, index, square)
        moved, rounding[0], undecided = _step(
            gram, signs, step_size, largest_row, high, low, dual_high, dual_low, active,
            rounding[0] * rounding[code.GROWTH], residual_high, residual_low, index, push_high,
            push_low, move_high, move_low,
        )  # fmt: skip
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
        if counters[code.SAVED_AT] > 0 and _returned(
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


@njit(cache=True, error_model="numpy")
def _forward(factor, order, right):
    for a in range(order):
        entry = right[a]
        for b in range(a):
            entry -= factor[a, b] * right[b]
        right[a] = entry / factor[a, a]


@njit(cache=True, error_model="numpy")
def _backward(factor, order, right):
    for a in range(order - 1, -1, -1):
        entry = right[a]
        for b in range(order - 1, a, -1):
            entry -= factor[b, a] * right[b]
        right[a] = entry / factor[a, a]


@njit(cache=True, error_model="numpy")
def _push_residual(gram, active, order, support, push, left_high, left_low):
    """Replace ``left`` by ``left - H push``, rounded once."""
    for a in range(order):
        i = support[a]
        total = left_high[a]
        below = left_low[a]
        for b in range(order):
            j = support[b]
            p = -gram[i, j] * push[b]
            e = fma(-gram[i, j], push[b], -p)
            for k in range(active.shape[0]):
                if active[k, i] and active[k, j]:
                    s = total + p
                    t = s - total
                    below += ((total - (s - t)) + (p - t)) + e
                    total = s
        left_high[a] = total + below
        left_low[a] = 0.0


@njit(cache=True, error_model="numpy")
def _move_limit(gram, signs, active, order, support, push, limit_high, limit_low):
    """Add ``-s_k G (A_k * push)`` to the limit, in double-double."""
    for k in range(limit_high.shape[0]):
        for i in range(limit_high.shape[1]):
            total = limit_high[k, i]
            below = limit_low[k, i]
            for a in range(order):
                if active[k, support[a]]:
                    g = -signs[k] * gram[i, support[a]]
                    p = g * push[a]
                    e = fma(g, push[a], -p)
                    s = total + p
                    t = s - total
                    below += ((total - (s - t)) + (p - t)) + e
                    total = s
            limit_high[k, i] = total + below
            limit_low[k, i] = below - (limit_high[k, i] - total)


@njit(cache=True, error_model="numpy")
def freeze_test(
    gram, labels, signs, step_size, high, low, active, residual_high, residual_low,
    hessian, factor, support, push, work, limit_high, limit_low,
):  # fmt: skip
    """Prove that the pattern never changes again: the Thales ball of the frozen path.

    Writes the supported samples to `support`, ``H^{-1} r`` to `push` and the frozen limit to
    `limit_high + limit_low`. Returns what was found and the number of supported samples.
    """
    n_neurons, n_samples = high.shape
    left_high = np.empty(n_samples)
    left_low = np.empty(n_samples)
    order = 0
    for i in range(n_samples):
        count = 0
        for k in range(n_neurons):
            if active[k, i]:
                count += 1
        if count > 0:
            if count == 1 and labels[i] == 0.0:  # decays to the hyperplane itself
                return code.NEEDS_EIGENBASIS, 0
            support[order] = i
            order += 1
    for a in range(order):
        for b in range(order):
            count = 0.0
            for k in range(n_neurons):
                if active[k, support[a]] and active[k, support[b]]:
                    count += 1.0
            hessian[a, b] = count * gram[support[a], support[b]]
    # step_size * lambda_max(H) <= 1: by row sums, else by Cholesky of I / step_size - H
    row_sum = 0.0
    for a in range(order):
        total = 0.0
        for b in range(order):
            total += abs(hessian[a, b])
        row_sum = max(row_sum, total)
    if not step_size * row_sum <= 1.0:
        for a in range(order):
            for b in range(order):
                factor[a, b] = -step_size * hessian[a, b]
            factor[a, a] += 1.0 - 4.0 * order * code.EPS
        if not _cholesky(factor, order):
            return code.NEEDS_EIGENBASIS, order
    for a in range(order):
        for b in range(order):
            factor[a, b] = hessian[a, b]
    if not _cholesky(factor, order):
        return code.NEEDS_EIGENBASIS, order
    smallest = np.inf
    largest = 0.0
    for a in range(order):
        smallest = min(smallest, factor[a, a])
        largest = max(largest, factor[a, a])
        left_high[a] = residual_high[support[a]]
        left_low[a] = residual_low[support[a]]
        push[a] = 0.0
    limit_high[:] = high
    limit_low[:] = low
    radius = 0.0
    for stage in range(3):  # each solves for what the last one left over
        work[:order] = left_high[:order]
        _forward(factor, order, work)
        if stage == 0:
            for a in range(order):
                radius += work[a] * work[a]
            radius = np.sqrt(radius) * code.BALL_SLACK
        _backward(factor, order, work)
        for a in range(order):
            push[a] += work[a]
        _move_limit(gram, signs, active, order, support, work, limit_high, limit_low)
        _push_residual(gram, active, order, support, work, left_high, left_low)
    scale = 0.0
    for k in range(n_neurons):
        for i in range(n_samples):
            scale = max(scale, abs(high[k, i]), abs(limit_high[k, i]))
    margin = 1.0
    if order > 0:
        condition = (largest / smallest) ** 2
        margin = max(code.BALL_MARGIN, 8.0 * order * code.EPS * condition) * scale
    verdict = code.FROZEN
    for k in range(n_neurons):
        for i in range(n_samples):
            if limit_high[k, i] == high[k, i] and limit_low[k, i] == low[k, i]:
                continue  # never moves
            end = limit_high[k, i] if active[k, i] else -limit_high[k, i]
            if end < -margin:
                return code.SWITCH_COMES, order
            if not end > margin:
                verdict = code.BALL_FAILS
    if verdict != code.FROZEN:
        return verdict, order
    for k in range(n_neurons):
        for i in range(n_samples):
            if limit_high[k, i] == high[k, i] and limit_low[k, i] == low[k, i]:
                continue
            centre = abs(high[k, i] + limit_high[k, i]) - margin
            if centre > np.sqrt(gram[i, i]) * radius:
                continue
            reach = 0.0  # |L^{-1} g|: the part of x_i that the frozen path can see
            for a in range(order):
                entry = gram[i, support[a]] if active[k, support[a]] else 0.0
                for b in range(a):
                    entry -= factor[a, b] * work[b]
                work[a] = entry / factor[a, a]
                reach += work[a] * work[a]
            if not centre > np.sqrt(reach) * radius:
                return code.BALL_FAILS, order
    return code.FROZEN, order


@njit(cache=True, error_model="numpy")
def multiply(left_high, left_low, right_high, right_low, out_high, out_low):
    """Double-double matrix product; sums run in the order of the inner index."""
    rows, inner = left_high.shape
    columns = right_high.shape[1]
    out_high[:] = 0.0
    out_low[:] = 0.0
    for i in range(rows):
        for k in range(inner):
            x = left_high[i, k]
            x_low = left_low[i, k]
            for j in range(columns):
                y = right_high[k, j]
                p = x * y
                e = fma(x, y, -p) + (x * right_low[k, j] + x_low * y)
                a = out_high[i, j]
                s = a + p
                t = s - a
                out_low[i, j] += ((a - (s - t)) + (p - t)) + e
                out_high[i, j] = s
        for j in range(columns):
            a = out_high[i, j]
            e = out_low[i, j]
            s = a + e
            out_high[i, j] = s
            out_low[i, j] = e - (s - a)


@njit(cache=True, error_model="numpy")
def _add(high, low, factor, other_high, other_low):
    """``high + low += factor * other`` in double-double; `factor` is a power of two, signed."""
    for i in range(high.shape[0]):
        for j in range(high.shape[1]):
            a = high[i, j]
            p = factor * other_high[i, j]
            s = a + p
            t = s - a
            rest = low[i, j] + (((a - (s - t)) + (p - t)) + factor * other_low[i, j])
            high[i, j] = s + rest
            low[i, j] = rest - (high[i, j] - s)


@njit(cache=True, error_model="numpy")
def power_steps(hessian_high, hessian_low, step_size, residual_high, residual_low, n_steps):
    """Sum the residuals of `n_steps` steps under a frozen pattern, times the step size.

    With ``S_1 = step_size I`` and ``S_2a = 2 S_a - S_a H S_a`` (Newton and Schulz), the sum over
    the first a steps is ``S_a r``; rounding errors do not grow with the number of steps. The
    residual arrays are columns (p, 1); returns the sum and the largest entry of any ``S_a``.
    """
    order = hessian_high.shape[0]
    sum_high = np.zeros((order, order))
    sum_low = np.zeros((order, order))
    for a in range(order):
        sum_high[a, a] = step_size
    image_high = np.empty((order, order))
    image_low = np.empty((order, order))
    square_high = np.empty((order, order))
    square_low = np.empty((order, order))
    left_high = residual_high.copy()
    left_low = residual_low.copy()
    part_high = np.empty((order, 1))
    part_low = np.empty((order, 1))
    change_high = np.empty((order, 1))
    change_low = np.empty((order, 1))
    total_high = np.zeros((order, 1))
    total_low = np.zeros((order, 1))
    largest = step_size
    while True:
        if n_steps & 1:
            multiply(sum_high, sum_low, left_high, left_low, part_high, part_low)
            _add(total_high, total_low, 1.0, part_high, part_low)
            multiply(hessian_high, hessian_low, part_high, part_low, change_high, change_low)
            _add(left_high, left_low, -1.0, change_high, change_low)
        n_steps >>= 1
        if n_steps == 0:
            return total_high, total_low, largest
        multiply(hessian_high, hessian_low, sum_high, sum_low, image_high, image_low)
        multiply(sum_high, sum_low, image_high, image_low, square_high, square_low)
        sum_high *= 2.0
        sum_low *= 2.0
        _add(sum_high, sum_low, -1.0, square_high, square_low)
        largest = max(largest, np.abs(sum_high).max())


@njit(cache=True, error_model="numpy")
def descend_batch(
    grams, labels, signs, step_sizes, largest_rows, can_grow, tols, max_iter,
    dual_high, primals, outcome, counters,
):  # fmt: skip
    """Run problems as far as the ball test can decide them, as the single-problem driver would.

    `outcome` becomes FROZEN or CHATTERS, and NEEDS_EIGENBASIS for what is left to the driver;
    where it is decided, `dual_high` and `primals` become the limit.
    """
    n_neurons, n_samples = primals.shape[1], primals.shape[2]
    high = np.empty((n_neurons, n_samples))
    low = np.empty((n_neurons, n_samples))
    dual_low = np.empty((n_neurons, n_samples))
    zeros = np.zeros((n_samples, n_samples))
    active = np.empty((n_neurons, n_samples), np.bool_)
    pair_last = np.zeros((n_neurons, n_samples), np.int64)
    saved_high = np.zeros((n_neurons, n_samples))
    saved_low = np.zeros((n_neurons, n_samples))
    buffer = np.empty((0, 4), np.int64)
    residual_high = np.empty(n_samples)
    residual_low = np.empty(n_samples)
    index = np.empty(n_samples, np.int64)
    push_high = np.empty(n_samples)
    push_low = np.empty(n_samples)
    move_high = np.empty(n_samples)
    move_low = np.empty(n_samples)
    rounding = np.zeros(code.N_ROUNDING)
    hessian = np.empty((n_samples, n_samples))
    factor = np.empty((n_samples, n_samples))
    support = np.empty(n_samples, np.int64)
    push = np.empty(n_samples)
    work = np.empty(n_samples)
    limit_high = np.empty((n_neurons, n_samples))
    limit_low = np.empty((n_neurons, n_samples))
    for b in range(primals.shape[0]):
        gram = grams[b]
        dual = dual_high[b]
        rounding[0] = 0.0
        rounding[code.TRUSTED] = 0.0
        rounding[code.CAN_GROW] = can_grow[b]
        rounding[code.GROWTH] = 1.0 - can_grow[b]
        dual_low[:] = 0.0
        multiply(dual, dual_low, gram, zeros, high, low)
        for k in range(n_neurons):
            for i in range(n_samples):
                active[k, i] = high[k, i] > 0.0
        while True:
            why = advance(
                gram, labels[b], signs, step_sizes[b], largest_rows[b], tols[b], max_iter,
                high, low, dual, dual_low, active, pair_last,
                saved_high, saved_low, counters[b], rounding, buffer,
                residual_high, residual_low, index, push_high, push_low, move_high, move_low, factor,
            )  # fmt: skip
            found, order = code.NEEDS_EIGENBASIS, 0
            if why == code.ATTEMPT or why == code.SMALL_RESIDUAL:
                found, order = freeze_test(
                    gram, labels[b], signs, step_sizes[b], high, low, active,
                    residual_high, residual_low, hessian, factor, support, push, work,
                    limit_high, limit_low,
                )  # fmt: skip
            outcome[b] = code.NEEDS_EIGENBASIS
            time = counters[b, code.TIME]
            quiet_for = time - counters[b, code.LAST_SWITCH]
            if found == code.FROZEN:
                outcome[b] = code.FROZEN
                for a in range(order):
                    i = support[a]
                    for k in range(n_neurons):
                        if active[k, i]:
                            dual[k, i] += dual_low[k, i] - signs[k] * push[a]
                primals[b] = limit_high
            elif why == code.SMALL_RESIDUAL and quiet_for <= max(code.QUIET_STEPS, time // 10):
                outcome[b] = code.CHATTERS
                primals[b] = high
            elif (
                why == code.ATTEMPT
                and (found == code.SWITCH_COMES or found == code.BALL_FAILS)
                and quiet_for < code.QUIET_STRETCH
            ):
                continue
            break
