"""Compiled twin of `pattern_search`: the best patterns of one neuron, depth first."""
# pyright: basic, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from relubias._jit import njit
from relubias.minnorm._pattern_kernels import enumerate_patterns, solve_box

__all__ = ["search_patterns"]

_LOW = 1
_HIGH = 2


@njit(cache=True, error_model="numpy")
def _fill_box(prices, decided, guess, low, high, state):
    """Fill the intervals for one pattern; open samples follow `guess`, or stay open if empty."""
    for i in range(prices.size):
        side = decided[i]
        if side < 0 and prices[i] > 0.0 and guess.size > 0:
            side = guess[i]
        low[i], high[i], state[i] = -np.inf, 0.0, _HIGH
        if side == 1:
            low[i], high[i], state[i] = prices[i], np.inf, _LOW
        elif side < 0 and prices[i] <= 0.0:
            low[i] = prices[i]


@njit(cache=True, error_model="numpy")
def _keep(value, slope, state, values, slopes, states, kept):
    """Insert a pattern among the best, unless it is there; return how many there are."""
    for r in range(kept):
        if values[r] == value and (states[r] == state).all():
            return kept
    n_keep = values.size
    if kept == n_keep and value <= values[kept - 1]:
        return kept
    place = kept if kept < n_keep else n_keep - 1
    while place > 0 and values[place - 1] < value:
        values[place] = values[place - 1]
        slopes[place] = slopes[place - 1]
        states[place] = states[place - 1]
        place -= 1
    values[place] = value
    slopes[place] = slope
    states[place] = state
    return min(kept + 1, n_keep)


@njit(cache=True, error_model="numpy")
def _factor_inner(block, theta, share, factor):
    """Factor ``4 share / theta - G``; return whether that is positive definite."""
    k = theta.size
    for a in range(k):
        for c in range(a + 1):
            value = -block[a, c]
            if a == c:
                value += 4.0 * share / theta[a]
            for e in range(c):
                value -= factor[a, e] * factor[c, e]
            if a == c:
                if not value > 1e-12 * 4.0 / theta[a]:
                    return False
                factor[a, a] = math.sqrt(value)
            else:
                factor[a, c] = value / factor[c, c]
    return True


@njit(cache=True, error_model="numpy")
def _cap(block, theta, factor):
    """Cut off the largest entries of theta until the factor exists; leave the factor behind."""
    k = theta.size
    reach, largest = 0.0, 0.0
    for a in range(k):
        reach = max(reach, np.abs(block[a]).sum())
        largest = max(largest, theta[a])
    low, high = 2.0 / reach, max(largest, 2.0 / reach)
    for _ in range(7):
        middle = math.sqrt(low * high)
        if _factor_inner(block, np.minimum(theta, middle), 0.999, factor):
            low = middle
        else:
            high = middle
    for a in range(k):
        theta[a] = min(theta[a], low)
    _factor_inner(block, theta, 1.0, factor)


@njit(cache=True, error_model="numpy")
def _stiffen(gram, rows, factor):
    """Return ``(G^-1 - Theta/4)^-1``, with the factor of ``4/theta - G`` on `rows`."""
    n, k = gram.shape[0], rows.size
    half = np.empty((k, n))
    for a in range(k):
        for j in range(n):
            value = gram[rows[a], j]
            for e in range(a):
                value -= factor[a, e] * half[e, j]
            half[a, j] = value / factor[a, a]
    return gram + half.T @ half


@njit(cache=True, error_model="numpy")
def _relaxed(gram, prices, decided, rows, theta, factor, u):
    """Return the bound of `pattern_search` on a subtree; fill `u` with its predictions."""
    n, k = prices.size, rows.size
    stiff = _stiffen(gram, rows, factor)
    is_open = np.zeros(n, np.bool_)
    is_open[rows] = True
    others = np.flatnonzero(~is_open)
    size = n + k + 1
    dual, rest = np.zeros((n, size)), np.zeros((k, size))
    for a in range(others.size):
        dual[others[a], a] = 1.0
    for a in range(k):
        up, down = others.size + a, others.size + k + a
        root = 1.0 / math.sqrt(theta[a])
        dual[rows[a], up], dual[rows[a], down] = 0.5, -0.5
        dual[rows[a], size - 1] = prices[rows[a]] / 2
        rest[a, up] = rest[a, down] = root
        rest[a, size - 1] = prices[rows[a]] * root
    form = dual.T @ (stiff @ dual) + rest.T @ rest
    low, high = np.zeros(size), np.full(size, np.inf)
    state = np.full(size, _LOW, np.int8)
    low[size - 1] = high[size - 1] = 1.0
    part_low, part_high = np.empty(n), np.empty(n)
    part_state = np.empty(n, np.int8)
    _fill_box(prices, decided, np.empty(0, np.int8), part_low, part_high, part_state)
    for a in range(others.size):
        i = others[a]
        low[a], high[a], state[a] = part_low[i], part_high[i], part_state[i]
    x, slope = np.zeros(size), np.empty(size)
    value = solve_box(form, low, high, state, x, slope, np.empty((size, size)))
    u[:] = stiff @ (dual @ x)
    return value * (1 + 1e-9)


