"""What `load` gives is what was stored: every row once, in order, verified."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import relubias as rb
from relubias.sweep import SweepResult, compact, load
from tests.sweep.known_rows import VALUES, fill, plan_of, rows_of


@pytest.fixture
def plan():
    return plan_of()


@pytest.fixture
def expected(plan):
    """Return the rows of all tasks, made in one piece."""
    return rows_of(plan, range(plan.n_tasks), VALUES)


@pytest.mark.parametrize("order", ["forwards", "backwards", "shuffled"])
def test_rows_come_in_the_order_of_their_tasks(order, plan, expected, tmp_path):
    chunks = list(range(len(plan.chunks)))
    if order == "backwards":
        chunks.reverse()
    elif order == "shuffled":
        np.random.default_rng(0).shuffle(chunks)
    folder = fill(tmp_path, plan, VALUES, chunks=chunks)
    result = load(folder)
    assert result.to_arrow().equals(expected)
    assert result.plan == plan
    assert (len(result), result.n_missing, result.n_failed, result.damaged) == (120, 0, 0, ())


def test_every_way_out_gives_the_same_rows(plan, expected, tmp_path):
    fill(tmp_path, plan, VALUES)
    result = load(tmp_path)
    frame = expected.to_pandas()
    pd.testing.assert_frame_equal(result.to_pandas(), frame)
    pd.testing.assert_frame_equal(result.to_polars().to_pandas(), frame)
    assert pl.DataFrame(result).equals(result.to_polars())
    assert pa.table(result).equals(expected)
    reader = pa.RecordBatchReader.from_stream(result)
    assert sum(batch.num_rows for batch in reader) == 120


def test_columns_can_be_chosen(plan, expected, tmp_path):
    fill(tmp_path, plan, VALUES)
    result = load(tmp_path)
    assert result.columns == tuple(expected.column_names)
    wanted = ["gap", "task"]
    assert result.to_arrow(wanted).equals(expected.select(wanted))
    assert list(result.to_pandas(wanted)) == wanted
    assert result.to_polars(wanted).columns == wanted


def test_an_unfinished_sweep_shows_what_is_there(plan, expected, tmp_path):
    fill(tmp_path, plan, VALUES, chunks=[0, 5, 7])
    result = load(tmp_path)
    tasks = [task for chunk in (0, 5, 7) for task in plan.chunks[chunk]]
    assert result.to_arrow().equals(expected.take(pa.array(tasks)))
    assert result.n_missing == 90
    assert "30 of 120 tasks" in repr(result)
    assert "missing: 90" in repr(result)


def test_a_sweep_without_rows_is_empty(plan, tmp_path):
    fill(tmp_path, plan, VALUES, chunks=[])
    result = load(tmp_path)
    assert result.columns[:2] == ("task", "n")
    assert result.columns[-5:] == ("gap", "one_step", "run_status", "status", "error")
    assert (len(result), result.n_missing) == (0, 120)
    assert pl.DataFrame(result).shape == (0, len(result.columns))
    assert compact(tmp_path).n_missing == 120
    with pytest.raises(rb.InvalidInputError, match="done"):
        result.plot("d", "gap")


def test_failures_are_a_table(plan, tmp_path):
    fill(tmp_path, plan, VALUES, failed=[3, 50, 51])
    result = load(tmp_path)
    assert result.failures["task"].tolist() == [3, 50, 51]
    assert set(result.failures["error"]) == {"ValueError: bad"}
    assert result.failures["gap"].isna().all()
    assert result.n_failed == 3
    assert "117 done, 3 failed" in result.summary()
    assert result.to_arrow().column("gap").null_count == 3


def test_html_says_the_same_and_escapes(plan, tmp_path):
    folder = fill(tmp_path / "a<b", plan, VALUES, chunks=[1])
    shown = load(folder)._repr_html_()
    assert "10 of 120 tasks" in shown
    assert "a&lt;b" in shown
    assert "a<b" not in shown


def test_a_damaged_part_is_named_and_the_others_are_read(plan, expected, tmp_path):
    folder = fill(tmp_path, plan, VALUES)
    path = folder / "parts" / "part-000010-000019.parquet"
    content = bytearray(path.read_bytes())
    content[200] ^= 4
    path.write_bytes(bytes(content))
    result = load(folder)
    kept = [task for task in range(120) if not 10 <= task < 20]
    assert result.to_arrow().equals(expected.take(pa.array(kept)))
    assert result.n_missing == 10
    (sentence,) = result.damaged
    assert str(path) in sentence
    assert str(path) in repr(result)


def test_a_part_of_another_plan_is_not_read(plan, tmp_path):
    folder = fill(tmp_path / "a", plan, VALUES)
    other = fill(tmp_path / "b", plan_of(seed=1), VALUES)
    name = "part-000020-000029.parquet"
    (folder / "parts" / name).write_bytes((other / "parts" / name).read_bytes())
    result = load(folder)
    assert result.n_missing == 10
    assert "another plan" in result.damaged[0]


def test_a_store_of_one_sweep_stands_for_it(plan, tmp_path):
    folder = fill(tmp_path, plan, VALUES, chunks=[0])
    assert load(tmp_path).folder == load(str(folder)).folder == folder
    fill(tmp_path, plan_of(seed=1, name="second"), VALUES, chunks=[0])
    with pytest.raises(rb.InvalidInputError, match=r"holds 2 sweeps.*second-"):
        load(tmp_path)
    assert load(folder).n_missing == 110


@pytest.mark.parametrize("what", ["nothing", "an empty folder", "a file", None, 3, "a\0b"])
def test_what_is_no_sweep_is_refused(what, tmp_path):
    place = {"nothing": tmp_path / "none", "an empty folder": tmp_path}.get(what, what)
    if what == "a file":
        place = tmp_path / "file"
        place.write_text("x")
    for function in (load, compact):
        with pytest.raises(rb.InvalidInputError, match="folder"):
            function(place)


def test_loading_runs_no_code_of_the_plan(tmp_path, monkeypatch):
    (tmp_path / "spy_of_the_plan.py").write_text(
        "import pathlib\npathlib.Path('executed').touch()\ndef measure(case) -> float: return 1.0\n"
    )
    monkeypatch.chdir(tmp_path)
    plan = plan_of(measure="spy_of_the_plan:measure")
    folder = tmp_path / f"sweep-{plan.digest[:12]}"
    (folder / "parts").mkdir(parents=True)
    (folder / "plan.toml").write_text(plan.to_toml())
    monkeypatch.syspath_prepend(str(tmp_path))
    result = load(folder)
    assert repr(result)
    assert result.n_missing == 120
    assert compact(folder).n_missing == 120
    assert not (tmp_path / "executed").exists()
    assert "spy_of_the_plan" not in sys.modules


def test_a_large_folder_opens_without_reading(tmp_path, monkeypatch):
    plan = plan_of(replicates=200, chunk_size=40)
    fill(tmp_path, plan, VALUES)

    def fail(*_):
        pytest.fail("a part was read")

    monkeypatch.setattr("relubias.sweep._reading.read_part", fail)
    assert len(load(tmp_path)._pieces) == 30


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x": "gpa", "y": "gap"}, r"x: is 'gpa'.*choose gap"),
        ({"x": "d", "y": None}, "y: is None"),
        ({"x": 3, "y": "gap"}, "x: is 3"),
        ({"x": "d", "y": "gap", "by": "nn"}, "by: is 'nn'"),
        ({"x": "d", "y": "gap", "by": "seed"}, "by: has"),
        ({"x": "d", "y": "run_status"}, "equals"),
        ({"x": "d", "y": "gap", "where": 3}, "where: is 3"),
        ({"x": "d", "y": "gap", "where": {"m": 3}}, "where: is 'm'"),
        ({"x": "d", "y": "gap", "where": {"n": 5}}, "where: no row"),
        ({"x": "d", "y": "gap", "middle": "mode"}, "middle: is 'mode'"),
        ({"x": "d", "y": "gap", "log": "z"}, "log: is 'z'"),
        ({"x": "d", "y": "gap", "fit": 1}, "fit: is 1"),
        ({"x": "d", "y": "gap", "fit": "yes"}, "fit: is 'yes'"),
    ],
)
def test_unusable_arguments_of_plots_are_named(arguments, named, plan, tmp_path):
    fill(tmp_path, plan, VALUES)
    with pytest.raises(rb.InvalidInputError, match=named):
        load(tmp_path).plot(**arguments)


@pytest.mark.parametrize("columns", ["gap", 3, ["gpa"], [None], {"gap": 1}])
def test_unusable_columns_are_named(columns, plan, tmp_path):
    fill(tmp_path, plan, VALUES, chunks=[0])
    with pytest.raises(rb.InvalidInputError, match="columns: is"):
        load(tmp_path).to_arrow(columns)


@pytest.mark.parametrize("module", ["pyarrow", "polars"])
def test_a_missing_extra_is_named(module, plan, tmp_path):
    fill(tmp_path, plan, VALUES, chunks=[0])
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import relubias as rb\nfrom relubias.sweep import load\n"
        f"try: load({str(tmp_path)!r}).to_polars()\n"
        "except rb.MissingExtraError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install" in found.stdout


def test_results_are_in_the_namespace():
    assert rb.sweep.SweepResult is SweepResult
    assert rb.sweep.load is load
