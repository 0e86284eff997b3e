"""Every public function against every kind of unusable input, and against unusual right input."""

from __future__ import annotations

import copy
import dataclasses
import enum
import inspect
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_equal

import relubias as rb
import relubias.experiments
from tests.meta.bad_values import bad_values
from tests.meta.discovery import public_objects
from tests.meta.entry_points import ENTRIES, GRAM, X, Y
from tests.meta.unusual_arrays import UNUSUAL

ARRAYS = {"features", "weights", "gram", "labels", "signs", "dual", "vector"}

BAD_CASES = [
    pytest.param(name, argument, value, id=f"{name}-{argument}-{what}")
    for name, entry in ENTRIES.items()
    for argument, (good, kind) in entry.arguments.items()
    for what, value in bad_values(kind, good)
]

INTERNALS = re.compile(r"Traceback|site-packages|/relubias/|0x[0-9a-f]{6}|ufunc|_validate|numpy\.")


def snapshot(value):
    """Return a copy that later changes of `value` leave alone."""
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, list, dict, set)) else value


@pytest.mark.parametrize(("name", "argument", "value"), BAD_CASES)
def test_bad_input_is_named(name, argument, value):
    entry = ENTRIES[name]
    before = {key: snapshot(item.good) for key, item in entry.arguments.items()}
    spoiled = snapshot(value)
    with pytest.raises(rb.InvalidInputError) as caught:
        entry.run(**{argument: value})
    message = str(caught.value)
    assert re.search(rf"\b{argument}\b", message)
    assert "\n" not in message
    assert len(message) < 400
    assert not INTERNALS.search(message)
    if isinstance(value, np.ndarray):
        assert_equal(value, spoiled)
    for key, item in entry.arguments.items():
        if isinstance(item.good, np.ndarray):
            assert_equal(item.good, before[key])


@pytest.mark.parametrize("name", ENTRIES)
def test_an_unknown_keyword_is_named(name):
    with pytest.raises(TypeError, match="stepsize"):
        ENTRIES[name].run(stepsize=1.0)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_arguments_of_the_table_work(name):
    assert_finite(ENTRIES[name].run())


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("keys", ["fig99"]),
        ("keys", [2]),
        ("keys", [None]),
        ("keys", 3),
        ("keys", []),
        ("scale", "huge"),
        ("scale", None),
        ("scale", 1),
        ("seed", -1),
        ("seed", 0.5),
        ("seed", "0"),
        ("seed", None),
        ("out", 3),
        ("out", None),
        ("out", "file.txt"),
        ("out", "file.txt/below"),
        ("out", "a\0b"),
        ("progress", "yes"),
    ],
)
def test_reproduce_refuses_before_computing(argument, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("old")
    good = {"keys": ["fig1"], "out": "new", "scale": "quick", "seed": 0}
    with pytest.raises(rb.InvalidInputError) as caught:
        rb.experiments.reproduce(**{**good, argument: value})
    message = str(caught.value)
    assert argument in message or str(value).replace("\0", "\\x00") in message
    assert "\n" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("key", ["fig99", "", None, 3, ["fig1"], "../fig1"])
def test_an_unknown_experiment_is_named(key):
    with pytest.raises(rb.InvalidInputError, match="keys"):
        rb.experiments.load(key)


def answer(value):
    """Return the numbers of a result as nested dictionaries, for comparison bit by bit."""
    if isinstance(value, np.ndarray) and value.dtype.names:
        return {field: value[field] for field in value.dtype.names}
    if isinstance(value, pd.DataFrame):
        return value.to_dict("list")
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value) if not f.name.startswith("_")]
        return {field: answer(getattr(value, field)) for field in fields}
    if isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, tuple):
        return tuple(answer(item) for item in value)
    return value


def assert_finite(value, path="answer", undefined=()):
    """Fail on a NaN or an infinity that the documentation does not announce."""
    found = answer(value)
    if isinstance(found, dict):
        for key, item in found.items():
            if key not in UNDEFINED:
                assert_finite(item, f"{path}.{key}", undefined)
    elif isinstance(found, (float, np.ndarray)) and np.asarray(found).dtype.kind == "f":
        assert np.isfinite(found).all(), path


UNDEFINED = {"prediction", "predictions", "ratio", "ratios", "kappa", "rho", "margin", "radius"}
"""Documented to be NaN or infinite where the law does not apply."""


@pytest.mark.parametrize("unusual", UNUSUAL)
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        (name, argument)
        for name, entry in ENTRIES.items()
        for argument, (_, kind) in entry.arguments.items()
        if kind in ARRAYS
    ],
)
def test_unusual_arrays_give_the_answer_of_their_float64_copy(name, argument, unusual):
    entry = ENTRIES[name]
    value = UNUSUAL[unusual](np.asarray(entry.arguments[argument].good))
    before = snapshot(value)
    assert_equal(answer(entry.run(**{argument: value})), answer(entry.run()))
    if isinstance(value, np.ndarray):
        assert_equal(value, before)


