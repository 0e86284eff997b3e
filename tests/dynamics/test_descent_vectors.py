"""Published numbers: the vectors G0, G1, G4, Vardi and Shamir's example, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.problems import NAMED, vardi_shamir
from tests.tolerances import VECTOR_DIGITS, rounding

import relubias as rb


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


def assert_digits(value, expected, digits=VECTOR_DIGITS):
    assert_allclose(value, expected, rtol=0, atol=digits)


def test_vector_g0():
    case = NAMED["G0"]
    trajectory = run(case, record=[0, 1, 2])
    assert trajectory.status is rb.Status.CERTIFIED
    assert trajectory.last_switch == 1
    duals, primals = 101 * trajectory.records.dual[:, 0], trajectory.records.primal[:, 0]
    assert_digits(duals[0], [0.016687602671, 0.02, 0.016727606513, 0.019967917711])
    assert_digits(primals[1], [0.433762376238, 0.26, -0.266732673267, -0.491237623762])
    assert_digits(duals[1], [0.506687602671, 0.26, -0.368272393487, -0.490032082289])
    assert_digits(primals[2], [0.716881188119, 0.38, -0.210669542202, -0.491237623762])
    beta, alpha = trajectory.limit.dual[0], trajectory.limit.primal[0]
    assert_digits(101 * beta, [1.072925226433, 0.5, -0.368272393487, -0.490032082289])
    assert_digits(alpha, [1, 0.5, -0.154606411136, -0.491237623762])
    w = case.features.T @ beta
    assert_digits(
        w, [0.102583959117, 0.05435675329, -0.025839591173, -0.0435675329, -0.001205541473]
    )
    w_star = [0.10098989705, 0.049524754377, -0.009898970495, 0.004752456228, 0.002000192098]
    assert_digits(np.linalg.norm(w - w_star), 0.051235639081)
    assert_digits(np.linalg.norm(w), 0.126670410995)


def test_vector_g0_with_two_neurons():
    trajectory = run(NAMED["G0_two_neurons"])
    assert trajectory.status is rb.Status.CERTIFIED
    assert_digits(
        trajectory.limit.primal,
        [[1, 0.5, -0.144998529556, -0.481237623762], [-0.315549341726, -0.23, 0.75, 1]],
    )


def test_vector_g1_reactivates():
    case = NAMED["G1"]
    trajectory = run(case, record=[2])
    on_again = [tuple(s) for s in trajectory.switches.tolist() if s[2] == 2]
    assert on_again[:2] == [(1, 0, 2, -1), (2, 0, 2, 1)]
    assert_digits(trajectory.records.primal[0, 0, 2], 0.030865051903)
    assert_digits(trajectory.limit.primal[0], [1, 0.5, -0.138147651489, -0.474386322003])
    assert_digits(
        17 * trajectory.limit.dual[0], [1.358308824761, 0.5, -0.761406252617, -0.490331873704]
    )
    star = np.array([1.265498962895, 0.5, -0.564185296151, -0.031343627564]) / 17
    change = trajectory.limit.dual[0] - star
    assert_digits(np.sqrt(change @ case.gram @ change), 0.120044932247)


def test_vector_g1_with_two_neurons_shares_a_sample():
    trajectory = run(NAMED["G1_two_neurons"])
    assert trajectory.status is rb.Status.CERTIFIED
    assert_digits(trajectory.limit.primal[:, 2], [0.0164546455, 0.7664546455], 6e-11)


def test_vector_g1_with_a_small_step_comes_near_minimum_norm():
    case = NAMED["G1_small"]
    trajectory = run(case)
    assert trajectory.status is rb.Status.CERTIFIED
    star = np.array([1.265498962895, 0.5, -0.564185296151, -0.031343627564]) / 17
    change = trajectory.limit.dual[0] - star
    assert_digits(np.sqrt(change @ case.gram @ change), 2.113e-4, 6e-8)


def test_vector_g4():
    trajectory = run(NAMED["G4"])
    assert trajectory.status is rb.Status.CERTIFIED
    assert_digits(4 * trajectory.limit.dual[0], [1, -0.56])
    assert_digits(trajectory.kappa, 0.6)


@pytest.mark.parametrize(
    ("gamma", "s"),
    [
        (0.5, -0.01159),
        (1, -0.04078),
        (2, -0.11071),
        (5, -0.20907),
        (20, -0.23013),
        (100, -0.23072),
    ],
)
def test_vardi_shamir_limit_with_small_steps(gamma, s):
    case = vardi_shamir(gamma, 1e-5)
    trajectory = run(case)
    w = case.features.T @ trajectory.limit.dual[0]
    assert_digits(w, [5, -1, s], 6e-6)
    assert np.linalg.norm(w) <= 1.00103 * np.sqrt(26)


@pytest.mark.parametrize(
    ("fraction", "s"),
    [
        (0.001, -0.1108),
        (0.01, -0.1115),
        (0.1, -0.1185),
        (0.25, -0.1319),
        (0.5, -0.1573),
        (0.9, -0.3694),
    ],
)
@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_vardi_shamir_limit_with_finite_steps(fraction, s, alpha):
    gram = vardi_shamir(2.0, 1.0).gram
    case = vardi_shamir(2.0, fraction * 2 / np.linalg.eigvalsh(gram)[-1], alpha)
    trajectory = run(case)
    assert trajectory.status is rb.Status.CERTIFIED
    w = case.features.T @ trajectory.limit.dual[0] / alpha
    assert_digits(w, [5, -1, s], 6e-5)


@pytest.mark.parametrize("kappa", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_one_neuron_in_high_dimension_ends_at_the_projection_of_its_first_step(seed, kappa):
    rng = np.random.default_rng([seed, round(10 * kappa)])
    n, d = 30, 40_000
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    y = rng.uniform(0.5, 1.0, n) * np.where(np.arange(n) < n // 2, 1, -1)
    K = X @ X.T
    eps = np.full(n, 0.02)
    start = np.linalg.solve(K, eps)
    trajectory = rb.gradient_descent(rb.Problem(K, y), start[None, :], step_size=kappa)
    assert trajectory.status is rb.Status.CERTIFIED
    assert trajectory.last_switch == 1
    assert (trajectory.switches["mode"] == -1).all()
    on, off = np.flatnonzero(y > 0), np.flatnonzero(y < 0)
    beta = start - kappa * (K @ start - y)  # Theorem 1: w(1), then the nearest fit of y_+
    beta[on] = np.linalg.solve(K[np.ix_(on, on)], y[on] - K[np.ix_(on, off)] @ beta[off])
    assert_allclose(trajectory.limit.dual[0], beta, rtol=0, atol=rounding(1e4))
    assert_allclose(trajectory.limit.primal[0, on], y[on], rtol=0, atol=rounding(1e3))


@pytest.mark.parametrize("kappa", [0.25, 0.5, 1.0, 1.5])
def test_orthogonal_data_follow_the_scalar_recursion(kappa):
    L, y, eps = 4.0, np.array([1.0, -1.0, 0.5, -0.25]), 0.125
    start = np.full((1, 4), eps / L)
    trajectory = rb.gradient_descent(
        rb.Problem(L * np.eye(4), y), start, step_size=kappa / L, record=range(6)
    )
    u = np.full(4, eps)
    for t in range(6):
        assert_allclose(trajectory.records.primal[t, 0], u, rtol=0, atol=rounding(16))
        u = np.where(u > 0, u - kappa * (u - y), u)
    assert_allclose(trajectory.limit.primal[0, y > 0], y[y > 0], rtol=0, atol=rounding(16))
