"""How runs end: divergence, exhausted budgets, endless chatter, limit cycles."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.comparison import compare, switches_of
from tests.oracles import fixed_point
from tests.problems import NAMED, case_from_features, random_case, unfittable_case
from tests.tolerances import rounding

import relubias as rb

TOL = 1e-10


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


def active_residual(case, primal):
    """Return the largest residual on samples that some neuron sees, over the largest label."""
    r = case.signs @ np.maximum(primal, 0) - case.labels
    return np.abs(r[(primal > 0).any(axis=0)]).max(initial=0.0) / np.abs(case.labels).max()


def exact_states(case, times):
    """Return the oracle's primal states at these times and its switches."""
    steps = max(times)
    exact = fixed_point.simulate(
        *case.arguments, max_steps=steps, jumps=False, record=times, bits=2000
    )
    return {t: primal for t, (primal, _) in exact.records.items()}, exact.switches


def divergent_case():
    """Return two opposite samples: whenever one is off the other is on, and overshoots more."""
    return case_from_features(
        "divergent", [[1.0], [-1.0]], [1.0, 1.0], start=[[20.0, 0.0]], step=5.0
    )


def test_growing_residuals_are_divergence():
    trajectory = run(divergent_case())
    assert trajectory.status is rb.Status.DIVERGED
    assert np.isfinite(trajectory.limit.primal).all()
    assert trajectory.certificate is None
    with pytest.raises(rb.NotSolvedError) as caught:
        trajectory.raise_if_failed()
    assert caught.value.result is trajectory


@pytest.mark.parametrize("budget", [0, 1, 10, 500])
def test_an_exhausted_budget_keeps_the_last_state(budget):
    case = NAMED["G1_small"]
    trajectory = run(case, max_iter=budget)
    assert trajectory.status is rb.Status.MAX_ITER
    assert trajectory.n_steps == budget
    states, switches = exact_states(case, [budget]) if budget else ({0: case.start @ case.gram}, [])
    assert_allclose(trajectory.limit.primal, states[budget], rtol=0, atol=rounding(16) * case.size)
    assert switches_of(trajectory) == switches
    with pytest.raises(rb.NotSolvedError):
        trajectory.raise_if_failed()


def test_a_certified_run_raises_nothing():
    trajectory = run(NAMED["G0"])
    trajectory.raise_if_failed()
    assert trajectory.certificate is not None


@pytest.mark.parametrize("seed", [*range(40), 59, 87, 122, 156])
def test_limit_cycles_are_never_called_converged(seed):
    case = unfittable_case(seed)
    trajectory = run(case, max_iter=20_000)
    horizon = min(trajectory.n_steps, 4000)
    outcome = compare(case, trajectory, max_steps=horizon)
    assert not outcome.failures
    if trajectory.status is rb.Status.TOLERANCE:  # it chatters, but it goes nowhere any more
        later = trajectory.n_steps + 1000
        states, _ = exact_states(case, [later])
        assert_allclose(trajectory.limit.primal, states[later], rtol=0, atol=1e-6 * case.size)
    if str(trajectory.tail) == "LIMIT_CYCLE":
        assert trajectory.status is rb.Status.MAX_ITER
        period = trajectory.period
        if period < 200 and trajectory.n_steps < 6000:
            times = [trajectory.n_steps, trajectory.n_steps + period]
            states, switches = exact_states(case, times)
            assert_allclose(states[times[0]], states[times[1]], rtol=0, atol=1e-11 * case.size)
            assert any(times[0] < s[0] <= times[1] for s in switches)


def test_some_unfittable_problem_cycles():
    tails = {str(run(unfittable_case(seed), max_iter=5000).tail) for seed in (3, 17, 18, 66)}
    assert tails == {"LIMIT_CYCLE"}


def chattering_cases(*, twice=False):
    """Return several neurons on labels they fit: about half of these switch for ever.

    With a sample that comes twice nothing can be proved about them.
    """
    for seed in range(24):
        rng = np.random.default_rng([seed, 11])
        n, m = 5, 2 + seed % 2
        X, y = rng.standard_normal((n, 200)), rng.standard_normal(n)
        if twice:
            X, y = np.vstack([X, X[:1]]), np.append(y, y[0])
        signs = [1, -1, 1][:m]
        yield case_from_features(f"chatter_{seed}", X, y, signs=signs, step=0.05, primal=0.01)


def test_endless_chatter_ends_with_a_small_residual_or_a_certificate():
    n_endless = 0
    for case in chattering_cases():
        trajectory = run(case)
        assert trajectory.status in {rb.Status.CERTIFIED, rb.Status.TOLERANCE}
        outcome = compare(case, trajectory)
        assert not outcome.failures
        if trajectory.status is rb.Status.TOLERANCE:
            assert active_residual(case, trajectory.limit.primal) <= TOL
            assert trajectory.certificate is None
        if str(trajectory.tail) == "CHATTER":
            n_endless += 1
            longer = fixed_point.simulate(*case.arguments, max_steps=3 * trajectory.n_steps)
            assert longer.last_switch > 0.8 * trajectory.n_steps
            pairs = {(k, i) for t, k, i, _ in longer.switches if t > trajectory.n_steps}
            assert pairs <= {tuple(pair) for pair in trajectory.chattering.tolist()}
    assert n_endless >= 2


def test_a_looser_tolerance_stops_earlier():
    case = next(
        case
        for case in chattering_cases(twice=True)
        if run(case).status is rb.Status.TOLERANCE and str(run(case).tail) == "CHATTER"
    )
    loose, tight = run(case, tol=1e-4), run(case, tol=1e-8)
    assert loose.status is rb.Status.TOLERANCE
    assert loose.n_steps < tight.n_steps
    assert active_residual(case, loose.limit.primal) <= 1e-4
    assert active_residual(case, tight.limit.primal) <= 1e-8
    assert switches_of(tight)[: loose.n_switches] == switches_of(loose)


@pytest.mark.parametrize("seed", range(30_000, 30_040))
def test_tolerance_means_what_it_says(seed):
    case = random_case(seed, max_step=0.9)
    trajectory = run(case, tol=1e-6, max_iter=50_000)
    if trajectory.status is rb.Status.TOLERANCE:
        assert active_residual(case, trajectory.limit.primal) <= 1e-6 * (1 + 1e-6)


@pytest.mark.parametrize("step", [1.1, 1.5, 1.9, 1.99])
@pytest.mark.parametrize("seed", range(5))
def test_steps_between_one_and_two_over_the_curvature_are_certified(seed, step):
    rng = np.random.default_rng([seed, round(100 * step)])
    X, y = rng.standard_normal((5, 30)), rng.uniform(0.2, 1.0, 5)
    case = case_from_features("overshooting", X, y, step=step, primal=0.5)
    trajectory = run(case)
    outcome = compare(case, trajectory)
    assert not outcome.failures
    assert outcome.run.is_terminal
    assert trajectory.status is rb.Status.CERTIFIED


def test_every_status_of_descent_is_reached():
    reached = {
        run(NAMED["G0"]).status,
        run(divergent_case()).status,
        run(NAMED["G1_small"], max_iter=10).status,
        *(run(case).status for case in chattering_cases(twice=True)),
    }
    assert reached == set(rb.Status) - {rb.Status.MAX_EVENTS}
