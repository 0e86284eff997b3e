"""Lemma 9 against long double runs, the published vectors, and where it must say less."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Lemma9
from tests.oracles.theory_run import Instance, limit, states
from tests.theory.vectors import G0, G1, G4, One, random_one, scaled

PARTS = [f"lai2026.lemma9.{part}" for part in "abcdef"]
CONSTANTS = {"a": 0.9, "b": (0.7, 1.3), "c": 1.0, "d": 2.2, "e": 0.56}


def instance(case):
    problem = case.problem
    return Instance(
        problem.gram, problem.labels, problem.signs, case.start, case.step_size, case.trace
    )


def margins_of(seen, case):
    """Return the margins of one state in long double."""
    y = case.problem.signs[0] * case.problem.labels.astype(np.longdouble)
    L, kappa = np.longdouble(case.trace), np.longdouble(case.step_size) * case.trace
    plus, minus = y > 0, y < 0
    low, high = kappa * np.abs(y).min(), kappa * np.abs(y).max()
    u, pushed = seen.primal[0], -L * seen.dual[0]
    sqrt = np.sqrt(np.longdouble(1) * np.array([plus.sum(), y.size]))
    return {
        "a": (u[plus] / low).min() - CONSTANTS["a"],
        "b": min(
            (pushed[minus] / low).min() - CONSTANTS["b"][0],
            CONSTANTS["b"][1] - (pushed[minus] / high).max(),
        ),
        "c": CONSTANTS["c"] - np.linalg.norm(u[plus] - y[plus]) / sqrt[0] / np.abs(y).max(),
        "d": CONSTANTS["d"] - L * np.linalg.norm(seen.dual[0]) / sqrt[1] / np.abs(y).max(),
        "e": (-u[minus] / low).min() - CONSTANTS["e"],
        "f": (np.sign(y) * u / low).min(),
    }


CASES = [
    G0,
    G1,
    G4,
    random_one(0),
    random_one(1, d=400),
    random_one(2, d=40, kappa=0.4),
    random_one(3, n=6, d=60, kappa=0.05),
    random_one(4, kappa=1.3, d=900),
    random_one(5, sign=-1.0),
    random_one(6, rho=0.8, d=300),
]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_margins_are_those_of_a_run_in_long_double(case):
    found = case.check(Lemma9())
    assert list(found) == PARTS
    seen = list(itertools.islice(states(instance(case)), 700))
    assert (seen[-1].primal > 0).tolist() == (seen[-300].primal > 0).tolist()
    each = [margins_of(state, case) for state in [*seen[1:], limit(instance(case), seen[-1])]]
    for name, verdict in found.items():
        values = [margins[name[-1]] for margins in each]
        assert abs(verdict.margin - min(values)) <= verdict.rounding_error
        assert verdict.rounding_error < 1e-4
        assert verdict.holds is bool(min(values) > 0)
        if verdict.holds is False:
            first = next(t for t, value in enumerate(values, 1) if value <= 0)
            assert verdict.first_violation.step == first


def test_g0_has_the_margins_of_the_published_vectors():
    found = G0.check(Lemma9())
    kappa_y_min = 0.5 * 0.5
    a, b, e = (found[f"lai2026.lemma9.{part}"] for part in "abe")
    assert a.margin == pytest.approx(0.26 / kappa_y_min - 0.9, abs=1e-11)  # alpha(1)
    assert (a.step, a.sample, a.neuron) == (1, 1, 0)
    assert b.margin == pytest.approx(1.3 - 0.490032082289 / 0.5, abs=1e-11)  # L beta(1)
    assert b.sample == 3
    assert e.margin == pytest.approx(0.154606411136 / kappa_y_min - 0.56, abs=1e-9)  # the limit
    assert e.sample == 2
    assert all(verdict.holds for verdict in found.values())


def test_g1_fails_where_sample_2_comes_back():
    found = G1.check(Lemma9())
    for part in "ef":
        verdict = found[f"lai2026.lemma9.{part}"]
        assert verdict.holds is False
        assert verdict.first_violation == (2, 0, 2) if part == "f" else True
    worst = found["lai2026.lemma9.f"]
    assert worst.margin == pytest.approx(-0.030865051903 / 0.25, abs=1e-11)


def almost_orthogonal(seed, n=12, kappa=0.8):
    """Return a problem that meets the explicit hypotheses."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(0.8, 1.0, n) * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    E = rng.standard_normal((n, n))
    E = E + E.T
    E *= 0.9 * kappa / 16 / (1.25 * math.sqrt(n)) / np.abs(np.linalg.eigvalsh(E)).max()
    problem = rb.Problem(3.0 * (np.eye(n) + E), y)
    start = rb.starts.all_positive(problem, 0.2 * kappa * float(np.abs(y).min()))
    return One(problem, start, kappa / 3.0, 3.0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kappa", [0.05, 0.5, 0.95])
def test_all_hold_under_the_explicit_hypotheses(seed, kappa):
    assert {v.holds for v in almost_orthogonal(seed, kappa=kappa).check(Lemma9()).values()} == {
        True
    }


FAILING = {
    "a": random_one(4, d=100),
    "b": random_one(3, n=6, d=60, kappa=0.05),
    "c": random_one(7, rho=5, kappa=0.1),
    "d": random_one(0, d=11, rho=0.9),
    "e": random_one(4, d=100),
    "f": G1,
}


@pytest.mark.parametrize("part", "abcdef")
def test_each_fails_somewhere(part):
    assert FAILING[part].check(Lemma9())[f"lai2026.lemma9.{part}"].holds is False


@pytest.mark.parametrize("part", "abcdef")
def test_each_is_open_on_a_run_without_an_end(part):
    case, condition = random_one(0, d=2000, kappa=0.95), f"lai2026.lemma9.{part}"
    whole, cut = (case.check(Lemma9(), max_iter=n)[condition] for n in (10_000, 2))
    assert whole.holds is True
    assert cut.margin > 0
    assert cut.holds is None
    assert math.isinf(cut.rounding_error)
    assert FAILING[part].check(Lemma9(), max_iter=400)[condition].holds is False


@pytest.mark.parametrize(
    ("part", "name", "slope"),
    [
        ("a", "active", -1),
        ("b", "frozen_least", -1),
        ("c", "misfit", 1),
        ("d", "dual", 1),
        ("e", "inactive", -1),
    ],
)
def test_each_is_open_within_rounding_of_its_bound(part, name, slope):
    case, condition = random_one(0), f"lai2026.lemma9.{part}"
    free = {"frozen_most": 1e3} if part == "b" else {}
    first = case.check(Lemma9(**free))[condition]
    edge = getattr(Lemma9(), name) - slope * first.margin

    def at(constant):
        return case.check(Lemma9(**free, **{name: constant}))[condition]

    assert at(edge).holds is None
    assert at(edge + slope * 1e-6).holds is True
    assert at(edge - slope * 1e-6).holds is False
    assert at(edge).constants[name] == edge


def test_the_pattern_is_open_where_a_prediction_is_zero_to_rounding():
    # sample 1 is frozen at beta = -c / (1 - c^2), from where its prediction tends to 0
    kappa, eps, c = 0.5, 0.125, 0.25
    label = (eps / (1 + c) + c / (1 - c * c)) / kappa - eps
    problem = rb.Problem([[1.0, c], [c, 1.0]], [1.0, -label])
    start = np.linalg.solve(problem.gram, [eps, eps])[None]
    found = One(problem, start, kappa, 1.0).check(Lemma9())
    verdict = found["lai2026.lemma9.f"]
    assert abs(verdict.margin) < 1e-9
    assert verdict.holds is None


def test_without_labels_of_a_sign_nothing_is_claimed_about_them():
    positive = random_one(0, n_negative=0).check(Lemma9())
    for part in "be":
        assert positive[f"lai2026.lemma9.{part}"].margin == math.inf
        assert positive[f"lai2026.lemma9.{part}"].holds is True
    negative = random_one(0, n_negative=10).check(Lemma9())
    for part in "ac":
        assert negative[f"lai2026.lemma9.{part}"].margin == math.inf
    assert negative["lai2026.lemma9.f"].holds is True


def test_a_negative_neuron_is_the_mirror_image():
    case = random_one(0)
    mirrored = One(rb.Problem(case.problem.gram, -case.problem.labels, [-1]), *case[1:])
    assert mirrored.check(Lemma9()) == case.check(Lemma9())


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-30, 1, 40]),
    features=st.sampled_from([-25, 0, 3, 20]),
    kappa=st.sampled_from([0.2, 0.9]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features, kappa):
    case = random_one(seed, n=6, d=40, kappa=kappa)
    other = scaled(case, labels, features)
    assert other.check(Lemma9()) == case.check(Lemma9())


@given(seed=st.integers(0, 1000))
def test_the_order_of_the_samples_only_moves_places(seed):
    case = random_one(seed, n=7, d=50, kappa=0.6)
    order = np.random.default_rng(seed).permutation(7)
    problem = rb.Problem(case.problem.gram[np.ix_(order, order)], case.problem.labels[order])
    moved = One(problem, case.start[:, order], case.step_size, case.trace).check(Lemma9())
    for name, verdict in case.check(Lemma9()).items():
        other = moved[name]
        error = verdict.rounding_error + other.rounding_error
        assert abs(other.margin - verdict.margin) <= error
        assert other.holds is verdict.holds
        if verdict.sample >= 0:
            assert (other.step, order[other.sample]) == (verdict.step, verdict.sample)


def test_it_says_nothing_about_other_networks_and_zero_labels():
    problem, start = random_one(0).problem, random_one(0).start
    two = problem.with_signs([1, -1])
    assert Lemma9().check(two, np.repeat(start, 2, axis=0), step_size=1e-4) == []
    assert Lemma9().check(rb.Problem(np.eye(2), [1.0, 0.0]), [[0.1, 0.1]], step_size=0.5) == []
