"""Estimates against closed forms and independent definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from relubias.experiments._statistics import (
    bands,
    mean,
    median,
    pooled_shares,
    proportion,
    shares,
    slope,
)
from relubias.experiments._table import frame


@pytest.mark.parametrize(("n_true", "n_trials"), [(0, 1), (0, 30), (7, 30), (30, 30), (299, 300)])
def test_proportion_is_wilsons_interval(n_true, n_trials):
    expected = stats.binomtest(n_true, n_trials).proportion_ci(method="wilson")
    value, low, high = proportion(n_true, n_trials)
    assert value == n_true / n_trials
    assert_allclose([low, high], [expected.low, expected.high], atol=1e-12)


def test_proportion_without_trials_is_undefined():
    assert all(math.isnan(part) for part in proportion(0, 0))


@pytest.mark.parametrize("n", [6, 9, 30, 61, 200])
def test_median_interval_has_the_level_and_the_next_rank_has_not(n):
    sample = np.random.default_rng(n).permutation(n).astype(float)
    value, low, high = median(sample)
    assert value == (n - 1) / 2
    rank = round(low)
    assert high == n - 1 - rank
    # The interval misses the median if at most `rank` of n fair coins fall on one side.
    assert stats.binom.cdf(rank, n, 0.5) <= 0.025
    assert stats.binom.cdf(rank + 1, n, 0.5) > 0.025


def test_median_of_few_is_bracketed_by_the_range():
    assert median([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert math.isnan(median([]).value)


def test_mean_interval_is_students():
    sample = [1.0, 2.0, 4.0, 7.0]
    value, low, high = mean(sample)
    expected = stats.t.interval(0.95, 3, loc=3.5, scale=stats.sem(sample))
    assert value == 3.5
    assert_allclose((low, high), expected)
    assert math.isnan(mean([1.0]).low)


def test_slope_of_power_laws_is_their_mean_exponent():
    rows = [
        {"replicate": r, "x": x, "y": (r + 1.0) * x**p}
        for r, p in enumerate((0.5, 0.4, 0.6))
        for x in (1.0, 2.0, 16.0)
    ]
    value, low, high = slope(frame(rows), "x", "y")
    assert_allclose(value, 0.5)
    assert low < 0.5 < high


def test_bands_are_quantiles_at_every_distinct_place():
    x = np.repeat([2.0, 1.0], 101)
    y = np.concatenate([np.arange(101.0), np.arange(101.0) / 100])
    grid, middle, low, high = bands(x, y)
    assert_array_equal(grid, [1.0, 2.0])
    assert_allclose(middle, [0.5, 50])
    assert_allclose(low, [0.05, 5])
    assert_allclose(high, [0.95, 95])


def test_shares_count_truths_and_pool_trials():
    x = np.array([1.0, 1.0, 2.0])
    assert_allclose(shares(x, np.array([1.0, 0.0, 1.0]))[1], [0.5, 1.0])
    _, middle, low, high = pooled_shares(x, np.array([1.0, 2.0, 0.0]), np.array([4.0, 4.0, 5.0]))
    assert_allclose(middle, [3 / 8, 0])
    assert (low <= middle).all()
    assert (middle <= high).all()
