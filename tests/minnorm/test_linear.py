"""The linear interpolator on a subset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from relubias.minnorm import LinearStatus


@given(seed=st.integers(0, 10**6), n=st.integers(1, 10))
def test_equals_the_pseudo_inverse(seed, n):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, n + 4)), rng.standard_normal(n)
    subset = rng.permutation(n)[: int(rng.integers(1, n + 1))]
    found = rb.linear_minimum_norm(rb.Problem(X @ X.T, y), subset)
    w = np.linalg.pinv(X[subset]) @ y[subset]
    assert_allclose(found.dual @ X, w, atol=1e-11 * np.linalg.norm(w))
    assert found.norm == pytest.approx(np.linalg.norm(w), rel=1e-11)
    assert_array_equal(found.primal[subset], y[subset])
    assert not np.delete(found.dual, subset).any()
    assert found.status == LinearStatus.INTERPOLATES
    assert found.raise_if_failed() is found


def test_mask_and_indices_agree_and_other_labels_may_be_given():
    X = np.random.default_rng(0).standard_normal((5, 8))
    problem = rb.Problem(X @ X.T, [1.0, -1.0, 2.0, -2.0, 0.5])
    mask = np.array([True, False, True, False, True])
    one, other = rb.linear_minimum_norm(problem, mask), rb.linear_minimum_norm(problem, [0, 2, 4])
    assert_array_equal(one.dual, other.dual)
    doubled = rb.linear_minimum_norm(problem, mask, labels=2 * problem.labels)
    assert_array_equal(doubled.dual, 2 * one.dual)


def test_dependent_samples_that_agree_are_interpolated():
    X = np.random.default_rng(1).standard_normal((6, 3))
    w = np.array([1.0, -2.0, 0.5])
    found = rb.linear_minimum_norm(rb.Problem(X @ X.T, X @ w))
    assert found.status == "INTERPOLATES"
    assert_allclose(found.dual @ X, w, atol=1e-12)
    assert found.residual < 1e-13


def test_inconsistent_labels_give_the_least_squares_fit():
    X = np.random.default_rng(2).standard_normal((6, 3))
    y = np.random.default_rng(3).standard_normal(6)
    found = rb.linear_minimum_norm(rb.Problem(X @ X.T, y))
    assert found.status == "INCONSISTENT"
    assert_allclose(found.dual @ X, np.linalg.pinv(X) @ y, atol=1e-12)
    assert found.residual == pytest.approx(np.abs(X @ (np.linalg.pinv(X) @ y) - y).max())
    with pytest.raises(rb.NotSolvedError, match="contradict") as caught:
        found.raise_if_failed()
    assert caught.value.result is found
    assert "INCONSISTENT" in found.summary()
    assert repr(found).startswith("LinearMinimumNorm(INCONSISTENT")


@given(seed=st.integers(0, 10**6), d=st.integers(1, 8), more=st.integers(1, 4))
def test_more_samples_than_features_are_never_called_interpolated(seed, d, more):
    """Rounding can make the Gram matrix positive definite when it is not."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((d + more, d)), rng.standard_normal(d + more)
    found = rb.linear_minimum_norm(rb.Problem.from_features(X, y))
    w = np.linalg.lstsq(X, y)[0]
    assert found.status == "INCONSISTENT"
    tolerance = 1e-12 * np.linalg.cond(X) ** 2
    assert_allclose(found.dual @ X, w, rtol=0, atol=tolerance * np.linalg.norm(w))
    assert found.residual == pytest.approx(np.abs(X @ w - y).max(), rel=tolerance)


@pytest.mark.parametrize("subset", [[], np.zeros(2, dtype=bool)])
def test_the_empty_subset_gives_zero(subset):
    found = rb.linear_minimum_norm(rb.Problem(np.eye(2), [1.0, 1.0]), subset)
    assert not found.dual.any()
    assert found.norm == 0.0


@pytest.mark.parametrize("size", [1e-140, 1e140])
def test_labels_of_any_size(size):
    X = np.random.default_rng(4).standard_normal((5, 8))
    y = np.arange(1.0, 6.0)
    one = rb.linear_minimum_norm(rb.Problem(X @ X.T, y))
    other = rb.linear_minimum_norm(rb.Problem(X @ X.T, y * size))
    assert_allclose(other.dual / size, one.dual, rtol=1e-13)


@pytest.mark.parametrize("subset", [[0, 0], [2], [-1], [[0]], ["a"], [0.5], np.ones(3, dtype=bool)])
def test_bad_subsets_are_named(subset):
    with pytest.raises(rb.InvalidInputError, match="subset"):
        rb.linear_minimum_norm(rb.Problem(np.eye(2), [1.0, 1.0]), subset)


def test_bad_labels_and_problems_are_named():
    problem = rb.Problem(np.eye(2), [1.0, 1.0])
    with pytest.raises(rb.InvalidInputError, match="labels"):
        rb.linear_minimum_norm(problem, labels=[1.0])
    with pytest.raises(rb.InvalidInputError, match="problem"):
        rb.linear_minimum_norm(np.eye(2))
