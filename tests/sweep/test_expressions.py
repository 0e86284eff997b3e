"""Expressions are arithmetic and nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relubias import InvalidInputError
from relubias.sweep._expressions import parse

NAMES = frozenset({"n", "d"})
KNOWN = {"n": 6, "d": 50}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5*n", 30),
        ("n**2", 36),
        ("-n + +8", 2),
        ("d // 4", 12),
        ("(n - 1)/2", 2.5),
        ("min(n, d, 3.5)", 3.5),
        ("max(n, 2*d)", 100),
        ("ceil(1.2*n)", 8),
        ("floor(1.2*n)", 7),
        ("round(1.2*n)", 7),
        ("sqrt(n + 3)", 3.0),
        ("exp(0) + log(1)", 1.0),
        ("1e3", 1000.0),
        (" 7 ", 7),
    ],
)
def test_a_formula_has_the_value_of_arithmetic(text, value):
    assert parse("d", text, NAMES).value("d", KNOWN.__getitem__) == value


@given(
    st.recursive(
        st.integers(0, 50).map(str) | st.sampled_from(["n", "d"]),
        lambda inner: st.builds(
            lambda a, op, b: f"({a} {op} {b})", inner, st.sampled_from("+-*"), inner
        ),
        max_leaves=8,
    )
)
def test_whole_numbers_are_exact(text):
    shown = text.replace("n", "6").replace("d", "50")
    stack = _reduce(shown)
    assert parse("d", text, NAMES).value("d", KNOWN.__getitem__) == stack


def _reduce(text):
    """Evaluate fully bracketed sums and products by hand, with a stack."""
    values, operators = [], []
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token in ("+", "-", "*"):
            operators.append(token)
        elif token == ")":
            b, a = values.pop(), values.pop()
            values.append({"+": a + b, "-": a - b, "*": a * b}[operators.pop()])
        elif token != "(":
            values.append(int(token))
    return values[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "5*",
        "n n",
        "x",
        "5*k",
        "n.real",
        "n[0]",
        "[n]",
        "n if d else 1",
        "n < d",
        "n and d",
        "lambda: n",
        "__import__('os')",
        "open('x')",
        "min()",
        "min(*n)",
        "max(n, key=d)",
        "abs(n)",
        "'n'",
        "True",
        "1j",
        "n; d",
        "n\nd",
        "\0",
        "(" * 150 + "n",
        "1+" * 120 + "1",
        "n:=3",
        "f'{n}'",
        "n @ d",
        "n % d",
        "~n",
    ],
)
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(InvalidInputError, match=r"^some\.field: .*; "):
        parse("some.field", text, NAMES)


@pytest.mark.parametrize(
    "text", ["1/(n - 6)", "log(n - 6)", "sqrt(-n)", "(-n)**0.5", "10.0**d**d", "exp(1000)", "1e999"]
)
def test_an_expression_without_a_finite_value_is_named(text):
    with pytest.raises(InvalidInputError, match=r"^d: '"):
        parse("d", text, NAMES).value("d", KNOWN.__getitem__)


def test_powers_stay_small():
    with pytest.raises(InvalidInputError):
        parse("d", "9**9**9**9", NAMES).value("d", KNOWN.__getitem__)
    assert math.isfinite(parse("d", "2**64", NAMES).value("d", KNOWN.__getitem__))
