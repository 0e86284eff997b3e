"""Starts that cannot be had are refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from tests.wide_problems import exact_primal, features, wide_problem

from relubias.dynamics import starts
from relubias.errors import InvalidInputError
from relubias.problem import Problem

EPS = np.finfo(np.float64).eps


BAD_SCALES = [0.0, -1.0, np.nan, np.inf, "1", None, True, 1j, 1e200, 1e-200, [0.1, 0.2], "abc"]


@pytest.mark.parametrize("scale", [*BAD_SCALES, [0.1] * 5 + [np.nan], [0.1] * 5 + [0.0]])
def test_all_positive_refuses_unusable_scales(scale):
    with pytest.raises(InvalidInputError, match=r"^scale: "):
        starts.all_positive(wide_problem(), scale)


@pytest.mark.parametrize("scale", [*BAD_SCALES, [[1.0], [1.0, 2.0]]])
def test_gaussian_refuses_unusable_scales(scale):
    with pytest.raises(InvalidInputError, match=r"^scale: "):
        starts.gaussian(wide_problem(), scale, 0)


@pytest.mark.parametrize("seed", [-1, 1.0, None, "0", True, [], [1, -2], [0.5], 2**200, np.nan])
def test_gaussian_refuses_what_is_no_seed(seed):
    with pytest.raises(InvalidInputError, match=r"^seed: "):
        starts.gaussian(wide_problem(), 0.1, seed)


BAD_MAGNITUDES = [*BAD_SCALES, np.full((2, 6), -1.0), np.ones((6, 2)), [[1], [1, 2]]]


@pytest.mark.parametrize(
    ("name", "magnitudes"),
    [("scale", bad) for bad in BAD_MAGNITUDES]
    + [("parked", bad) for bad in BAD_MAGNITUDES if bad is not None],
)
def test_disjoint_refuses_unusable_magnitudes(name, magnitudes):
    problem = wide_problem()
    owner = np.where(problem.labels > 0, 0, 1)
    with pytest.raises(InvalidInputError, match=rf"^{name}: "):
        starts.disjoint(problem, owner, **{"scale": 0.1, name: magnitudes})


@pytest.mark.parametrize(
    "assignment",
    [
        [0, 1, 0, 0, 1, 2],
        [0, 1, 0, 0, 1, -1],
        [0, 1, 0],
        [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        [True, False, True, True, False, True],
        [[0, 1, 0, 0, 1, 0]],
        [0, [1], 0, 0, 1, 0],
        "010010",
        None,
        0,
        [1, 1, 0, 0, 1, 0],
        [np.nan, 1, 0, 0, 1, 0],
    ],
)
def test_disjoint_refuses_unusable_assignments(assignment):
    with pytest.raises(InvalidInputError, match=r"^assignment: "):
        starts.disjoint(wide_problem(), assignment, 0.1)


def test_disjoint_names_the_sample_whose_owner_has_the_wrong_sign():
    problem = Problem(4 * np.eye(2), [1.0, -0.5], (1, -1))
    with pytest.raises(InvalidInputError, match=r"sample 1 \(label -0.5\) to neuron 0 of sign \+1"):
        starts.disjoint(problem, [0, 0], 0.1)


def test_disjoint_refuses_zero_labels():
    with pytest.raises(InvalidInputError, match="label 1 is zero"):
        starts.disjoint(Problem(4 * np.eye(2), [1.0, 0.0]), [0, 0], 0.1)


@pytest.mark.parametrize(
    ("X", "W", "name"),
    [
        (np.ones((2, 3)), np.ones((1, 2)), "weights"),
        (np.ones((2, 3)), np.ones(3), "weights"),
        (np.ones((2, 3)), np.ones((0, 3)), "weights"),
        (np.ones((2, 3)), np.full((1, 3), np.nan), "weights"),
        (np.ones((2, 3)), [["a", "b", "c"]], "weights"),
        (np.ones((2, 3)), np.full((1, 3), 1e200), "weights"),
        (np.ones((2, 3)), np.ones((1, 3)) * 1j, "weights"),
        (np.ones((2, 3)), None, "weights"),
        (np.full((2, 3), 1e140), np.full((1, 3), 1e150), "weights"),
        (np.full((2, 900), 1e150) * [[1.0], [-1.0]], np.full((1, 900), 1e150), "weights"),
        (np.ones(3), np.ones((1, 3)), "features"),
        (np.ones((0, 3)), np.ones((1, 3)), "features"),
        (np.full((2, 3), np.inf), np.ones((1, 3)), "features"),
        (np.full((2, 3), 1e200), np.ones((1, 3)), "features"),
        ([[1.0], [1.0, 2.0]], np.ones((1, 3)), "features"),
    ],
)
def test_from_weights_refuses_unusable_arrays(X, W, name):
    with pytest.raises(InvalidInputError, match=rf"^{name}: "):
        starts.from_weights(X, W)


@pytest.mark.parametrize("problem", [None, np.eye(2), "problem"])
def test_starts_refuse_what_is_no_problem(problem):
    for call in (
        lambda: starts.all_positive(problem, 0.1),
        lambda: starts.gaussian(problem, 0.1, 0),
        lambda: starts.disjoint(problem, [0], 0.1),
    ):
        with pytest.raises(InvalidInputError, match=r"^problem: "):
            call()


def test_all_positive_refuses_what_rounding_would_turn_negative():
    refused = 0
    for seed in range(20):
        X = features(3, 9, seed)
        X[2] = X[0] + 1e-5 * X[2]
        problem = Problem.from_features(X, np.ones(3))
        scale = [1.0, 1.0, 1e-12]
        try:
            dual = starts.all_positive(problem, scale)
        except InvalidInputError as error:
            assert "differ too much in size" in str(error)  # noqa: PT017
            refused += 1
        else:
            assert min(exact_primal(dual, problem.gram)[0]) > 0
    assert 0 < refused < 20
