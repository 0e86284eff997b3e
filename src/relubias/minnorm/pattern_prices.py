r"""The best a single neuron can do for given prices of its outputs.

If sample i pays :math:`2\lambda_i` per unit of output, a neuron earns at most

.. math:: V(\lambda) = \max_u\; 2\lambda^\top \mathrm{relu}(u) - u^\top G^{-1} u
          = \max_{\text{patterns}}\; \min_\beta\; \beta^\top G \beta, \qquad
          \beta_i \ge \lambda_i \text{ (active)}, \quad \beta_i \le 0 \text{ (inactive)}.

A sample with :math:`\lambda_i \le 0` makes the objective concave, so it needs no decision:
:math:`\lambda_i \le \beta_i \le 0`. For the others all patterns are tried, or, where they are
too many, searched: for any :math:`\theta > 0` with :math:`\Theta^{1/2} G \Theta^{1/2} \prec 4` on
undecided samples F, :math:`2\lambda\,\mathrm{relu}(u) \le \lambda u + \tfrac14\theta u^2 +
\lambda^2/\theta` gives

.. math:: V \le \sum_F \lambda_i^2/\theta_i + \min_\beta \beta^\top (G^{-1} - \Theta/4)^{-1} \beta,
          \qquad \beta_F = \lambda_F / 2,

tight at the best pattern for :math:`\theta_i = 2\lambda_i/|u_i|`. Every value is a bound from
above, because any :math:`\beta` in the box is; rounding is added.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["FREE", "HIGH", "LOW", "Pricing", "earnings_at_most", "price_patterns"]

FREE, LOW, HIGH = 0, 1, 2
"""Whether an entry of beta is inside its interval, at its lower or at its upper end."""

Decided = NDArray[np.int8]
"""Per sample: 1 active, 0 inactive, -1 undecided."""

_EPS = float(np.finfo(np.float64).eps)
_KEEP = 6
_COMPILED_FROM = 8
"""Open samples from which all patterns are tried by compiled code."""
_SEARCHED_FROM = 10
"""Open samples from which patterns are searched instead."""
_ENUMERATED_BELOW = 5
_MAX_SEARCHED = 2000
_LEAST_SIZE = 1e-3
_BISECTIONS = 5
_RIDGE = 1e-15


class Pricing(NamedTuple):
    """The best patterns of one neuron, in descending order of value."""

    values: Float
    """What each pattern earns, from above."""
    outputs: Float
    """Outputs of the neuron in each pattern, (n_patterns, n_samples)."""
    states: NDArray[np.int8]
    """Ends of the intervals at which beta is; `LOW` are the samples with an output."""
    sides: Float | None
    """Most that is earned with a sample inactive and active, (2, n_samples); infinite where that
    is not known."""
    bound: float
    """Most that any pattern earns."""


def price_patterns(gram: Float, prices: Float, decided: Decided) -> Pricing:
    """Find the patterns that earn most.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    prices : ndarray of shape (n_samples,)
        Half of what a unit of output earns, of either sign.
    decided : ndarray of int8, shape (n_samples,)
        Where the neuron is active (1), inactive (0), or free to choose (-1).

    Returns
    -------
    Pricing
        At least one pattern.
    """
    rows = np.flatnonzero((decided < 0) & (prices > 0))
    if rows.size >= _SEARCHED_FROM:
        return _searched(gram, prices, decided, -np.inf)
    compiled = rows.size >= _COMPILED_FROM or "relubias.minnorm._pattern_kernels" in sys.modules
    return (_enumerated_compiled if compiled else _enumerated)(gram, prices, decided, rows)


def earnings_at_most(gram: Float, prices: Float, decided: Decided, floor: float) -> bool:
    """Whether no pattern earns more than `floor`."""
    rows = np.flatnonzero((decided < 0) & (prices > 0))
    if rows.size >= _SEARCHED_FROM:
        return _searched(gram, prices, decided, floor).bound <= floor
    return price_patterns(gram, prices, decided).bound <= floor


def _box(prices: Float, decided: Decided) -> tuple[Float, Float, NDArray[np.int8]]:
    """Return interval ends and a first guess; open samples start inactive."""
    active = decided == 1
    concave = (decided < 0) & (prices <= 0)
    low = np.where(active | concave, prices, -np.inf)
    high = np.where(active, np.inf, 0.0)
    return low, high, np.where(active, LOW, HIGH).astype(np.int8)


def _enumerated_compiled(
    gram: Float, prices: Float, decided: Decided, rows: NDArray[np.intp]
) -> Pricing:
    from relubias.minnorm import _pattern_kernels as kernels

    n = prices.size
    low, high, state = _box(prices, decided)
    values, slopes = np.empty(_KEEP), np.empty((_KEEP, n))
    states, sides = np.empty((_KEEP, n), dtype=np.int8), np.empty((2, rows.size))
    enumerate_patterns: Any = kernels.enumerate_patterns
    kept = int(
        enumerate_patterns(
            gram, low, high, state, prices, rows, _KEEP, values, slopes, states, sides
        )
    )
    return _pricing(values[:kept], slopes[:kept], states[:kept], sides, rows)


def _enumerated(gram: Float, prices: Float, decided: Decided, rows: NDArray[np.intp]) -> Pricing:
    """Do what `_enumerated_compiled` does, all patterns at a time."""
    low, high, state = _box(prices, decided)
    codes = np.arange(1 << rows.size)
    active = (codes[:, None] >> np.arange(rows.size)) & 1 == 1
    low, high = np.tile(low, (codes.size, 1)), np.tile(high, (codes.size, 1))
    state = np.tile(state, (codes.size, 1))
    low[:, rows] = np.where(active, prices[rows], -np.inf)
    high[:, rows] = np.where(active, np.inf, 0.0)
    state[:, rows] = np.where(active, LOW, HIGH)
    values, slopes, _ = _solve_boxes(gram, low, high, state)
    sides = np.array(
        [np.where(active ^ off, values[:, None], -1.0).max(axis=0) for off in (True, False)]
    )
    best = np.argsort(-values, kind="stable")[:_KEEP]
    return _pricing(values[best], slopes[best], state[best], sides, rows)


def _pricing(
    values: Float, slopes: Float, states: NDArray[np.int8], sides: Float, rows: NDArray[np.intp]
) -> Pricing:
    all_sides = np.full((2, slopes.shape[1]), np.inf)
    all_sides[:, rows] = sides
    outputs = np.where(states == LOW, np.maximum(slopes, 0.0), 0.0)
    return Pricing(values, outputs, states, all_sides, float(values[0]))


def _solve_boxes(
    gram: Float, low: Float, high: Float, state: NDArray[np.int8]
) -> tuple[Float, Float, Float]:
    """Minimise ``beta @ gram @ beta`` over many boxes; return values from above, slopes and betas.

    Rows on the wrong side are exchanged all at once, and one by one where that stops helping;
    `state` is updated.
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
        if not is_open.any():
            break
    beta = np.clip(beta, low, high)
    slope = beta @ gram
    terms = np.einsum("bi,bi->b", np.abs(beta), np.abs(beta) @ np.abs(gram))
    values = np.einsum("bi,bi->b", beta, slope) + 4 * (n + 2) * _EPS * terms
    return values, slope, beta


