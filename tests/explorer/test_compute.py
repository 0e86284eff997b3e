from __future__ import annotations

import contextlib
import io
import json
import math

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.explorer.states import STATES, combinations

import relubias as rb
from relubias.errors import InvalidInputError
from relubias.explorer._encode import decoded
from relubias.explorer.compute import Memory, compute
from relubias.explorer.law import trace_at
from relubias.explorer.state import State, parse_state
from relubias.theory.transitions import Region

EPS = np.finfo(np.float64).eps


@pytest.fixture(scope="module")
def answers():
    """Return answers by name, each computed once."""
    return {name: compute(state) for name, state in STATES.items()}


def arrays(answer, *names):
    return [decoded(answer[name]) for name in names]


def problem_of(answer):
    """Return features of the law, drawn by the public functions from the completed state."""
    state = State(**answer["state"])
    spectrum = {
        "isotropic": lambda: rb.ensembles.isotropic(state.d),
        "spiked": lambda: rb.ensembles.spiked(state.d, state.spike),
        "power_law": lambda: rb.ensembles.power_law(state.d, state.exponent),
    }[state.spectrum]
    name = state.law.capitalize()
    law = getattr(rb.ensembles, name)(state.d if name == "Orthogonal" else spectrum())
    return law.sample_gram(state.n, seed=state.seed), law.trace


@pytest.mark.parametrize("name", STATES)
def test_the_answer_is_strict_json_of_the_promised_shapes(answers, name):
    answer = answers[name]
    json.dumps(answer, allow_nan=False)
    times, primal, dual, region, loss, distance = arrays(
        answer, "times", "primal", "dual", "region", "loss", "distance"
    )
    T, m, n = primal.shape
    assert (m, n) == (len(answer["signs"]), answer["state"]["n"])
    assert 2 <= T <= 120
    assert dual.shape == region.shape == primal.shape
    assert times.shape == loss.shape == distance.shape == (T,)
    assert (np.diff(times) > 0).all()
    assert np.isfinite(primal).all()
    assert set(np.unique(region)) <= {int(part) for part in Region}
    assert parse_state(answer["state"]) == State(**answer["state"])


@pytest.mark.parametrize("name", STATES)
def test_frames_obey_the_definitions(answers, name):
    """Primal is dual times Gram; losses and distances follow from them."""
    answer = answers[name]
    gram, trace = problem_of(answer)
    primal, dual, loss, distance = arrays(answer, "primal", "dual", "loss", "distance")
    labels, signs = decoded(answer["labels"]), np.array(answer["signs"], np.float64)
    size = np.abs(dual) @ np.abs(gram / trace) + np.abs(primal)
    assert answer["trace"] == trace
    assert (np.abs(dual @ (gram / trace) - primal) <= 1e-9 * size.max()).all()
    outputs = np.einsum("k,tkn->tn", signs, np.maximum(primal, 0.0))
    assert_allclose(0.5 * ((outputs - labels) ** 2).sum(axis=1), loss, rtol=1e-9, atol=1e-25)
    if answer["shortest"]["norm"] is None:
        assert np.isnan(distance).all()
    else:
        scale = answer["shortest"]["norm"] + answer["limit"]["norm"]
        assert abs(distance[-1] - answer["gap"]["distance"]) <= 1e-9 * scale


@pytest.mark.parametrize("name", [name for name in STATES if "flow" not in name])
def test_descent_steps_are_steps_of_descent(answers, name):
    """Neighbouring frames one step apart obey the update, in plain NumPy."""
    answer = answers[name]
    times, primal, dual = arrays(answer, "times", "primal", "dual")
    labels, signs = decoded(answer["labels"]), np.array(answer["signs"], np.float64)
    kappa, last = answer["state"]["kappa"], len(times) - 1
    checked = 0
    for t in np.flatnonzero(np.diff(times) == 1):
        if t + 1 == last and answer["run"]["is_limit"]:
            continue  # the last frame is the limit
        residual = signs @ np.maximum(primal[t], 0.0) - labels
        step = -kappa * signs[:, None] * (primal[t] > 0) * residual
        assert_allclose(dual[t] + step, dual[t + 1], rtol=0, atol=1e-12 * np.abs(dual).max())
        checked += 1
    assert checked >= 2 or answer["run"]["n_steps"] < 3


