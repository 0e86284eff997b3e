"""The folder of a plan: parts that are whole or not there, one writer, nothing mixed up."""

from __future__ import annotations

import os
import time

import numpy as np
import pyarrow as pa
import pytest

from relubias.errors import InvalidInputError, StoreError
from relubias.sweep import load
from relubias.sweep._lock import locked
from relubias.sweep._parts import (
    DamagedPartError,
    PartInfo,
    checksum,
    find_parts,
    part_name,
    read_info,
    read_part,
    write_part,
)
from relubias.sweep._rows import done_rows
from relubias.sweep.store import Store, folder_of
from tests.sweep.stores import files_of, parts_of, plan_of, quiet, stored, undisturbed

INFO = PartInfo(digest="0" * 64, version="1.2", seconds=1.5, n_failed=2)


@pytest.fixture
def table():
    return pa.table(
        {
            "task": pa.array(np.arange(50)),
            "gap": pa.array([np.nan, None, -0.0, 5e-324] + [0.1] * 46, pa.float64()),
            "one_step": pa.array([True, None] * 25),
            "status": pa.array(["done", "", None, "π"] + ["failed"] * 46),
        }
    )


@pytest.fixture
def part(tmp_path, table):
    path = tmp_path / part_name(0, 49)
    write_part(path, table, INFO)
    return path


def test_a_part_gives_back_what_was_written(part, table):
    assert repr(read_part(part, INFO.digest).to_pydict()) == repr(table.to_pydict())
    assert checksum(read_part(part, INFO.digest)) == checksum(table)
    assert read_info(part, INFO.digest) == INFO


def test_any_parquet_reader_reads_a_part(part, table):
    import pyarrow.parquet as pq

    assert repr(pq.read_table(part).to_pydict()) == repr(table.to_pydict())


def test_parts_are_found_by_name_alone(tmp_path, part):
    for name in ("part-000050-000099.parquet", ".part-000050-000099.parquet.all.1.aside", "x"):
        (tmp_path / name).write_bytes(b"")
    assert part.exists()
    assert [(found.first, found.last) for found in find_parts(tmp_path)] == [(0, 49), (50, 99)]


def test_every_flipped_bit_of_a_part_is_detected(part):
    whole = part.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 400)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        part.write_bytes(damaged)
        with pytest.raises(DamagedPartError, match=part.name):
            read_part(part, INFO.digest)
        with pytest.raises(DamagedPartError, match=part.name):
            read_info(part, INFO.digest)


def test_every_truncated_part_is_detected(part):
    whole = part.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 100)):
        part.write_bytes(whole[:size])
        with pytest.raises(DamagedPartError, match=part.name):
            read_part(part, INFO.digest)


def test_a_part_of_another_plan_is_refused(part):
    with pytest.raises(DamagedPartError, match="another plan"):
        read_part(part, "1" * 64)


def test_a_part_under_the_name_of_another_is_refused(part):
    other = part.rename(part.with_name(part_name(50, 99)))
    with pytest.raises(DamagedPartError, match=rf"{other.name}: holds the rows of {part.name}"):
        read_info(other, INFO.digest)


def test_the_checksum_sees_values_nulls_names_and_types(table):
    changed = [
        table.rename_columns(["task", "gap2", "one_step", "status"]),
        table.set_column(0, "task", table.column("task").cast(pa.int32())),
        table.set_column(1, "gap", pa.array([0.0, None, -0.0, 5e-324] + [0.1] * 46)),
        table.set_column(1, "gap", pa.array([np.nan, 0.0, -0.0, 5e-324] + [0.1] * 46)),
        table.set_column(1, "gap", pa.array([np.nan, None, 0.0, 5e-324] + [0.1] * 46)),
        table.set_column(2, "one_step", pa.array([True, False] * 25)),
        table.set_column(3, "status", pa.array(["done", None, None, "π"] + ["failed"] * 46)),
        table.slice(0, 49),
    ]
    assert len({checksum(other) for other in [table, *changed]}) == len(changed) + 1


def test_the_checksum_does_not_see_the_layout(table):
    in_chunks = pa.concat_tables([table.slice(0, 20), table.slice(20)])
    assert checksum(in_chunks) == checksum(table)
    assert checksum(pa.concat_tables([table, table]).slice(50)) == checksum(table)


def test_a_store_knows_what_is_missing(tmp_path):
    plan = plan_of()
    with Store.open(tmp_path, plan) as store:
        assert store.missing() == list(range(6))
        rows = done_rows(plan, _columns(plan, plan.chunks[2]))
        store.write(2, rows, 0.5)
        assert store.missing() == [0, 1, 3, 4, 5]
    with Store.open(tmp_path, plan) as store:
        assert store.missing() == [0, 1, 3, 4, 5]
        assert store.read(2).equals(rows)


def _columns(plan, tasks):
    from relubias.sweep._compute import compute

    return compute(plan, tasks)


def test_shards_are_disjoint_and_complete(tmp_path):
    plan, chunks = plan_of(), []
    for i in (1, 2, 3, 4):
        with Store.open(tmp_path, plan, shard=(i, 4)) as store:
            chunks += store.missing()
    assert sorted(chunks) == list(range(6))


