"""A few instances of the campaigns: failing disks, kills at random moments, damaged parts."""

from __future__ import annotations

import errno

import pytest

from relubias.sweep import compact, load
from relubias.sweep.store import folder_of
from tests.sweep import measured
from tests.sweep.damaging import KINDS, DamagedStore
from tests.sweep.faulty_sweeps import KILL, KILL_AND_DROP, SmallSweep
from tests.sweep.killing import KilledSweeps
from tests.sweep.stores import fingerprint, parts_of, plan_of, quiet, undisturbed


@pytest.mark.parametrize("kind", [errno.ENOSPC, KILL, KILL_AND_DROP])
def test_a_failing_disk_loses_nothing(tmp_path, kind):
    sweep = SmallSweep(tmp_path)
    for fresh in (True, False):
        calls = sweep.n_calls(fresh=fresh)
        assert {"open", "write", "fsync", "replace"} <= set(calls)
        for at in range(0 if fresh else 2, len(calls), 7):
            found, _ = sweep.problems(at, kind, fresh=fresh, seed=at)
            assert (at, calls[at], found) == (at, calls[at], [])


def test_the_faulty_disk_finds_a_write_that_is_not_synced(tmp_path, monkeypatch):
    """Without fsync, parts are torn by some crash, so the harness can see what it looks for."""
    sweep = SmallSweep(tmp_path)
    calls = sweep.n_calls(fresh=True)
    monkeypatch.setattr("relubias.sweep._disk._write_synced", _write_unsynced)
    torn = 0
    for at in range(len(calls) // 2, len(calls) - 12):
        sweep.problems(at, KILL_AND_DROP, fresh=True, seed=at)
        torn += any(sweep.plan_folder().rglob("*.damaged"))
    assert torn


def _write_unsynced(path, data):
    import os

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.write(descriptor, data)
    os.close(descriptor)


def test_kills_at_random_moments_lose_nothing(tmp_path):
    sweeps = KilledSweeps(tmp_path, seed=3, n_chunks=12)
    for kind in ("driver", "group"):
        sweeps.kill(kind)
    sweeps.finish()
    assert sweeps.problems == []
    assert sweeps.n_complete


def test_killed_workers_cost_nothing_but_time(tmp_path):
    sweeps = KilledSweeps(tmp_path, seed=4, n_chunks=12)
    sweeps.kill_workers(2)
    assert sweeps.problems == []
    assert sweeps.n_complete


def test_every_kind_of_damage_is_detected_and_named(tmp_path):
    store = DamagedStore(tmp_path, seed=5)
    for number in range(30):
        assert store.damage(KINDS[number % len(KINDS)]) == []


def test_failed_tasks_of_a_compacted_sweep_are_tried_again(tmp_path, monkeypatch):
    plan = plan_of(measured.troubled)
    truth = undisturbed(plan, tmp_path / "a")
    count = tmp_path / "count"
    monkeypatch.setenv(measured.VARIABLE, f"raise:33:{count}")
    quiet(plan, tmp_path / "b")
    folder = folder_of(tmp_path / "b", plan)
    compact(folder)
    assert parts_of(plan, tmp_path / "b") == []
    assert len(quiet(plan, tmp_path / "b").failures) == 1
    monkeypatch.delenv(measured.VARIABLE)
    again = quiet(plan, tmp_path / "b", retry_failed=True)
    assert len(again.failures) == 0
    assert fingerprint(again) == truth
    assert len(parts_of(plan, tmp_path / "b")) == 1
    assert len(load(folder).to_arrow()) == 60