@pytest.mark.parametrize("name", [name for name in STATES if "flow" in name])
def test_flow_frames_move_along_the_gradient(answers, name):
    """Between frames without an event the dual moves as the active residual pushes it."""
    answer = answers[name]
    times, primal, dual, mode = arrays(answer, "times", "primal", "dual", "mode")
    labels, signs = decoded(answer["labels"]), np.array(answer["signs"], np.float64)
    assert set(np.unique(mode)) <= {-1, 0, 1}
    assert (np.abs(primal[mode == 0]) <= 1e-12).all()
    residual = np.einsum("k,tkn->tn", signs, np.maximum(primal, 0.0)) - labels
    for t in range(len(times) - 2):
        if (mode[t] == mode[t + 1]).all() and times[t + 1] - times[t] < 0.3:
            speeds = -signs[None, :, None] * (mode[t] > 0) * residual[[t, t + 1], None]
            between = (times[t + 1] - times[t]) * speeds
            moved = np.where(mode[t] == 0, between.mean(axis=0), dual[t + 1] - dual[t])
            slack = 1e-9 + 0.3 * np.abs(between[0] - between[1])
            assert (moved >= between.min(axis=0) - slack).all()
            assert (moved <= between.max(axis=0) + slack).all()


@pytest.mark.parametrize("name", STATES)
def test_regions_are_the_ones_of_the_plane(answers, name):
    answer = answers[name]
    primal, dual, region = arrays(answer, "primal", "dual", "region")
    labels, signs = decoded(answer["labels"]), np.array(answer["signs"])
    threshold = answer["threshold"]
    cut = decoded(threshold)[:, None, None] if isinstance(threshold, dict) else threshold
    agrees = np.broadcast_to(signs[:, None] * labels > 0, primal.shape)
    expected = np.full(primal.shape, Region.SMALL)
    expected[(primal <= 0) & (dual <= -cut)] = Region.FROZEN
    expected[(primal > 0) & agrees] = Region.AGREEING
    expected[(primal > 0) & ~agrees] = Region.DISAGREEING
    assert_array_equal(region, expected)


@pytest.mark.parametrize("name", STATES)
def test_left_of_the_guarantee_nothing_is_active(answers, name):
    """Lemma 6 in its sharp form: a dual below ``-delta ||L beta||`` is inactive."""
    answer = answers[name]
    primal, dual, guarantee = arrays(answer, "primal", "dual", "guarantee")
    beyond = dual < -guarantee[:, :, None] * (1 + 1e-9) - 1e-12
    assert (primal[beyond] < 0).all()
    gram, trace = problem_of(answer)
    delta = np.linalg.norm(gram / trace - np.eye(len(gram)), 2)
    assert_allclose(answer["delta"], delta, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", STATES)
def test_switches_are_where_the_pattern_changes(answers, name):
    answer = answers[name]
    times, primal = arrays(answer, "times", "primal")
    on = primal > 0 if answer["mode"] is None else decoded(answer["mode"]) > 0
    changes = [
        {(int(k), int(i)) for k, i in np.argwhere(on[t] != on[t + 1])} for t in range(len(on) - 1)
    ]
    for t, changed in enumerate(changes[:-1]):
        switched = {
            (s["neuron"], s["sample"])
            for s in answer["switches"]
            if times[t] < s["time"] <= times[t + 1] * (1 + 1e-12)
        }
        if len(answer["switches"]) == answer["run"]["n_switches"]:
            assert changed <= switched


@pytest.mark.parametrize("name", STATES)
def test_the_script_computes_the_same_bits(answers, name):
    """The lines that the page offers are run, and hold every number of the answer."""
    answer, space = answers[name], {}
    mpl.use("Agg")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(answer["script"], "script", "exec"), space)
    mpl.pyplot.close("all")
    times, primal, dual, loss, distance = arrays(
        answer, "times", "primal", "dual", "loss", "distance"
    )
    assert_array_equal(space["times"], times)
    assert_array_equal(space["primal"], primal)
    assert_array_equal(space["trace"] * space["dual"], dual)
    n_records = len(space["run"].records)
    assert_array_equal(space["run"].records.loss, loss[:n_records])
    assert_array_equal(space["problem"].labels, decoded(answer["labels"]))
    assert_array_equal(space["run"].limit.primal, decoded(answer["limit"]["primal"]))
    assert str(space["run"].status) == answer["run"]["status"]
    assert space["run"].n_switches == answer["run"]["n_switches"]
    assert str(space["shortest"].status) == answer["shortest"]["status"]
    if answer["gap"]["distance"] is None:
        assert math.isnan(space["shortest"].norm)
    else:
        assert_array_equal(space["distance"], distance)
        assert space["gap"].distance == answer["gap"]["distance"]
        assert space["shortest"].norm == answer["shortest"]["norm"]
        law = space["gap"].prediction
        assert (None if math.isnan(law) else law) == answer["gap"]["law"]
    assert "Gradient" in printed.getvalue()


