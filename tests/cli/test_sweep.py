"""The commands of sweeps: run, resume, look at; exit statuses; one sentence for what is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from relubias.cli._sweep_options import value_of
from relubias.sweep import Plan, load

PLAN = """
name = "small"
n = [3, 4]
d = [20, 40, 80]
kappa = 0.5
replicates = 9
measure = ["trace", "one_step", "run_status"]
chunk_size = 9
"""

MEASURES = """
import os, time

def failing(case) -> float:
    if case.task in (2, 10):
        raise ValueError("this is wrong")
    return 1.0

def slow(case) -> float:
    time.sleep(0.05)
    return 1.0
"""


@pytest.fixture
def plan(folder):
    path = folder / "plan.toml"
    path.write_text(PLAN)
    return path


@pytest.fixture
def swept(plan, relubias):
    """Return the folder of a finished sweep."""
    assert relubias("sweep", "run", plan, "--workers", "0").status == 0
    return load("sweeps").folder


@pytest.fixture
def measures(folder, monkeypatch):
    """Put functions of one's own where processes find them."""
    (folder / "measures_of_this_test.py").write_text(MEASURES)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    yield "measures_of_this_test"
    sys.modules.pop("measures_of_this_test", None)


def test_run_computes_and_says_what_is_there(plan, relubias):
    answer = relubias("sweep", "run", plan, "--store", "here", "--workers", "0")
    assert (answer.status, answer.err) == (0, "")
    assert "sweep small" in answer.out
    assert "54" in answer.out
    result = load("here")
    assert result.plan == Plan.from_toml(plan)
    assert len(result) == 54
    before = {path: path.stat().st_mtime_ns for path in result.folder.rglob("*.parquet")}
    assert relubias("sweep", "run", plan, "--store", "here", "--workers", "1").status == 0
    assert {path: path.stat().st_mtime_ns for path in result.folder.rglob("*.parquet")} == before


def test_json_has_the_facts(plan, relubias):
    facts = relubias("sweep", "run", plan, "--workers", "0", "--json").json
    assert facts["command"] == "sweep run"
    assert facts["digest"] == Plan.from_toml(plan).digest
    assert (facts["tasks"], facts["done"], facts["failed"], facts["missing"]) == (54, 54, 0, 0)
    assert facts["damaged"] == []
    assert facts["files"] == 6
    assert facts == relubias("sweep", "status", "sweeps", "--json").json | {"command": "sweep run"}


def test_shards_add_up(plan, relubias):
    for i, missing in ((1, 36), (2, 18), (3, 0)):
        answer = relubias("sweep", "run", plan, "--shard", f"{i}/3", "--workers", "0", "--json")
        assert answer.status == 0
        assert answer.json["missing"] == missing
        status = relubias("sweep", "status", "sweeps")
        assert status.status == (1 if missing else 0)
        assert ("missing" in status.out) == bool(missing)
    whole = load("sweeps").to_arrow()
    relubias("sweep", "run", plan, "--workers", "0", "--store", "whole")
    assert load("whole").to_arrow().equals(whole)


def test_fields_can_be_replaced(plan, relubias):
    changed = ["--set", "n=5", "--set", "d=10,20", "--set", "replicates=3", "--set", "name=new"]
    answer = relubias("sweep", "run", plan, *changed, "--workers", "0")
    assert answer.status == 0
    found = load("sweeps").plan
    assert (found.n, found.d, found.replicates, found.name) == ((5,), (10, 20), 3, "new")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("8,16", [8, 16]),
        ("[8, 16]", [8, 16]),
        ("0.5", 0.5),
        ("true", True),
        ("CERTIFIED", "CERTIFIED"),
        ("5*n", "5*n"),
        ("n,5*n", ["n", "5*n"]),
        ('{ name = "gaussian", scale = 2 }', {"name": "gaussian", "scale": 2}),
    ],
)
def test_values_are_read_as_people_write_them(text, value):
    assert value_of(text) == value


def test_estimate_runs_nothing(plan, relubias):
    answer = relubias("sweep", "run", plan, "--estimate")
    assert answer.status == 0
    assert "54 in 6 chunks" in answer.out
    assert not Path("sweeps").exists()
    facts = relubias("sweep", "run", plan, "--estimate", "--json").json
    assert (facts["n_tasks"], facts["n_chunks"]) == (54, 6)


