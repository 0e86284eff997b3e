"""Both layers trained: against weight space, exact rationals and each other; statuses, proofs."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.both_layers import Instance, continued, instance
from tests.oracles import both_layers as oracle

import relubias as rb
from relubias.dynamics import certify_both_layers, train_both_layers
from relubias.dynamics._both_layers import _kernels, codes, plain
from relubias.dynamics._both_layers.run import Run

mpl.use("Agg")

NORMS = np.array([1.0, 1.3, 0.8, 1.1, 0.9])
LABELS = np.array([1.0, 0.6, 0.8, -0.7, -0.9])
SHORTEST = np.linalg.norm((LABELS / NORMS)[:3]) + np.linalg.norm((LABELS / NORMS)[3:])


def orthogonal_start(size, seed, m=48):
    """Return balanced neurons on exactly orthogonal data."""
    rng = np.random.default_rng(seed)
    W = size * rng.standard_normal((m, 8)) / np.sqrt(8)
    aside = np.linalg.norm(W[:, 5:], axis=1)
    outer = rng.choice([-1.0, 1.0], m) * np.linalg.norm(W, axis=1)
    problem = rb.Problem(np.diag(NORMS**2), LABELS, np.sign(outer))
    return problem, W[:, :5] / NORMS, outer, aside


@pytest.mark.parametrize("seed", range(20))
def test_a_few_steps_are_those_of_exact_arithmetic(seed):
    rng = np.random.default_rng(seed)
    n, d, m = 3, 4, 3
    X, W = rng.integers(-4, 5, (n, d)) / 4.0, rng.integers(-8, 9, (m, d)) / 8.0
    y, a = rng.integers(-4, 5, n) / 2.0, rng.integers(-8, 9, m) / 8.0
    dual = rng.integers(-8, 9, (m, n)) / 8.0
    W = dual @ X
    exact = oracle.rational(X, y, W, a, 2.0**-4, 6)
    run = train_both_layers(
        rb.Problem(X @ X.T, y, np.ones(m)), dual, a, step_size=2.0**-4, max_iter=6, tol=1e-300
    )
    assert_allclose(run.limit.dual @ X, np.array(exact.weights, float), rtol=0, atol=1e-13)
    assert_allclose(run.limit.outer, np.array(exact.outer, float), rtol=0, atol=1e-13)
    if run.sign_margin > 1e-13:
        assert [tuple(s) for s in run.switches.tolist()] == exact.switches


@pytest.mark.parametrize("seed", range(30))
def test_steps_equal_the_textbook_loop_in_weight_space(seed):
    case = instance(seed)
    W, a = oracle.weight_space(case.X, case.y, case.W, case.a, case.step_size, 150)
    run = case.train(max_iter=150, tol=1e-300)
    size = np.abs(W).max() + np.abs(a).max()
    assert_allclose(run.limit.dual @ case.X + case.orthogonal, W, rtol=0, atol=1e-11 * size)
    assert_allclose(run.limit.outer, a, rtol=0, atol=1e-11 * size)
    balance = a**2 - (W**2).sum(axis=1)
    assert_allclose(run.limit.balancedness, balance, rtol=0, atol=1e-10 * size**2)
    theta = 0.5 * ((W**2).sum() + a @ a)
    assert_allclose(run.limit.half_squared_norm, theta, rtol=1e-10)
    loss = 0.5 * ((np.maximum(case.X @ W.T, 0) @ a - case.y) ** 2).sum()
    assert_allclose(run.loss, loss, rtol=1e-8, atol=1e-20)


def arrays_of(case):
    gram = case.problem.gram
    m, n = case.start.shape
    primal = np.empty((m, n))
    return {
        "gram": gram, "labels": case.y, "step_size": case.step_size,
        "root": np.sqrt(np.diagonal(gram)), "tol": 1e-6, "huge": 1e100, "stop": 300,
        "dual": case.start.copy(), "outer": case.a.copy(), "primal": primal,
        "active": np.zeros((m, n), bool), "residual": np.empty(n),
        "counters": np.zeros(codes.N_COUNTERS, np.int64),
        "buffer": np.zeros((400, 4), np.int64), "margin": np.array([1.0]),
        "seen": np.empty(n, bool),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_compiled_steps_have_the_bits_of_numpy(seed):
    case = instance(100 + seed)
    if seed % 3 == 0:  # a sample twice, and one that is zero
        X = np.vstack([case.X, case.X[:1], 0 * case.X[:1]])
        case = Instance(X, np.append(case.y, [case.y[0], 0.3]), case.W, case.a, case.step_size)
    if seed % 4 == 1:
        case = Instance(case.X, case.y, case.W, case.a, 1e6)  # diverges
    results = []
    for engine in (plain, _kernels):
        arrays = arrays_of(case)
        with np.errstate(all="ignore"):
            engine.multiply(arrays["dual"], arrays["gram"], arrays["primal"])
            arrays["active"][:] = arrays["primal"] > 0
            observed = [arrays[name] for name in ("gram", "root", "dual", "primal", "active")]
            tracked = [arrays[name] for name in ("counters", "buffer", "margin")]
            engine.observe(*observed, *tracked)
            why = engine.advance(*arrays.values())
        results.append((why, arrays))
    assert results[0][0] == results[1][0]
    for name in ("dual", "outer", "primal", "active", "residual", "counters", "buffer", "margin"):
        assert_array_equal(results[0][1][name], results[1][1][name], err_msg=name)


def test_both_engines_give_one_trajectory(monkeypatch):
    case = instance(7)
    results = []
    for engine in (plain, _kernels):
        monkeypatch.setattr(Run, "seconds_in_numpy", 0.0 if engine is plain else 1e9)
        monkeypatch.setitem(__import__("sys").modules, _kernels.__name__, engine)
        results.append(case.train(max_iter=3000))
    assert results[0].n_steps == results[1].n_steps
    assert_array_equal(results[0].limit.dual, results[1].limit.dual)
    assert_array_equal(results[0].switches, results[1].switches)
    assert results[0].sign_margin == results[1].sign_margin


@given(seed=st.integers(0, 10**6), power=st.integers(-20, 20))
def test_scaling_labels_and_weights_scales_everything_bit_for_bit(seed, power):
    case = instance(seed)
    c = 2.0**power
    first = case.train(max_iter=60)
    scaled = train_both_layers(
        rb.Problem(case.problem.gram, c**2 * case.y, np.ones(case.a.size)), c * case.start,
        c * case.a, step_size=case.step_size / c**2, max_iter=60,
    )  # fmt: skip
    assert scaled.n_steps == first.n_steps
    assert_array_equal(scaled.limit.dual, c * first.limit.dual)
    assert_array_equal(scaled.limit.outer, c * first.limit.outer)
    assert_array_equal(scaled.switches, first.switches)


@given(seed=st.integers(0, 10**6), power=st.integers(-10, 10))
def test_scaling_the_features_scales_everything_bit_for_bit(seed, power):
    case = instance(seed)
    c = 2.0**power
    first = case.train(max_iter=60)
    scaled = train_both_layers(
        rb.Problem(c**4 * case.problem.gram, case.y, np.ones(case.a.size)), case.start / c**3,
        case.a / c, step_size=case.step_size / c**2, max_iter=60,
    )  # fmt: skip
    assert_array_equal(scaled.limit.outer, first.limit.outer / c)
    assert_array_equal(scaled.limit.primal, c * first.limit.primal)


@pytest.mark.parametrize("seed", range(10))
def test_permuting_neurons_or_samples_permutes_the_answer(seed):
    case = instance(300 + seed, step=0.01)
    rng = np.random.default_rng(seed)
    k, i = rng.permutation(case.a.size), rng.permutation(case.y.size)
    run = case.train(max_iter=80)
    other = Instance(case.X[i], case.y[i], case.W[k], case.a[k], case.step_size)
    moved = other.train(max_iter=80)
    assert_allclose(moved.limit.primal, run.limit.primal[np.ix_(k, i)], rtol=1e-9, atol=1e-13)
    assert_allclose(moved.limit.outer, run.limit.outer[k], rtol=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_balancedness_drifts_in_proportion_to_the_step(seed):
    case = instance(400 + seed, size=0.3)
    drifts = []
    for halvings in (4, 5, 6):
        run = case.train(step_size=0.1 / 2**halvings, max_iter=40 * 2**halvings, tol=1e-300)
        drifts.append(np.abs(run.limit.balancedness - run.initial.balancedness).max())
    if drifts[0] > 1e-12:  # else no neuron sees anything
        ratios = np.array(drifts[:-1]) / drifts[1:]
        assert (ratios > 1.6).all()
        assert (ratios < 2.5).all()


def test_the_orthogonal_part_stays_and_counts():
    case = instance(11)
    free = case.train(orthogonal_norm=0.0, max_iter=100)
    held = case.train(orthogonal_norm=2.0, max_iter=100)
    assert_array_equal(free.limit.dual, held.limit.dual)
    assert_allclose(free.limit.balancedness - held.limit.balancedness, 4.0, rtol=1e-12)
    theta = held.limit.half_squared_norm - free.limit.half_squared_norm
    assert_allclose(theta, 2.0 * case.a.size, rtol=1e-12)


def test_the_signs_of_the_problem_play_no_part():
    case = instance(12)
    other = case.problem.with_signs(-np.ones(case.a.size))
    first = train_both_layers(case.problem, case.start, case.a, step_size=0.05, max_iter=50)
    again = train_both_layers(other, case.start, case.a, step_size=0.05, max_iter=50)
    assert_array_equal(first.limit.primal, again.limit.primal)


def test_the_mean_conventions_are_a_change_of_units():
    case = instance(13, size=0.8)
    n, p = case.y.size, case.a.size
    W, a = oracle.mean_risk_loop(case.X, case.y, case.W, case.a, 0.7, 40)
    run = train_both_layers(
        case.problem, case.start / np.sqrt(p), case.a / np.sqrt(p), step_size=0.7 / n,
        max_iter=40, tol=1e-300,
    )  # fmt: skip
    assert_allclose(np.sqrt(p) * run.limit.outer, a, rtol=1e-11)
    assert_allclose(np.sqrt(p) * run.limit.primal, W @ case.X.T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1e-5, 1e-20, 1e-100])
def test_tiny_starts_on_orthogonal_data_reach_the_minimum_norm(size):
    problem, start, outer, aside = orthogonal_start(size, seed=0)
    run = train_both_layers(problem, start, outer, step_size=0.02, orthogonal_norm=aside)
    assert run.status is rb.Status.CERTIFIED
    excess = run.limit.half_squared_norm - SHORTEST
    assert -1e-9 < excess < {1e-5: 0.2, 1e-20: 1e-3, 1e-100: 1e-4}[size]


# --- certificates -----------------------------------------------------------------------------


def test_certified_runs_switch_no_more_and_stay_in_their_ball():
    n_certified = 0
    for seed in range(60):
        run = instance(500 + seed).train(max_iter=20_000, tol=1e-6 if seed % 2 else 1e-10)
        if run.status is rb.Status.CERTIFIED:
            n_certified += 1
            n_switches, distance = continued(run, 4000)
            assert n_switches == 0
            assert distance <= run.certificate.radius * (1 + 1e-9) + 1e-13
    assert n_certified > 30


def test_no_state_before_a_switch_is_certified():
    for seed in range(25):
        run = instance(600 + seed).train(max_iter=2000)
        for time in {int(t) - 1 for t in run.switches["time"][-5:]}:
            state = run.at(time)
            proof = certify_both_layers(
                run.problem, state.dual, state.outer, step_size=run.step_size
            )
            assert proof.holds is None


def test_a_step_that_is_too_large_for_the_limit_is_not_certified():
    run = instance(14, size=0.5).train(max_iter=20_000)
    assert run.status is rb.Status.CERTIFIED
    state = run.limit
    for step_size, expected in ((run.step_size, True), (1e3, None)):
        proof = certify_both_layers(run.problem, state.dual, state.outer, step_size=step_size)
        assert proof.holds is expected


def test_the_residual_shrinks_at_least_at_the_certified_rate():
    case = instance(15, size=0.5)
    run = case.train(tol=1e-5)
    assert run.status is rb.Status.CERTIFIED
    more = Run(run.problem, run.limit.dual, run.limit.outer, run.step_size)
    more.advance(0, -1.0)
    before = np.linalg.norm(more.residual[more.active.any(axis=0)])
    for step in range(1, 30):
        more.advance(step, -1.0)
        now = np.linalg.norm(more.residual[more.active.any(axis=0)])
        assert now <= before * run.certificate.rate + 1e-15
        before = now


def test_a_network_that_sees_nothing_is_certified_at_once():
    problem = rb.Problem(np.eye(2), [1.0, -1.0])
    run = train_both_layers(problem, [[-1.0, -1.0]], [1.0], step_size=0.1)
    assert run.status is rb.Status.CERTIFIED
    assert run.n_steps == 0
    assert "nothing moves" in str(run.certificate)


# --- statuses and what a run tells ------------------------------------------------------------


def contradictory():
    """Return one sample twice with two labels: a residual stays."""
    return rb.Problem(np.ones((2, 2)), [1.0, 0.5])


def test_a_residual_that_stays_ends_at_tolerance():
    run = train_both_layers(contradictory(), [[0.1, 0.1]], [0.3], step_size=0.1)
    assert run.status is rb.Status.TOLERANCE
    assert_allclose(run.loss, 0.0625, rtol=1e-9)
    with pytest.raises(rb.NotSolvedError, match="TOLERANCE"):
        run.raise_if_failed()


def test_a_saddle_left_slowly_is_no_rest():
    problem, start, outer, _ = orthogonal_start(1e-100, seed=1)
    run = train_both_layers(problem, start, outer, step_size=0.004, max_iter=20_000)
    assert run.status is rb.Status.MAX_ITER  # all weights are still tiny
    assert run.limit.half_squared_norm < 1e-20
    assert "max_iter" in run.explanation


def test_divergence_is_seen():
    run = instance(302).train(max_iter=500)
    assert run.status is rb.Status.DIVERGED
    assert "step_size" in run.explanation
    assert "DIVERGED" in run.summary()
    assert instance(302).train(max_iter=20_000, step_size=1e-3).status is rb.Status.CERTIFIED


def test_records_states_and_table_agree():
    run = instance(16, size=0.4).train(record=[0, 3, 10, 40], max_iter=5000)
    assert_array_equal(run.records.time, [0, 3, 10, 40])
    for r, time in enumerate((0, 3, 10, 40)):
        state = run.at(time)
        assert_array_equal(run.records.primal[r], state.primal)
        assert_array_equal(run.records.outer[r], state.outer)
        assert_array_equal(run.records.balancedness[r], state.balancedness)
        residual = state.outputs - run.problem.labels
        assert_allclose(run.records.loss[r], 0.5 * residual @ residual, rtol=1e-13)
    frame = run.to_frame()
    m, n = run.start.shape
    assert list(frame.columns[-2:]) == ["outer", "balancedness"]
    assert len(frame) == 4 * m * n
    row = frame[(frame.time == 10) & (frame.neuron == m - 1) & (frame["sample"] == n - 1)]
    assert row.primal.item() == run.at(10).primal[-1, -1]
    assert row.outer.item() == run.at(10).outer[-1]
    assert_array_equal(run.at(run.n_steps).primal, run.limit.primal)


def test_records_after_a_certified_end_are_there():
    run = instance(14, size=0.5).train(record=[100_000], max_iter=100_000)
    assert run.status is rb.Status.CERTIFIED
    assert run.n_steps < 100_000
    assert len(run.records) == 1
    assert_array_equal(run.at(100_000).primal, run.records.primal[0])


def test_times_beyond_an_uncertified_end_are_refused():
    run = instance(14, size=0.5).train(max_iter=5)
    with pytest.raises(rb.InvalidInputError, match="time"):
        run.at(6)


def test_a_table_without_records_is_the_limit():
    run = instance(16, size=0.4).train(max_iter=100)
    m, n = run.start.shape
    assert_array_equal(run.to_frame().primal.to_numpy().reshape(m, n), run.limit.primal)


def test_summary_and_picture():
    run = instance(14, size=0.5).train(record=[0, 1, 10, 100])
    text = run.summary()
    assert text.startswith("Gradient descent on both layers: CERTIFIED")
    assert "a^2 - |w|^2" in text
    assert "within" in run.explanation
    assert len(repr(run)) < 200
    ax = run.plot()
    assert ax.get_ylabel() == "output $f(x_i)$"
    assert len(ax.figure.axes) == 2
    assert run.plot(ax.figure.axes[1]) is ax.figure.axes[1]
    mpl.pyplot.close("all")


def test_arrays_are_read_only():
    run = instance(14).train(max_iter=10, record=[1])
    for array in (run.limit.outer, run.limit.dual, run.records.outer, run.start, run.switches):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("outer", [1.0, 2.0]), ("orthogonal_norm", -1.0), ("orthogonal_norm", [1.0, 1.0]),
     ("outer", [1e200]), ("start", [[1e200]])],
)  # fmt: skip
def test_unusable_arguments_are_named(name, value):
    arguments = {"start": [[0.5]], "outer": [1.0], "step_size": 0.1} | {name: value}
    with pytest.raises(rb.InvalidInputError, match=name):
        train_both_layers(rb.Problem([[1.0]], [1.0]), **arguments)