@pytest.mark.parametrize("value", [True, np.bool_(1), [True, False], np.array([0, 1], bool)])
def test_booleans_are_zeros_and_ones(value):
    flags = np.atleast_1d(value)
    problem = rb.Problem.from_features(np.outer([1.0, 2.0], [1, 1])[:, : flags.size], [1.0, 2.0])
    assert problem.n_samples == 2
    X = np.repeat(flags[None], 2, axis=0)
    assert_equal(rb.Problem.from_features(X, [1, 1]).features, X.astype(float))


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int32])
def test_extreme_integers_are_widened(dtype):
    info = np.iinfo(dtype)
    X = np.array([[info.max, 0], [0, info.min + 1]], dtype=dtype)
    problem = rb.Problem.from_features(X, [1, -1])
    assert_equal(problem.gram, X.astype(float) @ X.astype(float).T)


def whole_answer(problem):
    """Return everything the package says about one problem of one positive neuron."""
    start = rb.starts.gaussian(problem, 1e-3, seed=1)
    step_size = 0.5 / (np.linalg.eigvalsh(problem.gram)[-1] or 1.0)
    run = rb.gradient_descent(problem, start, step_size=step_size, max_iter=100_000)
    shortest = rb.minimum_norm(problem)
    return start, run, shortest


ODD_BUT_RIGHT = {
    "a zero row": (X * [[1], [0], [1]], Y * [1, 0, 1]),
    "all rows zero": (X * 0, Y * 0),
    "duplicate rows": (X[[0, 0, 1]], Y[[0, 0, 1]]),
    "zero labels": (X, Y * 0),
    "negative labels": (X, -np.abs(Y)),
    "one sample": (X[:1], Y[:1]),
    "one feature": (np.array([[1.0], [2.0]]), np.array([1.0, 2.0])),
    "fewer features than samples": (X[:, :2], X[:, :2] @ [1.0, 0.5]),
    "tiny labels": (X, Y * 1e-6),
    "large labels": (X, Y * 1e6),
    "labels near the smallest number": (X, Y * 1e-300),
    "tiny features": (X * 1e-140, Y),
    "large features": (X * 1e140, Y),
}


@pytest.mark.parametrize("case", ODD_BUT_RIGHT)
def test_odd_data_give_finite_answers(case):
    features, labels = ODD_BUT_RIGHT[case]
    start, run, shortest = whole_answer(rb.Problem.from_features(features, labels))
    assert np.isfinite(start).all()
    assert np.isfinite(run.limit.dual).all()
    assert np.isfinite(run.limit.primal).all()
    assert run.status in (rb.Status.CERTIFIED, rb.Status.TOLERANCE)
    assert shortest.status == "OPTIMAL"
    assert np.isfinite(shortest.dual).all()
    assert np.isfinite(shortest.norm)


def test_conflicting_duplicates_are_infeasible_and_named():
    problem = rb.Problem.from_features(X[[0, 1, 0]], [1.0, 2.0, 3.0])
    result = rb.minimum_norm(problem)
    assert result.status == "INFEASIBLE"
    assert_equal(result.conflict, [0, 2])
    with pytest.raises(rb.NotSolvedError) as caught:
        result.raise_if_failed()
    assert caught.value.result is result
    run = rb.gradient_descent(
        problem, [[0.01, 0.01, 0.01]], step_size=0.5 / problem.scale, max_iter=10_000
    )
    assert run.status is not rb.Status.DIVERGED


def test_a_diverging_run_is_a_status_without_warnings():
    problem = rb.Problem([[8.0, -8.0], [-8.0, 8.0]], [2.0, 0.0])
    run = rb.gradient_descent(problem, [[-3.0, 3.0]], step_size=1.5)
    assert run.status is rb.Status.DIVERGED
    with pytest.raises(rb.NotSolvedError, match="step_size") as caught:
        run.raise_if_failed()
    assert caught.value.result is run


def test_labels_whose_duals_cannot_be_represented_are_refused():
    problem = rb.Problem.from_features(X, Y * 2.0**-1060)
    with pytest.raises(rb.InvalidInputError, match="labels"):
        rb.minimum_norm(problem)


def test_the_problem_keeps_private_read_only_copies():
    gram, labels, signs = GRAM.copy(), Y.copy(), np.array([1.0, -1.0])
    problem = rb.Problem(gram, labels, signs)
    gram[0, 0], labels[0], signs[0] = 99.0, 99.0, -1.0
    assert_equal(problem.gram, GRAM)
    assert_equal(problem.labels, Y)
    assert_equal(problem.signs, [1.0, -1.0])
    for array in (problem.gram, problem.labels, problem.signs):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_every_public_function_is_in_the_table():
    tested = {getattr(entry.call, "__qualname__", "") for entry in ENTRIES.values()}
    functions = {
        value.__qualname__
        for name, value in public_objects().items()
        if inspect.isfunction(value) and not name.startswith("relubias.cli.")
    }
    assert functions - tested == {"columns", "reproduce"}  # have tests of their own
