"""Step-size bounds measured on the data."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb


def test_orthogonal_data_give_the_whole_range_up_to_one_over_the_scale():
    bounds = rb.step_size_bounds(rb.Problem(4.0 * np.eye(3), [1.0, -1.0, 0.5]))
    assert bounds.condition == 1.0
    assert bounds.upper == 0.25
    assert bounds.lower == 0.25 / bounds.constant
    assert bounds.stable == 0.5


def test_a_known_trace_and_a_constant_are_used():
    problem = rb.Problem(np.diag([2.0, 8.0]), [1.0, -1.0], signs=(1, -1))
    bounds = rb.step_size_bounds(problem, trace=4.0, constant=10.0)
    assert bounds.condition == 2.0
    assert bounds.upper == 1.0 / 8.0
    assert bounds.lower == pytest.approx(1.0 / 80.0)
    assert bounds.stable == 1.0 / 8.0  # two neurons


def test_singular_data_have_no_range():
    bounds = rb.step_size_bounds(rb.Problem(np.ones((2, 2)), [1.0, 1.0]))
    assert bounds.condition == np.inf
    assert bounds.upper == bounds.lower == 0.0


@pytest.mark.parametrize("options", [{"trace": -1.0}, {"trace": "L"}, {"constant": 0.5}])
def test_unusable_options_are_named(options):
    with pytest.raises(rb.InvalidInputError, match=next(iter(options))):
        rb.step_size_bounds(rb.Problem([[1.0]], [1.0]), **options)
