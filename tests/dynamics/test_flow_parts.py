"""The parts of gradient flow, each against an oracle of its own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm
from tests.flows import random_flow
from tests.oracles.flow_replay import misses

import relubias as rb
from relubias.dynamics._flow.crossing import first_crossing
from relubias.dynamics._flow.hyperplanes import merge_parallel
from relubias.dynamics._flow.kinks import INSIDE, least_velocity
from relubias.dynamics._flow.modes import modes_of
from relubias.dynamics.flow_certificate import certify_flow


def first_root(start, falls, rates):
    """First zero of a sum of exponentials with whole rates: a polynomial in ``exp(-t)``."""
    coefficients = np.zeros(int(rates.max()) + 1)
    coefficients[0] = start - falls.sum()
    np.add.at(coefficients, rates.astype(int), falls)
    roots = np.roots(coefficients[::-1])
    real = roots[np.abs(roots.imag) < 1e-9].real
    times = np.sort(-np.log(real[(real > 0) & (real < 1)]))
    return times[0] if times.size else np.inf


@pytest.mark.parametrize("seed", range(40))
def test_the_first_crossing_is_the_first_root_of_a_polynomial(seed):
    rng = np.random.default_rng(seed)
    rates = np.sort(rng.choice(np.arange(1, 8), 4, replace=False)).astype(float)
    falls = rng.standard_normal((6, 4)) * 10 ** rng.uniform(-1, 1, (6, 4))
    start = np.abs(rng.standard_normal(6))
    expected = [first_root(h, D, rates) for h, D in zip(start, falls, strict=True)]
    found = first_crossing(start, falls, rates)
    assert_allclose(found.time, min(expected), rtol=1e-9)
    if np.isfinite(found.time):
        assert found.row == int(np.argmin(expected))


@pytest.mark.parametrize("depth", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_dip_below_zero_is_seen_and_one_above_is_not(depth):
    # (x - a)^2 -+ depth with x = exp(-t): two crossings around log(1 / a)
    a = 0.4
    for sign in (-1.0, 1.0):
        falls = np.array([[-2 * a, 1.0]])
        start = np.array([(1 - a) ** 2 + sign * depth])
        found = first_crossing(start, falls, np.array([1.0, 2.0]))
        if sign > 0:
            assert found.row == -1
        else:
            assert_allclose(found.time, -np.log(a + np.sqrt(depth)), rtol=1e-7)


def least_by_enumeration(M, b, low, high):
    """Minimise over every face of the box; return the smallest velocity ``M x + b``."""
    best, value = None, np.inf
    for faces in itertools.product((-1, 0, 1), repeat=b.size):
        face = np.array(faces)
        x = np.where(face < 0, low, high)
        inside = face == 0
        if inside.any():
            right = -(b + M[:, ~inside] @ x[~inside])[inside]
            x[inside] = np.linalg.lstsq(M[np.ix_(inside, inside)], right, rcond=None)[0]
        if (x < low - 1e-9).any() or (x > high + 1e-9).any():
            continue
        new = 0.5 * x @ M @ x + b @ x
        if new < value:
            best, value = x, new
    return M @ best + b


@pytest.mark.parametrize("seed", range(60))
def test_the_velocity_on_kinks_is_the_smallest(seed):
    rng = np.random.default_rng(seed)
    z = int(rng.integers(1, 6))
    X = rng.standard_normal((z, z if seed % 3 else max(1, z - 1)))  # a third are dependent
    low = np.where(rng.random(z) < 0.7, 0.0, -rng.random(z))
    high = low + rng.random(z) + 0.1
    M, b = X @ X.T, X @ rng.standard_normal(X.shape[1])
    force, where = least_velocity(M, b, low, high, np.zeros(z, np.int8))
    assert ((low <= force) & (force <= high)).all()
    assert_allclose(M @ force + b, least_by_enumeration(M, b, low, high), atol=1e-9)
    inside = X[where == INSIDE]
    assert np.linalg.matrix_rank(inside) == inside.shape[0]


def test_merged_samples_have_the_gradient_of_the_samples():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((3, 6))
    X = np.vstack((base, 2 * base[0], -0.5 * base[1], np.zeros(6), 3 * base[0]))
    y = rng.standard_normal(7)
    planes = merge_parallel(X @ X.T, y)
    assert planes.labels.size == 4
    assert_array_equal(planes.partner, [-1, 3, -1, 1])
    merged = planes.weight.T @ X
    assert_allclose(merged @ merged.T, planes.gram, atol=1e-12)
    for _ in range(5):
        w = rng.standard_normal(6)
        whole = X.T @ ((X @ w > 0) * (X @ w - y))
        u = merged @ w
        assert_allclose(merged.T @ ((u > 0) * (u - planes.labels)), whole, atol=1e-12)


@pytest.mark.parametrize("is_dense", [True, False])
def test_modes_follow_the_matrix_exponential(is_dense):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((300, 900)) / 30
    H = X @ X.T
    H[:260, 260:] = H[260:, :260] = 0.0  # two blocks, one large
    r = rng.standard_normal(300)
    modes = modes_of(H, r, is_dense=is_dense)
    assert np.isinf(modes.horizon) == is_dense
    for time in (0.0, 0.1, 1.0):
        now = modes.constant + modes.vectors @ (modes.weights * np.exp(-modes.rates * time))
        assert_allclose(now, expm(-time * H) @ r, atol=1e-12)


def test_what_no_weight_can_change_does_not_move():
    H = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    modes = modes_of(H, np.array([3.0, 1.0, 5.0]), is_dense=True)
    assert_allclose(modes.constant, [1.0, -1.0, 0.0], atol=1e-14)
    assert_allclose(np.sort(modes.rates), [2.0, 2.0])


@pytest.mark.parametrize("seed", range(8))
def test_certificates_hold_at_the_end_and_not_before_the_last_switch(seed):
    case = random_flow(seed, n=6, m=2, zero_labels=False)
    flow = rb.gradient_flow(case.problem(), case.start)
    assert flow.status is rb.Status.CERTIFIED
    if flow.n_events < 2:
        return
    time = flow.path.times[-2] + 0.5 * np.diff(flow.path.times[-2:])[0]
    early = certify_flow(case.problem(), flow.at(time).primal, flow.path.modes[-2])
    assert early.holds is None
    wrong = flow.modes.copy()
    wrong[0, 0] = -1 if wrong[0, 0] > 0 else 1
    late = flow.at(flow.end_time + 1.0 / case.problem().scale).primal
    assert certify_flow(case.problem(), late, wrong).holds is None


def test_a_residual_that_does_not_belong_to_the_state_proves_nothing():
    case = random_flow(3, n=4, m=1, zero_labels=False)
    flow = rb.gradient_flow(case.problem(), case.start)
    state = flow.at(flow.end_time + 0.1 / case.problem().scale)
    residual = case.signs @ np.maximum(state.primal, 0) - case.labels
    assert certify_flow(case.problem(), state.primal, flow.modes, residual=residual).holds
    other = residual + 0.1
    assert certify_flow(case.problem(), state.primal, flow.modes, residual=other).holds is None


@pytest.mark.parametrize(("n", "aspect", "seed"), [(6, 2000, 42), (6, 2000, 20), (8, 1000, 2)])
def test_switches_are_right_long_after_the_residual_is_gone(n, aspect, seed):
    case = random_flow(seed, n=n, m=3, aspect=aspect, zero_labels=False)
    flow = rb.gradient_flow(case.problem(), case.start)
    assert flow.status is rb.Status.CERTIFIED
    slowest = np.linalg.eigvalsh(case.gram)[0]
    assert flow.last_switch * slowest > 300  # the residual is below 1e-130
    primal = case.start @ case.gram
    missed = misses(case.gram, case.labels, case.signs, primal, flow.path.times, flow.path.modes)
    assert max(missed) < 1e-9


def test_a_large_flow_uses_krylov_spaces_and_agrees_with_descent():
    problem = rb.Problem(
        rb.ensembles.Gaussian(rb.ensembles.isotropic(40_000)).sample_gram(360, seed=0),
        rb.ensembles.labels.gaussian()(360, seed=1),
    )
    start = rb.starts.all_positive(problem, 1e-2)
    flow = rb.gradient_flow(problem, start)
    assert flow.status is rb.Status.CERTIFIED
    on = flow.modes[0] > 0
    assert_allclose(flow.limit.primal[0, on], problem.labels[on], rtol=1e-12, atol=1e-13)
    assert_allclose(flow.limit.dual @ problem.gram, flow.limit.primal, atol=1e-11)
    descent = rb.gradient_descent(problem, start, step_size=1e-3 / problem.scale)
    assert_allclose(descent.limit.primal, flow.limit.primal, atol=2e-2)


def test_records_are_the_states_at_their_times():
    case = random_flow(5, n=5, m=2)
    times = np.linspace(0, 3.0, 7) / case.problem().scale
    flow = rb.gradient_flow(case.problem(), case.start, record=times[::-1])
    assert_array_equal(flow.records.time, times)
    for time, primal, dual in zip(times, flow.records.primal, flow.records.dual, strict=True):
        assert_array_equal(flow.at(float(time)).primal, primal)
        assert_allclose(dual @ case.gram, primal, atol=1e-12)
    frame = flow.to_frame()
    assert len(frame) == 7 * 10
    assert_array_equal(frame["time"].unique(), times)


def test_a_flow_reads_well():
    case = random_flow(1, n=5, m=2)
    flow = rb.gradient_flow(case.problem(), case.start)
    assert "CERTIFIED" in repr(flow)
    assert str(flow.certificate) in flow.summary()
    assert flow.raise_if_failed() is flow
    short = rb.gradient_flow(case.problem(), case.start, max_events=1)
    assert short.status is rb.Status.MAX_EVENTS
    assert "max_events" in short.explanation
    with pytest.raises(rb.NotSolvedError, match="max_events"):
        short.raise_if_failed()
