"""A plan refuses what is unusable by name."""

from __future__ import annotations

import re

import numpy as np
import pytest

import relubias as rb
from relubias import InvalidInputError
from relubias.sweep import Plan

GOOD = {"n": 10, "d": 50, "kappa": 0.9, "measure": "gap"}


BAD = [
    ({"n": 0}, "n"),
    ({"n": 2.5}, "n"),
    ({"n": []}, "n"),
    ({"n": "10"}, "n"),
    ({"n": None}, "n"),
    ({"d": None}, "d"),
    ({"d": -5}, "d"),
    ({"d": "5*m"}, "d"),
    ({"d": "1.25*n"}, "d"),
    ({"d": "n - 10"}, "d"),
    ({"d": {"a": 1}}, "d"),
    ({"spectrum": "isotropc"}, "spectrum.name"),
    ({"spectrum": {"name": "spiked"}}, "spectrum.spike"),
    ({"spectrum": {"name": "spiked", "spike": -1}}, "spectrum.spike"),
    ({"spectrum": {"name": "spiked", "spike": 2.0, "n_spikes": 51}}, "n_spikes"),
    ({"spectrum": {"name": "power_law", "exponent": 1, "exponnt": 2}}, "spectrum.exponnt"),
    ({"spectrum": {"name": "pairs", "pairs": [[1.0]]}, "d": None}, "spectrum.pairs"),
    ({"spectrum": {"spike": 2.0}}, "spectrum.name"),
    ({"spectrum": 3.0}, "spectrum"),
    ({"spectrum": []}, "spectrum"),
    ({"features": "gausian"}, "features.name"),
    ({"features": {"name": "gaussian", "scale": 1}}, "features.scale"),
    ({"features": "orthogonal", "spectrum": {"name": "power_law", "exponent": 1}}, "spectrum"),
    ({"labels": {"name": "uniform_magnitude", "low": 1}}, "labels.high"),
    ({"labels": {"name": "uniform_magnitude", "low": 2, "high": 1}}, "high"),
    ({"labels": {"name": "uniform_magnitude", "low": 0, "high": 1, "n_negative": 11}},
     "labels.n_negative"),
    ({"labels": {"name": "uniform_magnitude", "low": 0, "high": 1, "n_negtive": 1}},
     "labels.n_negtive"),
    ({"labels": {"name": "planted", "teacher": "+x"}}, "labels.teacher"),
    ({"labels": {"name": "gaussian", "scale": 0.0}}, "labels.scale"),
    ({"signs": ""}, "signs"),
    ({"signs": "+*"}, "signs"),
    ({"signs": (1, 0)}, "signs"),
    ({"signs": []}, "signs"),
    ({"start": "all_positive"}, "start.scale"),
    ({"start": {"name": "all_positive", "scale": 0}}, "start.scale"),
    ({"start": {"name": "all_positive", "scale": "y_mn"}}, "start.scale"),
    ({"start": {"name": "all_positive", "scale": "-trace"}}, "start.scale"),
    ({"kappa": None}, "kappa"),
    ({"kappa": 0.0}, "kappa"),
    ({"kappa": float("nan")}, "kappa"),
    ({"kappa": "0*n"}, "kappa"),
    ({"kappa": "1/0"}, "kappa"),
    ({"eta": 0.1}, "eta"),
    ({"algorithm": "decent"}, "algorithm.name"),
    ({"algorithm": {"name": "descent", "momentum": 1.0}}, "algorithm.momentum"),
    ({"algorithm": {"name": "descent", "max_iter": 1.5}}, "algorithm.max_iter"),
    ({"algorithm": {"name": "descent", "tol": 0.0}}, "algorithm.tol"),
    ({"algorithm": "flow"}, "kappa"),
    ({"replicates": 0}, "replicates"),
    ({"replicates": 10**13}, "replicates"),
    ({"n": range(1, 10**9)}, "n"),
    ({"kappa": np.ones(10**6)}, "kappa"),
    ({"signs": True}, "signs"),
    ({"signs": [True, True]}, "signs"),
    ({"measure": "../x:y"}, "measure"),
    ({"measure": "os:"}, "measure"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**63}, "seed"),
    ({"shared": ["kapa"]}, "shared"),
    ({"together": [["n", "d"]], "n": [1, 2]}, "together"),
    ({"together": [["n", "d"], ["n", "kappa"]]}, "together"),
    ({"together": [["n", "dd"]]}, "together"),
    ({"chunk_size": 0}, "chunk_size"),
    ({"name": "a/b"}, "name"),
    ({"name": ""}, "name"),
    ({"name": "x" * 61}, "name"),
    ({"measure": []}, "measure"),
    ({"measure": "gapp"}, "measure"),
    ({"measure": ["gap", "gap"]}, "measure"),
    ({"measure": 3}, "measure"),
    ({"measure": "verdict:lai2026.teorem1"}, "measure"),
    ({"measure": "n_steps", "algorithm": "flow", "kappa": None}, "measure"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{c}"[:60] for c, _ in BAD])
def test_every_bad_field_is_named(change, field):
    with pytest.raises(InvalidInputError, match=rf"^{field}: .*; "):
        Plan(**GOOD | change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n = 10\nd = 50\nkapa = 0.9\nmeasure = 'gap'", "kapa: .*did you mean 'kappa'"),
        ("n = 10\nkappa = 0.9\nmeasure = 'gap'", "d: is missing"),
        ("n = 10\nd = 50\nkappa = 0.9", "measure: is missing"),
        ("d = 50\nkappa = 0.9\nmeasure = 'gap'", "n: is missing"),
        ("n = 10\nd = 50\nkappa = 0.9\nmeasure = 'gp'", "measure: .*did you mean 'gap'"),
        ("n = 10\nd = 50\nkappa = 0.9\nmeasure = 'status'", "measure: .*did you mean .run_status."),
        ("n = 10\nd = 50\nkappa = 0.9\nmeasure = 'gap'\nfeatures = 'gausian'",
         "features.name: .*did you mean 'gaussian'"),
        ("n = 'ten'\nd = 50\nkappa = 0.9\nmeasure = 'gap'", "n: is 'ten'"),
        ("n = 10\nd = 50\nkappa = inf\nmeasure = 'gap'", "kappa: is inf"),
        ("n = 10\nd = 50\nkappa = 2020-01-01\nmeasure = 'gap'", "kappa: "),
        ("n = 10\nd = = 50", "is not TOML .*line 2"),
        ("format = 99\nn = 1", "format: is 99"),
        ("n = 10\nd = 50\nkappa = 0.9\nmeasure = 'gap'\n[labels]\nname = 'planted'",
         "labels.teacher: is missing"),
    ],
)  # fmt: skip
def test_errors_in_a_file_name_the_file_and_the_field(tmp_path, text, message):
    path = tmp_path / "my plan.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=rf"my plan\.toml: {message}"):
        Plan.from_toml(path)