def test_the_law_is_followed_in_high_dimension(answers):
    gap = answers["huge dimension"]["gap"]
    assert abs(gap["ratio"] - 1) < 1e-4
    labels, state = decoded(answers["default"]["labels"]), answers["default"]["state"]
    kick = state["kappa"] * np.abs(labels) - (1 - state["kappa"]) * state["scale"]
    law = np.linalg.norm(kick[labels < 0]) / math.sqrt(state["d"])
    assert_allclose(answers["default"]["gap"]["law"], law, rtol=1e-9)


@pytest.mark.parametrize("name", ["default", "pair", "spiked", "power law", "rademacher"])
def test_the_curve_of_the_law_goes_through_the_law(answers, name):
    curve, gap, state = (answers[name][key] for key in ("law_curve", "gap", "state"))
    d, law = np.array(curve["d"]), np.array(curve["law"])
    assert (np.diff(d) > 0).all()
    assert (np.diff(law) < 0).all()
    at = np.exp(np.interp(math.log(state["d"]), np.log(d), np.log(law)))
    assert_allclose(at, gap["law"], rtol=0.05)


@pytest.mark.parametrize("name", ["flow", "gaussian start", "disjoint", "fewer features"])
def test_where_there_is_no_law_none_is_drawn(answers, name):
    assert answers[name]["law_curve"] is None
    assert answers[name]["gap"]["law"] is None


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("d", [1, 7, 64, 65, 1000, 30_000])
def test_traces_of_power_laws_are_sums(exponent, d):
    state = parse_state({"n": 1, "d": 1, "spectrum": "power_law", "exponent": exponent})
    exact = math.fsum(np.arange(1.0, d + 1) ** -exponent)
    assert_allclose(trace_at(state, float(d)), exact, rtol=1e-9)


@pytest.mark.parametrize("state", list(combinations()), ids=str)
def test_every_combination_has_an_answer(state):
    answer = compute(state)
    assert answer["run"]["sentence"]
    assert answer["run"]["status"] in {str(status) for status in rb.Status}


def test_memory_changes_no_number():
    memory, kappas = Memory(2), (0.9, 0.5, 0.9)
    for seed in (0, 1, 2, 0):
        for kappa in kappas:
            state = {"n": 6, "d": 500, "signs": "+-", "kappa": kappa, "seed": seed}
            again, fresh = compute(state, memory=memory), compute(state)
            again.pop("ms"), fresh.pop("ms")
            assert again == fresh


def test_a_run_that_has_no_limit_says_so(answers):
    run = answers["chatter"]["run"]
    if not run["is_limit"]:
        assert "last" in run["sentence"]
    assert run["sentence"]
    infeasible = answers["fewer features"]
    assert infeasible["run"]["sentence"]
    assert infeasible["shortest"]["sentence"]


def test_what_cannot_start_is_refused_with_the_field():
    state = {"n": 4, "d": 100, "signs": "+", "labels": "uniform", "start": "disjoint"}
    with pytest.raises(InvalidInputError, match=r"^start: disjoint has no neuron") as caught:
        compute({**state, "negative": 0.5})
    assert caught.value.field == "start"
    with pytest.raises(InvalidInputError, match="owner"):
        compute({**state, "signs": "+-", "labels": "planted", "seed": 3})


def test_a_file_that_is_not_known_is_named():
    with pytest.raises(InvalidInputError, match=r"^data: .*upload it again"):
        compute({"data": "abc"})