def _searched(gram: Float, prices: Float, decided: Decided, floor: float) -> Pricing:
    """Search the patterns depth first; give up subtrees that earn no more than `floor`."""
    search = _PatternSearch(gram, prices, floor)
    search.run(decided)
    return search.pricing()


class _PatternSearch:
    """State of one search: the best patterns so far and a bound on all that is left."""

    def __init__(self, gram: Float, prices: Float, floor: float) -> None:
        self.gram, self.prices, self.floor = gram, prices, floor
        self.found: dict[bytes, tuple[float, Float, NDArray[np.int8]]] = {}
        self.best, self.bound = -np.inf, -np.inf

    def run(self, decided: Decided) -> None:
        """Search all patterns that `decided` leaves open."""
        guess = np.where(decided < 0, self.prices > 0, decided).astype(np.int8)
        stack = [(decided, guess, np.inf)]
        for _ in range(_MAX_SEARCHED):
            if not stack or (np.isfinite(self.floor) and self.best > self.floor):
                break
            decided, guess, bound = stack.pop()
            if self._is_settled(bound):
                continue
            rows = np.flatnonzero((decided < 0) & (self.prices > 0))
            if rows.size <= _ENUMERATED_BELOW:
                self._keep(_enumerated_compiled(self.gram, self.prices, decided, rows))
                continue
            bound, guess, row = self._bound(decided, guess, rows)
            if self._is_settled(bound):
                continue
            for side in (1 - guess[row], guess[row]):  # the likely side on top
                child = decided.copy()
                child[row] = side
                stack.append((child, guess, bound))
        for _, _, bound in stack:
            self.bound = max(self.bound, bound)

    def pricing(self) -> Pricing:
        """Return what was found."""
        ranked = sorted(self.found.values(), key=lambda entry: -entry[0])[:_KEEP]
        values = np.array([entry[0] for entry in ranked])
        slopes = np.array([entry[1] for entry in ranked])
        states = np.array([entry[2] for entry in ranked])
        outputs = np.where(states == LOW, np.maximum(slopes, 0.0), 0.0)
        return Pricing(values, outputs, states, None, max(self.best, self.bound))

    def _is_settled(self, bound: float) -> bool:
        """Whether a subtree needs no search; what it might earn is kept in mind."""
        if bound <= max(self.best, self.floor):
            self.bound = max(self.bound, bound)
            return True
        return False

    def _keep(self, pricing: Pricing) -> None:
        for value, slope, state in zip(
            pricing.values, pricing.outputs, pricing.states, strict=True
        ):
            self._keep_one(float(value), slope, state)

    def _keep_one(self, value: float, slope: Float, state: NDArray[np.int8]) -> None:
        self.found[state.tobytes()] = value, slope.copy(), state.copy()
        self.best = max(self.best, value)

    def _bound(
        self, decided: Decided, guess: Decided, rows: NDArray[np.intp]
    ) -> tuple[float, Decided, int]:
        """Bound what the subtree earns; return the pattern to try next and the row to decide."""
        bound, row = np.inf, int(rows[0])
        for _ in range(3):
            earned, u = self._complete(decided, guess)
            price = self.prices[rows]
            size = np.maximum(np.abs(u[rows]), _LEAST_SIZE * np.sqrt(np.mean(price**2)))
            theta = 2 * price / size
            row = int(rows[np.argmax(theta * np.diagonal(self.gram)[rows])])
            root = np.sqrt(theta)
            block = self.gram[np.ix_(rows, rows)]
            largest = float(np.linalg.eigvalsh(block * np.outer(root, root))[-1])
            if largest <= 4 * (1 - 1e-9) and (size == np.abs(u[rows])).all():
                return earned, guess, row  # the bound is tight
            theta = _capped(theta, block)
            value, relaxed = self._relaxed(decided, rows, theta)
            bound = min(bound, value)
            other = guess.copy()
            other[rows] = relaxed[rows] > 0
            if bound <= max(self.best, self.floor) or np.array_equal(other, guess):
                break
            guess = other
        return bound, guess, row

    def _complete(self, decided: Decided, guess: Decided) -> tuple[float, Float]:
        """Solve for one pattern; return what it earns and its predictions."""
        pattern = np.where((decided < 0) & (self.prices > 0), guess, decided).astype(np.int8)
        low, high, state = _box(self.prices, pattern)
        value, slope, _ = _compiled_box(self.gram, low, high, state)
        self._keep_one(value, slope, state)
        return value, slope

    def _relaxed(
        self, decided: Decided, rows: NDArray[np.intp], theta: Float
    ) -> tuple[float, Float]:
        """Evaluate the bound of the module's text."""
        others = np.setdiff1d(np.arange(decided.size), rows)
        inner = np.diag(4 / theta) - self.gram[np.ix_(rows, rows)]
        stiff = self.gram + self.gram[:, rows] @ np.linalg.solve(inner, self.gram[rows])
        k, size = rows.size, decided.size + rows.size + 1
        dual, rest = np.zeros((decided.size, size)), np.zeros((k, size))
        dual[others, np.arange(others.size)] = 1.0
        up, down = others.size + np.arange(k), others.size + k + np.arange(k)
        dual[rows, up], dual[rows, down], dual[rows, -1] = 0.5, -0.5, self.prices[rows] / 2
        rest[np.arange(k), up] = rest[np.arange(k), down] = 1.0
        rest[:, -1] = self.prices[rows]
        form = dual.T @ ((stiff + stiff.T) / 2) @ dual + (rest.T / theta) @ rest
        low, high, state = _box(self.prices, decided)
        low = np.concatenate((low[others], np.zeros(2 * k), [1.0]))
        high = np.concatenate((high[others], np.full(2 * k, np.inf), [1.0]))
        state = np.concatenate((state[others], np.full(2 * k + 1, LOW))).astype(np.int8)
        value, _, x = _compiled_box((form + form.T) / 2, low, high, state)
        return value * (1 + 1e-9), stiff @ (dual @ x)


def _capped(theta: Float, block: Float) -> Float:
    """Cut off the largest entries until ``Theta^1/2 G Theta^1/2 < 4``, and scale the rest."""

    def largest(theta: Float) -> float:
        root = np.sqrt(theta)
        return float(np.linalg.eigvalsh(block * np.outer(root, root))[-1])

    low = 2.0 / largest(np.ones(theta.size))  # half of what is always possible
    high = float(theta.max())
    for _ in range(_BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if largest(np.minimum(theta, middle)) < 4 else (low, middle)
    theta = np.minimum(theta, low)
    return theta * (4 * (1 - 1e-4) / largest(theta) if largest(theta) > 2 else 1.0)


def _compiled_box(
    gram: Float, low: Float, high: Float, state: NDArray[np.int8]
) -> tuple[float, Float, Float]:
    from relubias.minnorm import _pattern_kernels as kernels

    n = low.size
    beta, slope = np.zeros(n), np.empty(n)
    solve_box: Any = kernels.solve_box
    value = float(solve_box(gram, low, high, state, beta, slope, np.empty((n, n))))
    return value, slope, beta