def test_failed_tasks_are_rows_and_status_3(plan, relubias, measures):
    measure = ["--set", f"measure={measures}:failing"]
    answer = relubias("sweep", "run", plan, *measure, "--workers", "0")
    assert answer.status == 3
    assert answer.err.splitlines() == [
        "relubias: task 2: ValueError: this is wrong",
        "relubias: task 10: ValueError: this is wrong",
    ]
    result = load("sweeps")
    assert result.failures["task"].tolist() == [2, 10]
    assert result.n_missing == 0
    assert relubias("sweep", "status", "sweeps").status == 3
    shown = relubias("sweep", "show", "sweeps")
    assert "task 10 failed: ValueError: this is wrong" in shown.out


def test_a_shard_answers_for_its_own_tasks(plan, relubias, measures):
    measure = ["--set", f"measure={measures}:failing", "--workers", "0"]
    found = [relubias("sweep", "run", plan, *measure, "--shard", f"{i}/3") for i in (1, 2, 3)]
    assert [answer.status for answer in found] == [3, 3, 0]
    assert [answer.err.count("this is wrong") for answer in found] == [1, 1, 0]


def test_fail_fast_ends_at_the_first_failure(plan, relubias, measures):
    measure = ["--set", f"measure={measures}:failing"]
    answer = relubias("sweep", "run", plan, *measure, "--workers", "0", "--fail-fast")
    assert answer.status == 3
    assert answer.err.count("\n") == 1
    assert "task 2" in answer.err
    assert "this is wrong" in answer.err
    assert load("sweeps").n_missing == 54


def test_status_lists_every_sweep_of_a_store(plan, relubias):
    relubias("sweep", "run", plan, "--workers", "0")
    relubias("sweep", "run", plan, "--workers", "0", "--set", "name=other", "--shard", "1/2")
    answer = relubias("sweep", "status", "sweeps")
    assert answer.status == 1
    assert "sweep small" in answer.out
    assert "sweep other" in answer.out
    assert [entry["missing"] for entry in relubias("sweep", "status", "sweeps", "--json").json] == [
        27,
        0,
    ]
    answer = relubias("sweep", "show", "sweeps")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "holds 2 sweeps" in answer.err


def test_status_names_damaged_files(swept, relubias):
    path = sorted((swept / "parts").iterdir())[2]
    path.write_bytes(path.read_bytes()[:-30])
    answer = relubias("sweep", "status", swept)
    assert answer.status == 1
    assert path.name in answer.out
    assert relubias("sweep", "compact", swept).status == 1


def test_compact_leaves_one_file(swept, relubias):
    before = load(swept).to_arrow()
    facts = relubias("sweep", "compact", "sweeps", "--json").json
    assert facts["files"] == 1
    assert load(swept).to_arrow().equals(before)
    assert not list((swept / "parts").iterdir())


# looking at it


@pytest.mark.usefixtures("swept")
def test_show_sums_everything_up(relubias):
    answer = relubias("sweep", "show", "sweeps")
    assert answer.status == 0
    assert "all 54 tasks" in answer.out
    assert "varies: n, d, replicate" in answer.out
    lines = {line.split()[0]: line for line in answer.out.splitlines() if line.startswith("  ")}
    assert lines["trace"].split()[1:5] == ["54", "20", "40", "80"]
    assert "CERTIFIED" in lines["run_status"]


@pytest.mark.usefixtures("swept")
def test_show_gives_curves_and_laws(relubias):
    command = ["sweep", "show", "sweeps", "--x", "d", "--y", "trace", "--by", "n", "--fit"]
    answer = relubias(*command)
    assert answer.status == 0
    assert "n = 4: slope 1.0" in answer.out
    facts = relubias(*command, "--json").json
    assert facts["table"]["middle"] == [20.0, 40.0, 80.0] * 2
    assert np.round(facts["fit"]["exponent"], 12).tolist() == [1.0, 1.0]


