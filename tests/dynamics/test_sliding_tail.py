"""Runs that switch for ever: where they go, and when that is proved."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.comparison import compare, switches_of
from tests.oracles import fixed_point, long_double
from tests.problems import case_from_features, unfittable_case
from tests.tolerances import LIMIT

import relubias as rb
from relubias.dynamics.sliding_tail import certify_tail, sliding_limit


def chattering_case(seed, *, n=6, d=60, step=0.05):
    rng = np.random.default_rng([seed, 21])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return case_from_features(f"chatter_{seed}", X, y, signs=(1, -1), step=step, primal=0.01)


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


def mask(case, pairs):
    sliding = np.zeros(case.start.shape, bool)
    sliding[tuple(np.asarray(pairs, int).reshape(-1, 2).T)] = True
    return sliding


@pytest.fixture(scope="module")
def chattering():
    """Certified runs that chatter at their end."""
    runs = [(case, run(case)) for case in map(chattering_case, range(24))]
    kept = [(c, r) for c, r in runs if r.tail is rb.Tail.CHATTER]
    assert len(kept) >= 5
    return kept


def test_most_endless_chatter_is_certified(chattering):
    certified = [r for _, r in chattering if r.status is rb.Status.CERTIFIED]
    assert len(certified) >= 0.8 * len(chattering)
    for r in certified:
        assert r.certificate.kind == "sliding"
        assert r.certificate.holds
        assert r.limit_estimate is None
        assert " may switch for ever" in r.explanation
        assert r.raise_if_failed() is r


def test_the_limit_is_where_ten_times_more_steps_lead(chattering):
    for case, r in chattering[:3]:
        late = long_double.descend(*case.arguments, max_steps=10 * r.n_steps)
        error = float(np.abs(r.limit.primal - late.primal).max())
        assert error <= 2 * max(r.certificate.radius, 1e-14)
        assert_allclose(r.limit.dual @ case.gram, r.limit.primal, rtol=0, atol=1e-12)
        later = {(k, i) for t, k, i, _ in late.switches.tolist() if t > r.n_steps}
        assert later <= {tuple(pair) for pair in r.chattering.tolist()}


def test_exact_switches_go_on_and_only_where_the_certificate_allows(chattering):
    for case, r in chattering[:3]:
        outcome = compare(case, r)
        assert not outcome.failures
        longer = fixed_point.simulate(*case.arguments, max_steps=r.n_steps + 2000)
        pairs = {(k, i) for t, k, i, _ in longer.switches if t > r.n_steps}
        assert pairs
        assert pairs <= {tuple(pair) for pair in r.chattering.tolist()}


def test_the_limit_fits_with_the_sliding_pairs_at_zero(chattering):
    for case, r in chattering:
        sliding = mask(case, r.chattering)
        assert (r.limit.primal[sliding] == 0.0).all()
        assert not r.limit.active[sliding].any()
        f = case.signs @ np.maximum(r.limit.primal, 0)
        on = r.limit.active.any(axis=0)
        assert_allclose(f[on], case.labels[on], rtol=0, atol=LIMIT)
        assert r.loss <= 0.5 * float(case.labels[~on] @ case.labels[~on]) + 1e-20


def test_no_step_leads_away_from_the_sliding_limit(chattering):
    case, r = chattering[0]
    sliding = mask(case, r.chattering)
    start = int(0.6 * r.n_steps)
    states = run(case, record=range(start, start + 60)).records.dual
    gaps = states - r.limit.dual
    distances = np.sqrt(((gaps @ case.gram) * gaps).sum(axis=(1, 2)))
    assert (np.diff(distances) <= 1e-14).all()
    limits = [sliding_limit(case.problem(), dual, sliding) for dual in states[::10]]
    for limit in limits:
        assert limit is not None
        assert_allclose(limit.state.primal, r.limit.primal, rtol=0, atol=1e-12)
        assert limit.is_consistent(states[0] @ case.gram > 0, 1.0)


def test_the_distance_bound_holds(chattering):
    for case, r in chattering[:4]:
        sliding = mask(case, r.chattering)
        dual = r.at(int(0.7 * r.n_steps)).dual
        certificate, limit = certify_tail(case.problem(), dual, r.step_size, sliding)
        gap = dual - r.limit.dual
        distance = np.sqrt(((gap @ case.gram) * gap).sum())
        assert distance <= limit.distance <= 1.0001 * distance + 1e-12
        assert (np.abs(gap @ case.gram) <= limit.reach * limit.distance + 1e-13).all()
        assert certificate.radius >= np.abs(gap @ case.gram).max() * (1 - 1e-6)


def test_a_certificate_needs_all_sliding_pairs_and_a_stable_step(chattering):
    case, r = chattering[0]
    problem, dual = case.problem(), r.at(r.n_steps).dual
    sliding = mask(case, r.chattering)
    assert certify_tail(problem, dual, r.step_size, sliding)[0].holds
    for pair in r.chattering:
        fewer = sliding & ~mask(case, pair)
        certificate, _ = certify_tail(problem, dual, r.step_size, fewer)
        assert certificate is None or not certificate.holds
    largest = float(np.linalg.eigvalsh(case.gram)[-1])
    certificate, _ = certify_tail(problem, dual, 4.0 / largest, sliding)
    assert certificate.holds is None


def test_a_sample_that_only_chattering_neurons_see_is_refused():
    problem = rb.Problem(4 * np.eye(2), [1.0, 1.0], (1, -1))
    dual = np.array([[0.25, 1e-9], [-1.0, -1.0]])
    sliding = np.array([[False, True], [False, False]])
    certificate, limit = certify_tail(problem, dual, 0.1, sliding)
    assert limit is not None
    assert certificate is not None
    assert certificate.holds is None
    zero = rb.Problem(4 * np.eye(2), [1.0, 0.0], (1, -1))
    certificate, _ = certify_tail(zero, dual, 0.1, sliding)
    assert certificate.holds


def test_the_state_beyond_the_end_is_the_limit(chattering):
    case, r = next((c, r) for c, r in chattering if r.status is rb.Status.CERTIFIED)
    assert r.at(10 * r.n_steps) is r.limit
    again = run(case, record=[r.n_steps, 3 * r.n_steps])
    assert_array_equal(again.records.time, [r.n_steps, 3 * r.n_steps])
    assert_array_equal(again.records.primal[1], r.limit.primal)
    assert_array_equal(r.at(r.n_steps).primal, again.records.primal[0])


def test_the_tolerance_does_not_change_a_certified_limit(chattering):
    for case, r in chattering[:4]:
        loose = run(case, tol=1e-5)
        assert loose.status is r.status
        assert_allclose(loose.limit.primal, r.limit.primal, rtol=0, atol=1e-11)
        shared = min(loose.n_switches, r.n_switches)
        assert switches_of(loose)[:shared] == switches_of(r)[:shared]


def test_a_budget_that_ends_before_the_proof_leaves_an_estimate(chattering):
    n_right = 0
    for case, r in chattering:
        loose = run(case, max_iter=int(0.75 * r.n_steps), tol=1e-5)
        if loose.status is not rb.Status.TOLERANCE or loose.tail is not rb.Tail.CHATTER:
            continue
        assert loose.certificate is None
        if loose.limit_estimate is not None:
            error = np.abs(loose.limit_estimate.primal - r.limit.primal).max()
            assert error <= 1e-6
            n_right += int(error <= 1e-9)
            assert "not proved" in loose.summary()
    assert n_right >= 3


@pytest.mark.parametrize("seed", range(16))
def test_no_limit_is_certified_where_the_labels_cannot_be_fitted(seed):
    case = unfittable_case(seed)
    r = run(case, max_iter=20_000)
    if r.status is rb.Status.CERTIFIED and r.tail is rb.Tail.CHATTER:
        late = long_double.descend(*case.arguments, max_steps=4 * r.n_steps)
        assert np.abs(r.limit.primal - late.primal).max() <= 2 * r.certificate.radius + 1e-13


def test_a_batch_of_runs_certifies_chatter_with_the_bits_of_single_runs(chattering):
    case, r = chattering[0]
    many = rb.gradient_descent_batch(
        case.gram[None], case.labels[None], case.signs, case.start[None], step_size=case.step_size
    )
    assert many.status[0] == r.status.value
    assert_array_equal(many.primal[0], r.limit.primal)
