"""Compiled double-double products and jumps; `_plain.jumping` is the readable twin."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

import numpy as np

from relubias._jit import njit
from relubias.dynamics._compiled.arithmetic import fma

__all__ = ["multiply", "power_steps"]


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