def test_a_second_run_on_a_store_is_refused_at_once(tmp_path):
    plan = plan_of()
    with Store.open(tmp_path, plan):
        begin = time.monotonic()
        with pytest.raises(StoreError, match=f"another sweep.*process {os.getpid()}"):
            Store.open(tmp_path, plan)
        with pytest.raises(StoreError, match="another sweep"):
            Store.open(tmp_path, plan, shard=(1, 2))
        assert time.monotonic() - begin < 5
    Store.open(tmp_path, plan).close()


def test_shards_share_a_store_but_not_a_shard(tmp_path):
    plan = plan_of()
    with Store.open(tmp_path, plan, shard=(1, 3)), Store.open(tmp_path, plan, shard=(2, 3)):
        for shard in [(1, 3), None, (1, 2)]:
            with pytest.raises(StoreError, match="another sweep"):
                Store.open(tmp_path, plan, shard=shard)
    Store.open(tmp_path, plan, shard=(1, 2)).close()


def test_a_lock_of_a_dead_process_does_not_block(tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "all.lock").write_text("process 1 on elsewhere")
    with locked(tmp_path):
        pass


def test_an_edited_plan_is_refused_by_name(tmp_path):
    plan = plan_of()
    quiet(plan, tmp_path)
    path = folder_of(tmp_path, plan) / "plan.toml"
    text = path.read_text()
    path.write_text(text.replace("kappa = 0.5", "kappa = 0.7"))
    with pytest.raises(StoreError, match=r"plan\.toml.*edited or damaged"):
        quiet(plan, tmp_path)
    path.unlink()
    assert quiet(plan, tmp_path).n_missing == 0
    assert path.read_text() == text


def test_newer_formats_are_refused_by_name(tmp_path, monkeypatch):
    plan = plan_of()
    quiet(plan, tmp_path)
    path = folder_of(tmp_path, plan) / "plan.toml"
    text = path.read_text()
    path.write_text(text.replace("format 1,", "format 2,", 1))
    with pytest.raises(StoreError, match=r"format 2, newer.*upgrade"):
        quiet(plan, tmp_path)
    path.write_text(text)
    part = parts_of(plan, tmp_path)[0]
    rows = read_part(part, plan.digest)
    monkeypatch.setattr("relubias.sweep._parts.FORMAT", 2)
    write_part(part, rows, PartInfo(digest=plan.digest, version="9", seconds=0.0, n_failed=0))
    monkeypatch.undo()
    with pytest.raises(StoreError, match=rf"{part.name}.*format 2, newer.*upgrade"):
        quiet(plan, tmp_path)
    assert part.exists()


def test_a_damaged_part_is_set_aside_and_computed_again(tmp_path):
    plan = plan_of()
    truth = undisturbed(plan, tmp_path)
    first, second = parts_of(plan, tmp_path)[1:3]
    first.write_bytes(first.read_bytes()[:-9])
    second.write_bytes(b"")
    with Store.open(tmp_path, plan) as store:
        assert store.missing() == [1, 2]
        assert [path.name for path in store.set_aside] == [
            f"{first.name}.damaged", f"{second.name}.damaged",
        ]  # fmt: skip
    quiet(plan, tmp_path)
    assert stored(plan, tmp_path) == truth
    second.write_bytes(b"again")
    quiet(plan, tmp_path)
    assert stored(plan, tmp_path) == truth
    assert f"{second.name}.damaged-2" in files_of(plan, tmp_path)


def test_the_other_rows_stay_readable_beside_a_damaged_part(tmp_path):
    plan = plan_of()
    quiet(plan, tmp_path)
    part = parts_of(plan, tmp_path)[3]
    whole = bytearray(part.read_bytes())
    whole[len(whole) // 2] ^= 4
    part.write_bytes(whole)
    result = load(folder_of(tmp_path, plan))
    assert len(result.to_arrow()) == 50
    assert part.name in str(result.damaged)
    with Store.open(tmp_path / "other", plan) as store:
        assert list(store.verify()) == []


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    plan = plan_of()
    quiet(plan, tmp_path)
    parts = folder_of(tmp_path, plan) / "parts"
    mine, other = (parts / f".part-000000-000009.parquet.{owner}.7.aside" for owner in
                   ("shard-1-of-2", "shard-2-of-2"))  # fmt: skip
    mine.write_bytes(b"half")
    other.write_bytes(b"half")
    Store.open(tmp_path, plan, shard=(1, 2)).close()
    assert not mine.exists()
    assert other.exists()
    Store.open(tmp_path, plan).close()
    assert not other.exists()


@pytest.mark.parametrize("kind", ["file", "below a file", "nul"])
def test_an_unwritable_place_is_refused_by_name(tmp_path, kind):
    (tmp_path / "file").write_text("")
    place = {"file": "file", "below a file": "file/below", "nul": "a\0b"}[kind]
    with pytest.raises(InvalidInputError, match="store: files cannot be written"):
        quiet(plan_of(), tmp_path / place)
