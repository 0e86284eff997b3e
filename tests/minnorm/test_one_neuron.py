"""One neuron: against enumeration, planted answers, and the symmetries of the problem."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from tests.oracles.enumeration import enumerate_one_neuron
from tests.oracles.planted import planted_one_neuron
from tests.tolerances import EPS, VECTOR_DIGITS, condition

RELATIVE_ERROR = 1e-13  # promised, against enumeration


def gaussian(n, d, seed, *, zero=0.0, one_sign=0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y = np.abs(y) * one_sign if one_sign else y
    y[rng.random(n) < zero] = 0.0
    return X, y


def distance(gram, first, second):
    delta = first - second
    return float(np.sqrt(max(delta @ gram @ delta, 0.0)))


@pytest.mark.parametrize("ratio", [1, 1.2, 2, 10, 100])
@pytest.mark.parametrize("zero", [0.0, 0.3])
def test_equals_enumeration(ratio, zero):
    for seed in range(40):
        n = 1 + seed % 10
        X, y = gaussian(n, max(n, round(ratio * n)), [seed, round(10 * ratio)], zero=zero)
        gram = X @ X.T
        for sign in (1, -1):
            found = rb.minimum_norm(rb.Problem(gram, y, (sign,)))
            dual, norm = enumerate_one_neuron(gram, sign * y)
            assert found.status == "OPTIMAL"
            allowed = RELATIVE_ERROR * max(1.0, condition(gram) * EPS * 1e2 / RELATIVE_ERROR)
            assert distance(gram, found.dual[0], dual) <= allowed * norm
            assert abs(found.norm - norm) <= allowed * norm
            assert found.lower_bound <= found.norm


@pytest.mark.parametrize("n", [1, 2, 5, 30, 100, 300])
@pytest.mark.parametrize("ratio", [1.2, 3.0])
def test_finds_the_planted_answer(n, ratio):
    for seed in range(3):
        gram, y, beta = planted_one_neuron(n, round(ratio * n) + 1, [n, seed], n_zero=n // 10)
        found = rb.minimum_norm(rb.Problem(gram, y))
        norm = float(np.sqrt(beta @ gram @ beta))
        assert distance(gram, found.dual[0], beta) <= 8 * EPS * condition(gram) * norm
        assert_array_equal(found.support[0][y > 0], True)
        assert_array_equal(found.support[0][y <= 0], (beta < 0)[y <= 0])
        assert found.certificate.error_bound <= 1e-13 * norm


def test_predictions_on_the_support_are_exact():
    X, y = gaussian(12, 15, 3)
    found = rb.minimum_norm(rb.Problem(X @ X.T, y))
    assert_array_equal(found.primal[0][y > 0], y[y > 0])
    assert_array_equal(found.primal[0][found.support[0] & (y < 0)], 0.0)
    assert (found.primal[0][y < 0] <= 0).all()
    assert_array_equal(found.dual[0][~found.support[0]], 0.0)
    assert_array_equal(found.pattern[0], y > 0)
    assert_allclose(found.dual @ (X @ X.T), found.primal, atol=1e-13)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    exponent=st.integers(-495, 495),
    sign=st.sampled_from([1, -1]),
)
def test_scaling_labels_by_a_power_of_two_scales_the_answer_bit_for_bit(seed, n, exponent, sign):
    X, y = gaussian(n, n + 3, seed)
    scale = 2.0**exponent
    one = rb.minimum_norm(rb.Problem(X @ X.T, y, (sign,)))
    many = rb.minimum_norm(rb.Problem(X @ X.T, y * scale, (sign,)))
    assert_array_equal(many.dual, one.dual * scale)
    assert_array_equal(many.primal, one.primal * scale)
    assert many.norm == one.norm * scale
    assert many.lower_bound == one.lower_bound * scale
    assert many.certificate.error_bound == one.certificate.error_bound * scale
    assert many.status == one.status


@pytest.mark.parametrize("size", [1e-149, 1e-6, 1e6, 1e149])
def test_labels_of_any_size_are_solved_as_well(size):
    X, y = gaussian(20, 30, 5)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y))
    scaled = rb.minimum_norm(rb.Problem(X @ X.T, y * size))
    assert_allclose(scaled.dual / size, one.dual, rtol=1e-12, atol=1e-14 * np.abs(one.dual).max())
    assert scaled.certificate.error_bound <= 1e-14 * scaled.norm


@given(seed=st.integers(0, 10**6), exponents=st.lists(st.integers(-60, 60), min_size=6, max_size=6))
def test_scaling_samples_with_their_labels_changes_nothing(seed, exponents):
    X, y = gaussian(6, 9, seed)
    scale = 2.0 ** np.array(exponents)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y))
    gram = (X @ X.T) * scale[:, None] * scale
    many = rb.minimum_norm(rb.Problem(gram, y * scale))
    assert_allclose(many.norm, one.norm, rtol=1e-14)
    assert_allclose(many.dual * scale, one.dual, rtol=1e-12, atol=1e-14 * np.abs(one.dual).max())


@given(seed=st.integers(0, 10**6), n=st.integers(2, 30))
def test_permuting_samples_permutes_the_answer(seed, n):
    X, y = gaussian(n, n + 5, seed, zero=0.1)
    order = np.random.default_rng(seed).permutation(n)
    gram = X @ X.T
    one = rb.minimum_norm(rb.Problem(gram, y))
    other = rb.minimum_norm(rb.Problem(gram[np.ix_(order, order)], y[order]))
    assert distance(gram[np.ix_(order, order)], other.dual[0], one.dual[0][order]) <= (
        1e-14 * one.norm * max(1.0, condition(gram) * 1e-3)
    )
    assert_array_equal(other.pattern[0], one.pattern[0][order])


def test_mirrored_labels_and_sign_give_the_same_neuron():
    X, y = gaussian(15, 20, 8)
    plus = rb.minimum_norm(rb.Problem(X @ X.T, y, (1,)))
    minus = rb.minimum_norm(rb.Problem(X @ X.T, -y, (-1,)))
    assert_array_equal(plus.dual, minus.dual)
    assert_array_equal(plus.primal, minus.primal)


@pytest.mark.parametrize("labels", [[-1.0, -2.0, 0.0], [0.0, 0.0, 0.0]])
def test_no_positive_label_means_zero_weights(labels):
    found = rb.minimum_norm(rb.Problem(np.eye(3), labels))
    assert found.status == "OPTIMAL"
    assert found.norm == found.lower_bound == found.certificate.error_bound == 0.0
    assert found.rel_gap == 0.0
    assert not found.dual.any()
    assert not found.pattern.any()


@pytest.mark.parametrize(("gram", "label", "dual"), [(4.0, 2.0, 0.5), (4.0, -2.0, 0.0)])
def test_one_sample(gram, label, dual):
    found = rb.minimum_norm(rb.Problem([[gram]], [label]))
    assert found.dual[0, 0] == dual
    assert found.status == "OPTIMAL"


def test_zero_labels_count_as_not_positive():
    # x2 is the mean of x1 and x3: fitting x1 alone would make it positive
    X = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.1]])
    found = rb.minimum_norm(rb.Problem(X @ X.T, [1.0, 0.0]))
    assert found.primal[0].tolist() == [1.0, 0.0]
    assert found.dual[0, 1] < 0


def test_reproduces_the_test_vectors():
    X = np.array([[10, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]], float)
    y = np.array([1, 0.5, -0.75, -1])
    found = rb.minimum_norm(rb.Problem.from_features(X, y))
    dual = np.array([1.040399919596, 0.5, -0.204019593961, -0.002000192098])
    weights = [0.10098989705, 0.049524754377, -0.009898970495, 0.004752456228, 0.002000192098]
    assert_allclose(101 * found.dual[0], dual, atol=VECTOR_DIGITS)
    assert_allclose(found.weights[0], weights, atol=VECTOR_DIGITS)
    assert_allclose(found.norm, 0.113032016826, atol=VECTOR_DIGITS)
    other = rb.minimum_norm(rb.Problem.from_features(X, y, (-1,)))
    assert_allclose(other.norm, 0.125271575157, atol=VECTOR_DIGITS)

    near = X.copy()
    near[[0, 1, 2, 3], [0, 1, 2, 3]] = 4.0
    found = rb.minimum_norm(rb.Problem.from_features(near, y))
    dual = np.array([1.265498962895, 0.5, -0.564185296151, -0.031343627564])
    assert_allclose(17 * found.dual[0], dual, atol=VECTOR_DIGITS)


@pytest.mark.parametrize(
    ("apart", "on_gram", "on_features"),
    [(1e-2, 1e-10, 1e-13), (1e-4, 1e-6, 1e-12), (1e-6, 1e-2, 1e-9), (1e-7, 1e-1, 1e-8)],
)
def test_nearly_equal_samples_are_solved_as_far_as_the_data_allow(apart, on_gram, on_features):
    import mpmath

    X, y = gaussian(20, 40, 0)
    i = int(np.flatnonzero(y > 0)[0])
    X = np.vstack([X, X[i] + apart * np.random.default_rng(1).standard_normal(40)])
    y = np.append(y, y[i])
    precise = rb.minimum_norm(rb.Problem.from_features(X, y))
    with mpmath.workdps(60):
        A = np.flatnonzero(precise.support[0])
        rows = mpmath.matrix(X[A].tolist())
        beta = mpmath.lu_solve(rows * rows.T, mpmath.matrix(np.maximum(y, 0)[A].tolist()))
        exact = np.array([float(v) for v in rows.T * beta])
    coarse = rb.minimum_norm(rb.Problem(X @ X.T, y))
    for found, allowed in ((precise, on_features), (coarse, on_gram)):
        error = np.linalg.norm(found.dual[0] @ X - exact) / np.linalg.norm(exact)
        assert error <= allowed
    assert np.linalg.norm(precise.dual[0] @ X - exact) <= (
        precise.certificate.error_bound + 64 * EPS / apart * np.linalg.norm(exact)
    )


def test_a_thousand_samples_keep_fourteen_digits():
    X, y = gaussian(1000, 2000, 1)
    found = rb.minimum_norm(rb.Problem(X @ X.T, y))
    assert found.certificate.error_bound <= 1e-14 * found.norm
