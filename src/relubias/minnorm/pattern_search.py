r"""The best pattern of one neuron where trying all is too much: depth first, with a bound.

For any :math:`\theta > 0` with :math:`\Theta^{1/2} G \Theta^{1/2} \prec 4` on the undecided
samples F, and the best :math:`t_i \ge |u_i|`,

.. math:: 2\lambda_i\,\mathrm{relu}(u_i) \le
          \lambda_i (u_i + t_i) + \tfrac14 \theta_i (u_i^2 - t_i^2),

which makes what a neuron earns concave. Its maximum is a least-squares problem over the non-
negative multipliers a, b of :math:`t \ge u` and :math:`t \ge -u`:

.. math:: \min\; \beta^\top (G^{-1} - \Theta/4)^{-1} \beta
          + \sum_F (\lambda_i + a_i + b_i)^2/\theta_i, \qquad \beta_F = (\lambda_F + a - b)/2 .

It is tight at the best pattern for :math:`\theta_i = 2\lambda_i/|u_i|`; if that is allowed, the
subtree needs no search. This module is the readable twin of `_pattern_search_kernels`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.pattern_boxes import LOW, box_of, solve_boxes
from relubias.minnorm.pattern_prices import Pricing, enumerated

__all__ = ["PatternSearch"]

Decided = NDArray[np.int8]

_KEEP = 6
_ENUMERATED_BELOW = 3
_MAX_SEARCHED = 20_000
_LEAST_SIZE = 1e-3
_BISECTIONS = 7


class PatternSearch:
    """State of one search: the best patterns so far and a bound on all that is left."""

    def __init__(
        self,
        gram: Float,
        prices: Float,
        floor: float,
        tolerance: float = 0.0,
        stops: Callable[[], bool] = lambda: False,
        is_overdue: Callable[[], bool] = lambda: False,
    ) -> None:
        self.stops, self.is_overdue = stops, is_overdue
        self.gram, self.prices, self.floor, self.tolerance = gram, prices, floor, tolerance
        self.n_bounds = 0
        self.found: dict[bytes, tuple[float, Float, NDArray[np.int8]]] = {}
        self.best, self.bound = -np.inf, -np.inf

    def run(self, decided: Decided) -> None:
        """Search all patterns that `decided` leaves open."""
        guess = np.where(decided < 0, self.prices > 0, decided).astype(np.int8)
        stack = [(decided, guess, np.inf)]
        for _ in range(_MAX_SEARCHED):
            if not stack or self._is_decided():
                break
            decided, guess, bound = stack.pop()
            if self._is_settled(bound):
                continue
            rows = np.flatnonzero((decided < 0) & (self.prices > 0))
            if rows.size <= _ENUMERATED_BELOW:
                self._keep(enumerated(self.gram, self.prices, decided, rows))
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

    def _is_decided(self) -> bool:
        """Whether to stop early: more than `floor` is earned, or time is up."""
        found = self.best > -np.inf
        return found and (self.stops() or (np.isfinite(self.floor) and self.best > self.floor))

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
        if bound <= max(self.best * (1 + self.tolerance), self.floor):
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
            self.n_bounds += 1
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
        low, high, state = box_of(self.prices, pattern)
        value, slope, _ = _solve_box(self.gram, low, high, state, self.is_overdue)
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
        low, high, state = box_of(self.prices, decided)
        low = np.concatenate((low[others], np.zeros(2 * k), [1.0]))
        high = np.concatenate((high[others], np.full(2 * k, np.inf), [1.0]))
        state = np.concatenate((state[others], np.full(2 * k + 1, LOW))).astype(np.int8)
        value, _, x = _solve_box((form + form.T) / 2, low, high, state, self.is_overdue)
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


def _solve_box(
    gram: Float, low: Float, high: Float, state: NDArray[np.int8], stops: Callable[[], bool]
) -> tuple[float, Float, Float]:
    states = state[None, :]
    values, slopes, betas = solve_boxes(gram, low[None, :], high[None, :], states, stops)
    return float(values[0]), slopes[0], betas[0]
