"""`relubias run` and `relubias minnorm` say what the library says, and their exit status."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.cli import run as run_module

RUN_KEYS = {
    "command": None,
    "versions": {"python", "relubias", "numpy", "scipy", "numba"},
    "data": {
        "file",
        "n_samples",
        "n_features",
        "n_neurons",
        "signs",
        "n_positive_labels",
        "n_negative_labels",
        "n_zero_labels",
        "gram_mean_diagonal",
    },
    "settings": {
        "step_size",
        "kappa",
        "momentum",
        "batches",
        "start",
        "start_scale",
        "seed",
        "max_iter",
        "tol",
    },
    "gradient_descent": {
        "status",
        "sentence",
        "n_steps",
        "n_switches",
        "last_switch",
        "loss",
        "norm",
        "n_active",
        "safe_step_size",
    },
    "minimum_norm": {
        "status",
        "sentence",
        "norm",
        "lower_bound",
        "rel_gap",
        "error_bound",
        "kind",
        "n_nodes",
        "condition",
        "n_active",
        "conflict",
    },
    "bias_gap": {
        "distance",
        "rounding_error",
        "relative",
        "prediction",
        "ratio",
        "kappa",
        "rho",
    },
}
"""Keys are a promise: they may be added, never renamed."""


def problem_of(path, signs=(1,)):
    with np.load(path) as arrays:
        return rb.Problem.from_features(arrays["X"], arrays["y"], signs)


def test_run_says_what_the_library_says(data, relubias):
    answer = relubias("run", data, "--json")
    problem = problem_of(data)
    start = rb.starts.all_positive(problem, 0.01 * np.abs(problem.labels).min())
    run = rb.gradient_descent(problem, start, step_size=0.9 / problem.scale)
    shortest = rb.minimum_norm(problem)
    gap = rb.bias_gap(problem, run, shortest)
    facts = answer.json
    assert facts["gradient_descent"]["status"] == run.status == "CERTIFIED"
    assert facts["gradient_descent"]["n_steps"] == run.n_steps
    assert facts["gradient_descent"]["n_switches"] == run.n_switches
    assert facts["gradient_descent"]["loss"] == run.loss
    assert facts["minimum_norm"]["norm"] == shortest.norm
    assert facts["bias_gap"]["distance"] == gap.distance
    assert facts["bias_gap"]["prediction"] == gap.prediction
    assert facts["settings"]["kappa"] == pytest.approx(0.9)
    assert answer.status == 0
    assert answer.err == ""


def test_run_keeps_its_keys(data, relubias):
    facts = relubias("run", data, "--json").json
    assert set(facts) == set(RUN_KEYS)
    for key, inner in RUN_KEYS.items():
        assert inner is None or set(facts[key]) == inner


def test_minnorm_keeps_its_keys(data, relubias):
    facts = relubias("minnorm", data, "--json").json
    assert set(facts) == {"command", "versions", "data", "settings", "minimum_norm"}
    assert set(facts["minimum_norm"]) == RUN_KEYS["minimum_norm"]
    assert set(facts["settings"]) == {"time_limit", "rel_gap"}


@pytest.mark.parametrize("command", ["run", "minnorm"])
def test_the_table_is_plain_text_with_the_main_numbers(command, data, relubias):
    answer = relubias(command, data)
    shortest = rb.minimum_norm(problem_of(data))
    assert answer.status == 0
    assert answer.out.isascii()
    assert f"{shortest.norm:.10g}" in answer.out
    assert "6 (labels: 3 positive, 3 negative)" in answer.out
    assert "OPTIMAL" in answer.out
    assert all(line == line.rstrip() for line in answer.out.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+", [1]),
        ("-", [-1]),
        ("+,-", [1, -1]),
        ("-,+", [-1, 1]),
        ("+-", [1, -1]),
        ("-+-", [-1, 1, -1]),
        ("1,-1", [1, -1]),
        ("-1,1", [-1, 1]),
        ("-1", [-1]),
        ("+1, -1", [1, -1]),
        ("p,m", [1, -1]),
        ("plus,minus", [1, -1]),
    ],
)
@pytest.mark.parametrize("join", [True, False])
def test_signs_are_read_in_every_spelling(text, expected, join, data, relubias):
    arguments = [f"--signs={text}"] if join else ["--signs", text]
    answer = relubias("minnorm", data, *arguments, "--json")
    assert answer.json["data"]["signs"] == expected


@pytest.mark.parametrize("text", ["", ",", "x", "+,", "2,1", "+;-", "--json", "0", "+,,-"])
def test_wrong_signs_are_refused(text, data, relubias):
    answer = relubias("run", data, f"--signs={text}")
    assert answer.status == 2
    assert answer.out == ""
    assert "signs" in answer.err


def test_step_size_and_kappa_mean_the_same(data, relubias):
    problem = problem_of(data)
    by_kappa = relubias("run", data, "--kappa", 0.5, "--json").json
    by_step = relubias("run", data, "--step-size", repr(0.5 / problem.scale), "--json").json
    assert by_kappa["gradient_descent"] == by_step["gradient_descent"]


@pytest.mark.parametrize("start", ["all_positive", "gaussian", "disjoint"])
def test_every_start_can_be_chosen(start, data, relubias):
    facts = relubias(
        "run", data, "--signs=+-+-", "--start", start, "--start-scale", 0.005, "--seed", 3, "--json"
    ).json
    assert facts["settings"]["start"] == start
    assert facts["settings"]["start_scale"] == 0.005
    assert facts["settings"]["seed"] == (3 if start == "gaussian" else None)
    problem = problem_of(data, (1, -1, 1, -1))
    dual = {
        "all_positive": lambda: rb.starts.all_positive(problem, 0.005),
        "gaussian": lambda: rb.starts.gaussian(problem, 0.005, 3),
        "disjoint": lambda: rb.starts.disjoint(problem, [0, 2, 1, 0, 3, 1], 0.005),
    }[start]()
    run = rb.gradient_descent(problem, dual, step_size=0.9 / problem.scale)
    assert facts["gradient_descent"]["loss"] == run.loss
    assert facts["gradient_descent"]["n_steps"] == run.n_steps


def test_a_disjoint_start_needs_a_neuron_for_every_label(data, relubias):
    answer = relubias("run", data, "--start", "disjoint")
    assert answer.status == 2
    assert "no neuron for the negative labels" in answer.err


def test_out_writes_files_that_replay_the_run(data, relubias, folder):
    first = relubias("run", data, "--signs=+-", "--kappa", 0.5, "--out", "deep/results", "--json")
    assert {path.name for path in Path("deep/results").iterdir()} == {"run.json", "run.npz"}
    assert Path("deep/results/run.json").read_text() == first.out
    stored = folder / "deep" / "results" / "run.npz"
    again = relubias("run", stored, "--kappa", 0.5, "--start-file", stored, "--json").json
    assert again["gradient_descent"] == first.json["gradient_descent"]
    with np.load(stored) as arrays:
        problem = problem_of(data, (1, -1))
        assert_array_equal(arrays["gram"], problem.gram)
        assert_array_equal(arrays["signs"], [1, -1])
        run = rb.gradient_descent(problem, arrays["start"], step_size=0.5 / problem.scale)
        assert_array_equal(arrays["limit_dual"], run.limit.dual)
        assert_array_equal(arrays["limit_primal"], run.limit.primal)
        assert_array_equal(arrays["switches"], run.switches)
        assert set(arrays["switches"].dtype.names) == {"time", "neuron", "sample", "mode"}


def test_minnorm_out_writes_the_network(data, relubias):
    relubias("minnorm", data, "--out", "results")
    shortest = rb.minimum_norm(problem_of(data))
    with np.load("results/minnorm.npz") as arrays:
        assert_array_equal(arrays["dual"], shortest.dual)
        assert_array_equal(arrays["primal"], shortest.primal)
        assert_array_equal(arrays["pattern"], shortest.pattern)


@pytest.mark.parametrize(
    ("suffix", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_plot_draws_the_trajectory(suffix, head, data, relubias):
    assert relubias("run", data, "--plot", f"picture.{suffix}").status == 0
    assert Path(f"picture.{suffix}").read_bytes().startswith(head)
    assert sorted(path.name for path in Path().iterdir()) == ["data.npz", f"picture.{suffix}"]


def test_an_uncertified_run_is_a_negative_answer(data, relubias):
    answer = relubias("run", data, "--max-iter", 0, "--json")
    assert answer.status == 1
    assert answer.json["gradient_descent"]["status"] == "MAX_ITER"
    assert answer.err.startswith("relubias: gradient descent: MAX_ITER")
    assert answer.err.count("\n") == 1


def test_divergence_is_a_negative_answer_without_a_gap(relubias):
    np.savez("data.npz", G=[[8.0, -8.0], [-8.0, 8.0]], y=[2.0, 0.0], start=[[-3.0, 3.0]])
    answer = relubias("run", "data.npz", "--step-size", 1.5, "--start-file", "data.npz", "--json")
    assert answer.status == 1
    assert answer.json["gradient_descent"]["status"] == "DIVERGED"
    assert answer.json["bias_gap"] is None
    assert "step_size" in answer.err


@pytest.mark.parametrize("command", ["run", "minnorm"])
def test_infeasible_data_name_the_conflict(command, relubias):
    X = np.eye(3, 20)[[0, 1, 0]]
    np.savez("data.npz", X=X, y=[1.0, 2.0, 3.0])
    start = ["--start", "gaussian", "--max-iter", 2000] if command == "run" else []
    answer = relubias(command, "data.npz", "--json", *start)
    assert answer.status == 1
    assert answer.json["minimum_norm"]["status"] == "INFEASIBLE"
    assert answer.json["minimum_norm"]["conflict"] == [0, 2]
    assert answer.json["minimum_norm"]["norm"] is None
    assert answer.json.get("bias_gap") is None
    assert "samples 0, 2" in relubias(command, "data.npz", *start).out


def test_minnorm_that_is_not_proved_is_a_negative_answer(data, relubias, monkeypatch):
    from relubias import minnorm

    honest = minnorm.minimum_norm

    def unproved(problem, **options):
        import dataclasses

        status = minnorm.MinimumNormStatus.FEASIBLE
        return dataclasses.replace(honest(problem, **options), status=status)

    monkeypatch.setattr(minnorm, "minimum_norm", unproved)
    answer = relubias("minnorm", data)
    assert answer.status == 1
    assert "FEASIBLE" in answer.err


def test_zero_labels_and_zero_data_have_a_default_start(relubias):
    np.savez("data.npz", X=np.eye(2, 9), y=[0.0, 0.0])
    assert relubias("run", "data.npz", "--json").json["settings"]["start_scale"] == 0.01
    np.savez("data.npz", X=np.zeros((2, 3)), y=[0.0, 1.0])
    answer = relubias("run", "data.npz")
    assert answer.status == 2
    assert "every sample is zero" in answer.err


def test_dependent_samples_point_to_a_start_that_works(relubias):
    rng = np.random.default_rng(3)
    np.savez("data.npz", X=rng.standard_normal((6, 3)), y=rng.standard_normal(6))
    answer = relubias("run", "data.npz")
    assert (answer.status, answer.out) == (2, "")
    assert "--start gaussian" in answer.err
    assert relubias("run", "data.npz", "--start", "gaussian").status in (0, 1)


UNUSABLE = {
    "step size zero": (["--step-size", "0"], "--step-size"),
    "step size negative": (["--step-size", "-1"], "--step-size"),
    "step size NaN": (["--step-size", "nan"], "--step-size"),
    "step size infinite": (["--step-size", "inf"], "--step-size"),
    "step size text": (["--step-size", "fast"], "--step-size"),
    "step size astronomic": (["--step-size", "1e300"], "--step-size"),
    "kappa negative": (["--kappa=-0.5"], "--kappa"),
    "kappa NaN": (["--kappa", "nan"], "--kappa"),
    "kappa overflowing": (["--kappa", "1e999"], "--kappa"),
    "kappa missing": (["--kappa"], "--kappa"),
    "kappa and step size": (["--kappa", "1", "--step-size", "1"], "--kappa"),
    "steps negative": (["--max-iter", "-1"], "--max-iter"),
    "steps fractional": (["--max-iter", "1.5"], "--max-iter"),
    "steps astronomic": (["--max-iter", "1" + "0" * 30], "--max-iter"),
    "tolerance negative": (["--tol=-1e-3"], "--tol"),
    "tolerance zero": (["--tol", "0"], "--tol"),
    "tolerance NaN": (["--tol", "nan"], "--tol"),
    "scale zero": (["--start-scale", "0"], "--start-scale"),
    "scale negative": (["--start-scale=-1"], "--start-scale"),
    "seed negative": (["--start", "gaussian", "--seed", "-1"], "--seed"),
    "seed fractional": (["--start", "gaussian", "--seed", "0.5"], "--seed"),
    "unknown start": (["--start", "zeros"], "--start"),
    "unknown option": (["--kapa", "1"], "Did you mean --kappa?"),
    "second file": (["other.npz"], "other.npz"),
    "option twice": (["--kappa", "1", "--kappa", "2"], "--kappa"),
    "missing start file": (["--start-file", "nowhere.npy"], "nowhere.npy"),
    "start file without start": (["--start-file", "data.npz"], "no array named start"),
    "missing labels file": (["--labels", "nowhere.npy"], "nowhere.npy"),
    "no Gram matrix": (["--gram"], "gram"),
    "label column of npz": (["--label-column", "y"], "--label-column"),
    "plot without suffix": (["--plot", "picture"], "--plot"),
    "plot of unknown kind": (["--plot", "picture.exe"], "--plot"),
    "plot below a file": (["--plot", "data.npz/picture.png"], "data.npz"),
    "out is a file": (["--out", "data.npz"], "data.npz"),
    "out below a file": (["--out", "data.npz/results"], "data.npz"),
    "out with NUL": (["--out", "a\0b"], "not a valid path"),
    "out too long": (["--out", "a" * 5000], "too long"),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("style", ["table", "json"])
def test_unusable_arguments_get_one_sentence_and_status_2(case, style, data, relubias):
    arguments, expected = UNUSABLE[case]
    answer = relubias("run", data.name, *arguments, *(["--json"] if style == "json" else []))
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("relubias: ")
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert [path.name for path in Path().iterdir()] == ["data.npz"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--time-limit", "-1"], "--time-limit"),
        (["--time-limit", "nan"], "--time-limit"),
        (["--rel-gap", "-1"], "--rel-gap"),
        (["--rel-gap", "1"], "--rel-gap"),
        (["--rel-gap", "x"], "--rel-gap"),
        (["--kappa", "1"], "--kappa"),
        (["--out", "data.npz"], "data.npz"),
    ],
)
def test_minnorm_refuses_unusable_arguments(arguments, expected, data, relubias):
    answer = relubias("minnorm", data.name, *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert expected in answer.err


def test_a_failure_late_in_the_run_leaves_nothing_behind(data, relubias, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_module, "_draw", full)
    answer = relubias("run", data.name, "--out", "new/results", "--plot", "pictures/p.png")
    assert (answer.status, answer.out) == (2, "")
    assert "p.png: cannot be written (No space left on device)" in answer.err
    assert [path.name for path in Path().iterdir()] == ["data.npz"]


def test_an_older_answer_survives_a_failed_run(data, relubias, monkeypatch):
    relubias("run", data.name, "--out", "results")
    before = {path.name: path.read_bytes() for path in Path("results").iterdir()}

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    answer = relubias("run", data.name, "--kappa", 0.1, "--out", "results")
    assert answer.status == 2
    assert {path.name: path.read_bytes() for path in Path("results").iterdir()} == before
