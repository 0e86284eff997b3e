"""From a few hundred samples on, where single precision and fewer rows save time: same answers."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.minnorm import pivoting
from relubias.minnorm._norm_bounds import inverse_norm_bound
from relubias.minnorm.certificate import certify_one_neuron
from tests.oracles.planted import planted_one_neuron
from tests.tolerances import EPS, condition

N = 240


def gaussian(ratio, seed, *, spread=0.0):
    """Return Gram matrix and labels; rows are of lengths 10**-spread to 10**spread."""
    rng = np.random.default_rng([seed, round(100 * ratio)])
    X = rng.standard_normal((N, round(ratio * N))) * 10.0 ** rng.uniform(-spread, spread, (N, 1))
    return X @ X.T, rng.standard_normal(N)


def signs_matrix(seed):
    """Return a Gram matrix of integers, where slacks and multipliers are often exactly zero."""
    rng = np.random.default_rng(seed)
    X = np.hstack([np.eye(N) * 4, rng.choice([-1.0, 1.0], (N, 12))])
    return X @ X.T, rng.integers(-2, 3, N).astype(float)


def relative_distance(gram, first, second):
    delta = first - second
    return float(np.sqrt(max(delta @ gram @ delta, 0.0) / (second @ gram @ second)))


INSTANCES = {
    **{f"d={ratio}n": gaussian(ratio, 0) for ratio in (1.0, 1.05, 1.2, 2.0, 20.0)},
    "long and short rows": gaussian(2.0, 1, spread=5.0),
    "ties": signs_matrix(2),
}


@pytest.mark.parametrize("name", INSTANCES)
def test_single_precision_first_changes_nothing(name, monkeypatch):
    gram, y = INSTANCES[name]
    found = rb.minimum_norm(rb.Problem(gram, y))
    monkeypatch.setattr(pivoting, "_LOW_PRECISION_FROM", N + 1)
    plain = rb.minimum_norm(rb.Problem(gram, y))
    assert found.status == plain.status == "OPTIMAL"
    assert relative_distance(gram, found.dual[0], plain.dual[0]) <= 8 * EPS * condition(gram) ** 0.5
    assert found.certificate.error_bound <= 1e-13 * found.norm
    assert plain.certificate.error_bound <= 1e-13 * plain.norm


def test_entries_beyond_single_precision_fall_back():
    gram, y = gaussian(2.0, 6)
    gram, y = gram / 2.0 / N, np.abs(y)
    gram[0] = gram[:, 0] = 1e-17  # rounding beside ones, far more than the length of row 0
    gram[0, 0] = 1e-120
    found = rb.minimum_norm(rb.Problem(gram, y))
    assert str(found.status) in ("OPTIMAL", "UNDECIDED", "INFEASIBLE")
    assert inverse_norm_bound(gram * 1e200, np.ones(N), np.zeros(N)) > 0.0


def test_dependent_samples_fall_back():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((N, 2 * N)), rng.standard_normal(N)
    X[:40], y[:40] = X[40:80], y[40:80]
    found = rb.minimum_norm(rb.Problem(X @ X.T, y))
    once = rb.minimum_norm(rb.Problem(X[40:] @ X[40:].T, y[40:]))
    assert abs(found.norm - once.norm) <= 1e-14 * once.norm
    assert found.certificate.error_bound <= 1e-13 * found.norm


@pytest.mark.parametrize("ratio", [1.2, 4.0])
@pytest.mark.parametrize("size", [1e-12, 1e-7, 1e-2])
def test_bound_holds_for_any_candidate_and_is_close(ratio, size):
    for seed in range(4):
        gram, y, beta = planted_one_neuron(N, round(ratio * N), [N, seed])
        rng = np.random.default_rng(seed)
        candidate = beta * (1 + size * rng.standard_normal(N))
        norm = float(np.sqrt(beta @ gram @ beta))
        away = relative_distance(gram, candidate, beta) * norm
        certificate = certify_one_neuron(gram, y, candidate)
        assert away <= certificate.error_bound * (1 + 1e-9) + 1e-14 * condition(gram) * norm
        assert certificate.error_bound <= 3 * away + 1e-12 * norm


def test_bound_sees_an_inactive_row_that_is_violated():
    gram, y, beta = planted_one_neuron(N, 2 * N, 5)
    dropped = int(np.flatnonzero((beta < 0) & (y <= 0))[0])
    candidate = beta.copy()
    candidate[dropped] = 0.0
    away = relative_distance(gram, candidate, beta) * float(np.sqrt(beta @ gram @ beta))
    bound = certify_one_neuron(gram, y, candidate).error_bound
    assert away <= bound


def long_double_norm(matrix, vector):
    """Return ``sqrt(v^T A^-1 v)`` by a Cholesky factorisation of 64 bits."""
    A, v, total = matrix.astype(np.longdouble), vector.astype(np.longdouble), np.longdouble(0)
    for k in range(v.size):
        total += v[k] ** 2 / A[k, k]
        column = A[k + 1 :, k] / A[k, k]
        v[k + 1 :] -= column * v[k]
        A[k + 1 :, k + 1 :] -= np.outer(column, A[k, k + 1 :])
    return float(np.sqrt(total))


@pytest.mark.parametrize("smallest", [1e-9, 1e-3, 0.02, 0.5])
def test_inverse_norm_bound_is_an_upper_bound_and_close(smallest):
    rng = np.random.default_rng(4)
    Q = np.linalg.qr(rng.standard_normal((N, N)))[0]
    A = (Q * np.geomspace(smallest, 2.0, N)) @ Q.T
    A = A / 2 + A.T / 2
    for v in (rng.standard_normal(N), Q[:, 0].copy()):
        exact = long_double_norm(A, v)
        bound = inverse_norm_bound(A, v, np.zeros(N))
        assert exact <= bound <= 1.3 * exact
