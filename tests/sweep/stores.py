"""What tests of the runner share: cheap plans, undisturbed runs, scripts in processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import relubias
from relubias.sweep import Plan, load, run
from relubias.sweep._parts import checksum, find_parts
from relubias.sweep.store import folder_of
from tests.sweep import measured

ROOTS = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(relubias.__file__).parents[1])])


def plan_of(measure=measured.cheap, *, replicates=20, d=(20, 40, 60), chunk_size=10, **options):
    """Return a plan of sixty cheap tasks in six chunks."""
    return Plan(
        n=3, d=list(d), kappa=0.5, replicates=replicates, measure=measure,
        chunk_size=chunk_size, **options,
    )  # fmt: skip


def quiet(plan, store, **options):
    """Run without progress; in this process unless told otherwise."""
    if "engine" not in options:
        options.setdefault("workers", 0)
    return run(plan, store, progress=False, **options)


def undisturbed(plan, store):
    """Return the checksum of an undisturbed run's rows."""
    return fingerprint(quiet(plan, store))


def fingerprint(result):
    """Return the checksum of all rows, sorted by task."""
    rows = result.to_arrow()
    tasks = rows.column("task").to_pylist()
    assert tasks == sorted(set(tasks))
    return checksum(rows)


def stored(plan, store):
    """Return the checksum of the rows in a store."""
    return fingerprint(load(folder_of(Path(store), plan)))


def parts_of(plan, store):
    return [part.path for part in find_parts(folder_of(Path(store), plan) / "parts")]


def files_of(plan, store):
    return sorted(path.name for path in (folder_of(Path(store), plan) / "parts").iterdir())


def started(script, *arguments, **environment):
    """Start a Python script in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": ROOTS} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


SWEEP = """
import sys
from relubias.sweep import Plan, run
plan = Plan.from_toml(sys.argv[1])
run(plan, sys.argv[2], workers=int(sys.argv[3]), progress=False)
print("done", flush=True)
"""


def sweep_process(folder, plan, store, workers=2, **environment):
    """Start a sweep in another process."""
    script, toml = folder / "sweep.py", folder / "plan.toml"
    script.write_text(SWEEP)
    toml.write_text(plan.to_toml())
    return started(script, toml, store, workers, **environment)