@njit(cache=True, error_model="numpy")
def _products(price, slope, rows, block, theta):
    """Fill theta with what makes the bound tight; return whether it can be, and the worst row."""
    least = 1e-3 * math.sqrt((price**2).mean())
    is_exact, stiffest, row = True, -1.0, rows[0]
    for a in range(rows.size):
        length = abs(slope[rows[a]])
        is_exact = is_exact and length >= least
        theta[a] = 2.0 * price[a] / max(length, least)
        if theta[a] * block[a, a] > stiffest:
            stiffest, row = theta[a] * block[a, a], rows[a]
    return is_exact, row


@njit(cache=True, error_model="numpy")
def _bound_subtree(gram, prices, here, guess, rows, bound, floor, values, slopes, states, kept):
    """Bound what a subtree earns; return how many patterns are kept, bound, and row to decide."""
    n, k = prices.size, rows.size
    low, high, slope, u = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    beta, work, state = np.zeros(n), np.empty((n, n)), np.empty(n, np.int8)
    block, factor, theta = np.empty((k, k)), np.empty((k, k)), np.empty(k)
    for a in range(k):
        for c in range(k):
            block[a, c] = gram[rows[a], rows[c]]
    row = rows[0]
    for _ in range(3):
        _fill_box(prices, here, guess, low, high, state)
        earned = solve_box(gram, low, high, state, beta, slope, work)
        kept = _keep(earned, slope, state, values, slopes, states, kept)
        is_exact, row = _products(prices[rows], slope, rows, block, theta)
        if is_exact and _factor_inner(block, theta, 1.0 - 1e-9, factor):
            return kept, earned, row  # the bound is tight
        _cap(block, theta, factor)
        bound = min(bound, _relaxed(gram, prices, here, rows, theta, factor, u))
        changed = False
        for i in rows:
            side = 1 if u[i] > 0.0 else 0
            changed = changed or side != guess[i]
            guess[i] = side
        if not changed or bound <= max(values[0], floor):
            break
    return kept, bound, row


@njit(cache=True, error_model="numpy")
def _try_all(gram, prices, here, rows, values, slopes, states, kept):
    """Try all patterns of a small subtree; return how many patterns are kept."""
    n, n_keep = prices.size, values.size
    low, high, state = np.empty(n), np.empty(n), np.empty(n, np.int8)
    some_values, some_slopes = np.empty(n_keep), np.empty((n_keep, n))
    some_states, sides = np.empty((n_keep, n), np.int8), np.empty((2, rows.size))
    _fill_box(prices, here, np.empty(0, np.int8), low, high, state)
    found = enumerate_patterns(
        gram, low, high, state, prices, rows, n_keep, some_values, some_slopes, some_states, sides
    )
    for r in range(found):
        kept = _keep(some_values[r], some_slopes[r], some_states[r], values, slopes, states, kept)
    return kept


@njit(cache=True, error_model="numpy", nogil=True)
def search_patterns(gram, prices, decided, floor, tolerance, limits, values, slopes, states):
    """Search the patterns; return how many are kept and a bound on what all earn.

    `limits` holds the number of nodes and of open samples up to which all patterns are tried;
    subtrees that earn no more than `floor`, or than the best by more than a share `tolerance`,
    are given up.
    """
    n = prices.size
    depth = 2 * n + 2
    stack, guesses = np.empty((depth, n), np.int8), np.empty((depth, n), np.int8)
    bounds = np.empty(depth)
    stack[0] = decided
    guesses[0] = np.where(decided < 0, prices > 0.0, decided == 1)
    bounds[0] = np.inf
    top, kept, ceiling, enough = 1, 0, -np.inf, floor
    for _ in range(limits[0]):
        if top == 0 or (np.isfinite(floor) and kept > 0 and values[0] > floor):
            break
        top -= 1
        here, guess, bound = stack[top].copy(), guesses[top].copy(), bounds[top]
        rows = np.flatnonzero((here < 0) & (prices > 0.0))
        row = -1
        if bound > enough and rows.size <= limits[1]:
            kept = _try_all(gram, prices, here, rows, values, slopes, states, kept)
            bound = values[0]
        elif bound > enough:
            kept, bound, row = _bound_subtree(
                gram, prices, here, guess, rows, bound, floor, values, slopes, states, kept
            )
        if kept > 0:
            enough = max(values[0] * (1.0 + tolerance), floor)
        if bound <= enough:
            ceiling = max(ceiling, bound)
            continue
        for first in range(2):
            stack[top], guesses[top], bounds[top] = here, guess, bound
            stack[top, row] = guess[row] if first == 1 else 1 - guess[row]
            top += 1
    for t in range(top):
        ceiling = max(ceiling, bounds[t])
    return kept, max(values[0] if kept > 0 else -np.inf, ceiling)
