"""Compacting changes no row, loses none whenever it is stopped, and every flipped bit is seen."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from relubias.errors import StoreError
from relubias.sweep import compact, load
from relubias.sweep._compacted import FILE, compacted_ranges, read_range
from relubias.sweep._lock import locked
from relubias.sweep._parts import DamagedPartError
from relubias.sweep.store import Store
from tests.sweep.known_rows import VALUES, fill, plan_of, rows_of

PLAN = plan_of()
ALL = range(PLAN.n_tasks)


@pytest.fixture(scope="module")
def rows():
    return rows_of(PLAN, ALL, VALUES)


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path, PLAN, VALUES)


@pytest.fixture
def small_groups(monkeypatch):
    """Let row groups hold three chunks."""
    monkeypatch.setattr("relubias.sweep.compaction._ROWS_PER_GROUP", 30)


def test_rows_stay_the_same_in_one_file(folder, rows):
    result = compact(folder)
    assert result.to_arrow().equals(rows)
    assert [path.name for path in folder.rglob("*.parquet")] == [FILE]
    assert pq.read_table(folder / FILE).equals(rows)
    content = (folder / FILE).read_bytes()
    assert compact(folder).to_arrow().equals(rows)
    assert (folder / FILE).read_bytes() == content


@pytest.mark.usefixtures("small_groups")
def test_a_sweep_goes_on_after_it_was_compacted(tmp_path, rows):
    chunks = np.random.default_rng(3).permutation(len(PLAN.chunks))
    for done in np.array_split(chunks, 4):
        folder = fill(tmp_path, PLAN, VALUES, chunks=done)
        before = load(folder).to_arrow()
        assert compact(folder).to_arrow().equals(before)
        assert not list((folder / "parts").iterdir())
        with Store.open(tmp_path, PLAN) as store:
            assert len(store.missing()) == len(PLAN.chunks) - len(compacted_ranges(folder))
    assert load(folder).to_arrow().equals(rows)
    with Store.open(tmp_path, PLAN) as store:
        assert store.missing() == []
    for chunk in PLAN.chunks:
        assert read_range(folder, chunk[0], chunk[-1]).equals(rows.slice(chunk[0], len(chunk)))


def test_a_chunk_that_is_not_there_is_named(tmp_path):
    folder = fill(tmp_path, PLAN, VALUES, chunks=[0])
    compact(folder)
    with pytest.raises(StoreError, match="no chunk of tasks 10 to 19"):
        read_range(folder, 10, 19)


def test_a_new_part_replaces_compacted_rows(folder, tmp_path, rows):
    compact(folder)
    better = VALUES | {"gap": lambda known: -VALUES["gap"](known)}
    with Store.open(tmp_path, PLAN) as store:
        store.write(4, rows_of(PLAN, PLAN.chunks[4], better), 1.0)
    expected = rows.to_pandas()
    expected.loc[PLAN.chunks[4][0] : PLAN.chunks[4][-1], "gap"] *= -1
    before = load(folder)
    assert before.to_pandas().equals(expected)
    assert compact(folder).to_pandas().equals(expected)
    assert before.to_pandas().equals(expected)


def test_what_was_loaded_before_is_found_after_compacting(folder, rows):
    before = load(folder)
    compact(folder)
    assert before.to_arrow().equals(rows)
    (folder / FILE).unlink()
    with pytest.raises(StoreError, match="load the folder again"):
        before.to_arrow()


def test_damaged_parts_are_left_alone_and_their_rows_missing(folder):
    path = folder / "parts" / "part-000030-000039.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    result = compact(folder)
    assert result.n_missing == 10
    assert path.read_bytes() == bytes(content)
    assert (30, 39) not in compacted_ranges(folder)
    assert len(result.damaged) == 1


def test_a_running_sweep_is_not_compacted(folder):
    with locked(folder), pytest.raises(StoreError, match="another sweep"):
        compact(folder)
    assert len(list((folder / "parts").iterdir())) == 12


@pytest.mark.usefixtures("small_groups")
def test_every_damage_is_seen_named_and_contained(folder, rows):
    compact(folder)
    path = folder / FILE
    good = path.read_bytes()
    rng = np.random.default_rng(7)
    n_partial = 0
    for trial in range(150):
        content = bytearray(good)
        if trial % 3:
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        else:
            del content[rng.integers(len(content)) :]
        path.write_bytes(bytes(content))
        result = load(folder)
        table = result.to_arrow()
        assert result.damaged
        assert all(str(path) in sentence for sentence in result.damaged)
        tasks = table.column("task").to_pylist()
        assert table.equals(rows.take(tasks) if tasks else rows.slice(0, 0))
        ranges = compacted_ranges(folder)
        assert sum(last - first + 1 for first, last in ranges) == len(tasks)
        n_partial += 0 < len(tasks) < 120
    assert n_partial > 20


def test_damage_of_one_chunk_is_an_error_of_reading_it(folder):
    compact(folder)
    content = bytearray((folder / FILE).read_bytes())
    content[300] ^= 1
    (folder / FILE).write_bytes(bytes(content))
    with pytest.raises(DamagedPartError, match=FILE):
        read_range(folder, 0, 9)


@pytest.mark.usefixtures("small_groups")
def test_what_was_damaged_is_computed_again_and_compacted(folder, tmp_path, rows):
    compact(folder)
    content = bytearray((folder / FILE).read_bytes())
    content[300] ^= 1
    (folder / FILE).write_bytes(bytes(content))
    with Store.open(tmp_path, PLAN) as store:
        missing = store.missing()
        assert 0 < len(missing) < len(PLAN.chunks)
    fill(tmp_path, PLAN, VALUES)
    assert load(folder).to_arrow().equals(rows)
    result = compact(folder)
    assert result.to_arrow().equals(rows)
    assert result.damaged == ()


class Killed(BaseException):
    """What a process does after it was killed: nothing."""


class Death:
    """Stops everything that Python does to files below a folder from the N-th time on."""

    def __init__(self):
        self.root, self.at, self.count = None, None, 0
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.at is None or event not in ("open", "os.rename", "os.remove", "os.listdir"):
            return
        if str(arguments[0]).startswith(self.root):
            self.count += 1
            if self.count >= self.at:
                raise Killed

    @contextlib.contextmanager
    def strikes(self, root, at):
        self.root, self.at, self.count = str(root), at, 0
        try:
            yield
        finally:
            self.at = None


DEATH = Death()


def is_tidy(folder):
    return sorted(p.name for p in folder.iterdir() if p.is_file()) == ["plan.toml", FILE]


@pytest.mark.usefixtures("small_groups")
def test_a_kill_before_any_change_of_a_file_loses_nothing(tmp_path):
    plan = plan_of(chunk_size=20)
    rows = rows_of(plan, range(plan.n_tasks), VALUES)
    folder = fill(tmp_path, plan, VALUES, chunks=[0, 1, 2])
    compact(folder)
    fill(tmp_path, plan, VALUES)
    copy, seen = tmp_path / "copy", set()
    for at in range(1, 200):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        try:
            with DEATH.strikes(copy, at):
                compact(copy)
        except Killed:
            seen.add(len(list((copy / "parts").iterdir())))
            assert load(copy).to_arrow().equals(rows)
            assert load(copy).damaged == ()
            assert compact(copy).to_arrow().equals(rows)
            assert is_tidy(copy)
            continue
        break
    assert seen == {0, 1, 2, 3}
    assert at > 15


SCRIPT = """
import os, sys
from relubias.sweep import compact
def stop(event, arguments):
    if event == sys.argv[2] and sys.argv[1] in str(arguments[0]):
        os.kill(os.getpid(), 9)
sys.addaudithook(stop)
compact(sys.argv[1])
"""


@pytest.mark.parametrize("event", ["os.rename", "os.remove"])
def test_a_killed_process_loses_nothing(event, folder, rows):
    paths = os.pathsep.join(path for path in sys.path if path)
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), event],
        env=os.environ | {"PYTHONPATH": paths},
        check=False,
    )
    assert found.returncode == -9
    assert load(folder).to_arrow().equals(rows)
    assert compact(folder).to_arrow().equals(rows)
    assert is_tidy(folder)
