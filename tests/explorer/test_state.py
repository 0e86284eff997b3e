from __future__ import annotations

import json

import numpy as np
import pytest
from tests.explorer.states import corrupted

from relubias.errors import InvalidInputError
from relubias.explorer.state import FieldError, State, parse_state

RNG = np.random.default_rng(0)


def test_an_empty_state_is_the_default():
    assert parse_state({}) == State()


def test_a_state_survives_being_sent():
    state = parse_state({"n": 7, "d": 1e12, "signs": "+-", "negative": 0.25, "method": "flow"})
    assert parse_state(json.loads(json.dumps(state.to_dict()))) == state


@pytest.mark.parametrize(("sent", "kept"), [(10.0, 10), (3, 3)])
def test_whole_numbers_may_come_as_floats(sent, kept):
    n = parse_state({"n": sent}).n
    assert n == kept
    assert type(n) is int


def test_a_dimension_from_a_logarithmic_slider_is_rounded():
    assert parse_state({"d": 1995.2623149688795}).d == 1995


@pytest.mark.parametrize("case", [corrupted(RNG) for _ in range(60)], ids=str)
def test_an_unusable_field_is_named(case):
    state, field = case
    with pytest.raises(FieldError, match=rf"^{field}: ") as caught:
        parse_state(state)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("raw", [None, [], "x", 3, [["n", 3]]])
def test_a_state_is_an_object(raw):
    with pytest.raises(InvalidInputError, match=r"^state: "):
        parse_state(raw)


@pytest.mark.parametrize("key", ["N", "n ", "__class__", "token", 3])
def test_an_unknown_field_is_named(key):
    with pytest.raises(FieldError, match="is no field"):
        parse_state({key: 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["n", "d", "kappa", "scale", "seed"])
def test_numbers_are_finite(key, value):
    with pytest.raises(FieldError, match="not finite"):
        parse_state({key: value})


@pytest.mark.parametrize(
    ("state", "field", "words"),
    [
        ({"n": 10, "d": 9}, "d", "raise d to 10"),
        ({"n": 10, "d": 9, "start": "disjoint"}, "d", "linearly dependent"),
        ({"n": 10, "d": 9, "law": "orthogonal"}, "d", "orthogonal"),
        ({"law": "orthogonal", "spectrum": "spiked"}, "spectrum", "isotropic"),
        ({"low": 2.0, "high": 1.0}, "low", "above high"),
        ({"law": "uniform", "d": 10**7}, "d", "lower d to 1,000,000"),
        ({"law": "rademacher", "n": 20, "d": 10**12}, "d", "coordinates"),
        ({"spectrum": "power_law", "d": 10**8}, "d", "distinct eigenvalues"),
        ({"spectrum": "power_law", "d": 10**5, "n": 1}, "d", "lower d to 20,000"),
        ({"spectrum": "power_law", "d": 10**6, "n": 50}, "d", "lower d to 200,000"),
    ],
)
def test_fields_that_contradict_each_other_are_named(state, field, words):
    with pytest.raises(FieldError, match=words) as caught:
        parse_state(state)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "state",
    [
        {"n": 10, "d": 9, "start": "gaussian"},
        {"law": "rademacher", "n": 16, "d": 10**12},
        {"law": "gaussian", "d": 10**12},
        {"spectrum": "power_law", "exponent": 0.0, "d": 10**12},
        {"labels": "gaussian", "low": 2.0, "high": 1.0},
    ],
)
def test_what_can_be_drawn_is_allowed(state):
    assert isinstance(parse_state(state), State)
