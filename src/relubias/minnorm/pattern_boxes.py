r"""Least squares over boxes: what one neuron with a given pattern earns.

.. math:: \min_\beta \beta^\top G \beta, \qquad \beta_i \ge \lambda_i \text{ (active)}, \quad
          \beta_i \le 0 \text{ (inactive)}, \quad \lambda_i \le \beta_i \le 0 \text{ (either)},

by block pivoting. Any point of the box bounds the minimum from above; rounding is added.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["FREE", "HIGH", "LOW", "box_of", "solve_boxes"]

FREE, LOW, HIGH = 0, 1, 2
"""Whether an entry of beta is inside its interval, at its lower or at its upper end."""

Decided = NDArray[np.int8]
"""Per sample: 1 active, 0 inactive, -1 undecided."""

_EPS = float(np.finfo(np.float64).eps)
_RIDGE = 1e-15


def box_of(prices: Float, decided: Decided) -> tuple[Float, Float, NDArray[np.int8]]:
    """Return interval ends and a first guess; open samples start inactive."""
    active = decided == 1
    concave = (decided < 0) & (prices <= 0)
    low = np.where(active | concave, prices, -np.inf)
    high = np.where(active, np.inf, 0.0)
    return low, high, np.where(active, LOW, HIGH).astype(np.int8)


def solve_boxes(
    gram: Float,
    low: Float,
    high: Float,
    state: NDArray[np.int8],
    stops: Callable[[], bool] = lambda: False,
) -> tuple[Float, Float, Float]:
    """Minimise ``beta @ gram @ beta`` over many boxes; return values from above, slopes and betas.

    Rows on the wrong side are exchanged all at once, and one by one where that stops helping;
    `state` is updated. Values hold, but may be far from the minimum, where `stops` ends it early.
    """
    n_boxes, n = low.shape
    beta = np.zeros((n_boxes, n))
    is_open = np.ones(n_boxes, dtype=np.bool_)
    best, patience = np.full(n_boxes, n + 1), np.full(n_boxes, 3)
    identity = np.diag(np.maximum(np.diagonal(gram), 1e-300))
    for _ in range(20 * n + 50):
        todo = np.flatnonzero(is_open)
        free = state[todo] == FREE
        ends = np.where(
            free, 0.0, np.where(state[todo] == LOW, low[todo], np.where(free, 0.0, high[todo]))
        )
        matrix = np.where(free[:, :, None] & free[:, None, :], gram, 0.0)
        matrix += np.where(free, _RIDGE, 1.0)[:, :, None] * identity
        right = np.where(free, -ends @ gram, 0.0)
        x = np.where(free, np.linalg.solve(matrix, right[:, :, None])[:, :, 0], ends)
        beta[todo] = x
        slope = x @ gram
        tolerance = 1e-13 * np.abs(x).max(axis=1, keepdims=True)
        under, over = free & (x < low[todo] - tolerance), free & (x > high[todo] + tolerance)
        leaving = (state[todo] == LOW) & (slope < -tolerance)
        leaving |= (state[todo] == HIGH) & (slope > tolerance)
        wrong = under | over | leaving
        n_wrong = wrong.sum(axis=1)
        single = patience[todo] == 0
        last = n - 1 - np.argmax(wrong[:, ::-1], axis=1)
        wrong[single] &= np.arange(n) == last[single, None]
        moved = np.where(under, LOW, np.where(over, HIGH, FREE)).astype(np.int8)
        state[todo] = np.where(wrong, moved, state[todo])
        better = n_wrong < best[todo]
        best[todo] = np.minimum(best[todo], n_wrong)
        patience[todo] = np.where(better, 3, np.maximum(patience[todo] - 1, 0))
        is_open[todo] = n_wrong > 0
        if not is_open.any() or stops():
            break
    beta = np.clip(beta, low, high)
    slope = beta @ gram
    terms = np.einsum("bi,bi->b", np.abs(beta), np.abs(beta) @ np.abs(gram))
    values = np.einsum("bi,bi->b", beta, slope) + 4 * (n + 2) * _EPS * terms
    return values, slope, beta
