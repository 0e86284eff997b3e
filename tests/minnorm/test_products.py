"""Sliced products against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from relubias.minnorm._products import largest_entry, residual, submatrix


def exact(matrix, vector, target):
    return [
        sum(
            (Fraction(float(a)) * Fraction(float(v)) for a, v in zip(row, vector, strict=True)),
            Fraction(0),
        )
        - Fraction(float(t))
        for row, t in zip(matrix, target, strict=True)
    ]


@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 6),
    n=st.integers(1, 40),
    spread=st.integers(0, 60),
    brief=st.booleans(),
)
def test_residual_is_within_its_bound(seed, rows, n, spread, brief):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, n)) * 2.0 ** rng.integers(-spread, 1, (rows, n))
    vector = rng.standard_normal(n) * 2.0 ** rng.integers(-spread, 1, n)
    target = matrix @ vector  # everything cancels
    high, low, error = residual(matrix, vector, target, brief=brief)
    truth = exact(matrix, vector, target)
    for h, r, t in zip(high, low, truth, strict=True):
        assert abs(Fraction(float(h)) + Fraction(float(r)) - t) <= Fraction(error)
    size = float(np.abs(matrix).max() * np.abs(vector).max())
    assert error <= (1e-17 if brief else 1e-23) * n**2 * max(size, 1e-280)


@pytest.mark.parametrize("n", [300, 1000])
def test_many_columns(n):
    rng = np.random.default_rng(n)
    matrix, vector = rng.standard_normal((3, n)), rng.standard_normal(n)
    target = matrix @ vector
    high, low, error = residual(matrix, vector, target)
    for h, r, t in zip(high, low, exact(matrix, vector, target), strict=True):
        assert abs(Fraction(float(h)) + Fraction(float(r)) - t) <= Fraction(error)
    assert error < 1e-19


def test_blocks_of_rows_change_nothing():
    rng = np.random.default_rng(0)
    matrix, vector, target = rng.standard_normal((700, 200)), rng.standard_normal(200), np.ones(700)
    high, _, error = residual(matrix, vector, target)
    other, _, _ = residual(matrix[650:], vector, target[650:])
    assert np.abs(high[650:] - other).max() <= 2 * error + 1e-15


def test_empty_and_zero_factors():
    assert residual(np.zeros((0, 3)), np.ones(3), np.zeros(0))[0].size == 0
    high, low, error = residual(np.ones((2, 3)), np.zeros(3), np.array([1.0, 0.0]))
    assert high.tolist() == [-1.0, 0.0]
    assert low.tolist() == [0.0, 0.0]
    assert error == 0.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_rows", [0, 3, 40, 400])
def test_submatrix_is_that_of_indexing(n_rows, dtype):
    rng = np.random.default_rng(n_rows)
    matrix, scale = rng.standard_normal((400, 400)), 2.0 ** rng.integers(-3, 4, 400)
    rows = rng.permutation(400)[:n_rows]
    columns = rng.permutation(400)[:170]
    scaled = matrix * scale[:, None] * scale
    for factor, whole in ((None, matrix), (scale, scaled)):
        found = submatrix(matrix, rows, columns, factor, dtype)
        assert found.dtype == dtype
        assert_array_equal(found, whole[np.ix_(rows, columns)].astype(dtype))


def test_largest_entry_is_absolute():
    assert largest_entry(np.array([[1.0, -3.0], [2.0, 0.0]])) == 3.0
    assert largest_entry(np.zeros((0, 4))) == 0.0
