"""Verdicts of several parts: the weakest decides, and three values are kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relubias.theory.lai2026._parts import Part, conjunction, ratio, smallest, weakest
from relubias.theory.verdict import Role, decided

finite = st.floats(-2.0, 2.0, allow_nan=False)
errors = st.sampled_from([0.0, 1e-3, 0.5, math.inf])
margins = st.one_of(finite, st.just(math.inf), st.just(math.nan))
parts = st.builds(Part, margins, errors).filter(
    lambda part: not (part.margin == math.inf and part.error == math.inf)
)


def three_valued(values):
    """Return the conjunction of True, False and None (Kleene)."""
    if False in values:
        return False
    return None if None in values else True


@given(st.lists(parts, min_size=1, max_size=5))
def test_a_conjunction_is_kleenes(given_parts):
    outcomes = [decided(part.margin, part.error) for part in given_parts]
    verdict = conjunction("c", Role.CONCLUSION, given_parts, "d")
    assert verdict.holds is three_valued(outcomes)


def test_the_part_that_decides_lends_its_place():
    fails = Part(-0.1, 0.0, 1, 2)
    unclear = Part(-5.0, 10.0, 3, 4)
    assert weakest([Part(1.0), unclear, fails]) == fails
    assert weakest([Part(1.0), unclear]) == unclear


def test_the_smallest_margin_knows_its_place():
    part = smallest(np.array([[1.0, 0.5], [math.inf, 0.7]]), 0.1)
    assert part == (0.5, 0.1, 0, 1)
    assert smallest(np.array([[math.inf]]), 0.1) == Part(math.inf)
    assert smallest(np.empty((0, 3))) == Part(math.inf)


@pytest.mark.parametrize(("above", "below", "expected"), [(1.0, 2.0, 0.5), (0.0, 2.0, 0.0)])
def test_a_ratio_is_a_quotient(above, below, expected):
    assert ratio(above, below) == expected
    assert math.isnan(ratio(above, 0.0))
    assert math.isnan(ratio(above, math.nan))
