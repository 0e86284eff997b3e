"""The compiled batch against single problems."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.minnorm import minimum_norm_batch


def random_batch(n_problems, n, d, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n_problems, n, d)), rng.standard_normal((n_problems, n))
    y[rng.random(y.shape) < 0.1] = 0.0
    return X @ X.transpose(0, 2, 1), y


@pytest.mark.parametrize(("n", "d"), [(1, 2), (2, 2), (5, 6), (10, 12), (10, 100), (40, 60)])
@pytest.mark.parametrize("sign", [1, -1])
def test_equals_single_problems(n, d, sign):
    grams, labels = random_batch(40, n, d, [n, d])
    batch = minimum_norm_batch(grams, labels, sign)
    for b in range(40):
        one = rb.minimum_norm(rb.Problem(grams[b], labels[b], (sign,)))
        assert batch.status[b] == str(one.status)
        error = one.certificate.error_bound + batch.error_bound[b]
        assert error <= 1e-11 * max(one.norm, 1e-300)
        delta = batch.dual[b] - one.dual[0]
        assert delta @ grams[b] @ delta <= (2 * error) ** 2
        assert batch.norm[b] == pytest.approx(one.norm, rel=1e-13)
        assert_array_equal(batch.primal[b] > 0, one.pattern[0])


def test_results_do_not_depend_on_the_rest_of_the_batch():
    grams, labels = random_batch(20, 8, 12, 0)
    whole, half = minimum_norm_batch(grams, labels), minimum_norm_batch(grams[7:9], labels[7:9])
    assert_array_equal(whole.dual[7:9], half.dual)
    assert_array_equal(whole.error_bound[7:9], half.error_bound)


def test_hard_problems_are_handed_back():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 6, 9))
    X[1, 1] = X[1, 0]  # conflict
    X[2, 1] = X[2, 0] * (1 + 1e-6)
    X[3] = 0.0  # nothing can be fitted
    y = np.tile([1.0, 2.0, -1.0, -1.0, 0.5, 0.0], (4, 1))
    y[2, 1] = 1 + 1e-6
    grams = X @ X.transpose(0, 2, 1)
    batch = minimum_norm_batch(grams, y)
    assert batch.status.tolist() == ["OPTIMAL", "INFEASIBLE", "OPTIMAL", "INFEASIBLE"]
    assert np.isnan(batch.norm[[1, 3]]).all()
    assert not batch.dual[[1, 3]].any()
    assert batch.to_frame().shape == (4, 4)
    assert "2 of 4" in batch.summary()


@pytest.mark.parametrize("exponent", [-490, -30, 30, 490])
def test_scaling_labels_by_a_power_of_two_scales_the_batch_bit_for_bit(exponent):
    grams, labels = random_batch(30, 7, 9, 3)
    one = minimum_norm_batch(grams, labels)
    other = minimum_norm_batch(grams, labels * 2.0**exponent)
    assert_array_equal(other.dual, one.dual * 2.0**exponent)
    assert_array_equal(other.norm, one.norm * 2.0**exponent)
    assert_array_equal(other.error_bound, one.error_bound * 2.0**exponent)


def test_the_empty_batch_is_empty():
    batch = minimum_norm_batch(np.zeros((0, 3, 3)), np.zeros((0, 3)))
    assert batch.dual.shape == (0, 3)


@pytest.mark.parametrize(
    ("grams", "labels", "sign", "name"),
    [
        (np.eye(2), [[1.0, 1.0]], 1, "grams"),
        (np.ones((1, 2, 3)), [[1.0, 1.0]], 1, "grams"),
        (np.ones((1, 0, 0)), np.ones((1, 0)), 1, "grams"),
        ([[[1.0, 2.0], [0.0, 1.0]]], [[1.0, 1.0]], 1, "grams"),
        ([[[1.0, 2.0], [2.0, 1.0]]], [[1.0, -1.0]], 1, "grams"),
        ([[[np.nan, 0.0], [0.0, 1.0]]], [[1.0, 1.0]], 1, "grams"),
        ([np.eye(2) * 1e301], [[1.0, 1.0]], 1, "grams"),
        ([np.eye(2)], [1.0, 1.0], 1, "labels"),
        ([np.eye(2)], [[1.0]], 1, "labels"),
        ([np.eye(2)], [[1.0, np.inf]], 1, "labels"),
        ([np.eye(2)], [[1.0, 1e200]], 1, "labels"),
        ([np.eye(2)], [[1.0, 1.0]], 2, "sign"),
        ([np.eye(2)], [[1.0, 1.0]], [1, 1], "sign"),
        ([np.eye(2)], [[1.0, 1.0]], "+", "sign"),
    ],
)
def test_bad_input_is_named(grams, labels, sign, name):
    with pytest.raises(rb.InvalidInputError, match=name):
        minimum_norm_batch(grams, labels, sign)
