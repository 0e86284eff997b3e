"""Sweeps behind the figures give the same tables wherever they are computed."""

from __future__ import annotations

import pandas as pd
import pytest

from relubias.errors import TaskFailedError
from relubias.experiments import _sweeps
from relubias.experiments._pairs import pair_gaps
from relubias.experiments._table import joined
from relubias.sweep import Plan


def plan(**changes):
    fields = {
        "n": 6, "d": [30, 200], "kappa": [0.3, 0.9], "signs": "+-", "replicates": 3,
        "measure": ["run_status", "gap", pair_gaps],
    }  # fmt: skip
    return Plan(**fields | changes)


def test_tables_have_the_names_of_the_figures():
    table = _sweeps.table_of(plan(), start_scale="size")
    assert list(table.columns) == [
        "n", "d", "size", "kappa", "replicate", "status", "gap",
        "gap_positive", "gap_negative", "law_positive", "law_negative",
    ]  # fmt: skip
    assert len(table) == 12


def test_kept_sweeps_give_the_same_table(tmp_path):
    here = _sweeps.table_of(plan())
    with _sweeps.kept_in(tmp_path):
        kept = _sweeps.table_of(plan())
        again = _sweeps.table_of(plan())
    pd.testing.assert_frame_equal(here, kept, check_exact=True, check_dtype=False)
    pd.testing.assert_frame_equal(again, kept, check_exact=True)
    assert list(tmp_path.rglob("*.parquet"))


def test_a_task_that_fails_is_an_error(tmp_path):
    bad = plan(d=4)  # fewer features than samples: no such start
    with pytest.raises(ValueError, match="rank"):
        _sweeps.table_of(bad)
    with _sweeps.kept_in(tmp_path), pytest.raises(TaskFailedError, match="rank"):
        _sweeps.table_of(bad)


def test_without_the_extra_everything_happens_here(tmp_path, monkeypatch):
    monkeypatch.setattr(_sweeps, "find_spec", lambda _: None)
    with _sweeps.kept_in(tmp_path):
        assert len(_sweeps.table_of(plan())) == 12
    assert list(tmp_path.iterdir()) == []


def test_the_first_task_is_chosen():
    assert _sweeps.first_task([False, True, True]) == 1
    assert _sweeps.first_task([False, False]) == 0


def test_tables_are_joined_below_each_other():
    table = joined(
        {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2], "y": [3.0]})}, "part"
    )
    assert table["part"].tolist() == ["a", "b"]
    assert list(table.columns) == ["part", "x", "y"]
