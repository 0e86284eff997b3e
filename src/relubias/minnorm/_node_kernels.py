"""Compiled twins of `node.ascend` and `node.degradations`, on the arrays of a node.

Loops run along rows of the tableau and of the inverse, so that they vectorise without reordering
any sum. Because ``A.T == S A S`` with S = +1 on rows active at the root and -1 elsewhere, products
from the left are those from the right with signs.
"""
# pyright: basic, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from relubias._jit import njit

__all__ = ["ascend", "degradations"]

_SOLVED, _CUT_OFF, _FULL, _FAILED = 0, 1, 2, 3
_INEQUALITY, _EQUALITY, _ABSENT = 0, 1, 2


@njit(cache=True, error_model="numpy")
def _times_inverse(transposed, n, values, out):
    """Set ``out = inverse @ values`` for the inverse stored transposed."""
    for f in range(n):
        out[f] = 0.0
    for g in range(n):
        value = values[g]
        if value != 0.0:
            for f in range(n):
                out[f] += transposed[g, f] * value


@njit(cache=True, error_model="numpy")
def _direction(columns, in_root, flips, position, transposed, n, j, gathered, p, rise, lift):
    """Set the change of multipliers and slacks as multiplier j rises; return that of slack j."""
    size = columns.shape[0]
    if position[j] < 0:
        for f in range(n):
            gathered[f] = columns[j, flips[f]]
        _times_inverse(transposed, n, gathered, p)
        for f in range(n):
            p[f] = -p[f]
        for i in range(size):
            lift[i] = columns[j, i]
    else:
        k = position[j]
        for f in range(n):
            p[f] = transposed[k, f]
        for i in range(size):
            lift[i] = 0.0
    for f in range(n):
        value, row = p[f], flips[f]
        if value != 0.0:
            for i in range(size):
                lift[i] += value * columns[row, i]
    _separate(in_root, flips, n, p, lift, rise, lift)
    return lift[j]


@njit(cache=True, error_model="numpy")
def _separate(in_root, flips, n, p, q, multiplier, slack):
    """Sort q, and p on the flipped rows, into multipliers and slacks; `slack` may be `q`."""
    for i in range(q.size):
        if in_root[i]:
            multiplier[i] = q[i]
            slack[i] = 0.0
        else:
            slack[i] = q[i]
            multiplier[i] = 0.0
    for f in range(n):
        i = flips[f]
        if in_root[i]:
            slack[i] = p[f]
            multiplier[i] = 0.0
        else:
            multiplier[i] = p[f]
            slack[i] = 0.0


@njit(cache=True, error_model="numpy")
def _flip(columns, in_root, flips, position, transposed, n, k, gathered, u):
    """Move row k into F, or out of it; return the new number of flips."""
    if position[k] >= 0:
        return _unflip(flips, position, transposed, n, k)
    for f in range(n):
        gathered[f] = columns[k, flips[f]]
    _times_inverse(transposed, n, gathered, u)
    schur = columns[k, k]
    for f in range(n):
        gathered[f] = 1.0 if in_root[flips[f]] == in_root[k] else -1.0
        schur -= gathered[f] * columns[k, flips[f]] * u[f]
    pivot = 1.0 / schur
    for g in range(n):
        value = pivot * gathered[g] * u[g]
        for f in range(n):
            transposed[g, f] += value * u[f]
        transposed[g, n] = -value
    for f in range(n):
        transposed[n, f] = -pivot * u[f]
    transposed[n, n] = pivot
    flips[n] = k
    position[k] = n
    return n + 1


@njit(cache=True, error_model="numpy")
def _unflip(flips, position, transposed, n, k):
    """Move row k out of F; return the new number of flips."""
    p, last = position[k], n - 1
    if p != last:
        for f in range(n):
            transposed[f, p], transposed[f, last] = transposed[f, last], transposed[f, p]
        for f in range(n):
            transposed[p, f], transposed[last, f] = transposed[last, f], transposed[p, f]
        flips[p] = flips[last]
        position[flips[p]] = p
    position[k] = -1
    inverse = 1.0 / transposed[last, last]
    for g in range(last):
        value = transposed[g, last] * inverse
        for f in range(last):
            transposed[g, f] -= value * transposed[last, f]
    return last


@njit(cache=True, error_model="numpy")
def _entering(kind, slack, curvature, tolerance):
    """Return the row that is violated most for its curvature, or -1."""
    best, entering = 0.0, -1
    for j in range(kind.size):
        depth = -slack[j]
        if kind[j] == _EQUALITY:
            depth = abs(depth)
        elif kind[j] == _ABSENT:
            continue
        if depth > tolerance and depth * depth / curvature[j] > best:
            best, entering = depth * depth / curvature[j], j
    return entering


@njit(cache=True, error_model="numpy", inline="always")
def _longest_step(kind, multiplier, rise, sign, step):
    """Return how far multipliers may move before one changes sign, and which; at most `step`."""
    drop = -1
    for i in range(kind.size):
        if kind[i] == _INEQUALITY:
            fall = -sign * rise[i]
            if fall > 0.0 and max(multiplier[i], 0.0) < step * fall:
                step, drop = max(multiplier[i], 0.0) / fall, i
    return step, drop


