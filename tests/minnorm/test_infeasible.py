"""Data that nothing fits come with a proof; dependent data that can be fitted are fitted."""

from __future__ import annotations

import math

import numpy as np
import pytest

import relubias as rb
from tests.oracles.planted import is_farkas


def base(seed=0, n=20, d=40):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y, int(np.flatnonzero(y > 0)[0]), int(np.flatnonzero(y <= 0)[0])


def problems(X, y, signs=(1,)):
    return [rb.Problem(X @ X.T, y, signs), rb.Problem.from_features(X, y, signs)]


X0, Y0, POS, NEG = base()
NORM0 = rb.minimum_norm(rb.Problem(X0 @ X0.T, Y0)).norm

HARMLESS = {
    "repeated, same label": (X0[:3], Y0[:3]),
    "scaled by 2, label too": (2 * X0[POS], 2 * Y0[POS]),
    "scaled by 3, label too": (3 * X0[POS], 3 * Y0[POS]),
    "repeated negative, other negative label": (X0[NEG], -3.0),
    "opposite of a positive, label not positive": (-X0[POS], -1.0),
    "zero row, label not positive": (0 * X0[POS], -1.0),
    "zero row, label zero": (0 * X0[POS], 0.0),
}
CONFLICTS = {
    "repeated positive, other positive label": (X0[POS], Y0[POS] + 0.1),
    "repeated positive, label barely other": (X0[POS], Y0[POS] * (1 + 1e-9)),
    "repeated positive, label not positive": (X0[POS], -1.0),
    "repeated positive, label zero": (X0[POS], 0.0),
    "opposite of a positive, label positive": (-X0[POS], 1.0),
    "scaled by 3, label not": (3 * X0[POS], 3 * Y0[POS] + 0.1),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_dependent_samples_that_agree_change_nothing(name):
    rows, labels = HARMLESS[name]
    for problem in problems(np.vstack([X0, rows]), np.append(Y0, labels)):
        found = rb.minimum_norm(problem)
        assert found.status == "OPTIMAL"
        assert found.norm == pytest.approx(NORM0, rel=1e-13)
        assert found.conflict.size == 0
        assert abs(found.rel_gap) < 1e-13


@pytest.mark.parametrize("name", CONFLICTS)
def test_conflicting_pairs_are_named(name):
    rows, labels = CONFLICTS[name]
    for problem in problems(np.vstack([X0, rows]), np.append(Y0, labels)):
        found = rb.minimum_norm(problem)
        assert found.status == "INFEASIBLE"
        assert found.conflict.tolist() == [POS, 20]
        z = found.certificate.farkas
        assert z.shape == (1, 21)
        assert np.abs(z @ np.vstack([X0, rows])).max() < 1e-13 * np.abs(z).max() * 20
        assert (z[0] @ np.maximum(problem.labels, 0)) > 0
        assert (z[0][problem.labels <= 0] <= 0).all()


def test_a_zero_row_with_a_positive_label_conflicts_alone():
    for problem in problems(np.vstack([X0, 0 * X0[0]]), np.append(Y0, 1.0)):
        found = rb.minimum_norm(problem)
        assert found.status == "INFEASIBLE"
        assert found.conflict.tolist() == [20]


@pytest.mark.parametrize("d", [1, 2, 5, 8, 10, 15])
def test_labels_of_a_neuron_are_fitted_in_few_dimensions(d):
    for seed in range(20):
        rng = np.random.default_rng([d, seed])
        X, w = rng.standard_normal((20, d)), rng.standard_normal(d)
        y = np.where(X @ w > 0, X @ w, -1.0)
        for problem in problems(X, y):
            found = rb.minimum_norm(problem)
            assert found.status == "OPTIMAL"
            u = X @ (found.dual[0] @ X)
            assert np.abs((u - y)[y > 0]).max(initial=0.0) < 1e-11
            assert u[y <= 0].max(initial=0.0) < 1e-11
            assert found.norm <= np.linalg.norm(w) * (1 + 1e-11)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_random_labels_in_few_dimensions_come_with_a_proof_or_a_fit(d):
    statuses = set()
    for seed in range(40):
        rng = np.random.default_rng([d, seed])
        n = int(rng.integers(d + 1, 14))
        X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
        for problem in problems(X, y):
            found = rb.minimum_norm(problem)
            statuses.add(str(found.status))
            if found.status == "INFEASIBLE":
                z = found.certificate.farkas[0]
                scale = np.abs(z) @ np.linalg.norm(X, axis=1)
                assert np.linalg.norm(z @ X) < 1e-13 * scale
                assert z @ np.maximum(y, 0) > 1e-9 * np.abs(z) @ np.maximum(y, 0)
                assert (z[y <= 0] <= 0).all()
                assert 1 <= found.conflict.size <= d + 1
            else:
                u = X @ (found.dual[0] @ X)
                assert np.abs((u - y)[y > 0]).max(initial=0.0) < 1e-10
                assert u[y <= 0].max(initial=0.0) < 1e-10
    assert "INFEASIBLE" in statuses


def test_proofs_hold_in_rational_arithmetic_on_integer_data():
    n_infeasible = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(2, 8)), int(rng.integers(1, 4))
        X = rng.integers(-3, 4, (n, d)).astype(float)
        y = rng.integers(-2, 3, n).astype(float)
        gram = X @ X.T
        found = rb.minimum_norm(rb.Problem(gram, y))
        if found.status == "INFEASIBLE":
            n_infeasible += 1
            z = found.certificate.farkas[0]
            assert is_farkas(gram, np.maximum(y, 0), z, bound=y <= 0), (X, y, z)
        else:
            u = gram @ found.dual[0]
            assert np.abs((u - y)[y > 0]).max(initial=0.0) < 1e-11
            assert u[y <= 0].max(initial=0.0) < 1e-11
    assert n_infeasible > 50


