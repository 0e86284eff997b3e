"""Dependent samples: solved where feasible, else a proof that names the rows; label scales."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.minnorm import verify
from tests.infeasible_instances import feasible_near_miss, infeasible_candidate, is_proved
from tests.oracles.farkas import proves_infeasible

NETWORKS = [(1,), (1, -1), (1, 1), (1, 1, -1)]


def base(n=7, d=14, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y, int(np.flatnonzero(y > 0)[0]), int(np.flatnonzero(y < 0)[0])


X0, Y0, POS, NEG = base()

HARMLESS = {
    "repeated, same label": ([POS], 1.0, Y0[POS]),
    "doubled with its label": ([POS], 2.0, 2 * Y0[POS]),
    "repeated negative": ([NEG], 1.0, Y0[NEG]),
    "zero row, label zero": ([POS], 0.0, 0.0),
}
CONFLICTS = {
    "repeated, another label": ([POS], 1.0, Y0[POS] + 0.1),
    "repeated, label barely other": ([POS], 1.0, Y0[POS] * (1 + 1e-9)),
    "repeated, label zero": ([POS], 1.0, 0.0),
    "doubled, label not": ([POS], 2.0, Y0[POS]),
    "tripled, label not": ([POS], 3.0, 3.1 * Y0[POS]),
}


def problems(X, y, signs):
    return [rb.Problem(X @ X.T, y, signs), rb.Problem.from_features(X, y, signs)]


@pytest.mark.parametrize("signs", NETWORKS)
@pytest.mark.parametrize("name", HARMLESS)
def test_samples_that_agree_leave_the_norm_as_it_is(name, signs):
    rows, factor, label = HARMLESS[name]
    alone = rb.minimum_norm(rb.Problem(X0 @ X0.T, Y0, signs), time_limit=20)
    for problem in problems(np.vstack([X0, factor * X0[rows]]), np.append(Y0, label), signs):
        found = rb.minimum_norm(problem, time_limit=20)
        assert found.status in ("OPTIMAL", "FEASIBLE")
        assert found.norm == pytest.approx(alone.norm, rel=1e-9)
        assert verify(problem, found, leaves=True).holds is not False


@pytest.mark.parametrize("signs", NETWORKS)
@pytest.mark.parametrize("name", CONFLICTS)
def test_samples_that_disagree_are_named_and_the_proof_is_verified(name, signs):
    rows, factor, label = CONFLICTS[name]
    X, y = np.vstack([X0, factor * X0[rows]]), np.append(Y0, label)
    for problem in problems(X, y, signs):
        found = rb.minimum_norm(problem, time_limit=20)
        assert found.status == "INFEASIBLE"
        assert found.conflict.tolist() == [POS, 7]
        assert verify(problem, found).holds is True
        if factor != 3.0:  # whose products are rounded: only nearly a multiple
            assert proves_infeasible(X, y, signs, found.certificate.farkas)


def test_one_neuron_cannot_fit_opposite_samples_but_two_can():
    X, y = np.vstack([X0, -X0[[POS]]]), np.append(Y0, 1.0)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y))
    assert one.status == "INFEASIBLE"
    assert one.conflict.tolist() == [POS, 7]
    two = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, 1)), time_limit=20)
    assert two.status in ("OPTIMAL", "FEASIBLE")
    output = np.maximum(two.dual @ (X @ X.T), 0.0).sum(axis=0)
    assert np.abs(output - np.maximum(y, 0.0)).max() < 1e-11


@pytest.mark.parametrize("signs", [(1, -1), (1, 1), (1, 1, -1)])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_labels_of_a_network_in_few_dimensions_are_fitted_or_left_undecided(signs, d):
    for seed in range(4 if signs == (1, -1) else 1):
        rng = np.random.default_rng([d, seed, len(signs)])
        n = 7 if signs == (1, -1) else 5
        X, W = rng.standard_normal((n, d)), rng.standard_normal((len(signs), d))
        y = np.array(signs) @ np.maximum(W @ X.T, 0.0)
        for problem in problems(X, y, signs):
            found = rb.minimum_norm(problem, time_limit=10)
            assert found.status != "INFEASIBLE"
            if found.status != "UNDECIDED":
                output = problem.signs @ np.maximum(X @ (found.dual @ X).T, 0.0).T
                assert np.abs(output - y).max() < 1e-9 * np.abs(y).max()
                assert found.lower_bound <= np.linalg.norm(W) * (1 + 1e-9)
                assert verify(problem, found, leaves=True).holds is not False


@pytest.mark.parametrize("seed", range(14))
def test_proofs_hold_in_rational_arithmetic(seed):
    X, y, signs = infeasible_candidate(seed)
    for on_features in (False, True):
        problem, found = is_proved(X, y, signs, on_features=on_features)
        if found.status == "INFEASIBLE" and found.certificate.farkas is not None:
            assert proves_infeasible(X, y, signs, found.certificate.farkas)
            assert verify(problem, found).holds is True


@pytest.mark.parametrize("seed", range(10))
def test_near_misses_are_never_called_infeasible(seed):
    X, y, signs = feasible_near_miss(seed)
    for on_features in (False, True):
        assert is_proved(X, y, signs, on_features=on_features)[1].status != "INFEASIBLE"


def test_the_rational_checker_refuses_what_proves_nothing():
    X, y, signs = infeasible_candidate(0)
    _, found = is_proved(X, y, signs, on_features=True)
    z = found.certificate.farkas
    assert proves_infeasible(X, y, signs, z)
    for wrong in (-z, z * 0):
        assert not proves_infeasible(X, y, signs, wrong)
    X, y, signs = feasible_near_miss(3)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert not proves_infeasible(X, y, signs, rng.standard_normal((len(signs), y.size)))


@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1), (1, 1, -1)])
@pytest.mark.parametrize("exponent", [-495, 30, 495])
def test_powers_of_two_scale_the_answer_bit_for_bit(signs, exponent):
    X, y, *_ = base(5, 6, 1)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y, signs))
    other = rb.minimum_norm(rb.Problem(X @ X.T, y * 2.0**exponent, signs))
    assert_array_equal(other.dual, one.dual * 2.0**exponent)
    assert other.norm == one.norm * 2.0**exponent
    assert other.lower_bound == one.lower_bound * 2.0**exponent
    assert other.status == one.status
    assert other.certificate.kind == one.certificate.kind
    assert other.n_nodes == one.n_nodes


@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1), (1, 1, -1)])
@pytest.mark.parametrize("size", [1e-150, 1e6, 1e149])
def test_label_scales_give_the_same_answer(signs, size):
    X, y, *_ = base(5, 6, 1)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y, signs))
    other = rb.minimum_norm(rb.Problem(X @ X.T, y * size, signs))
    assert other.status == one.status
    assert other.norm / size == pytest.approx(one.norm, rel=1e-12)
    scale = np.abs(one.primal).max()
    assert np.abs(other.primal / size - one.primal).max() <= 1e-12 * scale


@pytest.mark.parametrize("eps", [1e-2, 1e-4, 1e-6])
def test_near_duplicates_keep_the_digits_that_the_features_allow(eps):
    mpmath = pytest.importorskip("mpmath")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 40))
    X[1] = X[0] + eps * X[1]
    y = rng.standard_normal(20)
    y[:2] = 1.0
    found = rb.minimum_norm(rb.Problem.from_features(X, y))
    with mpmath.workdps(60):
        rows = mpmath.matrix(X[found.support[0]].tolist())
        target = mpmath.matrix(np.maximum(y, 0.0)[found.support[0]].tolist())
        exact = rows.T * mpmath.lu_solve(rows * rows.T, target)
        w = np.array([float(v) for v in exact])
    assert np.linalg.norm(found.weights - w) <= 1e-9 * np.linalg.norm(w)
    assert (found.condition > 1e10) == (eps < 1e-5)
    assert ("condition" in found.summary()) == (eps < 1e-5)


@pytest.mark.parametrize(("n", "d"), [(320, 200), (420, 150)])
def test_many_dependent_samples_come_with_a_proof(n, d):
    rng = np.random.default_rng([n, d])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    for problem in problems(X, y, (1,)):
        found = rb.minimum_norm(problem)
        assert found.status == "INFEASIBLE"
        assert verify(problem, found).holds is True
        z = found.certificate.farkas[0]
        assert np.linalg.norm(z @ X) <= 1e-12 * np.abs(z) @ np.linalg.norm(X, axis=1)
    w = rng.standard_normal(d)
    y = np.where(X @ w > 0, X @ w, -1.0)
    for problem in problems(X, y, (1,)):
        assert rb.minimum_norm(problem).status != "INFEASIBLE"
