"""Tables survive a file bit for bit."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from relubias.experiments._table import distinct, frame, read, select, values, where, write

FLOATS = st.lists(st.floats(allow_infinity=False), min_size=1, max_size=5)


@given(FLOATS)
def test_floats_survive_a_file_bit_for_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    write(frame([{"x": x} for x in numbers]), path)
    assert_array_equal(values(read(path), "x"), np.array(numbers))


def test_kinds_of_columns_survive(tmp_path):
    rows = [
        {"name": "a, b", "flag": True, "count": 3, "some": True},
        {"name": "c", "flag": False, "count": 2**53 + 1, "part": 0.1},
    ]
    path = tmp_path / "t.csv"
    write(frame(rows), path)
    table = read(path)
    assert list(table["name"]) == ["a, b", "c"]
    assert list(table["count"]) == [3, 2**53 + 1]
    assert list(table["flag"]) == [True, False]
    assert values(table, "some")[0] == 1.0
    assert math.isnan(values(table, "some")[1])
    assert values(table, "part")[1] == 0.1


def test_selection_keeps_order():
    table = frame([{"k": k, "x": x} for x in (3, 1, 2) for k in ("a", "b")])
    assert distinct(table, "x") == [3, 1, 2]
    assert list(select(table, k="b", x=1)["x"]) == [1]
    assert list(where(table, values(table, "x") > 1)["x"]) == [3, 3, 2, 2]
