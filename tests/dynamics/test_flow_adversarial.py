"""Flows made to break a solver: repeated and opposite rows, zeros, ties, touches."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.flow_checks import grid_failures
from tests.flow_comparison import compare_flow
from tests.flow_dips import find_dip
from tests.flows import hard_flow, random_flow
from tests.problems import NAMED, case_from_features, unfittable_case

import relubias as rb

PLAIN = [name for name in NAMED if not name.startswith("step_")]
DEPENDENT = {  # several samples on one hyperplane, which the oracle refuses
    "same_label_twice", "two_labels_for_one_row", "opposite_labels_for_one_row",
    "two_labels_two_neurons", "parallel", "antiparallel", "more_samples_than_features",
    "nearly_singular",
}  # fmt: skip


def flow_of(case, **options):
    return rb.gradient_flow(case.problem(), case.start, **options)


@pytest.mark.parametrize("name", PLAIN)
def test_named_problems_end_certified_and_right(name):
    case = NAMED[name]
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert grid_failures(case, trajectory, n_points=6, every=3, tol=1e-9) == []
    if name not in DEPENDENT:
        assert compare_flow(case, trajectory, n_times=4).failures == []


@pytest.mark.parametrize("name", sorted(DEPENDENT))
def test_dependent_rows_go_where_small_steps_go(name):
    case = NAMED[name]
    step = 1e-4 / np.linalg.eigvalsh(case.gram)[-1]
    run = rb.gradient_descent(case.problem(), case.start, step_size=step, max_iter=500_000)
    exact = flow_of(case).at(float(run.n_steps * step)).primal
    assert_allclose(exact, run.at(run.n_steps).primal, atol=1e-3 * case.size)


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.75])
@pytest.mark.parametrize("seed", range(4))
def test_parallel_rows_equal_one_longer_row(seed, factor):
    # (z - a)^2 + (f z - b)^2 is (1 + f^2) (z - c)^2 and a constant, c = (a + f b)/(1 + f^2).
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((4, 9)), rng.standard_normal(5)
    signs, weights = [1.0, -1.0], 0.3 * rng.standard_normal((2, 9))
    longer = np.hypot(1.0, factor)
    twice = rb.Problem.from_features(np.vstack([X, factor * X[0]]), y, signs)
    merged = np.vstack([longer * X[0], X[1:]])
    once = rb.Problem.from_features(merged, np.r_[(y[0] + factor * y[4]) / longer, y[1:4]], signs)
    a = rb.gradient_flow(twice, rb.starts.from_weights(twice.features, weights))
    b = rb.gradient_flow(once, rb.starts.from_weights(merged, weights))
    assert a.status is b.status is rb.Status.CERTIFIED
    for t in (0.01, 0.05, 0.2, 1.0, np.inf):
        ours, theirs = a.at(t).primal, b.at(t).primal
        assert_allclose(ours[:, 1:4], theirs[:, 1:], atol=1e-10)
        assert_allclose(ours[:, 0], theirs[:, 0] / longer, atol=1e-10)
        assert_allclose(ours[:, 4], factor * ours[:, 0], atol=1e-10)
    assert_allclose(np.unique(a.switches["time"]), np.unique(b.switches["time"]), rtol=1e-9)
    assert_array_equal(a.modes[:, :4], b.modes)


def test_opposite_rows_slide_between_them():
    # One row seen from both sides, both labels negative: the flow goes to zero and stays.
    case = case_from_features(
        "opposite", [[1.0, 0.0], [-1.0, 0.0]], [-1.0, -1.0], start=[[0.5, 0.0]]
    )
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert_allclose(trajectory.limit.primal, 0, atol=1e-14)
    assert trajectory.end_time == pytest.approx(np.log(1.5), rel=1e-12)


def test_one_sample_follows_the_exponential():
    problem, start = rb.Problem([[4.0]], [2.0]), [[0.125]]
    trajectory = rb.gradient_flow(problem, start)
    assert trajectory.n_events == 0
    for t in (0.1, 0.5, 3.0):
        assert trajectory.at(t).primal[0, 0] == pytest.approx(2 - 1.5 * np.exp(-4 * t), rel=1e-14)
    assert trajectory.limit.primal[0, 0] == pytest.approx(2, rel=1e-15)


def test_one_negative_sample_is_switched_off_at_zero():
    trajectory = rb.gradient_flow(rb.Problem([[4.0]], [-2.0]), [[0.125]])
    assert trajectory.end_time == pytest.approx(np.log(2.5 / 2) / 4, rel=1e-13)
    assert_array_equal(trajectory.limit.primal, [[0.0]])
    assert_array_equal(trajectory.modes, [[-1]])
    assert trajectory.loss == 2.0


def test_one_sliding_sample_as_by_hand():
    # Sample 0 pulls sample 1 up to its hyperplane, where it stays: r_0 decays at rate 1, then at
    # rate 1 - g^2.
    g, u, y = 0.6, np.array([0.2, -0.3]), np.array([1.0, -2.0])
    problem = rb.Problem([[1.0, g], [g, 1.0]], y)
    trajectory = rb.gradient_flow(problem, np.linalg.solve(problem.gram, u)[None])
    met = np.log((y[0] - u[0]) / (y[0] - u[0] + u[1] / g))
    assert trajectory.switches.tolist() == [(pytest.approx(met, rel=1e-13), 0, 1, 0)]
    for later in (0.1, 1.0, 5.0):
        expected = y[0] - (y[0] - u[0] + u[1] / g) * np.exp(-(1 - g**2) * later)
        state = trajectory.at(met + later)
        assert_allclose(state.primal, [[expected, 0.0]], rtol=1e-13, atol=1e-15)
    assert_array_equal(trajectory.modes, [[1, 0]])


def test_a_sliding_sample_leaves_when_its_pull_dies():
    n_seen = 0
    for seed in range(40):
        case = random_flow(seed, n=4, aspect=3, m=1)
        trajectory = flow_of(case)
        slid: set[int] = set()
        for row in trajectory.switches:
            time, i, mode = float(row["time"]), int(row["sample"]), int(row["mode"])
            if i in slid and mode != 0:
                later = trajectory.at(time + 1e-3 * case.step_size).primal[0, i]
                assert np.sign(later) in (mode, 0)  # 0: nothing moves any more
                n_seen += int(later != 0)
            (slid.add if mode == 0 else slid.discard)(i)
    assert n_seen >= 3


def test_orthogonal_samples_tie_exactly_and_are_reported_together():
    problem = rb.Problem(np.eye(4), [-0.5, -0.5, 1.0, 0.0])
    trajectory = rb.gradient_flow(problem, [[0.5, 0.5, 0.5, 0.5]])
    switches = trajectory.switches
    assert [(row["neuron"], row["sample"], row["mode"]) for row in switches] == [
        (0, 0, -1), (0, 1, -1),
    ]  # fmt: skip
    assert switches["time"][0] == switches["time"][1] == pytest.approx(np.log(2), rel=1e-14)
    assert_allclose(trajectory.limit.primal, [[0, 0, 1, 0]], atol=1e-15)
    t = 1.25
    assert trajectory.at(t).primal[0, 3] == pytest.approx(0.5 * np.exp(-t), rel=1e-14)


@pytest.mark.parametrize("name", ["ties", "one_sign_ties"])
def test_equal_neurons_stay_equal_and_switch_together(name):
    case = NAMED[name]
    trajectory = flow_of(case)
    groups = [np.flatnonzero(case.signs == s) for s in np.unique(case.signs)]
    for group in groups:
        for t in (0.1 * case.step_size, case.step_size, 20 * case.step_size, np.inf):
            primal = trajectory.at(t).primal[group]
            assert_allclose(primal, np.broadcast_to(primal[:1], primal.shape), atol=1e-12)
        times = [
            trajectory.switches[trajectory.switches["neuron"] == k]["time"].tolist() for k in group
        ]
        assert all(t == times[0] for t in times)


@pytest.mark.parametrize("m", [1, 3])
def test_a_zero_start_stays_where_closed_and_leaves_where_open(m):
    rng = np.random.default_rng(m)
    X, y = rng.standard_normal((5, 12)), np.abs(rng.standard_normal(5))
    problem = rb.Problem.from_features(X, y, np.ones(m))
    closed = rb.gradient_flow(problem, np.zeros((m, 5)))
    assert closed.status is rb.Status.CERTIFIED
    assert closed.n_events == 0
    assert_array_equal(closed.limit.primal, np.zeros((m, 5)))
    opened = rb.gradient_flow(problem, np.zeros((m, 5)), at_zero="open")
    assert opened.status is rb.Status.CERTIFIED
    assert opened.loss < 0.5 * float(y @ y)


def test_zero_rows_and_zero_labels_never_switch_by_rounding():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((6, 18))
    X[2] = 0
    y = np.array([1.0, 0.0, 0.7, -0.8, 0.0, 0.5])
    case = case_from_features(
        "zeros", X, y, signs=(1, -1), start=0.05 * rng.standard_normal((2, 6))
    )
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert not (trajectory.switches["sample"] == 2).any()
    assert grid_failures(case, trajectory, n_points=8) == []
    assert trajectory.n_events < 3 * y.size


def test_a_touch_within_rounding_changes_no_limit():
    dip = find_dip(2)
    far = flow_of(dip.case(-1e-9))
    for depth in (1e-12, 1e-13, 1e-15, 0.0, -1e-15, -1e-13, -1e-12):
        case = dip.case(depth)
        trajectory = flow_of(case)
        assert trajectory.status is rb.Status.CERTIFIED
        assert_allclose(trajectory.limit.primal, far.limit.primal, atol=1e-8 * case.size)
        assert trajectory.switches[trajectory.switches["sample"] == 2].size in (0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_as_many_features_as_samples(seed):
    case = random_flow(seed, n=9, aspect=1, m=2)
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert grid_failures(case, trajectory, n_points=6, every=3, tol=1e-9) == []


@pytest.mark.parametrize("seed", range(6))
def test_labels_that_cannot_be_fitted_still_have_a_limit(seed):
    case = unfittable_case(seed)
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert grid_failures(case, trajectory, n_points=6, every=3, tol=1e-9) == []


# Once wrong: a crossing of a zero label that cannot be fitted, no motion on one axis, no progress.
@pytest.mark.parametrize("seed", [41, 102, 116, 128, 193, 215, 256, 271, 317, 326, 420])
def test_hard_problems_that_once_failed_end_certified(seed):
    case = hard_flow(seed)
    trajectory = flow_of(case)
    assert trajectory.status is rb.Status.CERTIFIED
    assert grid_failures(case, trajectory, n_points=5, every=2, tol=1e-7) == []


@pytest.mark.parametrize("exponent", [-200, -7, 9, 200])
def test_scaling_by_powers_of_two_scales_the_flow_bit_for_bit(exponent):
    case = random_flow(5, n=6, aspect=4, m=2)
    scale = 2.0**exponent
    a = flow_of(case)
    b = rb.gradient_flow(rb.Problem(case.gram, scale * case.labels, case.signs), scale * case.start)
    assert_array_equal(b.switches, a.switches)
    assert_array_equal(b.limit.primal, scale * a.limit.primal)
    assert_array_equal(b.at(0.3 * case.step_size).dual, scale * a.at(0.3 * case.step_size).dual)


@pytest.mark.parametrize("exponent", [-40, 6])
def test_scaling_the_features_by_powers_of_two_scales_time(exponent):
    case = random_flow(5, n=6, aspect=4, m=2)
    scale = 4.0**exponent
    a = flow_of(case)
    b = rb.gradient_flow(rb.Problem(scale * case.gram, case.labels, case.signs), case.start / scale)
    assert_array_equal(b.switches["time"], a.switches["time"] / scale)
    assert_array_equal(b.limit.primal, a.limit.primal)


@pytest.mark.parametrize("seed", range(3))
def test_order_of_samples_and_neurons_does_not_matter(seed):
    case = random_flow(seed, n=6, aspect=3, m=3, start="gaussian")
    rng = np.random.default_rng(seed)
    rows, neurons = rng.permutation(6), rng.permutation(3)
    a = flow_of(case)
    b = rb.gradient_flow(
        rb.Problem(case.gram[np.ix_(rows, rows)], case.labels[rows], case.signs[neurons]),
        case.start[np.ix_(neurons, rows)],
    )
    assert_array_equal(b.modes, a.modes[np.ix_(neurons, rows)])
    assert_allclose(b.limit.primal, a.limit.primal[np.ix_(neurons, rows)], atol=1e-11)
    assert_allclose(np.sort(b.switches["time"]), np.sort(a.switches["time"]), rtol=1e-9)


@pytest.mark.parametrize(
    ("gamma", "exact", "stepped"),
    [(1, -0.04077292, -0.04078), (2, -0.11069646, -0.11071), (5, -0.20904881, -0.20907)],
)
def test_vardi_and_shamir_to_five_digits(gamma, exact, stepped):
    X = np.array([[3.0, -1.0, 0.0], [4.0, 2.0, 0.0], [0.0, gamma, gamma]])
    y = np.array([16.0, 18.0, 0.0])
    problem = rb.Problem.from_features(X, y)
    flow = rb.gradient_flow(problem, np.zeros((1, 3)), at_zero="open")
    assert flow.status is rb.Status.CERTIFIED
    assert (flow.limit.dual @ X)[0] == pytest.approx([5, -1, exact], abs=1e-8)
    run = rb.gradient_descent(problem, 1e-5 * y[None], step_size=1e-5)
    assert (run.limit.dual @ X)[0, 2] == pytest.approx(stepped, abs=5e-6)
    half = rb.gradient_descent(problem, 5e-6 * y[None], step_size=5e-6)
    extrapolated = 2 * half.limit.dual - run.limit.dual
    assert (extrapolated @ X)[0, 2] == pytest.approx(exact, abs=1e-8)


def test_running_out_of_events_keeps_what_was_computed():
    case = random_flow(1, n=10, aspect=5, m=3, start="gaussian")
    whole = flow_of(case)
    assert whole.n_events > 4
    part = flow_of(case, max_events=3)
    assert part.status is rb.Status.MAX_EVENTS
    assert part.certificate is None
    assert part.n_events == 3
    assert_array_equal(part.switches, whole.switches[: part.switches.size])
    t = 0.5 * part.end_time
    assert_array_equal(part.at(t).primal, whole.at(t).primal)
    with pytest.raises(rb.errors.InvalidInputError, match="time"):
        part.at(2 * part.end_time)
