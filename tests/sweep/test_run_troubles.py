"""One bad task among many: failed, killed, late, tried again."""

from __future__ import annotations

import pytest

from relubias.errors import TaskFailedError
from tests.sweep import measured
from tests.sweep.stores import (
    files_of,
    fingerprint,
    plan_of,
    quiet,
    undisturbed,
)


def rows_of(result):
    return {row["task"]: row for row in result.to_arrow().to_pylist()}


# The same rows, whoever computes them


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("kind", "error"), [("raise", "ValueError: this task cannot"), ("exit", "SystemExit: 3")]
)
def test_a_task_that_fails_is_a_row_and_harms_no_other(tmp_path, trouble, workers, kind, error):
    plan = plan_of(measured.troubled)
    truth = rows_of(quiet(plan, tmp_path / "a"))
    n_times = trouble(kind, 27)
    result = quiet(plan, tmp_path / "b", workers=workers)
    rows = rows_of(result)
    bad = rows.pop(27)
    good = truth.pop(27)
    assert rows == truth
    assert bad["status"] == "failed"
    assert bad["error"].startswith(error)
    assert bad["troubled"] is None
    assert {name: bad[name] for name in ("d", "seed")} == {
        name: good[name] for name in ("d", "seed")
    }
    assert n_times() == 3  # with its chunk, in a piece of two, alone
    assert len(result.failures) == 1


def test_a_chunk_in_which_everything_fails_is_stored_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "mixed", None)
    plan = plan_of(measured.troubled, replicates=5, d=[20], chunk_size=5)
    rows = rows_of(quiet(plan, tmp_path))
    assert [row["status"] for row in rows.values()] == ["failed"] * 5
    assert list(rows) == list(range(5))


def test_a_task_that_kills_its_worker_is_named_after_three_strikes(tmp_path, trouble):
    plan = plan_of(measured.troubled, replicates=8)
    truth = rows_of(quiet(plan, tmp_path / "a"))
    n_times = trouble("kill", 5)
    rows = rows_of(quiet(plan, tmp_path / "b", workers=2))
    bad = rows.pop(5)
    truth.pop(5)
    assert rows == truth
    assert bad["status"] == "killed"
    assert "3 times" in bad["error"]
    assert "SIGKILL" in bad["error"]
    assert n_times() == 2 + 1 + 3  # the chunk twice, a piece, the task three times


def test_a_worker_that_dies_once_costs_nothing(tmp_path, trouble):
    plan = plan_of(measured.troubled)
    truth = undisturbed(plan, tmp_path / "a")
    n_times = trouble("kill-once", 41)
    assert fingerprint(quiet(plan, tmp_path / "b", workers=2)) == truth
    assert n_times() == 2


def test_a_task_that_never_ends_is_given_up(tmp_path, trouble):
    plan = plan_of(measured.troubled, replicates=4, d=[20], chunk_size=2)
    truth = rows_of(quiet(plan, tmp_path / "a"))
    trouble("hang", 1)
    rows = rows_of(quiet(plan, tmp_path / "b", workers=1, task_timeout=2.5))
    bad = rows.pop(1)
    truth.pop(1)
    assert rows == truth
    assert (bad["status"], bad["error"]) == ("timeout", "took longer than 2.5 s")


def test_failed_tasks_are_tried_again_on_request(tmp_path, trouble, monkeypatch):
    plan = plan_of(measured.troubled)
    truth = undisturbed(plan, tmp_path / "a")
    n_times = trouble("raise", 33)
    quiet(plan, tmp_path / "b")
    before = n_times()
    quiet(plan, tmp_path / "b")
    assert n_times() == before
    assert len(quiet(plan, tmp_path / "b", retry_failed=True).failures) == 1
    assert n_times() == before + 1
    monkeypatch.delenv(measured.VARIABLE)
    again = quiet(plan, tmp_path / "b", retry_failed=True)
    assert len(again.failures) == 0
    assert fingerprint(again) == truth


@pytest.mark.parametrize("workers", [0, 2])
def test_the_first_failure_ends_a_run_that_is_to_fail_fast(tmp_path, trouble, workers, monkeypatch):
    plan = plan_of(measured.troubled)
    truth = undisturbed(plan, tmp_path / "a")
    trouble("raise", 33)
    with pytest.raises(TaskFailedError, match=r"task 33 .*d=40.*ValueError: this task") as found:
        quiet(plan, tmp_path / "b", workers=workers, fail_fast=True)
    assert (found.value.task, found.value.status) == (33, "failed")
    assert "part-000030-000039.parquet" not in files_of(plan, tmp_path / "b")
    monkeypatch.delenv(measured.VARIABLE)
    assert fingerprint(quiet(plan, tmp_path / "b")) == truth


# Interruptions
