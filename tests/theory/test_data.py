"""Assumptions 1 and 2 against rational arithmetic, and where they cannot be decided."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import relubias as rb
from relubias.theory import Setting
from relubias.theory.lai2026 import Assumption1, Assumption2

LABELS = np.array([1.0, -0.5, 0.25])
GRAM = 4.0 * np.eye(3)


def one(labels, gram=None):
    return rb.Problem(np.eye(len(labels)) * 4.0 if gram is None else gram, labels)


def of_spectrum(pairs, labels=LABELS, **constants):
    found = Assumption2(**constants).check(one(labels), spectrum=pairs)
    return {verdict.condition.rsplit(".", 1)[1]: verdict for verdict in found}


def test_assumption_1_is_the_ratio_of_the_labels():
    (found,) = Assumption1().check(one(LABELS))
    assert found.holds is True
    assert found.margin == 0.25
    assert found.sample == 2
    assert found.rounding_error == 0.0


@pytest.mark.parametrize("labels", [[1.0, 0.0], [0.0, 0.0]])
def test_assumption_1_fails_with_a_zero_label_and_names_it(labels):
    (found,) = Assumption1().check(one(labels))
    assert found.holds is False
    assert found.margin == 0.0
    assert f"label {labels.index(0.0)} is zero" in found.detail


def test_assumption_1_is_open_where_the_ratio_underflows():
    (found,) = Assumption1().check(one([5e-324, 1e150]))
    assert found.margin == 0.0
    assert found.holds is None


@pytest.mark.parametrize(
    ("pairs", "labels", "constant"),
    [
        ([(1.0, 100)], [1.0, -1.0], 1.0),
        ([(4.0, 3), (1.0, 50)], [1.0, -0.5, 0.25], 0.5),
        ([(100.0, 1), (0.5, 1000)], [2.0, -1.0, 1.0, 0.5], 0.75),
        ([(1.0, 10**12)], [1.0, -0.5, 0.25], 48.0),
    ],
)
def test_assumption_2_is_the_formula(pairs, labels, constant):
    trace = sum(Fraction(value) * count for value, count in pairs)
    squares = sum(Fraction(value) ** 2 * count for value, count in pairs)
    ratio = Fraction(max(map(abs, labels))) / Fraction(min(map(abs, labels)))
    n, C = len(labels), Fraction(constant)
    d_2 = trace**2 / squares
    d_inf = trace / max(Fraction(value) for value, _ in pairs)
    found = of_spectrum(pairs, labels, constant=constant)
    margin = d_2 / (C * n * ratio) ** 2 - 1
    assert abs(Fraction(found["d_2"].margin) - margin) <= found["d_2"].rounding_error
    assert found["d_2"].holds is (margin > 0)
    square = (d_inf / (C * ratio)) ** 2 / n**3  # of what the margin is one less than
    root = Fraction(found["d_inf"].margin) + 1
    assert abs(root**2 - square) <= 3 * root * Fraction(found["d_inf"].rounding_error)
    assert found["d_inf"].holds is (square > 1)
    assert found["d_2"].constants == {"C_0": constant}


def test_assumption_2_is_open_within_rounding_of_equality():
    d = 9 * 16  # (C n y_max / y_min)^2 with C = 1
    found = of_spectrum([(1.0, d)], constant=1.0)
    assert found["d_2"].margin == 0.0
    assert found["d_2"].holds is None
    assert of_spectrum([(1.0, d + 1)], constant=1.0)["d_2"].holds is True
    assert of_spectrum([(1.0, d - 1)], constant=1.0)["d_2"].holds is False


@pytest.mark.parametrize("value", [1.0, 0.3])
def test_the_factor_in_d_is_what_it_takes(value):
    pairs = [(10 * value, 3), (value, 1000)]
    found = of_spectrum(pairs)
    factor = max(1.0 / (verdict.margin + 1.0) for verdict in found.values())
    assert f"{factor:,.0f}"[:3] in found["d_2"].detail
    more = [(v, int(np.ceil(1.001 * factor * count))) for v, count in pairs]
    assert all(verdict.holds for verdict in of_spectrum(more).values())
    fewer = [(v, int(0.999 * factor * count)) for v, count in pairs]
    assert not all(verdict.holds for verdict in of_spectrum(fewer).values())


def test_without_the_spectrum_the_answer_is_open_where_the_estimate_cannot_tell():
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(10**4))
    labels = rb.ensembles.labels.uniform_magnitude(1.0, 1.0)(30, seed=0)
    problem = rb.Problem(law.sample_gram(30, seed=1), labels)
    edge = {}
    for constant in (0.01, 10 / 3, 1000.0):  # C n = 100 = sqrt(d)
        found = Assumption2(constant=constant).check(problem, trace=law.trace)
        edge[constant] = [verdict.holds for verdict in found]
    assert edge[0.01] == [True, True]
    assert edge[10 / 3] == [None, None]
    assert edge[1000.0] == [False, False]


def test_orthogonal_samples_show_nothing_but_the_number_of_features():
    unknown = Assumption2().check(one(LABELS))
    assert [verdict.holds for verdict in unknown] == [None, None]
    assert "not known" in unknown[0].detail
    few = Assumption2().check(rb.Problem.from_features(2.0 * np.eye(3), LABELS))
    assert [verdict.holds for verdict in few] == [False, False]


@pytest.mark.parametrize("spectrum", [[(1.0, 500)], [(5.0, 20), (1.0, 400)], [(30.0, 1), (1, 800)]])
def test_the_interval_of_d_2_covers_the_truth(spectrum):
    law = rb.ensembles.Gaussian(spectrum)
    inside = {"d_2": 0, "d_inf": 0}
    for seed in range(40):
        setting = Setting(one(np.ones(20), law.sample_gram(20, seed=seed)), trace=law.trace)
        for name in inside:
            value, error = getattr(setting, name)
            inside[name] += abs(value - getattr(law.spectrum, name)) <= error
    assert inside["d_2"] >= 34  # two standard errors, which cover 95% of Gaussian estimates
    assert inside["d_inf"] == 40


@pytest.mark.parametrize("exponent", [-40, 40])
def test_units_do_not_matter(exponent):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 100))
    labels = rng.uniform(0.5, 1.0, 8)
    base = rb.Problem(X @ X.T, labels)
    scaled = rb.Problem(np.ldexp(X @ X.T, 2 * exponent), np.ldexp(labels, exponent))
    for statement in (Assumption1(), Assumption2()):
        first, second = (statement.check(problem) for problem in (base, scaled))
        assert [v.margin for v in first] == [v.margin for v in second]
        assert [v.rounding_error for v in first] == [v.rounding_error for v in second]


def test_a_zero_label_is_left_to_assumption_1():
    assert Assumption2().check(one([1.0, 0.0])) == []
