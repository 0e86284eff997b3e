"""The compiled ball test; `_plain.freezing` is the readable twin."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

import numpy as np

from relubias._jit import njit
from relubias.dynamics import _codes as code
from relubias.dynamics._compiled.arithmetic import backward, cholesky, fma, forward

__all__ = ["freeze_test", "move_limit", "push_residual"]


@njit(cache=True, error_model="numpy")
def push_residual(gram, active, order, support, push, left_high, left_low):
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
def move_limit(gram, signs, active, order, support, push, limit_high, limit_low):
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
        if not cholesky(factor, order):
            return code.NEEDS_EIGENBASIS, order
    for a in range(order):
        for b in range(order):
            factor[a, b] = hessian[a, b]
    if not cholesky(factor, order):
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
        forward(factor, order, work)
        if stage == 0:
            for a in range(order):
                radius += work[a] * work[a]
            radius = np.sqrt(radius) * code.BALL_SLACK
        backward(factor, order, work)
        for a in range(order):
            push[a] += work[a]
        move_limit(gram, signs, active, order, support, work, limit_high, limit_low)
        push_residual(gram, active, order, support, work, left_high, left_low)
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
