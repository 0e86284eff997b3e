"""Estimates with confidence intervals, and the 90% bands of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relubias._statistics import Estimate, mean, median, proportion
from relubias._validate import Float
from relubias.experiments._table import groups, values

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "Estimate",
    "Series",
    "bands",
    "mean",
    "median",
    "pooled_shares",
    "proportion",
    "shares",
    "slope",
]

Series = tuple[Float, Float, Float, Float]
"""Where, the middle, and the two ends of the 90% band."""

BAND = (0.05, 0.95)
"""Quantiles over seeds between which a band is drawn."""


def slope(table: DataFrame, x: str, y: str, *, unit: str = "replicate") -> Estimate:
    """Return the slope of ``log y`` in ``log x``: fitted per replicate, then averaged.

    Replicates are independent of each other; points within one need not be.
    """
    slopes: list[float] = []
    for _, part in groups(table, unit):
        u, v = np.log(values(part, x)), np.log(values(part, y))
        if np.unique(u).size > 1:
            u = u - u.mean()
            slopes.append(float(u @ v / (u @ u)))
    return mean(slopes)


def bands(x: Float, y: Float) -> Series:
    """Return the distinct `x`, and the median and the 90% band over seeds of `y` there."""
    grid = np.unique(x)
    parts = np.array([np.quantile(y[x == at], (0.5, *BAND)) for at in grid]).reshape(-1, 3)
    return grid, parts[:, 0], parts[:, 1], parts[:, 2]


def shares(x: Float, truth: Float) -> Series:
    """Return the distinct `x`, and the share of true entries there with its 90% interval."""
    return pooled_shares(x, truth, np.ones_like(x))


def pooled_shares(x: Float, n_true: Float, n_trials: Float) -> Series:
    """Return the distinct `x`, and the share there of all trials with its 90% interval."""
    grid = np.unique(x)
    parts = [proportion(n_true[x == at].sum(), n_trials[x == at].sum(), 0.9) for at in grid]
    middle, low, high = np.array(parts, dtype=np.float64).reshape(-1, 3).T
    return grid, middle, low, high
