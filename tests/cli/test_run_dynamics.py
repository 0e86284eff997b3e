"""`relubias run` with gradient flow, momentum, mini-batches and both layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb

EXTRA = {
    "flow": ["--flow"],
    "momentum": ["--momentum", 0.5],
    "batches": ["--batches", 2],
    "both layers": ["--both-layers", "--signs=+-+-", "--start", "gaussian", "--start-scale", 0.02],
}


def problem_of(path, signs=(1,)):
    with np.load(path) as arrays:
        return rb.Problem.from_features(arrays["X"], arrays["y"], signs)


def start_of(problem):
    return rb.starts.all_positive(problem, 0.01 * np.abs(problem.labels).min())


def test_flow_says_what_the_library_says(data, relubias):
    answer = relubias("run", data, "--flow", "--json")
    problem = problem_of(data)
    flow = rb.gradient_flow(problem, start_of(problem))
    shortest = rb.minimum_norm(problem)
    facts = answer.json
    assert answer.status == 0
    assert answer.err == ""
    assert facts["gradient_flow"]["status"] == flow.status == "CERTIFIED"
    assert facts["gradient_flow"]["n_events"] == flow.n_events
    assert facts["gradient_flow"]["last_switch"] == flow.last_switch
    assert facts["gradient_flow"]["n_sliding"] == (flow.modes == 0).sum(axis=1).tolist()
    assert facts["gradient_flow"]["loss"] == flow.loss
    assert facts["bias_gap"]["distance"] == rb.bias_gap(problem, flow, shortest).distance
    assert facts["bias_gap"]["prediction"] is None
    assert facts["settings"]["step_size"] is None
    assert "gradient_descent" not in facts


def test_the_table_of_a_flow_counts_what_slides(data, relubias):
    out = relubias("run", data, "--flow").out
    assert "gradient flow\n" in out
    assert "sliding" in out
    assert "step size" not in out


def test_a_flow_without_events_left_is_a_negative_answer(data, relubias):
    answer = relubias("run", data, "--flow", "--max-events", 1, "--json")
    assert answer.status == 1
    assert answer.json["gradient_flow"]["status"] == "MAX_EVENTS"
    assert answer.json["settings"]["max_events"] == 1
    assert answer.err.startswith("relubias: gradient flow: MAX_EVENTS")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--momentum", 0.5], {"momentum": 0.5}),
        (["--batches", 2], {"batches": 2}),
        (["--momentum", 0.2, "--batches", 3], {"momentum": 0.2, "batches": 3}),
    ],
)
def test_momentum_and_batches_say_what_the_library_says(arguments, options, data, relubias):
    facts = relubias("run", data, "--kappa", 0.3, "--signs=+-", *arguments, "--json").json
    problem = problem_of(data, (1, -1))
    run = rb.gradient_descent(problem, start_of(problem), step_size=0.3 / problem.scale, **options)
    assert facts["gradient_descent"]["status"] == run.status
    assert facts["gradient_descent"]["n_steps"] == run.n_steps
    assert facts["gradient_descent"]["loss"] == run.loss
    assert facts["settings"] | options == facts["settings"]
    assert facts["bias_gap"]["distance"] > 0
    assert facts["bias_gap"]["prediction"] is None  # the law is that of plain descent


def test_the_table_names_momentum_and_batches(data, relubias):
    out = relubias("run", data, "--momentum", 0.25, "--batches", 4).out
    assert ["momentum", "0.25"] in [line.split() for line in out.splitlines()]
    assert "of 4 samples, in turn" in out


def test_both_layers_say_what_the_library_says(data, relubias):
    arguments = EXTRA["both layers"]
    answer = relubias("run", data, *arguments, "--json")
    problem = problem_of(data, (1, -1, 1, -1))
    start = rb.starts.gaussian(problem, 0.02, 0)
    norms = np.sqrt(((start @ problem.gram) * start).sum(axis=1))
    step_size = 0.05 / (np.linalg.norm(problem.labels) * np.sqrt(problem.scale))
    run = rb.train_both_layers(problem, start, problem.signs * norms, step_size=step_size)
    facts = answer.json["both_layers"]
    assert facts["status"] == run.status
    assert answer.status == (0 if run.status == "CERTIFIED" else 1)
    assert facts["n_steps"] == run.n_steps
    assert facts["loss"] == run.loss
    assert facts["norm"] == pytest.approx(np.sqrt(2 * run.limit.half_squared_norm))
    assert_array_equal(facts["outer"], run.limit.outer)
    assert_array_equal(facts["balancedness"], run.limit.balancedness)
    assert_array_equal(np.abs(facts["balancedness_at_start"]) < 1e-15, [True] * 4)
    assert answer.json["minimum_norm"] is None
    assert answer.json["bias_gap"] is None


def test_the_size_of_the_output_weights_can_be_chosen(data, relubias):
    facts = relubias(
        "run", data, "--both-layers", "--signs=+-", "--outer-scale", 0.3, "--step-size", 1e-4,
        "--json",
    ).json  # fmt: skip
    problem = problem_of(data, (1, -1))
    run = rb.train_both_layers(problem, start_of(problem), [0.3, -0.3], step_size=1e-4)
    assert facts["both_layers"]["loss"] == run.loss
    assert facts["settings"]["outer_scale"] == 0.3
    assert facts["settings"]["step_size"] == 1e-4
    out = relubias("run", data, "--both-layers", "--signs=+-", "--outer-scale", 0.3).out
    assert "of size 0.3" in out
    assert "minimum norm" not in out


@pytest.mark.parametrize("kind", EXTRA)
def test_files_and_pictures_are_written(kind, data, relubias):
    answer = relubias(
        "run", data, *EXTRA[kind], "--out", "results", "--plot", "picture.png", "--json"
    )
    assert Path("results/run.json").read_text() == answer.out
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    with np.load("results/run.npz") as arrays:
        names = set(arrays.files)
        problem = problem_of(data, arrays["signs"])
        assert arrays["limit_primal"].shape == (problem.n_neurons, problem.n_samples)
        extra = {"flow": {"modes"}, "both layers": {"outer", "limit_outer"}}.get(kind, set())
        shortest = {"minimum_norm_dual", "minimum_norm_primal"} if kind != "both layers" else set()
        always = {"gram", "labels", "signs", "start", "limit_dual", "limit_primal", "switches"}
        assert names == always | extra | shortest


CONTRADICTIONS = {
    "flow and both layers": (["--flow", "--both-layers"], "--flow"),
    "flow and kappa": (["--flow", "--kappa", 0.5], "--kappa"),
    "flow and step size": (["--flow", "--step-size", 0.5], "--step-size"),
    "flow and steps": (["--flow", "--max-iter", 5], "--max-iter"),
    "flow and momentum": (["--flow", "--momentum", 0], "--momentum"),
    "flow and batches": (["--flow", "--batches", 2], "--batches"),
    "events of descent": (["--max-events", 5], "--max-events"),
    "both layers and momentum": (["--both-layers", "--momentum", 0.5], "--momentum"),
    "both layers and batches": (["--both-layers", "--batches", 2], "--batches"),
    "outer scale of one layer": (["--outer-scale", 1], "--outer-scale"),
    "outer scale negative": (["--both-layers", "--outer-scale=-1"], "--outer-scale"),
    "outer scale NaN": (["--both-layers", "--outer-scale", "nan"], "--outer-scale"),
    "outer scale too large": (["--both-layers", "--outer-scale", "1e200"], "--outer-scale"),
    "momentum one": (["--momentum", 1], "--momentum"),
    "momentum negative": (["--momentum=-0.1"], "--momentum"),
    "batches zero": (["--batches", 0], "--batches"),
    "batches fractional": (["--batches", 1.5], "--batches"),
    "events negative": (["--flow", "--max-events", -1], "--max-events"),
    "both layers and two steps": (
        ["--both-layers", "--kappa", 1, "--step-size", 1], "--kappa"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_options_that_contradict_each_other_get_one_sentence(case, data, relubias):
    arguments, expected = CONTRADICTIONS[case]
    answer = relubias("run", data.name, *arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert [path.name for path in Path().iterdir()] == ["data.npz"]


def test_help_names_the_options_and_an_example(relubias):
    out = relubias("run", "--help").out
    for option in ("--flow", "--momentum", "--batches", "--both-layers", "--outer-scale"):
        assert option in out
    assert "Example: relubias run" in out
