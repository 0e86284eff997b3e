"""Folders of sweeps made without computing anything: rows whose values are known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from relubias.sweep import Plan
from relubias.sweep._compute import parameters, schema
from relubias.sweep.store import Store

TYPES = {"float64": np.float64, "int64": np.int64, "bool": np.bool_, "string": np.str_}


def rows_of(plan, tasks, values, failed=()):
    """Return the rows of some tasks: `values` maps a measure to a function of the parameters."""
    known = parameters(plan, tasks)
    status = np.where(np.isin(known["task"], list(failed)), "failed", "done")
    arrays = {}
    for name, kind in schema(plan):
        if name in known:
            arrays[name] = pa.array(known[name], pa.type_for_alias(kind))
        else:
            found = np.asarray(values[name](known), dtype=TYPES[kind])
            gaps = status != "done"
            arrays[name] = pa.array(found.tolist(), pa.type_for_alias(kind), mask=gaps)
    arrays["status"] = pa.array(status.tolist(), pa.string())
    arrays["error"] = pa.array(["" if s == "done" else "ValueError: bad" for s in status])
    return pa.table(arrays)


def fill(root, plan, values, *, chunks=None, failed=()):
    """Write parts of the named chunks (all if omitted); return the folder of the plan."""
    with Store.open(root, plan) as store:
        for chunk in store.missing() if chunks is None else chunks:
            rows = rows_of(plan, plan.chunks[chunk], values, failed)
            n_failed = sum(task in failed for task in plan.chunks[chunk])
            store.write(chunk, rows, 1.0, n_failed)
        return store.folder


def plan_of(**changed):
    """Return a plan of 2 x 3 x 20 tasks in chunks of 10."""
    given = {
        "n": [4, 8],
        "d": [100, 1000, 10_000],
        "kappa": 0.5,
        "replicates": 20,
        "measure": ["gap", "one_step", "run_status"],
        "chunk_size": 10,
    }
    return Plan(**(given | changed))


VALUES = {
    "gap": lambda known: np.sqrt(known["n"] / known["d"]) * (1 + known["replicate"] / 100),
    "one_step": lambda known: known["replicate"] * known["d"] < 10 * 1000,
    "run_status": lambda known: np.where(known["replicate"] % 4, "CERTIFIED", "TOLERANCE"),
}
