"""The independent certificate: true where it holds, open where it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.dynamics import certify


def orthogonal(labels):
    return rb.Problem(4.0 * np.eye(len(labels)), labels)


def test_orthogonal_pattern_is_certified_with_its_own_margin():
    # u = 4 beta: sample 0 runs from 0.4 to 1, sample 1 rests at -0.56 and never moves
    certificate = certify(orthogonal([1.0, -1.0]), [[0.1, -0.14]], step_size=0.15)
    assert certificate.holds
    assert certificate.margin == pytest.approx(0.4, rel=1e-14)
    assert (certificate.neuron, certificate.sample) == (0, 0)
    assert certificate.curvature == pytest.approx(0.6)


def test_an_active_negative_label_is_not_certified():
    assert certify(orthogonal([1.0, -1.0]), [[0.1, 0.1]], step_size=0.15).holds is None


def test_even_and_odd_steps_are_certified_apart():
    # step_size * lambda = 1.5: u - y alternates in sign and shrinks
    near = certify(orthogonal([1.0]), [[0.2]], step_size=0.375)
    assert near.holds  # 0.8 -> 1.1 -> 0.95 ...
    far = certify(orthogonal([1.0]), [[0.75]], step_size=0.375)
    assert far.holds is None  # 3 -> exactly 0


def test_an_unstable_pattern_is_never_certified():
    assert certify(orthogonal([1.0]), [[0.2]], step_size=0.6).holds is None


def test_nothing_active_is_certified_for_good():
    certificate = certify(orthogonal([1.0, 1.0]), [[-0.1, -0.2]], step_size=0.1)
    assert certificate.holds
    assert certificate.margin == np.inf
    assert "nothing moves" in str(certificate)


def test_a_zero_label_decays_without_a_switch():
    assert certify(orthogonal([0.0, 1.0]), [[0.2, 0.1]], step_size=0.15).holds


@pytest.mark.parametrize("seed", range(30))
def test_certified_patterns_survive_a_thousand_steps(seed):
    rng = np.random.default_rng(seed)
    n = 6
    X = rng.standard_normal((n, 30))
    problem = rb.Problem.from_features(X, rng.standard_normal(n), signs=(1, -1))
    gram, y, s = problem.gram, problem.labels, problem.signs
    eta = rng.choice([0.2, 0.6, 1.2]) / np.linalg.eigvalsh(gram)[-1]
    dual = 0.02 * rng.standard_normal((2, n))
    for _ in range(60):
        u = dual @ gram
        if certify(problem, dual, step_size=eta).holds:
            pattern = u > 0
            for _ in range(1000):
                u = dual @ gram
                assert ((u > 0) == pattern).all()
                dual = dual - eta * s[:, None] * pattern * (s @ np.maximum(u, 0) - y)
            return
        dual = dual - eta * s[:, None] * (u > 0) * (s @ np.maximum(u, 0) - y)
