"""Compiled twins of `pattern_prices`: one box program, and all patterns of one neuron."""
# pyright: basic, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from relubias._jit import njit

__all__ = ["enumerate_patterns", "solve_box"]

_FREE = 0
_LOW = 1
_HIGH = 2
_EPS = 2.220446049250313e-16
_PIVOT = 1e-14


@njit(cache=True, error_model="numpy", inline="always")
def _pull(gram, state, beta, i):
    """Return what the entries at an end of their intervals leave of row i, negated."""
    total = 0.0
    for j in range(beta.size):
        if state[j] != _FREE:
            total -= gram[i, j] * beta[j]
    return total


@njit(cache=True, error_model="numpy", inline="always")
def _pull_all(gram, beta, i):
    total = 0.0
    for j in range(beta.size):
        total -= gram[i, j] * beta[j]
    return total


@njit(cache=True, error_model="numpy")
def _solve_free(gram, state, beta, rows, factor, x):
    """Set the free entries of `beta` so that their gradient vanishes."""
    k = 0
    for i in range(beta.size):
        if state[i] == _FREE:
            rows[k] = i
            k += 1
    for a in range(k):
        i = rows[a]
        right = _pull(gram, state, beta, i)
        for c in range(a):
            value = gram[i, rows[c]]
            for e in range(c):
                value -= factor[a, e] * factor[c, e]
            factor[a, c] = value / factor[c, c]
        value = gram[i, i]
        for e in range(a):
            value -= factor[a, e] * factor[a, e]
        factor[a, a] = math.sqrt(max(value, _PIVOT * gram[i, i] + 1e-300))
        for e in range(a):
            right -= factor[a, e] * x[e]
        x[a] = right / factor[a, a]
    for a in range(k - 1, -1, -1):
        value = x[a]
        for e in range(a + 1, k):
            value -= factor[e, a] * x[e]
        x[a] = value / factor[a, a]
        beta[rows[a]] = x[a]


@njit(cache=True, error_model="numpy")
def _exchange(low, high, state, beta, slope, tolerance, single):
    """Move the rows (the last of them if `single`) that are on the wrong side; return how many."""
    n = beta.size
    wrong, last = 0, -1
    for i in range(n):
        if state[i] == _FREE:
            bad = beta[i] < low[i] - tolerance or beta[i] > high[i] + tolerance
        elif state[i] == _LOW:
            bad = slope[i] < -tolerance
        else:
            bad = slope[i] > tolerance
        if bad:
            wrong += 1
            last = i
            if not single:
                _move(i, low, state, beta, tolerance)
    if single and last >= 0:
        _move(last, low, state, beta, tolerance)
    return wrong


@njit(cache=True, error_model="numpy", inline="always")
def _move(i, low, state, beta, tolerance):
    if state[i] != _FREE:
        state[i] = _FREE
    elif beta[i] < low[i] - tolerance:
        state[i] = _LOW
    else:
        state[i] = _HIGH


@njit(cache=True, error_model="numpy")
def _value_from_above(gram, beta, slope):
    """Return ``beta @ gram @ beta`` and what rounding can do to it; fill `slope`."""
    n = beta.size
    value, terms = 0.0, 0.0
    for i in range(n):
        total, size = 0.0, 0.0
        for j in range(n):
            total += gram[i, j] * beta[j]
            size += abs(gram[i, j] * beta[j])
        slope[i] = total
        value += beta[i] * total
        terms += abs(beta[i]) * size
    return value + 4.0 * (n + 2) * _EPS * terms


@njit(cache=True, error_model="numpy")
def solve_box(gram, low, high, state, beta, slope, work):
    """Minimise ``beta @ gram @ beta`` over a box from the guess `state`; return a bound from above.

    `beta` ends in the box whatever happens, and `slope` is ``gram @ beta``.
    """
    n = beta.size
    rows = np.empty(n, np.int64)
    x = np.empty(n)
    best, patience = n + 1, 3
    for _ in range(20 * n + 50):
        for i in range(n):
            if state[i] != _FREE:
                beta[i] = low[i] if state[i] == _LOW else high[i]
        _solve_free(gram, state, beta, rows, work, x)
        for i in range(n):
            slope[i] = 0.0 if state[i] == _FREE else -_pull_all(gram, beta, i)
        size = np.abs(beta).max()
        wrong = _exchange(low, high, state, beta, slope, 1e-13 * size, patience == 0)
        if wrong == 0:
            break
        if wrong < best:
            best, patience = wrong, 3
        elif patience > 0:
            patience -= 1
    for i in range(n):
        beta[i] = min(max(beta[i], low[i]), high[i])
    return _value_from_above(gram, beta, slope)


@njit(cache=True, error_model="numpy", nogil=True)
def enumerate_patterns(gram, low, high, state, prices, rows, n_keep, values, slopes, states, sides):
    """Solve the box program for all patterns of the samples in `rows`, in the order of a Gray code.

    Keeps the best `n_keep` in descending order, and per row the best value of either side
    (0 inactive, 1 active); returns how many are kept.
    """
    n = prices.size
    beta, slope, work = np.zeros(n), np.empty(n), np.empty((n, n))
    kept, code = 0, 0
    sides[...] = -1.0
    for count in range(1 << rows.size):
        if count > 0:
            bit = 0
            while not (count >> bit) & 1:
                bit += 1
            i = rows[bit]
            code ^= 1 << bit
            if (code >> bit) & 1:
                low[i], high[i], state[i] = prices[i], np.inf, _LOW
            else:
                low[i], high[i], state[i] = -np.inf, 0.0, _HIGH
        value = solve_box(gram, low, high, state, beta, slope, work)
        for bit in range(rows.size):
            side = (code >> bit) & 1
            sides[side, bit] = max(sides[side, bit], value)
        if kept < n_keep or value > values[kept - 1]:
            place = kept if kept < n_keep else n_keep - 1
            while place > 0 and values[place - 1] < value:
                values[place] = values[place - 1]
                slopes[place] = slopes[place - 1]
                states[place] = states[place - 1]
                place -= 1
            values[place] = value
            slopes[place] = slope
            states[place] = state
            kept = min(kept + 1, n_keep)
    return kept
