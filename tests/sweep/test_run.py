"""Running a plan: the same rows from every engine, resumed runs, bad arguments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from relubias.errors import InvalidInputError, StoreError
from relubias.sweep import Plan, run
from relubias.sweep._local import InProcess, LocalEngine
from relubias.sweep._pace import Pace, duration
from relubias.sweep.engine import EngineError, Failure, Job
from relubias.sweep.store import Store, folder_of
from tests.sweep import measured
from tests.sweep.stores import (
    ROOTS,
    files_of,
    fingerprint,
    parts_of,
    plan_of,
    quiet,
    stored,
    sweep_process,
    undisturbed,
)


def rows_of(result):
    return {row["task"]: row for row in result.to_arrow().to_pylist()}


# The same rows, whoever computes them


def test_two_workers_give_the_rows_of_a_single_process(tmp_path):
    plan = plan_of()
    result = quiet(plan, tmp_path / "b", workers=2)
    assert fingerprint(result) == undisturbed(plan, tmp_path / "a")
    assert result.n_missing == 0


def test_shards_give_the_rows_of_a_single_process(tmp_path):
    plan = plan_of()
    counts = [quiet(plan, tmp_path / "b", shard=f"{i}/3").n_missing for i in (3, 1, 2)]
    assert counts == [40, 20, 0]
    assert stored(plan, tmp_path / "b") == undisturbed(plan, tmp_path / "a")


def test_real_measures_give_the_same_rows_from_workers(tmp_path):
    plan = plan_of(["gap", "run_status", "n_switches", "selected"], replicates=4, chunk_size=3)
    result = quiet(plan, tmp_path / "b", workers=1)
    assert fingerprint(result) == undisturbed(plan, tmp_path / "a")


def test_a_run_resumes_where_the_last_one_stopped(tmp_path):
    plan = plan_of()
    truth = undisturbed(plan, tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in parts_of(plan, tmp_path)}
    for path in list(kept)[1::2]:
        path.unlink()
        del kept[path]
    quiet(plan, tmp_path)
    assert stored(plan, tmp_path) == truth
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_finished_sweep_starts_no_worker(tmp_path, monkeypatch):
    plan = plan_of()
    truth = undisturbed(plan, tmp_path)
    monkeypatch.setattr("relubias.sweep._local.spawn", None)
    assert fingerprint(quiet(plan, tmp_path, workers=2)) == truth


# One bad task among many


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    plan = plan_of(measured.slow, replicates=400)
    process = sweep_process(tmp_path, plan, tmp_path / "b")
    parts = folder_of(tmp_path / "b", plan) / "parts"
    wait_for(lambda: parts.exists() and len(list(parts.glob("part-*"))) > 3)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert not list(parts.glob(".*"))
    found = len(list(parts.glob("part-*")))
    assert 3 < found < len(plan.chunks)
    with Store.open(tmp_path / "b", plan) as store:
        assert len(store.missing()) == len(plan.chunks) - found


def test_workers_and_locks_die_with_their_driver(tmp_path):
    plan = plan_of(measured.slow, replicates=400)
    process = sweep_process(tmp_path, plan, tmp_path / "b")
    wait_for(lambda: parts_exist(plan, tmp_path / "b"))
    workers = children_of(process.pid)
    assert len(workers) == 2
    with pytest.raises(StoreError, match=f"another sweep.*process {process.pid}"):
        quiet(plan, tmp_path / "b")
    process.kill()
    process.communicate()
    wait_for(lambda: not any(is_alive(worker) for worker in workers))
    Store.open(tmp_path / "b", plan).close()


def parts_exist(plan, store):
    folder = folder_of(store, plan) / "parts"
    return folder.exists() and any(folder.glob("part-*"))


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] != "Z"


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# Functions of a script


SCRIPT = """
from relubias.sweep import Plan, run
import sys

def own(case) -> float:
    return case.seed % 1000 / 8

plan = Plan(n=3, d=[20, 40], kappa=0.5, replicates=6, chunk_size=4, measure=own)
{guard}
    result = run(plan, sys.argv[1], workers=int(sys.argv[2]), progress=False)
    print(result.n_missing, result.to_arrow().column("own").to_pylist())
