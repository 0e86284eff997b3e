"""Lemmas 7 and 8 and Corollary 1 against eigenvalues in multiple precision."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import relubias as rb
from relubias.theory.lai2026 import Corollary1, Lemma7, Lemma8


def gaussian(seed, n=6, spectrum=((1.0, 60),)):
    law = rb.ensembles.Gaussian(list(spectrum))
    return rb.Problem(law.sample_gram(n, seed=seed), np.ones(n)), law.spectrum


def by_name(verdicts):
    return {verdict.condition: verdict for verdict in verdicts}


def exact_eigenvalues(gram):
    with mpmath.workdps(40):
        return sorted(mpmath.eigsy(mpmath.matrix(gram.tolist()), eigvals_only=True))


def with_eigenvalues(values, seed=0):
    """Return a Gram matrix whose eigenvalues are known: a reflection of a diagonal matrix."""
    values = np.array(values, dtype=float)
    v = np.random.default_rng(seed).standard_normal(values.size)
    H = np.eye(values.size) - 2 * np.outer(v, v) / (v @ v)
    gram = H @ (values[:, None] * H)
    return rb.Problem(gram / 2 + gram.T / 2, np.ones(values.size))


SPECTRA = [((1.0, 60),), ((5.0, 4), (1.0, 100)), ((20.0, 1), (0.25, 500))]


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_margin_is_the_formula(spectrum, seed):
    problem, law = gaussian(seed, spectrum=spectrum)
    n, c, C, probability = 6, 1.5, 2.5, 0.05
    verdicts = by_name(
        Lemma7(constant=c).check(problem, spectrum=law)
        + Lemma8(constant=0.125, probability=probability).check(problem, spectrum=law)
        + Corollary1(constant=C).check(problem, spectrum=law)
    )
    with mpmath.workdps(40):
        mu = exact_eigenvalues(problem.gram)
        values = [(mpmath.mpf(value), count) for value, count in law.pairs]
        L = sum(value * count for value, count in values)
        d_2 = L**2 / sum(value**2 * count for value, count in values)
        d_inf = L / max(value for value, _ in values)
        delta = max(abs(mu[0] / L - 1), abs(mu[-1] / L - 1))
        q = max(mpmath.sqrt(n / d_2), n / d_inf)
        C_g = max(mu[-1] / L, L / mu[0])
        inverse = max(abs(L / mu[0] - 1), abs(L / mu[-1] - 1))
        exponent = (n * mpmath.log(9) + mpmath.log(2 / mpmath.mpf(probability))) / 0.125
        tau = max(mpmath.sqrt(exponent / d_2), exponent / d_inf)
        expected = {
            "lai2026.lemma7.lower": mu[0] / L - 1 / mpmath.mpf(c) + c * n / d_inf,
            "lai2026.lemma7.upper": c * (1 + n / d_inf) - mu[-1] / L,
            "lai2026.lemma8": 1 - delta / tau,
            "lai2026.corollary1.gram": 1 - delta / (C * q),
            "lai2026.corollary1.inverse": 1 - inverse / (C * C_g * q),
        }
        for name, margin in expected.items():
            assert abs(verdicts[name].margin - margin) <= verdicts[name].rounding_error
            assert verdicts[name].rounding_error < 1e-10
            assert verdicts[name].holds is (margin > 0)
        measured = verdicts["lai2026.corollary1.gram"].constants
        assert measured["delta"] == pytest.approx(float(delta), rel=1e-12)
        assert measured["C_alpha measured"] == pytest.approx(float(delta / q), rel=1e-12)
        assert measured["C_g"] == pytest.approx(float(C_g), rel=1e-12)


@pytest.mark.parametrize(
    ("statement", "fails", "holds"),
    [
        (Lemma7(), [0.01, 1, 1], [0.6, 1, 1]),
        (Lemma7(), [1, 1, 9], [1, 1, 2]),
        (Lemma8(constant=1.0), [1, 1, 9], [1, 1, 1.2]),
        (Corollary1(), [0.5, 1, 3], [0.9, 1, 1.1]),
    ],
)
def test_each_fails_and_holds_somewhere(statement, fails, holds):
    def outcomes(values):
        return {v.holds for v in statement.check(with_eigenvalues(values), spectrum=[(0.01, 100)])}

    assert False in outcomes(fails)
    assert outcomes(holds) == {True}


def test_each_is_open_within_rounding_of_equality():
    d, n = 100, 4
    gram = with_eigenvalues([0.5 - 2 * n / d, 1.0, 1.0, 2 * (1 + n / d)])
    assert [v.holds for v in Lemma7().check(gram, spectrum=[(1 / d, d)])] == [None, None]
    allowed = 3 * math.sqrt(n / d)
    gram = with_eigenvalues([1.0, 1.0, 1.0, 1.0 + allowed])
    first, _ = Corollary1().check(gram, spectrum=[(1 / d, d)])
    assert first.holds is None
    inverse = with_eigenvalues([1.0 - allowed, 1.0, 1.0, 1.0])  # 1/mu - 1 = C q / mu
    assert Corollary1().check(inverse, spectrum=[(1 / d, d)])[1].holds is None
    tau = math.sqrt((n * math.log(9) + math.log(200)) / 0.5 / d)  # the other branch is smaller
    assert tau * d > tau * tau * d
    gram = with_eigenvalues([1.0, 1.0, 1.0, 1.0 + max(tau, tau * tau)])
    (found,) = Lemma8(constant=0.5).check(gram, spectrum=[(1 / d, d)])
    assert found.holds is None


def test_without_the_spectrum_only_what_the_estimate_shows_is_said():
    problem, law = gaussian(0, n=30, spectrum=((1.0, 2000),))
    gram, inverse = Corollary1(constant=20.0).check(problem, trace=law.trace)
    assert gram.holds is True
    assert inverse.holds is True
    assert Corollary1(constant=1.5).check(problem, trace=law.trace)[0].holds is None
    assert Corollary1(constant=0.01).check(problem, trace=law.trace)[0].holds is False
    lower, upper = Lemma7().check(problem, trace=law.trace)
    assert lower.holds is True
    assert upper.holds is True
    assert "between" in lower.detail
    assert Lemma7(constant=1.01).check(problem, trace=law.trace)[1].holds is None


def test_orthogonal_data_show_nothing_about_the_spectrum():
    problem = rb.Problem(4.0 * np.eye(3), np.ones(3))
    assert {v.holds for v in Lemma7().check(problem)} == {True}  # whatever lambda_1 is
    assert {v.holds for v in Lemma7(constant=0.9).check(problem)} == {None}
    assert {v.holds for v in Corollary1().check(problem)} == {None}
    assert Lemma8().check(problem)[0].holds is None


def test_a_singular_gram_matrix_has_no_inverse_to_speak_of():
    gram, inverse = Corollary1().check(rb.Problem(np.ones((3, 3)), np.ones(3)), spectrum=50)
    assert gram.holds is not None
    assert inverse.holds is None
    assert math.isinf(inverse.constants["C_g"])


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_gaussian_data_fulfil_what_is_proved_for_them(spectrum):
    for seed in range(20):
        problem, law = gaussian(seed, n=10, spectrum=spectrum)
        assert Lemma8().check(problem, spectrum=law)[0].holds is True
        assert {v.holds for v in Corollary1(constant=18).check(problem, spectrum=law)} == {True}