@pytest.mark.parametrize("size", [1e-140, 1e-6, 1e6, 1e140])
def test_verdicts_do_not_depend_on_the_label_scale(size):
    for rows, labels in (*HARMLESS.values(), *CONFLICTS.values()):
        X, y = np.vstack([X0, rows]), np.append(Y0, labels)
        one = rb.minimum_norm(rb.Problem(X @ X.T, y))
        other = rb.minimum_norm(rb.Problem(X @ X.T, y * size))
        assert one.status == other.status
        assert one.conflict.tolist() == other.conflict.tolist()


@pytest.mark.parametrize("signs", [(1,), (1, 1), (1, -1), (1, 1, -1)])
def test_equal_samples_with_different_labels_conflict_for_every_network(signs):
    found = rb.minimum_norm(rb.Problem([[1.0, 1.0], [1.0, 1.0]], [1.0, 2.0], signs))
    assert found.status == "INFEASIBLE"
    assert found.conflict.tolist() == [0, 1]
    assert found.certificate.farkas.shape == (len(signs), 2)


def test_an_infeasible_result_has_no_network_and_says_why():
    found = rb.minimum_norm(rb.Problem([[1.0, 1.0], [1.0, 1.0]], [1.0, -2.0]))
    assert math.isnan(found.norm)
    assert math.isnan(found.lower_bound)
    assert math.isnan(found.rel_gap)
    for array in (found.dual, found.primal, found.pattern, found.support):
        assert not array.any()
    assert "0, 1" in found.summary()
    with pytest.raises(rb.NotSolvedError, match="conflict: 0, 1") as caught:
        found.raise_if_failed()
    assert caught.value.result is found
    assert found.to_frame().shape == (2, 8)


@pytest.mark.parametrize(("n", "d"), [(60, 30), (60, 40), (150, 100)])
def test_verdicts_on_many_dependent_samples_equal_linear_programming(n, d):
    from scipy.optimize import linprog

    for seed in range(6):
        rng = np.random.default_rng([n, d, seed])
        X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
        off = y <= 0
        program = linprog(
            np.zeros(d),
            A_ub=X[off],
            b_ub=np.zeros(off.sum()),
            A_eq=X[~off],
            b_eq=y[~off],
            bounds=(None, None),
        )
        for problem in problems(X, y):
            found = rb.minimum_norm(problem)
            assert (found.status == "INFEASIBLE") == (program.status == 2)


def test_a_hair_between_two_opposite_samples_is_told_from_dependence():
    # in two dimensions three equalities cannot hold, though two of them nearly repeat
    X = np.array([[0.04112573, -1.21993608], [1.21885169, 0.06022453], [-0.04465038, 1.32421199]])
    found = rb.minimum_norm(rb.Problem(X @ X.T, [1.00718668, 0.86702551, 0.82044016]))
    assert found.status == "INFEASIBLE"