@pytest.mark.usefixtures("swept")
def test_show_gives_phase_maps_of_some_rows(relubias):
    command = ["sweep", "show", "sweeps", "--x", "d", "--y", "n", "--value", "run_status"]
    answer = relubias(*command, "--equals", "CERTIFIED", "--where", "d=20,80", "--json")
    assert answer.status == 0
    assert answer.json["table"]["n"] == [3, 4]
    assert set(answer.json["table"]) == {"n", "20", "80"}


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "csv"])
@pytest.mark.parametrize("options", [[], ["--value", "one_step"]])
@pytest.mark.usefixtures("swept")
def test_show_writes_pictures_and_tables(suffix, options, relubias):
    y = "n" if options else "trace"
    out = f"picture.{suffix}"
    answer = relubias("sweep", "show", "sweeps", "--x", "d", "--y", y, *options, "--out", out)
    assert (answer.status, answer.err) == (0, "")
    content = Path(out).read_bytes()
    heads = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml", "csv": b"n," if options else b"d,"}
    assert content.startswith(heads[suffix])
    if suffix == "png":
        assert imread(out).std() > 0.01
    assert {path.name for path in Path().iterdir()} == {"plan.toml", "sweeps", out}


# what is wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "missing.toml"], "missing.toml: cannot be read"),
        (["run", "plan.toml", "--set", "kapa=3"], "did you mean 'kappa'"),
        (["run", "plan.toml", "--set", "kappa"], "--set: is 'kappa'; write --set name=value"),
        (["run", "plan.toml", "--set", "kappa=-1"], "plan.toml with --set: kappa"),
        (["run", "plan.toml", "--workers", "-1"], "--workers: is -1"),
        (["run", "plan.toml", "--shard", "3/2"], "--shard: is 3/2"),
        (["run", "plan.toml", "--shard", "one"], "--shard"),
        (["run", "plan.toml", "--task-timeout", "0"], "--task-timeout"),
        (["run", "plan.toml", "--engine", "cluster"], "--engine"),
        (["run", "plan.toml", "--engine", "tcp://x:1", "--workers", "2"], "--workers"),
        (["status", "nowhere"], "nowhere cannot be read"),
        (["compact", "."], "holds no sweep"),
        (["show", "sweeps", "--x", "d"], "--y: is missing"),
        (["show", "sweeps", "--y", "trace"], "--x: is missing"),
        (["show", "sweeps", "--x", "dd", "--y", "trace"], "--x: is 'dd'"),
        (
            ["show", "sweeps", "--x", "d", "--y", "run_status"],
            "--y: column 'run_status' holds text",
        ),
        (["show", "sweeps", "--x", "d", "--y", "trace", "--where", "n"], "--where: is 'n'"),
        (["show", "sweeps", "--x", "d", "--y", "trace", "--where", "n=9"], "--where: no row"),
        (["show", "sweeps", "--out", "x.png"], "--out: has nothing to draw"),
        (["show", "sweeps", "--x", "d", "--y", "trace", "--out", "x.txt"], "--out: is 'x.txt'"),
        (["frobnicate"], "frobnicate"),
    ],
)
@pytest.mark.usefixtures("swept")
def test_unusable_arguments_exit_with_2_and_one_sentence(
    arguments, sentence, relubias, monkeypatch
):
    monkeypatch.setattr("relubias.sweep._dask._CONNECT_WITHIN", 0.5)
    answer = relubias("sweep", *arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert sentence in answer.err
    assert not Path("x.png").exists()


@pytest.mark.parametrize("command", ["run", "status", "compact", "show"])
def test_help_of_a_command_shows_an_example(command, relubias):
    answer = relubias("sweep", command, "--help")
    assert answer.status == 0
    assert f"Example: relubias sweep {command} " in answer.out
    assert "3 a task failed" in " ".join(answer.out.split())


def test_help_lists_the_commands(relubias):
    answer = relubias("sweep", "--help")
    assert answer.status == 0
    assert all(f" {name} " in answer.out for name in ("run", "status", "compact", "show"))
    assert relubias("sweep").out == answer.out
    assert " sweep " in relubias("--help").out


def test_ctrl_c_leaves_what_resumes(plan, measures):
    line = [sys.executable, "-m", "relubias", "sweep", "run", str(plan), "--workers", "1"]
    line += ["--set", f"measure={measures}:slow", "--set", "chunk_size=2"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and len(list(Path().glob("sweeps/*/parts/*.parquet"))) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "the same command goes on" in err
    assert 0 < load("sweeps").n_missing < 54


def test_answers_are_strict_json(swept, relubias):
    """Nothing but JSON on standard output, NaN as null."""
    (swept / "parts" / "part-000000-000008.parquet").unlink()
    for arguments in (["status", "sweeps"], ["show", "sweeps"], ["compact", "sweeps"]):
        json.loads(relubias("sweep", *arguments, "--json").out)