@pytest.mark.parametrize("content", [b"\xff\xfen = 1", b"x" * 1_000_001, b"\0"])
def test_files_that_are_no_plan_are_refused(tmp_path, content):
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"plan\.toml: "):
        Plan.from_toml(path)


@pytest.mark.parametrize("source", ["nowhere.toml", ".", None, 3, b"n = 1"])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(InvalidInputError):
        Plan.from_toml(source)


def test_functions_without_an_importable_name_are_refused():
    def local(_):
        return 0.0

    for function in (local, lambda _: 0.0):
        with pytest.raises(InvalidInputError, match=r"^measure: .*top level"):
            Plan(**GOOD | {"measure": function})


def test_a_case_outside_the_plan_is_refused():
    plan = Plan(**GOOD)
    for task in (-1, 1, 0.5):
        with pytest.raises(InvalidInputError, match=r"^task: "):
            plan.case(task)


def test_a_huge_plan_costs_nothing_until_it_runs():
    plan = Plan(**GOOD | {"replicates": 10**9, "kappa": [0.1, 0.2], "chunk_size": 3})
    assert plan.n_tasks == 2 * 10**9
    assert plan.case(2 * 10**9 - 1).replicate == 10**9 - 1
    assert len(plan.chunks) == -(-2 * 10**9 // 3)
    assert plan.chunks[-1] == range(2 * 10**9 - 2, 2 * 10**9)
    assert "666666667 chunks" in repr(plan)


def test_messages_stay_short():
    for change in ({"measure": "a" * 10**6}, {"measure": "verdict:" + "a" * 10**6}):
        with pytest.raises(InvalidInputError) as caught:
            Plan(**GOOD | change)
        assert len(str(caught.value)) < 1200


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": [4, 5, 4]}, "n: lists 4 twice"),
        ({"d": [8, 8]}, "d: lists 8 twice"),
        ({"kappa": [0.9, 0.3, 0.9]}, "kappa: lists 0.9 twice"),
        ({"signs": ["+", "+-", "+"]}, "signs: lists '+' twice"),
        ({"n": [4, 4], "d": [8, 8], "together": ["n", "d"]}, "n, d: lists 4, 8 twice"),
    ],
)
def test_a_value_that_is_listed_twice_is_named(fields, named):
    with pytest.raises(rb.InvalidInputError, match=re.escape(named)):
        rb.sweep.Plan(**{"n": 4, "d": 8, "kappa": 0.9, "measure": "gap"} | fields)
