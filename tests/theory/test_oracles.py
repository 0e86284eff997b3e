"""The oracles of this folder against the test vectors of the paper's reconstruction, and mpmath."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from tests.oracles.theory_certificate import certificate
from tests.oracles.theory_claims import (
    CLAIMED,
    conclusions,
    extremes_of,
    gaps,
    hypotheses,
    owners,
)
from tests.oracles.theory_run import Instance, descend
from tests.oracles.theory_spectrum import delta_below, delta_in_long_double, delta_in_mpmath
from tests.theory_attacks import TARGETS, attack
from tests.tolerances import VECTOR_DIGITS

G0 = np.array([[10.0, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]])
G1 = np.array([[4.0, 0, 1, 0, 0], [0, 4, 0, 1, 0], [1, 0, 4, 0, -1], [0, -1, 0, 4, 1]])
Y = np.array([1, 0.5, -0.75, -1])


def vector(X, trace, signs=(1.0,), eps=0.02, labels=Y):
    gram = X @ X.T
    start = np.linalg.solve(gram, np.full(len(gram), eps))
    s = np.array(signs)
    return Instance(gram, labels, s, np.tile(start, (len(s), 1)), 0.5 / trace, trace)


def test_g0_ends_at_the_published_vectors():
    case = vector(G0, 101.0)
    seen, proved = descend(case)
    assert proved
    L_dual = (1.072925226433, 0.5, -0.368272393487, -0.490032082289)
    np.testing.assert_allclose(seen[-1].dual[0] * 101, L_dual, atol=VECTOR_DIGITS)
    (gap,) = gaps(case, seen[-1], owners(case))
    assert gap["gap"] == pytest.approx(0.051235639081, abs=VECTOR_DIGITS)
    assert gap["gap"] / gap["sharp"] == pytest.approx(0.060797098029, abs=VECTOR_DIGITS)
    assert float(delta_in_long_double(case.gram, 101.0)) == pytest.approx(0.203292113920)
    assert conclusions(case, seen, owners(case))["pattern"]


def test_g0_with_two_neurons_ends_at_the_published_vectors():
    case = vector(G0, 101.0, (1.0, -1.0))
    seen, proved = descend(case)
    assert proved
    gap_p, gap_m = gaps(case, seen[-1], owners(case))
    assert gap_p["gap"] == pytest.approx(0.049991421049, abs=VECTOR_DIGITS)
    assert gap_m["gap"] == pytest.approx(0.039363005084, abs=VECTOR_DIGITS)


def test_g1_reactivates_a_sample_and_the_claims_see_it():
    case = vector(G1, 17.0)
    seen, proved = descend(case)
    assert proved
    assert float(seen[2].primal[0, 2]) == pytest.approx(0.030865051903, abs=VECTOR_DIGITS)
    worst = extremes_of(case, seen, owners(case))
    assert worst.worst["flips"] == 1
    assert worst.at["flips"] == 2
    assert not conclusions(case, seen, owners(case))["pattern"]


@pytest.mark.parametrize("n", [1, 3, 9])
def test_three_ways_to_delta_agree(n):
    X = np.random.default_rng(n).standard_normal((n, 30))
    gram = X @ X.T
    found = delta_in_long_double(gram, 30.0)
    with mpmath.workdps(40):
        exact = delta_in_mpmath(gram, 30.0)
        assert abs(exact - mpmath.mpf(str(found))) < 1e-17
    assert delta_below(gram, 30.0, Fraction(float(found)) * (1 + Fraction(1, 2**50)))
    assert not delta_below(gram, 30.0, Fraction(float(found)) * (1 - Fraction(1, 2**50)))


@pytest.mark.parametrize("n_neurons", [1, 2])
def test_attacks_stay_within_the_hypotheses_and_break_nothing(n_neurons):
    for seed in range(2 * len(TARGETS)):
        _, point = attack(seed, n_neurons=n_neurons, rounds=5)
        case = point.instance()
        own = owners(case)
        assert min(hypotheses(case, part=0.25 / n_neurons).values()) > 0
        seen, proved = descend(case)
        assert proved
        assert conclusions(case, seen, own)["pattern"]
        for name, value in extremes_of(case, seen, own).worst.items():
            relation, bound = CLAIMED[name]
            assert value >= bound if relation == ">=" else value <= bound + 1e-17, (seed, name)


def test_the_certificate_covers_the_explicit_version_with_room():
    _, point = attack(5, n_neurons=1, rounds=5)
    assert min(certificate(point.instance()).values()) > 0
    assert certificate(vector(G1, 17.0))["off 0"] < 0
