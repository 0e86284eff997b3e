"""Compiled twin of `one_neuron` and its certificate, for many small problems.

A dual active-set method (Goldfarb, Idnani 1983) on a swept tableau, refinement with compensated
residuals, and the theorem of `certificate` with a shifted Cholesky factor. What the kernel cannot
vouch for it hands back with a flag; `batch` then calls the NumPy path.
"""
# pyright: basic, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from relubias._jit import njit

__all__ = ["DOUBTFUL", "SOLVED", "solve_batch"]

SOLVED = 0
DOUBTFUL = 1

_EPS = 2.220446049250313e-16
_SPLITTER = 134217729.0
_SMALLEST_PIVOT = 1e-9


@njit(cache=True, error_model="numpy", inline="always")
def _power_of_half(value):
    """Return the power of two s for which ``value * s * s`` lies in [1/2, 2)."""
    _, exponent = math.frexp(value)
    return math.ldexp(1.0, -(exponent // 2))


@njit(cache=True, error_model="numpy")
def _unit_scale(gram, labels, sign, row, hessian, linear):
    """Fill the oriented program in unit scale; return the exponent of the labels."""
    n = labels.size
    largest = 0.0
    for i in range(n):
        row[i] = _power_of_half(gram[i, i]) if gram[i, i] > 0.0 else 1.0
        linear[i] = max(sign * labels[i], 0.0) * row[i]
        largest = max(largest, linear[i])
    exponent = 0
    if largest > 0.0:
        _, exponent = math.frexp(largest)
    for i in range(n):
        linear[i] = math.ldexp(linear[i], -exponent)
    for i in range(n):
        si = row[i] if linear[i] > 0.0 else -row[i]
        for j in range(n):
            hessian[i, j] = gram[i, j] * si * (row[j] if linear[j] > 0.0 else -row[j])
    return exponent


@njit(cache=True, error_model="numpy")
def _sweep(table, k, enter, column):
    """Move row k into the active rows, or out of them; the lower triangle is kept."""
    n = table.shape[0]
    for j in range(k + 1):
        column[j] = table[k, j]
    for i in range(k + 1, n):
        column[i] = table[i, k]
    inverse = 1.0 / column[k]
    column[k] = 0.0
    for i in range(n):
        factor = column[i] * inverse
        if factor != 0.0:
            for j in range(i + 1):
                table[i, j] -= factor * column[j]
    scale = inverse if enter else -inverse
    for j in range(k):
        table[k, j] = column[j] * scale
    for i in range(k + 1, n):
        table[i, k] = column[i] * scale
    table[k, k] = -inverse


@njit(cache=True, error_model="numpy")
def _enter_free_rows(hessian, linear, table, active, column):
    n = linear.size
    for i in range(n):
        active[i] = False
        for j in range(i + 1):
            table[i, j] = hessian[i, j]
    for k in range(n):
        if linear[k] > 0.0:
            if table[k, k] < _SMALLEST_PIVOT * hessian[k, k]:
                return DOUBTFUL
            _sweep(table, k, True, column)
            active[k] = True
    return SOLVED


@njit(cache=True, error_model="numpy")
def _multiply_inverse(table, active, right, out):
    """Set ``out = H_WW^-1 right`` on the active rows W."""
    n = right.size
    for i in range(n):
        out[i] = 0.0
    for i in range(n):
        if active[i]:
            total = -table[i, i] * right[i]
            for j in range(i):
                if active[j]:
                    total -= table[i, j] * right[j]
                    out[j] -= table[i, j] * right[i]
            out[i] += total


@njit(cache=True, error_model="numpy")
def _active_set(hessian, linear, table, active, x, slack, column):
    """Goldfarb and Idnani: add the violated rows one by one, drop those that block."""
    n = linear.size
    _multiply_inverse(table, active, linear, x)
    for i in range(n):
        slack[i] = 0.0
        if not active[i]:
            total = -linear[i]
            for j in range(n):
                total += hessian[i, j] * x[j]
            slack[i] = total
    for _ in range(20 * n + 100):
        enter, gain = -1, 0.0
        for j in range(n):
            if not active[j] and slack[j] < -16.0 * _EPS * n:
                depth = slack[j] * slack[j] / max(table[j, j], 1e-300)
                if depth > gain:
                    enter, gain = j, depth
        if enter < 0:
            return SOLVED
        while True:
            for j in range(enter + 1):
                column[j] = table[enter, j]
            for i in range(enter + 1, n):
                column[i] = table[i, enter]
            pivot = column[enter]
            if pivot < _SMALLEST_PIVOT * hessian[enter, enter]:
                return DOUBTFUL
            step, drop = -slack[enter] / pivot, -1
            for i in range(n):
                if active[i] and linear[i] == 0.0 and column[i] > 0.0:
                    ratio = x[i] / column[i]
                    if ratio < step:
                        step, drop = ratio, i
            for i in range(n):
                if active[i]:
                    x[i] -= step * column[i]
                else:
                    slack[i] += step * column[i]
            x[enter] += step
            if drop < 0:
                break
            x[drop] = 0.0
            slack[drop] = 0.0
            _sweep(table, drop, False, column)
            active[drop] = False
        slack[enter] = 0.0
        _sweep(table, enter, True, column)
        active[enter] = True
    return DOUBTFUL


@njit(cache=True, error_model="numpy", inline="always")
def _add_product(high, low, a, b):
    """Add ``a * b`` to a double-double."""
    product = a * b
    wide = _SPLITTER * a
    a_high = wide - (wide - a)
    a_low = a - a_high
    wide = _SPLITTER * b
    b_high = wide - (wide - b)
    b_low = b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = high + product
    t = total - high
    return total, low + (((high - (total - t)) + (product - t)) + error)


@njit(cache=True, error_model="numpy")
def _residual(hessian, x, linear, i):
    """Return entry i of ``H x - linear`` and a bound on its rounding error."""
    high, low, terms = -linear[i], 0.0, abs(linear[i])
    for j in range(x.size):
        if x[j] != 0.0:
            high, low = _add_product(high, low, hessian[i, j], x[j])
            terms += abs(hessian[i, j] * x[j])
    value = high + low
    wide = 2.0 * (x.size + 2) * _EPS
    return value, _EPS * abs(value) + wide * wide * terms


@njit(cache=True, error_model="numpy")
def _refine(hessian, linear, table, active, x, correction, right):
    """Solve on the active rows, corrected by compensated residuals."""
    n = x.size
    _multiply_inverse(table, active, linear, x)
    for attempt in range(6):
        for i in range(n):
            if active[i]:
                right[i], _ = _residual(hessian, x, linear, i)
        _multiply_inverse(table, active, right, correction)
        size, largest = 0.0, 1e-300
        for i in range(n):
            x[i] -= correction[i]
            size = max(size, abs(correction[i]))
            largest = max(largest, abs(x[i]))
        if size < 1e-10 * largest and (attempt > 0 or size < 1e-11 * largest):
            break
    else:
        return DOUBTFUL
    for i in range(n):
        if linear[i] == 0.0 and x[i] < 0.0:
            if x[i] < -1e-13 * largest:
                return DOUBTFUL
            x[i] = 0.0
    return SOLVED


@njit(cache=True, error_model="numpy")
def _certify(hessian, linear, x, slack, right, factor):
    """Return norm and error bound (infinite if not certified) by the theorem; fill `slack`."""
    n = x.size
    trace, square, pad = 0.0, 0.0, 0.0
    for i in range(n):
        trace += hessian[i, i]
        value, error = _residual(hessian, x, linear, i)
        slack[i] = value
        square += x[i] * (value + linear[i])
        if linear[i] == 0.0 and x[i] == 0.0:
            value = min(value, 0.0)
            if slack[i] > error:
                error = 0.0
        right[i] = value
        pad += error * error
    rounding = 4.0 * (n + 2) * _EPS * trace
    if rounding == 0.0:
        return 0.0, math.inf
    total = 0.0
    for i in range(n):
        for j in range(i + 1):
            value = hessian[i, j]
            if i == j:
                value -= 2.0 * rounding
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            if i == j:
                if value <= 0.0:
                    return math.sqrt(max(square, 0.0)), math.inf
                factor[i, i] = math.sqrt(value)
            else:
                factor[i, j] = value / factor[j, j]
        value = right[i]
        for k in range(i):
            value -= factor[i, k] * right[k]
        right[i] = value / factor[i, i]
        total += right[i] * right[i]
    bound = math.sqrt(total) + math.sqrt(pad / rounding)
    return math.sqrt(max(square, 0.0)), bound * (1.0 + (n + 10) * _EPS)


@njit(cache=True, error_model="numpy", nogil=True)
def solve_batch(grams, labels, sign, dual, primal, norm, bound, flag):
    """Solve every problem; outputs are in the units of the data."""
    n_problems, n = labels.shape
    hessian, table, factor = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    row, linear, x, slack = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    column, right = np.empty(n), np.empty(n)
    active = np.empty(n, np.bool_)
    for b in range(n_problems):
        exponent = _unit_scale(grams[b], labels[b], sign, row, hessian, linear)
        flag[b] = _enter_free_rows(hessian, linear, table, active, column)
        if flag[b] == SOLVED:
            flag[b] = _active_set(hessian, linear, table, active, x, slack, column)
        if flag[b] == SOLVED:
            flag[b] = _refine(hessian, linear, table, active, x, column, right)
        if flag[b] != SOLVED:
            continue
        norm[b], bound[b] = _certify(hessian, linear, x, slack, right, factor)
        norm[b] = math.ldexp(norm[b], exponent)
        bound[b] = math.ldexp(bound[b], exponent)
        for i in range(n):
            free = linear[i] > 0.0
            dual[b, i] = math.ldexp(x[i] * row[i] if free else 0.0 - x[i] * row[i], exponent)
            value = linear[i] if free else (0.0 if active[i] else min(-slack[i], 0.0))
            primal[b, i] = math.ldexp(value / row[i], exponent)
