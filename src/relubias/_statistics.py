"""Estimates with confidence intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Estimate", "mean", "median", "proportion"]


class Estimate(NamedTuple):
    """A point estimate and its two-sided confidence interval."""

    value: float
    low: float
    high: float


def mean(sample: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the mean with Student's interval."""
    from scipy.special import stdtrit

    data = np.asarray(sample, dtype=np.float64)
    centre = float(data.mean()) if data.size else math.nan
    if data.size < 2:
        return Estimate(centre, math.nan, math.nan)
    width = float(stdtrit(data.size - 1, 0.5 + level / 2) * data.std(ddof=1) / math.sqrt(data.size))
    return Estimate(centre, centre - width, centre + width)


def median(sample: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the median with the exact, distribution-free interval of order statistics.

    For samples so small that no such interval has the level, the range of the sample.
    """
    data = np.sort(np.asarray(sample, dtype=np.float64))
    n = data.size
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan)
    rank, tail = 0, math.exp(-n * math.log(2))
    # The largest rank whose lower tail of a fair coin stays below (1 - level) / 2.
    while rank + 1 < (n + 1) // 2:
        further = tail + math.exp(_log_choose(n, rank + 1) - n * math.log(2))
        if further > (1 - level) / 2:
            break
        rank, tail = rank + 1, further
    return Estimate(float(np.median(data)), float(data[rank]), float(data[n - 1 - rank]))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def proportion(n_true: float, n_trials: float, level: float = 0.95) -> Estimate:
    """Return a proportion with Wilson's interval."""
    from scipy.special import ndtri

    if n_trials == 0:
        return Estimate(math.nan, math.nan, math.nan)
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    p = n_true / n_trials
    centre = (p + z2 / (2 * n_trials)) / (1 + z2 / n_trials)
    width = math.sqrt(z2 * (p * (1 - p) + z2 / (4 * n_trials)) / n_trials) / (1 + z2 / n_trials)
    return Estimate(p, max(0.0, min(p, centre - width)), min(1.0, max(p, centre + width)))
