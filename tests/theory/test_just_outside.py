"""Every hypothesis from both sides of its edge, a millionth away; conclusions that need theirs.

Edges come from formulas written here or from the oracles, not from the package.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import relubias as rb
from relubias.theory import lai2026
from tests.oracles.theory_certificate import certificate, one_step_certificate
from tests.oracles.theory_claims import owners
from tests.oracles.theory_run import Instance
from tests.theory_checks import ask
from tests.theory_edges import find_edge
from tests.theory_networks import crowded, owned_network

NEAR = 1e-6
Y = np.array([1.0, -1.5, 1.25, -1.0])
ONE, TWO = np.ones(1), np.array([1.0, -1.0])
TRACE = 64.0


def instance(kappa, delta, eps, *, signs=ONE, labels=Y):
    """Return a problem whose deviation is a reflection of norm `delta`."""
    n = len(labels)
    u = np.ones((n, 1)) / math.sqrt(n)
    gram = TRACE * (np.eye(n) + delta * (np.eye(n) - 2 * u @ u.T))
    primal = np.broadcast_to(np.asarray(eps, float), (len(signs), n))
    start = np.ascontiguousarray(np.linalg.solve(gram, primal.T).T)
    return Instance(gram, labels, signs, start, kappa / TRACE, TRACE)


def first_negative(eps):
    return [-eps, *[abs(eps)] * (len(Y) - 1)]


STAR = 1 / (16 * math.sqrt(len(Y)) * 1.5)  # delta over kappa with delta_star = kappa / 16


def _parked(depth):
    """Return two positive neurons and a negative one, sample 0 and 1 owned by one each."""
    signs, y = np.array([1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0])
    primal = np.array([[0.01, -depth, 0.01], [-depth, 0.01, 0.01], [0.01, 0.01, 0.01]])
    return Instance(4 * np.eye(3), y, signs, primal / 4.0, 0.125, 4.0)


def _owned(size):
    signs, y = np.array([1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0])
    primal = np.array([[size, -0.3, size], [-0.3, size, size], [size, size, size]])
    return Instance(4 * np.eye(3), y, signs, primal / 4.0, 0.125, 4.0)


# condition, family of problems, edge, and whether it holds below the edge
EDGES = [
    ("theorem1.start", lambda e: instance(0.5, 0.001, e), 1 / 20, True),
    ("theorem1.start", lambda e: instance(0.5, 0.001, first_negative(e - 1.0)), 1.0, True),
    ("theorem1.step_size.upper", lambda k: instance(k, 0.25, 0.01), 1 - 0.25, True),
    ("theorem1.step_size.lower", lambda k: instance(k, 0.25, 0.01), (1 - 0.25) / 4, False),
    ("theorem1.explicit", lambda e: instance(0.5, STAR / 4, e), 0.5 / 4, True),
    ("theorem1.explicit", lambda e: instance(0.5, STAR / 4, first_negative(e - 1.0)), 1.0, True),
    ("theorem1.explicit", lambda k: instance(k, 1e-3, 0.01), 1 / 1.001, True),
    ("theorem1.explicit", lambda d: instance(0.5, d, 0.01), STAR * 0.5, True),
    ("theorem1.explicit", lambda k: instance(k, STAR / 2, 0.01), 0.5, False),
    ("theorem3.start", lambda e: instance(0.5, 0.001, e, signs=TWO), 1 / 40, True),
    ("theorem3.step_size.upper", lambda k: instance(k, 0.25, 0.01, signs=TWO), 1 - 0.25, True),
    ("theorem3.step_size.lower", lambda k: instance(k, 0.25, 0.01, signs=TWO), 0.75 / 4, False),
    ("theorem3.explicit", lambda e: instance(0.5, STAR / 4, e, signs=TWO), 0.5 / 8, True),
    ("theorem3.explicit", lambda k: instance(k, 1e-3, 0.01, signs=TWO), 1 / 1.001, True),
    ("theorem3.explicit", lambda d: instance(0.5, d, 0.01, signs=TWO), STAR * 0.5, True),
    ("theorem5.start.lower", _parked, 0.1, False),
    ("theorem5.start.upper", _owned, 1 / 60, True),
    ("theorem5.step_size.upper", lambda k: instance(k, 0.25, 0.01, signs=TWO), 1 - 0.25, True),
    ("theorem5.step_size.lower", lambda k: instance(k, 0.25, 0.01, signs=TWO), 0.75 / 4, False),
    ("assumption3", lambda e: _parked(e - 1.0), 1.0, False),
    ("lemma2.step_size", lambda k: instance(k, 0.25, 0.01), 1 - 0.25, True),
    ("lemma5.step_size", lambda k: instance(k, 0.25, 0.01), 1 - 0.25, True),
    ("lemma5.explicit", lambda d: instance(0.5, d, 0.01), 1 / (4 * 2 * 1.5), True),
    ("lemma6.explicit", lambda d: instance(0.5, d, 0.01), 0.1 / (2.2 * 2 * 1.5), True),
]


@pytest.mark.parametrize(("condition", "family", "edge", "is_below"), EDGES)
def test_a_hypothesis_turns_false_a_millionth_beyond_its_edge(condition, family, edge, is_below):
    statement = _statement(condition)
    for value, is_inside in ((edge * (1 - NEAR), is_below), (edge * (1 + NEAR), not is_below)):
        verdict = ask(family(value), [statement])[f"lai2026.{condition}"]
        assert verdict.holds is is_inside, verdict


def _statement(condition):
    name = f"lai2026.{condition.split('.')[0]}"
    return next(s for s in lai2026.STATEMENTS if s.name == name)()


@pytest.mark.parametrize(("which", "n", "edge"), [("d_2", 2, 9216), ("d_inf", 4, 384)])
def test_assumption_2_turns_false_one_dimension_below_its_edge(which, n, edge):
    for d, holds in ((edge - 1, False), (edge, None), (edge + 1, True)):
        problem = rb.Problem(np.eye(n), np.ones(n))
        found = lai2026.Assumption2().check(problem, spectrum=rb.ensembles.isotropic(d))
        (verdict,) = (v for v in found if v.condition.endswith(which))
        assert verdict.holds is holds


def test_assumption_1_turns_false_at_zero():
    smallest = float(np.finfo(float).tiny)
    for label, holds in ((smallest, True), (0.0, False)):
        (verdict,) = lai2026.Assumption1().check(rb.Problem(np.eye(2), [1.0, label]))
        assert verdict.holds is holds


@pytest.mark.parametrize("n_neurons", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_the_certificate_turns_false_a_millionth_beyond_the_edge_of_the_oracle(seed, n_neurons):
    def margin(edge):
        case = edge.instance()
        if n_neurons == 1 and edge.kappa <= 1:
            return float(min(certificate(case, digits=20).values()))
        if n_neurons == 1:
            return -1.0  # the package is more careful there
        return min(one_step_certificate(case, owners(case)).values())

    found = find_edge(seed, n_neurons=n_neurons, margin=margin)
    assert found is not None
    edge, inside = found
    condition = f"theorem{2 * n_neurons - 1}.certificate"
    towards = math.copysign(NEAR, inside - edge.value)
    for offset, holds in ((towards, True), (-towards, False)):
        case = edge.at(edge.value * (1 + offset)).instance()
        if holds or n_neurons == 2 or case.step_size * case.trace <= 1:
            verdict = ask(case, [_statement(condition)])[f"lai2026.{condition}"]
            assert verdict.holds is holds, verdict


# conclusions that fail just outside of what they need, on orthogonal data
def orthogonal(kappa, eps, *, signs=ONE):
    return instance(kappa, 0.0, eps, signs=signs)


NEEDED = [
    ("every sample starts active", "theorem1", lambda e: orthogonal(0.5, first_negative(e - 1)), 1),
    ("rho < kappa / (1 - kappa)", "theorem1", lambda e: orthogonal(0.25, e), 1 / 3),
    ("rho < kappa / (1 - kappa)", "lemma9.f", lambda e: orthogonal(0.25, e), 1 / 3),
    ("kappa < 2", "theorem1", lambda k: orthogonal(k, 0.01), 2),
    ("every sample starts active", "theorem3",
     lambda e: orthogonal(0.5, first_negative(e - 1), signs=TWO), 1),
    ("kappa < 2", "theorem3", lambda k: orthogonal(k, 0.01, signs=TWO), 2),
]  # fmt: skip


@pytest.mark.parametrize(("needed", "condition", "family", "edge"), NEEDED)
def test_a_conclusion_fails_just_outside_of_what_it_needs(needed, condition, family, edge):
    near = 0.05 if needed == "kappa < 2" else NEAR
    for value, holds in ((edge * (1 - near), True), (edge * (1 + near), False)):
        verdict = ask(family(value), [_statement(condition)])[f"lai2026.{condition}"]
        assert verdict.holds is holds, verdict


def test_lemma_5_fails_when_a_second_neuron_of_its_sign_overshoots():
    # one step: alpha - kappa (alpha + other - 1), which is positive up to
    edge = 1.0 + 0.01 * (1 - 0.9) / 0.9
    for other, holds in ((edge * (1 - NEAR), True), (edge * (1 + NEAR), False)):
        found = ask(crowded(0.01, other), [lai2026.Lemma5()])
        assert found["lai2026.lemma5.unconditional"].holds is holds
        assert found["lai2026.lemma5.step_size"].holds
        assert found["lai2026.lemma5"].holds is not False  # with the condition that is missing
    assert found["lai2026.lemma5.unconditional"].place == (1, 0, 0)


def test_lemma_5_counterexample_is_named():
    found = ask(crowded(0.01, 3.0), [lai2026.Lemma5()])["lai2026.lemma5.unconditional"]
    assert found.margin == pytest.approx(-1.799)
    assert found.place == (1, 0, 0)


def test_theorem_5_fails_where_parked_coordinates_start_too_close_to_zero():
    outcomes = []
    for band in ((0.025, 0.05), (0.1, 0.2)):
        case, _ = owned_network(0, 30, 36_000, band)
        found = ask(case, [lai2026.Theorem5(), lai2026.Lemma12(), lai2026.Assumption3()])
        assert found["lai2026.assumption3"].holds
        outcomes.append({name[8:]: verdict.holds for name, verdict in found.items()})
    assert outcomes[0]["theorem5.start.lower"] is False
    assert outcomes[0]["theorem5"] is False
    assert outcomes[0]["lemma12.e"] is False
    assert outcomes[1]["theorem5.start.lower"] is True
    assert outcomes[1]["theorem5"] is True
    assert outcomes[1]["lemma12.e"] is True
