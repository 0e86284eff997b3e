"""One look at every step: against long double stepping, and never in the way of the run."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from relubias.theory import Setting
from relubias.theory._frozen_motion import FrozenMotion
from relubias.theory.monitor import Invariant
from relubias.theory.step import Step


def steps_in_long_double(problem, start, step_size, n_steps):
    """Yield (primal, dual) of every step, in extended precision."""
    G, y = problem.gram.astype(np.longdouble), problem.labels.astype(np.longdouble)
    s, dual = problem.signs.astype(np.longdouble), start.astype(np.longdouble)
    for _ in range(n_steps + 1):
        primal = dual @ G
        yield primal, dual
        residual = s @ np.maximum(primal, 0) - y
        dual = dual - np.longdouble(step_size) * s[:, None] * (primal > 0) * residual


def random_problem(seed, n=8, d=40, signs=(1,)):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = rng.uniform(0.5, 1.0, n) * rng.choice([-1.0, 1.0], n)
    problem = rb.Problem(X @ X.T, y, signs)
    return problem, rb.starts.all_positive(problem, 0.01)


def always(*margins):
    """Return the margin function that says the same at every step."""
    return lambda _: np.array(margins)


def primal_sum(step):
    """Return an odd functional of the state: no symmetry hides a mistake."""
    return (step.primal * np.cos(np.arange(step.primal.size)).reshape(step.primal.shape)).sum()[
        None
    ]


@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1, -1)])
@pytest.mark.parametrize("kappa", [0.9, 0.3])
def test_margins_are_those_of_long_double_stepping(signs, kappa):
    problem, start = random_problem(3, signs=signs)
    eta = kappa / problem.scale
    setting = Setting(problem, start, step_size=eta)
    setting.monitor.add([Invariant(condition="sum", margin=primal_sum, detail="", first_step=0)])
    run = setting.trajectory
    n_steps = setting.monitor.last_seen - 1  # the last look is at the limit
    values = [
        float(primal_sum(Step(t, u.astype(float), b.astype(float), None, None))[0])
        for t, (u, b) in enumerate(steps_in_long_double(problem, start, eta, n_steps))
    ]
    limit = Step(n_steps + 1, run.limit.primal, run.limit.dual, None, None)
    values.append(float(primal_sum(limit)[0]))
    verdict = setting.monitor.verdict("sum")
    assert verdict.margin == pytest.approx(min(values), abs=1e-12)
    assert verdict.step == int(np.argmin(values))
    below = np.flatnonzero(np.array(values) <= 0)
    assert (verdict.first_violation is None) == (below.size == 0)
    if below.size:
        assert verdict.first_violation.step == below[0]
    assert run.status is rb.Status.CERTIFIED
    assert setting.monitor.n_seen == n_steps + 2


@pytest.mark.parametrize("seed", range(12))
def test_a_watched_run_is_the_same_run(seed):
    signs = [(1,), (1, -1), (1, 1, -1)][seed % 3]
    problem, start = random_problem(seed, n=6, d=[30, 9][seed % 2], signs=signs)
    eta = [0.9, 0.2][seed % 2] / problem.scale
    alone = rb.gradient_descent(problem, start, step_size=eta)
    watched = Setting(problem, start, step_size=eta).trajectory
    assert (watched.status, watched.tail) == (alone.status, alone.tail)
    assert_array_equal(watched.switches, alone.switches)
    assert (watched.n_switches, watched.last_switch) == (alone.n_switches, alone.last_switch)
    assert_allclose(watched.limit.primal, alone.limit.primal, rtol=0, atol=1e-9)


def test_every_step_is_seen_once_then_fewer_with_the_step_before():
    problem, start = random_problem(0, n=4, d=400)
    seen = []
    eta = 1e-3 / problem.scale
    setting = Setting(problem, start, step_size=eta, n_dense=50)
    setting.monitor.listen(seen.append)
    run = setting.trajectory
    times = [step.time for step in seen]
    assert times[:51] == list(range(51))
    assert times == sorted(set(times))
    assert 100 < len(times) < 600 < run.n_steps
    switches = set(run.switches["time"].tolist())
    assert switches <= set(times)
    paths = list(steps_in_long_double(problem, start, eta, 400))
    for step in seen[1:150]:
        assert step.previous.time == step.time - 1
        for state, (primal, dual) in (
            (step, paths[step.time]),
            (step.previous, paths[step.time - 1]),
        ):
            assert_allclose(state.primal, primal.astype(float), rtol=1e-12, atol=1e-14)
            assert_allclose(state.dual, dual.astype(float), rtol=1e-12, atol=1e-16)
            outputs = problem.signs @ np.maximum(primal, 0)
            assert_allclose(state.residual, (outputs - problem.labels).astype(float), atol=1e-13)


@pytest.mark.parametrize("coupling", [0.0023, 0.003, 0.0031, 0.005])
def test_a_sample_that_comes_alive_for_one_step_is_not_missed(coupling):
    problem = rb.Problem([[1.0, coupling], [coupling, 1.0]], [1.0, -1.0])
    start = rb.starts.all_positive(problem, 1e-6)
    setting = Setting(problem, start, step_size=1e-3, trace=1.0)
    stays_off = Invariant(
        condition="off", margin=lambda step: -step.primal[0, 1:], detail="", sensitivity=1.0,
        neurons=np.array([0]), samples=np.array([1]),
    )  # fmt: skip
    setting.monitor.add([stays_off])
    run = setting.trajectory
    first = next(s for s in run.switches if s["time"] > 1)
    verdict = setting.monitor.verdict("off")
    assert verdict.holds is False
    assert verdict.first_violation == (first["time"], 0, 1)


@pytest.mark.parametrize("kappa", [0.3, 0.02, 0.004])
@pytest.mark.parametrize("seed", range(6))
def test_margins_are_bounded_where_nobody_looked(seed, kappa):
    """With few looks the claim is between the truth and its error, or open."""
    problem, start = random_problem(seed, n=5, d=200, signs=[(1,), (1, -1)][seed % 2])
    eta = kappa / problem.scale
    paths = [u for u, _ in steps_in_long_double(problem, start, eta, 4000)]
    paths.append(rb.gradient_descent(problem, start, step_size=eta).limit.primal)
    truth = {
        "values": min(float((u + np.longdouble(0.1)).min()) for u in paths[1:]),
        "norm": min(float(2.0 - np.sqrt((u * u).sum())) for u in paths[1:]),
    }
    m, n = start.shape
    where = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)
    setting = Setting(problem, start, step_size=eta, n_dense=3)
    claims = [
        Invariant(
            condition="values", margin=lambda step: step.primal.ravel() + 0.1, detail="",
            neurons=where[0], samples=where[1], sensitivity=1.0,
        ),
        Invariant(
            condition="norm", detail="", sensitivity=math.sqrt(m * n),
            margin=lambda step: np.array([2.0 - math.sqrt((step.primal**2).sum())]),
        ),
    ]  # fmt: skip
    setting.monitor.add(claims)
    assert setting.trajectory.status is rb.Status.CERTIFIED
    for name, exact in truth.items():
        verdict = setting.monitor.verdict(name)
        assert verdict.margin >= exact - 1e-9
        if verdict.margin > 0:
            assert verdict.margin - verdict.rounding_error <= exact + 1e-9
        if verdict.holds is not None:
            assert verdict.holds == (exact > 0)


def test_nothing_after_the_last_look_leaves_the_ball():
    problem, start = random_problem(5, n=10, d=60)
    eta = 0.2 / problem.scale
    setting = Setting(problem, start, step_size=eta)
    run, last = setting.trajectory, {}
    setting = Setting(problem, start, step_size=eta)
    setting.monitor.listen(lambda step: last.update({step.time: step.primal}))
    run = setting.trajectory
    times = sorted(last)[:-1]  # without the limit
    paths = list(steps_in_long_double(problem, start, eta, times[-1] + 300))
    after = max(float(np.abs(u - run.limit.primal).max()) for u, _ in paths[times[-1] :])
    assert after <= setting.monitor.open_end < 1e-6


def test_without_a_certificate_only_violations_are_known():
    problem, start = random_problem(1)
    claims = [
        Invariant(condition="true", margin=always(1.0), detail="Yes.", sensitivity=1.0),
        Invariant(condition="false", margin=always(-1.0), detail="No."),
    ]
    setting = Setting(problem, start, step_size=0.9 / problem.scale, max_iter=2)
    setting.monitor.add(claims)
    assert setting.trajectory.status is rb.Status.MAX_ITER
    assert setting.monitor.verdict("true").holds is None
    assert setting.monitor.verdict("false").holds is False


def test_without_a_single_step_nothing_is_known():
    problem, start = random_problem(1)
    setting = Setting(problem, start, step_size=0.9 / problem.scale, max_iter=0)
    setting.monitor.add([Invariant(condition="true", margin=always(1.0), detail="Yes.")])
    assert setting.trajectory.status is rb.Status.MAX_ITER
    assert setting.monitor.verdict("true").holds is None


def test_a_claim_about_nothing_holds_and_says_so():
    problem, start = random_problem(1)
    setting = Setting(problem, start, step_size=0.9 / problem.scale)
    empty = Invariant(condition="none", margin=always(), detail="Claim.")
    setting.monitor.add([empty])
    assert setting.trajectory.status is rb.Status.CERTIFIED
    verdict = setting.monitor.verdict("none")
    assert verdict.holds is True
    assert math.isinf(verdict.margin)
    assert "Nothing had to be shown" in verdict.detail


def test_invariants_come_before_the_run():
    problem, start = random_problem(1)
    setting = Setting(problem, start, step_size=0.9 / problem.scale)
    assert setting.trajectory.status is rb.Status.CERTIFIED
    late = Invariant(condition="late", margin=always(1.0), detail="")
    with pytest.raises(RuntimeError, match="before it begins"):
        setting.monitor.add([late])


@pytest.mark.parametrize("n_steps", [1, 2, 7, 40])
@pytest.mark.parametrize("eta", [0.01, 0.6, 1.4])
def test_frozen_motion_is_that_many_steps(n_steps, eta):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((5, 9)) / 3
    problem = rb.Problem(X @ X.T, rng.standard_normal(5), (1, 1, -1))
    active = rng.random((3, 5)) < 0.6
    dual = rng.standard_normal((3, 5))
    path = [dual @ problem.gram]
    step = Step(10, dual @ problem.gram, dual, None, None)
    eta = eta / 3
    motion = FrozenMotion(problem, active, eta)
    state, excess = motion.after(step, 10 + n_steps), motion.excess(step, 10 + n_steps)
    expected = dual.copy()
    for _ in range(n_steps):
        outputs = problem.signs @ (active * (expected @ problem.gram))
        residual = outputs - problem.labels
        expected = expected - eta * problem.signs[:, None] * active * residual
        path.append(expected @ problem.gram)
    low, high = np.minimum(path[0], path[-1]) - excess, np.maximum(path[0], path[-1]) + excess
    assert (np.array(path) >= low - 1e-12).all()
    assert (np.array(path) <= high + 1e-12).all()
    assert_allclose(state.dual, expected, rtol=1e-11, atol=1e-11)
    assert_allclose(state.primal, expected @ problem.gram, rtol=1e-10, atol=1e-10)


def test_memory_does_not_grow_with_the_number_of_steps():
    import tracemalloc

    problem, start = random_problem(4, n=4, d=200)

    def peak(call, kappa):
        tracemalloc.start()
        run = call(kappa / problem.scale)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size, run.n_steps

    def alone(eta):
        return rb.gradient_descent(problem, start, step_size=eta)

    def watched(eta):
        return Setting(problem, start, step_size=eta).trajectory

    peak(watched, 1e-4)  # loads compiled kernels
    (short, few), (long, many) = peak(watched, 0.1), peak(watched, 1e-4)
    assert many > 100 * few
    own = peak(alone, 1e-4)[0] - peak(alone, 0.1)[0]  # the list of switches grows by itself
    assert long - short < own + 1_000_000  # at most 5,000 switches are shown