@njit(cache=True, error_model="numpy")
def ascend(
    columns, start, in_root, curvature, cost, constant, kind, multiplier, slack, position, flips,
    transposed, n, value, cutoff, tolerance, pending,
):  # fmt: skip
    """Raise the dual value of a node; return status, number of flips, value, and a row.

    The row is the one that was entering when the arrays of flips were full: pass it on as
    `pending` with larger ones, -1 otherwise.
    """
    size = kind.size
    gathered, p = np.empty(flips.size), np.empty(flips.size)
    rise, lift = np.empty(size), np.empty(size)
    n_solved = 0
    for _ in range(100 * size + 1000):
        j = pending if pending >= 0 else _entering(kind, slack, curvature, tolerance)
        pending = -1
        if j < 0:
            value = _recompute(
                columns, start, in_root, cost, constant, multiplier, slack, flips, transposed, n,
                gathered, p,
            )  # fmt: skip
            n_solved += 1
            if n_solved == 3 or _entering(kind, slack, curvature, tolerance) < 0:
                return _SOLVED, n, value, -1
            continue
        sign = 1.0 if slack[j] < 0.0 else -1.0
        drop = 0
        while drop >= 0:
            if n >= flips.size - 1:
                return _FULL, n, value, j
            bend = _direction(
                columns, in_root, flips, position, transposed, n, j, gathered, p, rise, lift
            )
            if not bend > 0.0:
                return _FAILED, n, value, -1
            missing = abs(slack[j])
            step, drop = _longest_step(kind, multiplier, rise, sign, missing / bend)
            value += step * (missing - step * bend / 2)
            moved = sign * step
            for i in range(size):
                multiplier[i] += moved * rise[i]
                slack[i] += moved * lift[i]
            multiplier[j] += moved
            if value >= cutoff:
                return _CUT_OFF, n, value, -1
            changed = drop if drop >= 0 else j
            slack[changed] = 0.0
            if drop >= 0:
                multiplier[drop] = 0.0
            n = _flip(columns, in_root, flips, position, transposed, n, changed, gathered, p)
    return _FAILED, n, value, -1


@njit(cache=True, error_model="numpy")
def _recompute(
    columns, start, in_root, cost, constant, multiplier, slack, flips, transposed, n, gathered, p
):
    """Set multipliers and slacks from the flips alone; return the value."""
    size = start.size
    for f in range(n):
        gathered[f] = -start[flips[f]]
    _times_inverse(transposed, n, gathered, p)
    for f in range(n):
        gathered[f] = -start[flips[f]]
    for g in range(n):
        value, row = p[g], flips[g]
        for f in range(n):
            gathered[f] -= value * columns[row, flips[f]]
    _times_inverse(transposed, n, gathered, slack)  # slack is scratch here
    for f in range(n):
        p[f] += slack[f]
    for i in range(size):
        slack[i] = start[i]
    for f in range(n):
        value, row = p[f], flips[f]
        for i in range(size):
            slack[i] += value * columns[row, i]
    _separate(in_root, flips, n, p, slack, multiplier, slack)
    total = 0.0
    for i in range(size):
        total += cost[i] * slack[i]
    return total / 2 + constant


@njit(cache=True, error_model="numpy")
def _curvature(columns, in_root, position, flips, transposed, n, j, gathered, u):
    """Return how fast the slack of nonbasic row j rises with its multiplier."""
    if position[j] >= 0:
        return max(transposed[position[j], position[j]], 1e-300)
    for f in range(n):
        gathered[f] = columns[j, flips[f]]
    _times_inverse(transposed, n, gathered, u)
    bend = columns[j, j]
    for f in range(n):
        if in_root[flips[f]] == in_root[j]:
            bend -= gathered[f] * u[f]
        else:
            bend += gathered[f] * u[f]
    return max(bend, 1e-300)


@njit(cache=True, error_model="numpy")
def degradations(
    columns, in_root, slack, position, flips, transposed, n, of_sample, undecided, tolerance, cost
):
    """Fill ``cost`` with the predicted cost of each decision about each violated sample."""
    gathered, u = np.empty(n), np.empty(n)
    for i in range(of_sample.shape[0]):
        cost[0, i] = cost[1, i] = 0.0
        if not undecided[i]:
            continue
        first, second, tied = of_sample[i, 0], of_sample[i, 1], of_sample[i, 2]
        if tied < 0:
            a, b = slack[first], slack[second]
            if min(a, b) > tolerance:
                cost[0, i] = (
                    a
                    * a
                    / 2
                    / _curvature(
                        columns, in_root, position, flips, transposed, n, first, gathered, u
                    )
                )
                cost[1, i] = (
                    b
                    * b
                    / 2
                    / _curvature(
                        columns, in_root, position, flips, transposed, n, second, gathered, u
                    )
                )
            continue
        plus, minus = -slack[first], -slack[second]
        if max(plus, minus) > tolerance:
            if plus > 0.0:
                cost[0, i] += (
                    plus
                    * plus
                    / 2
                    / _curvature(
                        columns, in_root, position, flips, transposed, n, first, gathered, u
                    )
                )
            if minus > 0.0:
                cost[0, i] += (
                    minus
                    * minus
                    / 2
                    / _curvature(
                        columns, in_root, position, flips, transposed, n, second, gathered, u
                    )
                )
            cost[1, i] = (
                (plus - minus) ** 2
                / 2
                / _curvature(columns, in_root, position, flips, transposed, n, tied, gathered, u)
            )
