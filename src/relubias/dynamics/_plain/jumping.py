"""Double-double products and jumps in NumPy; `_compiled.jumping` has the same bits."""

from __future__ import annotations

import numpy as np

from relubias._compensated import two_prod
from relubias._validate import Float
from relubias.dynamics._plain.arithmetic import Pair, accumulate, normalise

__all__ = ["add", "multiply", "power_steps", "product"]


def multiply(
    left_high: Float,
    left_low: Float,
    right_high: Float,
    right_low: Float,
    out_high: Float,
    out_low: Float,
) -> None:
    """Write a double-double matrix product; sums run in the order of the inner index."""
    high, low = np.zeros_like(out_high), np.zeros_like(out_low)
    for k in range(left_high.shape[1]):
        x, x_low = left_high[:, k, None], left_low[:, k, None]
        y, y_low = right_high[None, k], right_low[None, k]
        product, error = two_prod(x, y)
        high, low = accumulate(high, low, product, error + (x * y_low + x_low * y))
    out_high[:], out_low[:] = normalise(high, low)


def product(left: Pair, right: Pair) -> Pair:
    """Return a double-double matrix product."""
    out = np.empty((left[0].shape[0], right[0].shape[1]))
    out_low = np.empty_like(out)
    multiply(*left, *right, out, out_low)
    return out, out_low


def add(first: Pair, factor: float, second: Pair) -> Pair:
    """Return ``first + factor * second`` for a factor that is a signed power of two."""
    return normalise(*accumulate(*first, factor * second[0], factor * second[1]))


def power_steps(
    hessian_high: Float,
    hessian_low: Float,
    step_size: float,
    residual_high: Float,
    residual_low: Float,
    n_steps: int,
) -> tuple[Float, Float, float]:
    """Sum the residuals of `n_steps` steps under a frozen pattern, times the step size.

    With ``S_1 = step_size I`` and ``S_2a = 2 S_a - S_a H S_a`` (Newton and Schulz), the sum over
    the first a steps is ``S_a r``; rounding errors do not grow with the number of steps.
    """
    order = hessian_high.shape[0]
    hessian = hessian_high, hessian_low
    S = step_size * np.eye(order), np.zeros((order, order))
    left = residual_high, residual_low
    total = np.zeros((order, 1)), np.zeros((order, 1))
    largest = step_size
    while True:
        if n_steps & 1:
            part = product(S, left)
            total = add(total, 1.0, part)
            left = add(left, -1.0, product(hessian, part))
        n_steps >>= 1
        if n_steps == 0:
            return total[0], total[1], largest
        S = add((2.0 * S[0], 2.0 * S[1]), -1.0, product(S, product(hessian, S)))
        largest = max(largest, float(np.abs(S[0]).max()))
