"""Numbers that carry their rounding error, against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relubias.theory._rounded import Rounded, exact, least, norm, relative

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-6)
OPERATIONS = st.lists(st.tuples(st.sampled_from("+-*/r"), NUMBERS), min_size=1, max_size=12)


def applied(operation, a, b):
    if operation == "/":
        return a / b
    return {"+": a + b, "-": a - b, "*": a * b, "r": b - a}[operation]


@given(first=NUMBERS, steps=OPERATIONS)
def test_the_exact_result_lies_within_the_error(first, steps):
    rounded, truth = exact(first), Fraction(first)
    for operation, number in steps:
        if operation == "/" and number == 0:
            continue
        rounded = applied(operation, rounded, number)
        truth = applied(operation, truth, Fraction(number))
    assert abs(Fraction(rounded.value) - truth) <= Fraction(rounded.error)


@given(
    values=st.tuples(NUMBERS, NUMBERS),
    errors=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    shifts=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    operation=st.sampled_from("+-*/"),
)
def test_errors_of_the_operands_are_carried(values, errors, shifts, operation):
    a, b = (Rounded(v, e) for v, e in zip(values, errors, strict=True))
    true = [
        Fraction(v) + Fraction(e) * Fraction(s)
        for v, e, s in zip(values, errors, shifts, strict=True)
    ]
    found = applied(operation, a, b)
    if operation == "/" and abs(b.value) <= b.error:
        assert math.isinf(found.error)
        return
    if operation == "/" and true[1] == 0:
        return
    assert abs(Fraction(found.value) - applied(operation, *true)) <= Fraction(found.error)


@given(value=st.floats(0, 1e6), error=st.floats(0, 1e3), shift=st.floats(-1, 1))
def test_roots_are_enclosed(value, error, shift):
    found = Rounded(value, error).sqrt()
    with mpmath.workdps(50):
        inside = mpmath.mpf(value) + mpmath.mpf(error) * mpmath.mpf(shift)
        true = mpmath.sqrt(max(inside, mpmath.mpf(0)))
        assert abs(mpmath.mpf(found.value) - true) <= mpmath.mpf(found.error)


@pytest.mark.parametrize("seed", range(20))
def test_norms_are_enclosed(seed):
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(rng.integers(1, 300)) * 10.0 ** rng.integers(-5, 5)
    error = 1e-3 * rng.random()
    shifted = vector + error * rng.uniform(-1, 1, vector.size)
    found = norm(vector, error)
    with mpmath.workdps(40):
        true = mpmath.sqrt(sum(mpmath.mpf(x) ** 2 for x in shifted))
        assert abs(found.value - true) <= found.error
        plain = norm(vector)
        true = mpmath.sqrt(sum(mpmath.mpf(x) ** 2 for x in vector))
        assert abs(plain.value - true) <= plain.error


def test_the_least_number_decides():
    true, false, unknown = Rounded(0.5, 0.1), Rounded(-0.5, 0.1), Rounded(0.1, 0.2)
    assert least([true, false, unknown]) is false
    assert least([true, unknown]) is unknown
    assert least([true, Rounded(0.2, 0.1)]).value == 0.2
    assert least([true, Rounded(math.nan, math.inf)]).holds is None
    assert least([false, Rounded(math.nan, math.inf)]).holds is False
    assert least([]).holds is True


def test_plain_numbers_are_exact_and_computed_ones_are_not():
    assert exact(3.0) == Rounded(3.0, 0.0)
    assert exact(true := Rounded(1.0, 0.5)) is true
    assert relative(2.0, 4.0).error == 8 * np.finfo(float).eps
    assert (1.0 + Rounded(1.0, 0.0)).value == 2.0
    assert (2.0 / Rounded(4.0, 0.0)).value == 0.5
    assert abs(Rounded(-1.0, 0.25)) == Rounded(1.0, 0.25)
