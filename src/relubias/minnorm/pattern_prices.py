r"""The best a single neuron can do for given prices of its outputs.

If sample i pays :math:`2\lambda_i` per unit of output, a neuron earns at most

.. math:: V(\lambda) = \max_u\; 2\lambda^\top \mathrm{relu}(u) - u^\top G^{-1} u
          = \max_{\text{patterns}}\; \min_\beta\; \beta^\top G \beta, \qquad
          \beta_i \ge \lambda_i \text{ (active)}, \quad \beta_i \le 0 \text{ (inactive)}.

A sample with :math:`\lambda_i \le 0` makes the objective concave, so it needs no decision:
:math:`\lambda_i \le \beta_i \le 0`. For the others all patterns are tried, or, where they are
too many, searched (`pattern_search`). Every value is a bound from above.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.pattern_boxes import HIGH, LOW, box_of, solve_boxes
from relubias.minnorm.search import Search

__all__ = ["Pricer", "Pricing", "enumerated"]

Decided = NDArray[np.int8]
"""Per sample: 1 active, 0 inactive, -1 undecided."""

_KEEP = 6
_COMPILED_FROM = 10_000
"""Patterns solved for, about a second of work, before compiled code is loaded."""
_WORK_OF_A_BOUND = 50
_WORK_OF_A_CALL = 30
_SEARCHED_FROM = 9
"""Open samples from which patterns are searched instead of all being tried."""
_ENUMERATED_UP_TO = 3
_SEARCH_WORK = 2e8
"""Nodes of one search times the cube of the number of samples: a second."""
_LEAST_SEARCHED = 100
_SECONDS_TO_COMPILE = 40.0


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


class Pricer:
    """Prices neurons for one search, and moves on to compiled code once that pays.

    Which code runs depends on the work done so far alone, so that answers without a time limit are
    reproducible bit for bit.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    search : Search, optional
        Budget of the work; unlimited if omitted.
    """

    def __init__(self, gram: Float, search: Search | None = None) -> None:
        self.gram, self.search = gram, Search() if search is None else search
        self._work = 0
        """Patterns solved for so far, roughly."""

    @property
    def _is_compiled(self) -> bool:
        return self._work > _COMPILED_FROM and self._may_compile

    @property
    def _may_compile(self) -> bool:
        """Whether the budget allows for compiling, should that still be necessary."""
        loaded = "relubias.minnorm._pattern_search_kernels" in sys.modules
        return loaded or self.search.deadline - time.monotonic() > _SECONDS_TO_COMPILE

    def best(self, prices: Float, decided: Decided, tolerance: float = 0.0) -> Pricing:
        """Find the patterns that earn most.

        Parameters
        ----------
        prices : ndarray of shape (n_samples,)
            Half of what a unit of output earns, of either sign.
        decided : ndarray of int8, shape (n_samples,)
            Where the neuron is active (1), inactive (0), or free to choose (-1).
        tolerance : float, default=0.0
            By which share the bound may exceed what the best pattern earns.

        Returns
        -------
        Pricing
            At least one pattern.
        """
        rows = np.flatnonzero((decided < 0) & (prices > 0))
        if rows.size >= _SEARCHED_FROM:
            return self._searched(prices, decided, -np.inf, tolerance)
        self._work += _WORK_OF_A_CALL + (1 << rows.size)
        run = _enumerated_compiled if self._is_compiled else enumerated
        return run(self.gram, prices, decided, rows)

    def earns_at_most(self, prices: Float, decided: Decided, floor: float) -> bool:
        """Whether no pattern earns more than `floor`."""
        rows = np.flatnonzero((decided < 0) & (prices > 0))
        if rows.size >= _SEARCHED_FROM:
            return self._searched(prices, decided, floor, 0.0).bound <= floor
        return self.best(prices, decided).bound <= floor

    def _searched(self, prices: Float, decided: Decided, floor: float, tolerance: float) -> Pricing:
        if self._is_compiled:
            return _searched_compiled(self.gram, prices, decided, floor, tolerance)
        from relubias.minnorm.pattern_search import PatternSearch

        budget = self.search
        search = PatternSearch(self.gram, prices, floor, tolerance, budget.stops, budget.is_overdue)
        search.run(decided)
        self._work += _WORK_OF_A_BOUND * search.n_bounds
        return search.pricing()


def _enumerated_compiled(
    gram: Float, prices: Float, decided: Decided, rows: NDArray[np.intp]
) -> Pricing:
    from relubias.minnorm import _pattern_kernels as kernels

    n = prices.size
    low, high, state = box_of(prices, decided)
    values, slopes = np.empty(_KEEP), np.empty((_KEEP, n))
    states, sides = np.empty((_KEEP, n), dtype=np.int8), np.empty((2, rows.size))
    enumerate_patterns: Any = kernels.enumerate_patterns
    kept = int(
        enumerate_patterns(
            gram, low, high, state, prices, rows, _KEEP, values, slopes, states, sides
        )
    )
    return _pricing(values[:kept], slopes[:kept], states[:kept], sides, rows)


def enumerated(gram: Float, prices: Float, decided: Decided, rows: NDArray[np.intp]) -> Pricing:
    """Try all patterns of the samples in `rows`: the readable twin of the compiled code."""
    low, high, state = box_of(prices, decided)
    codes = np.arange(1 << rows.size)
    active = (codes[:, None] >> np.arange(rows.size)) & 1 == 1
    low, high = np.tile(low, (codes.size, 1)), np.tile(high, (codes.size, 1))
    state = np.tile(state, (codes.size, 1))
    low[:, rows] = np.where(active, prices[rows], -np.inf)
    high[:, rows] = np.where(active, np.inf, 0.0)
    state[:, rows] = np.where(active, LOW, HIGH)
    values, slopes, _ = solve_boxes(gram, low, high, state)
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


def _searched_compiled(
    gram: Float, prices: Float, decided: Decided, floor: float, tolerance: float
) -> Pricing:
    from relubias.minnorm import _pattern_search_kernels as kernels

    n = prices.size
    values, slopes = np.empty(_KEEP), np.empty((_KEEP, n))
    states = np.empty((_KEEP, n), dtype=np.int8)
    nodes = max(_LEAST_SEARCHED, int(_SEARCH_WORK / n**3))
    limits = np.array([nodes, _ENUMERATED_UP_TO])
    search_patterns: Any = kernels.search_patterns
    kept, bound = search_patterns(
        gram, prices, decided, floor, tolerance, limits, values, slopes, states
    )
    outputs = np.where(states == LOW, np.maximum(slopes, 0.0), 0.0)
    return Pricing(values[:kept], outputs[:kept], states[:kept], None, float(bound))
