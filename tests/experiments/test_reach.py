"""Where versions of Theorem 1 begin to hold: draws, searches, estimates, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import relubias as rb
from relubias.experiments import load
from relubias.experiments._gram_path import GramPath, smallest_dimensions
from relubias.experiments._reach_laws import (
    assumption_law,
    certificate_law,
    conclusion_law,
    explicit_law,
)
from relubias.experiments._reach_runs import START, concludes, conditions, labels_of
from tests.experiments.conftest import quick_table


def weights_keep_the_signs(gram, y, step, n_steps):
    """Step weights, not Gram matrices, and look at the pattern after every step t >= 1."""
    X = np.linalg.cholesky(gram)
    w = np.linalg.solve(X, np.full(y.size, START))
    for _ in range(n_steps):
        u = X @ w
        w = w - step * X.T @ ((u > 0) * (np.maximum(u, 0) - y))
        if not ((X @ w > 0) == (y > 0)).all():
            return False
    return True


def test_a_path_is_a_gaussian_gram_matrix_at_every_dimension():
    n, d, count = 4, 11.0, 4000
    grams = np.stack([GramPath(n, np.random.default_rng(k)).at(d) for k in range(count)])
    assert_allclose(grams.mean(axis=0), d * np.eye(n), atol=5 * np.sqrt(2 * d / count))
    deviation = grams - d * np.eye(n)
    expected = d * (1 + np.eye(n))  # variance 2d on the diagonal, d off it
    assert_allclose((deviation**2).mean(axis=0), expected, rtol=0.15)


def test_a_path_is_smooth_and_near_the_identity_at_the_end():
    path = GramPath(6, np.random.default_rng(0))
    here, there = path.at(50.0), path.at(50.001)
    assert np.abs(here - there).max() < 0.01
    assert_allclose(path.at(1e12) / 1e12, np.eye(6), atol=1e-4)


def test_the_search_finds_thresholds_inside_and_outside_its_range():
    wanted = np.array([3.0, 40.0, 900.0, 1e5])
    found = smallest_dimensions(lambda d: d >= wanted, 50.0, 4, least=2.0)
    assert_allclose(found, wanted, rtol=0.01)


def test_the_search_goes_no_lower_than_makes_sense():
    found = smallest_dimensions(lambda d: d >= 0.0, 50.0, 1, least=11.0)
    assert 11.0 <= found[0] < 11.2


@pytest.mark.parametrize("kappa", [0.9, 0.3])
def test_conclusions_are_those_of_weight_space_descent(kappa):
    n = 10
    paths = [GramPath(n, np.random.default_rng((7, k))) for k in range(40)]
    d = np.full(40, conclusion_law(n, kappa, START))
    holds = concludes(paths, d, kappa)
    slow = [weights_keep_the_signs(p.at(d[0]), labels_of(n), kappa / d[0], 400) for p in paths]
    assert 5 < sum(slow) < 35
    assert list(holds) == slow


def test_guarantees_are_those_of_theorem_1():
    n, kappa = 10, 0.9
    path = GramPath(n, np.random.default_rng(5))
    for d in (500.0, 3000.0, 30_000.0, 300_000.0):
        problem = rb.Problem(path.at(d), labels_of(n))
        start = rb.starts.all_positive(problem, START)
        verdicts = {
            v.condition.rpartition(".")[2]: v.holds
            for v in rb.theory.lai2026.Theorem1().check(
                problem, start, step_size=kappa / d, trace=d
            )
        }
        for name, (count, holds) in conditions([path], 1, kappa).items():
            if name != "conclusion":
                assert count == 1
                assert holds(np.array([d]))[0] == verdicts[name]


def test_the_laws_grow_as_they_should():
    assert assumption_law(100, 0.9, START) == (48 * 100) ** 2
    for n in (100, 1000):
        ratio = explicit_law(2 * n, 0.5, 0.0) / explicit_law(n, 0.5, 0.0)
        assert ratio == pytest.approx(4, rel=0.01)
        # delta sqrt(n) = kappa / 16 with delta = 2 sqrt(n/d)
        assert explicit_law(n, 0.5, 0.0) == pytest.approx((32 * n / 0.5) ** 2, rel=0.01)
    # delta B = kappa with B = sqrt(n/2) ((2 - kappa)^2 + kappa^2)^(1/2)
    n = 1e5
    leading = 2 * n**2 * (1.5**2 + 0.5**2) / 0.5**2
    assert certificate_law(n, 0.5, 0.0) == pytest.approx(leading, rel=0.02)
    n = 1e9
    leading = n * np.log(n) * (1 + 0.3**2) / 0.3**2
    assert conclusion_law(n, 0.3, 0.0) == pytest.approx(leading, rel=0.15)


def test_the_estimate_of_the_conclusion_is_met_without_a_fit():
    figures = {k: m.value for k, m in load("reach").measure(quick_table("reach")).items()}
    for n in (10, 20):
        for kappa in ("9e-1", "3e-1"):
            ratio = figures[f"ratio_to_law_conclusion_n{n}_kappa{kappa}"]
            assert 0.4 < ratio < 2.5  # 12 seeds
            assert 0.6 < figures[f"ratio_to_law_explicit_n{n}_kappa{kappa}"] < 1.2
            assert 0.6 < figures[f"ratio_to_law_certificate_n{n}_kappa{kappa}"] < 1.2
            assert (
                figures[f"half_point_conclusion_n{n}_kappa{kappa}"]
                < figures[f"half_point_certificate_n{n}_kappa{kappa}"] / 10
                < figures[f"half_point_explicit_n{n}_kappa{kappa}"] / 100
            )
    assert figures["slope_n_explicit_kappa9e-1"] == pytest.approx(2, abs=0.4)
