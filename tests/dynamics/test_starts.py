"""Starts: requested primal values in exact arithmetic, the Gaussian law, scalings."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.wide_problems import exact_primal, features, wide_problem

from relubias.dynamics import starts
from relubias.errors import InvalidInputError
from relubias.problem import Problem

EPS = np.finfo(np.float64).eps


def assert_exactly_near(dual, gram, target):
    """Assert that the exact primal is the request, up to rounding each dual entry once."""
    exact = exact_primal(dual, gram)
    allowed = EPS * (np.abs(dual) @ np.abs(gram))
    for k, row in enumerate(exact):
        for i, value in enumerate(row):
            assert abs(value - Fraction(float(target[k, i]))) <= Fraction(float(allowed[k, i]))


# all_positive


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 2), (6, 7), (6, 600), (20, 40)])
def test_all_positive_reaches_the_request_to_the_rounding_of_the_dual(n, d):
    problem = wide_problem(n, d)
    scale = np.random.default_rng(3).uniform(0.01, 1.0, n)
    dual = starts.all_positive(problem, scale)
    assert dual.shape == (2, n)
    assert dual.dtype == np.float64
    assert_exactly_near(dual, problem.gram, np.tile(scale, (2, 1)))


def test_all_positive_is_within_a_few_ulp_where_the_gram_is_well_conditioned():
    problem = wide_problem(30, 3000)
    dual = starts.all_positive(problem, 0.01)
    assert_allclose(dual @ problem.gram, 0.01, rtol=4e-15)


def test_all_positive_takes_a_number_or_a_vector():
    problem = wide_problem()
    assert_array_equal(
        starts.all_positive(problem, 0.25), starts.all_positive(problem, np.full(6, 0.25))
    )


def test_all_positive_is_the_least_norm_weight_vector():
    problem = wide_problem()
    weights = starts.all_positive(problem, 0.3) @ problem.features
    oracle = np.linalg.lstsq(problem.features, np.full(6, 0.3))[0]
    assert_allclose(weights[0], oracle, rtol=1e-13, atol=1e-16)


def test_all_positive_accepts_duplicate_samples_and_gives_the_least_norm_dual():
    X = features(4, 9)[[0, 1, 2, 1, 3]]
    problem = Problem.from_features(X, np.ones(5))
    dual = starts.all_positive(problem, 0.1)
    assert_allclose(dual @ problem.gram, 0.1, rtol=1e-13)
    assert_allclose(dual[0, 1], dual[0, 3], rtol=1e-12)
    assert_allclose(dual[0], np.linalg.pinv(problem.gram) @ np.full(5, 0.1), rtol=1e-10)


def test_all_positive_accepts_nearly_dependent_samples():
    X = features(4, 20)
    X[3] = X[0] + 1e-5 * X[3]
    problem = Problem.from_features(X, np.ones(4))
    dual = starts.all_positive(problem, 0.01)
    assert_exactly_near(dual, problem.gram, np.full((1, 4), 0.01))
    assert_allclose(dual @ problem.gram, 0.01, rtol=1e-4)


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (features(5, 3), "numerical rank 3 for 5 samples"),
        (features(3, 9)[[0, 1, 2, 0]] * np.array([[1.0], [1], [1], [2]]), "numerical rank 3"),
        (features(3, 9) * np.array([[1.0], [0], [1]]), "features of sample 1 are zero"),
        (features(3, 9)[[0, 1, 0]] * np.array([[1.0], [1], [-1]]), "numerical rank 2"),
    ],
)
def test_all_positive_says_why_dependent_samples_cannot_start_there(X, reason):
    problem = Problem.from_features(X, np.ones(X.shape[0]))
    with pytest.raises(InvalidInputError, match=rf"problem: .*{reason}"):
        starts.all_positive(problem, 0.1)


def test_all_positive_accepts_reachable_values_on_parallel_samples():
    X = features(3, 9)[[0, 1, 2, 0]] * np.array([[1.0], [1], [1], [2]])
    scale = np.array([0.1, 0.3, 0.2, 0.2])
    problem = Problem.from_features(X, np.ones(4))
    assert_allclose(starts.all_positive(problem, scale)[0] @ problem.gram, scale, rtol=1e-13)


# gaussian


def primal_law(problem, scale, seed):
    """Return the empirical second moments of the primal and their standard errors."""
    primal = starts.gaussian(problem, scale, seed) @ problem.gram
    products = primal[:, :, None] * primal[:, None, :]
    return products.mean(axis=0), products.std(axis=0) / np.sqrt(problem.n_neurons), primal


@pytest.mark.parametrize("kind", ["wide", "fewer_features", "duplicates", "zero_row", "spiked"])
def test_gaussian_primal_has_the_covariance_of_gaussian_weights(kind):
    X = {
        "wide": features(5, 30),
        "fewer_features": features(5, 3),
        "duplicates": features(4, 30)[[0, 1, 2, 3, 1]],
        "zero_row": features(5, 30) * np.array([[1.0], [1], [0], [1], [1]]),
        "spiked": features(5, 30) * np.r_[100.0, np.ones(29)],
    }[kind]
    problem = Problem.from_features(X, np.ones(5), np.ones(20_000))
    moments, error, primal = primal_law(problem, 0.25, seed=1)
    expected = 0.0625 * problem.gram
    assert (np.abs(moments - expected) <= 4.5 * error + 1e-9).all()
    assert (np.abs(primal.mean(axis=0)) <= 4.5 * primal.std(axis=0) / np.sqrt(20_000) + 1e-9).all()


def test_gaussian_squared_norm_is_chi_squared_with_rank_degrees_of_freedom():
    from scipy import stats

    problem = Problem.from_features(features(6, 4), np.ones(6), np.ones(3000))
    dual = starts.gaussian(problem, 0.5, seed=2)
    squared_norm = np.einsum("ki,ij,kj->k", dual, problem.gram, dual) / 0.25
    assert stats.kstest(squared_norm, stats.chi2(4).cdf).pvalue > 1e-3


def test_gaussian_gives_duplicate_samples_the_same_primal_values():
    X = features(4, 30)[[0, 1, 2, 3, 1]]
    problem = Problem.from_features(X, np.ones(5), np.ones(50))
    primal = starts.gaussian(problem, 1.0, seed=0) @ problem.gram
    assert_allclose(primal[:, 1], primal[:, 4], rtol=1e-10, atol=1e-10)


def test_gaussian_on_zero_features_is_zero():
    problem = Problem(np.zeros((2, 2)), [1.0, 1.0])
    assert_array_equal(starts.gaussian(problem, 1.0, seed=0), np.zeros((1, 2)))


def test_gaussian_is_a_function_of_the_seed_and_adds_neurons_at_the_end():
    few, many = wide_problem(signs=(1,)), wide_problem(signs=(1, -1, 1))
    assert_array_equal(starts.gaussian(many, 0.1, 7), starts.gaussian(many, 0.1, 7))
    assert_array_equal(starts.gaussian(few, 0.1, 7)[0], starts.gaussian(many, 0.1, 7)[0])
    assert (starts.gaussian(many, 0.1, 7) != starts.gaussian(many, 0.1, 8)).all()


def test_gaussian_takes_sequences_and_seed_sequences_without_changing_them():
    problem = wide_problem()
    seed = np.random.SeedSequence(5)
    first, second = (starts.gaussian(problem, 0.1, seed) for _ in range(2))
    assert_array_equal(first, second)
    assert_array_equal(first, starts.gaussian(problem, 0.1, 5))
    assert (starts.gaussian(problem, 0.1, (5, 1)) != first).all()
    generator = np.random.default_rng(5)
    assert (
        starts.gaussian(problem, 0.1, generator) != starts.gaussian(problem, 0.1, generator)
    ).all()


# disjoint


def test_disjoint_puts_active_and_parked_coordinates_where_assumption_3_says():
    y = np.array([1.0, 0.5, -0.8, -0.6, 0.9])
    problem = Problem.from_features(features(5, 60), y, (1, -1, 1, -1))
    primal = starts.disjoint(problem, [0, 2, 1, 3, 0], 0.01) @ problem.gram
    p, q = 0.01, -0.3 * 0.5
    expected = [
        [p, q, p, p, p],
        [p, p, p, q, p],
        [q, p, p, p, q],
        [p, p, q, p, p],
    ]
    assert_allclose(primal, expected, rtol=1e-13)


def test_disjoint_parked_magnitude_is_an_argument():
    y = np.array([1.0, 0.5, -0.8])
    problem = Problem.from_features(features(3, 60), y, (1, 1, -1))
    primal = starts.disjoint(problem, [0, 1, 2], 0.01, parked=0.7) @ problem.gram
    assert_allclose(primal, [[0.01, -0.7, 0.01], [-0.7, 0.01, 0.01], [0.01] * 3], rtol=1e-13)
    table = np.arange(1, 10).reshape(3, 3) / 100
    primal = starts.disjoint(problem, [0, 1, 2], 0.01, parked=table) @ problem.gram
    assert_allclose([primal[0, 1], primal[1, 0]], [-0.02, -0.04], rtol=1e-13)


def test_disjoint_array_scale_is_assumption_3_to_the_letter():
    y = np.array([1.0, 0.5, -0.8])
    problem = Problem.from_features(features(3, 60), y, (1, 1, -1))
    scale = np.arange(1, 10).reshape(3, 3) / 100
    primal = starts.disjoint(problem, [0, 1, 2], scale) @ problem.gram
    signs = np.array([[1, -1, 1], [-1, 1, 1], [1, 1, 1]])
    assert_allclose(primal, signs * scale, rtol=1e-13)


def test_disjoint_with_one_neuron_of_each_sign_is_all_positive():
    problem = wide_problem()
    owner = np.where(problem.labels > 0, 0, 1)
    assert_array_equal(starts.disjoint(problem, owner, 0.01), starts.all_positive(problem, 0.01))


def test_disjoint_permuting_neurons_permutes_the_rows_bit_for_bit():
    y = np.array([1.0, 0.5, -0.8, -0.6, 0.9])
    problem = Problem.from_features(features(5, 60), y, (1, -1, 1, -1))
    owner = np.array([0, 2, 1, 3, 0])
    order = np.array([2, 3, 1, 0])  # new neuron k was neuron order[k]
    permuted = problem.with_signs(problem.signs[order])
    assert_array_equal(
        starts.disjoint(permuted, np.argsort(order)[owner], 0.01),
        starts.disjoint(problem, owner, 0.01)[order],
    )


# from_weights


@pytest.mark.parametrize(("n", "d"), [(1, 1), (4, 4), (5, 40), (6, 3)])
def test_from_weights_keeps_the_predictions_and_projects_the_weights(n, d):
    X, W = features(n, d), features(3, d, seed=9)
    dual = starts.from_weights(X, W)
    assert dual.shape == (3, n)
    size = np.abs(W @ X.T).max() * np.linalg.cond(X @ X.T) if n <= d else 10.0
    assert_allclose(dual @ (X @ X.T), W @ X.T, rtol=0, atol=16 * EPS * size)
    projection = W @ np.linalg.pinv(X) @ X
    assert_allclose(dual @ X, projection, rtol=0, atol=16 * EPS * size)


def test_from_weights_gives_the_least_norm_dual_of_dependent_samples():
    X = features(3, 9)[[0, 1, 2, 0]]
    dual = starts.from_weights(X, features(2, 9, seed=4))
    assert_allclose(dual[:, 0], dual[:, 3], rtol=1e-12)
    tall = features(6, 3)
    oracle = np.linalg.lstsq(tall.T, features(2, 3, seed=4).T)[0].T
    assert_allclose(starts.from_weights(tall, features(2, 3, seed=4)), oracle, rtol=1e-11)


def test_from_weights_drops_what_no_sample_sees():
    X = np.array([[1.0, 0, 0, 0], [0, 2.0, 0, 0]])
    assert_array_equal(starts.from_weights(X, [[0.0, 0, 5, 7]]), [[0.0, 0.0]])
    assert_array_equal(starts.from_weights(X, [[3.0, 4, 5, 7]]), [[3.0, 2.0]])


def test_from_weights_inverts_weights_in_the_span():
    X, dual = features(5, 50), features(2, 5, seed=1)
    assert_allclose(starts.from_weights(X, dual @ X), dual, rtol=1e-13, atol=1e-15)


def test_from_weights_defines_zero_weights_and_zero_features():
    assert_array_equal(starts.from_weights(np.zeros((2, 3)), np.ones((1, 3))), np.zeros((1, 2)))
    assert_array_equal(starts.from_weights(np.ones((2, 3)), np.zeros((1, 3))), np.zeros((1, 2)))


# scaling and permutation


def every_start(problem, factor=1.0):
    owner = np.where(problem.labels > 0, 0, 1)
    least = 0.5 * np.abs(problem.labels).min()
    return [
        starts.all_positive(problem, 0.3 * factor),
        starts.gaussian(problem, 0.3 * factor, seed=4),
        starts.disjoint(problem, owner, 0.3 * factor, parked=least * factor),
    ]


@given(power=st.integers(-60, 60))
def test_starts_scale_by_powers_of_two_bit_for_bit(power):
    factor = 2.0**power
    problem = wide_problem(signs=(1, -1, 1))
    for plain, scaled in zip(every_start(problem), every_start(problem, factor), strict=True):
        assert_array_equal(scaled, factor * plain)
    X, W = features(4, 9), features(2, 9, seed=1)
    assert_array_equal(starts.from_weights(X, factor * W), factor * starts.from_weights(X, W))


@given(power=st.integers(-40, 40))
def test_starts_follow_features_scaled_by_powers_of_two_bit_for_bit(power):
    factor = 2.0**power
    problem = wide_problem(signs=(1, -1, 1))
    scaled = Problem.from_features(factor * problem.features, problem.labels, problem.signs)
    plain, changed = every_start(problem), every_start(scaled)
    assert_array_equal(changed[0], plain[0] / factor**2)
    assert_array_equal(changed[1], plain[1] / factor)
    assert_array_equal(changed[2], plain[2] / factor**2)


def test_default_parking_scales_with_the_labels():
    problem = wide_problem(signs=(1, -1, 1))
    owner = np.where(problem.labels > 0, 0, 1)
    scaled = Problem(problem.gram, 8.0 * problem.labels, problem.signs)
    assert_array_equal(
        starts.disjoint(scaled, owner, 0.08), 8.0 * starts.disjoint(problem, owner, 0.01)
    )


@given(order=st.permutations(range(6)))
def test_starts_with_given_primal_values_permute_with_the_samples(order):
    order = list(order)
    problem = wide_problem(signs=(1, -1, 1))
    permuted = Problem.from_features(problem.features[order], problem.labels[order], (1, -1, 1))
    scale = np.linspace(0.1, 0.6, 6)
    assert_allclose(
        starts.all_positive(permuted, scale[order]),
        starts.all_positive(problem, scale)[:, order],
        rtol=1e-13,
        atol=1e-17,
    )
    owner = np.where(problem.labels > 0, 2, 1)
    assert_allclose(
        starts.disjoint(permuted, owner[order], 0.01),
        starts.disjoint(problem, owner, 0.01)[:, order],
        rtol=1e-13,
        atol=1e-17,
    )


def test_starts_return_fresh_writable_arrays():
    problem = wide_problem()
    for dual in every_start(problem):
        dual[0, 0] = 1.0  # raises on a read-only array
        assert dual.flags.owndata or dual.base is not problem.gram