"""


def run_script(tmp_path, guard, workers):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard=guard))
    return subprocess.run(
        [sys.executable, str(script), str(tmp_path / f"w{workers}"), str(workers)],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"PYTHONPATH": ROOTS},
    )  # fmt: skip


def test_a_function_of_a_guarded_script_is_measured_by_workers(tmp_path):
    alone = run_script(tmp_path, "if __name__ == '__main__':", 0)
    shared = run_script(tmp_path, "if __name__ == '__main__':", 1)
    assert alone.stdout.startswith("0 [")
    assert shared.stdout == alone.stdout


def test_a_function_of_a_script_without_guard_is_refused_by_name(tmp_path):
    found = run_script(tmp_path, "if True:", 1)
    assert "if __name__ == '__main__'" in found.stderr
    assert found.returncode != 0


def test_a_function_of_no_file_is_refused_where_workers_are_used(tmp_path):
    def own(case) -> float:
        return float(case.seed)

    own.__module__, own.__qualname__ = "__main__", "own"
    plan = plan_of(own)
    main = sys.modules["__main__"]
    had, main.__dict__["__file__"] = main.__dict__.get("__file__"), None
    try:
        with pytest.raises(InvalidInputError, match=r"measure: .*workers=0"):
            quiet(plan, tmp_path, workers=1)
    finally:
        main.__dict__["__file__"] = had
    assert quiet(plan, tmp_path).n_missing == 0


# Engines


def test_an_engine_of_ones_own_is_used(tmp_path):
    class Reversed(InProcess):
        capacity = 3

        def wait(self, seconds):
            self._jobs.reverse()
            return super().wait(seconds)

    plan = plan_of()
    result = quiet(plan, tmp_path / "b", engine=Reversed())
    assert fingerprint(result) == undisturbed(plan, tmp_path / "a")


def test_workers_that_cannot_start_are_an_error_not_a_loop(tmp_path, monkeypatch):
    monkeypatch.setattr("relubias.sweep._processes.sys.executable", "/bin/false")
    with pytest.raises(EngineError, match="workers end before they are ready"):
        quiet(plan_of(), tmp_path, workers=2)


def test_a_stopped_engine_leaves_no_process(tmp_path):
    plan = plan_of(measured.slow)
    engine = LocalEngine(2)
    engine.start(plan)
    for chunk in range(4):
        engine.submit(Job(chunk=chunk, tasks=plan.chunks[chunk]))
    assert engine.wait(60)[0].failure is None
    children = [child.process for child in engine._children]
    engine.stop()
    engine.stop()
    assert [child.poll() for child in children] == [-9, -9]
    assert tmp_path.exists()


def test_an_engine_reports_what_happens_to_a_job(monkeypatch, trouble):
    trouble("kill", 3)
    plan = plan_of(measured.troubled)
    engine = LocalEngine(1, is_timed=True)
    engine.start(plan)
    try:
        engine.submit(Job(chunk=0, tasks=range(10)))
        (outcome,) = engine.wait(60)
        assert (outcome.failure, outcome.columns) == (Failure.KILLED, None)
        trouble("hang", 3)
        monkeypatch.setattr("relubias.sweep._local.spawn", _spawn_with_environment)
        engine.submit(Job(chunk=0, tasks=(2, 3), seconds=0.3))
        (outcome,) = engine.wait(60)
        assert outcome.failure is Failure.TIMEOUT
    finally:
        engine.stop()


def _spawn_with_environment(**options):
    from relubias.sweep._processes import spawn

    return spawn(**options)


# Arguments and progress


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shard", "0/2"), ("shard", "3/2"), ("shard", "1"), ("shard", (1, 2, 3)), ("shard", "1/0"),
        ("shard", (1.5, 2)), ("shard", 3), ("workers", -1), ("workers", 1.5), ("workers", "2"),
        ("task_timeout", 0), ("task_timeout", -1), ("task_timeout", float("nan")),
        ("task_timeout", "3"), ("fail_fast", 1), ("retry_failed", "yes"), ("engine", 3),
    ],
)  # fmt: skip
def test_unusable_arguments_are_refused_by_name(tmp_path, name, value):
    options = {name: value} if name == "workers" else {"workers": None, name: value}
    with pytest.raises(InvalidInputError, match=f"^{name}: "):
        quiet(plan_of(), tmp_path / "never", **options)
    assert not (tmp_path / "never").exists()


def test_a_time_limit_needs_workers(tmp_path):
    with pytest.raises(InvalidInputError, match=r"task_timeout: .*at least one worker"):
        quiet(plan_of(), tmp_path, workers=0, task_timeout=1.0)


def test_a_plan_as_text_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidInputError, match="plan: "):
        run("plan.toml", tmp_path)


def test_a_plan_that_measures_nothing_importable_fails_before_anything_starts(tmp_path):
    plan = Plan(n=3, d=9, kappa=0.5, measure="no_such_module:gap")
    with pytest.raises(InvalidInputError, match="no_such_module"):
        quiet(plan, tmp_path / "never", workers=1)
    assert not (tmp_path / "never").exists()


def test_progress_tells_how_far_how_fast_and_how_long(tmp_path):
    said = []
    run(plan_of(), tmp_path, workers=0, progress=lambda *words: said.append(words))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert said[-1][1].startswith("60 of 60 tasks")
    assert "/s" in said[0][1]
    assert "left" in said[0][1]


def test_the_pace_counts_only_what_this_run_did():
    now = iter([0.0, 10.0, 10.0])
    pace = Pace(total=1000, done=400, clock=lambda: next(now))
    pace.done += 100
    pace.failed = 2
    assert pace.sentence() == "500 of 1,000 tasks, 10/s, 50 s left, 2 failed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (180000, "2 d 2 h")],
)
def test_durations_are_in_two_units(seconds, text):
    assert duration(seconds) == text


def test_a_failing_disk_is_named_and_the_rest_resumes(tmp_path, monkeypatch):
    plan = plan_of()
    truth = undisturbed(plan, tmp_path / "a")
    calls = []

    def failing(descriptor, data, write=os.write):
        calls.append(descriptor)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr("relubias.sweep._disk.os.write", failing)
    with pytest.raises(StoreError, match=r"part-.*No space left.*same command again"):
        quiet(plan, tmp_path / "b")
    assert not [name for name in files_of(plan, tmp_path / "b") if name.startswith(".")]
    assert fingerprint(quiet(plan, tmp_path / "b")) == truth
