"""Plans, runs of sweeps, and their results."""

from __future__ import annotations

import os
import tempfile
from functools import wraps

import relubias as rb
from tests.meta.entries._base import Argument, Entry, drawn

STORE = os.path.join(tempfile.mkdtemp(), "store")  # noqa: PTH118 - text as users pass it
PLAN = rb.sweep.Plan(n=4, d=20, kappa=0.5, measure="loss")


def _missing_of(function):
    """Return a function of the same name whose answer can be compared."""

    @wraps(function)
    def call(**arguments):
        return function(**arguments).n_missing

    return call


ENTRIES: dict[str, Entry] = {
    "sweep.Plan": Entry(
        rb.sweep.Plan,
        {
            "n": Argument(4, "plan counts"),
            "measure": Argument("loss", "plan measures"),
            "d": Argument("5*n", "plan dimensions"),
            "spectrum": Argument("isotropic", "plan choices"),
            "features": Argument("gaussian", "plan choices"),
            "labels": Argument("gaussian", "optional plan choices"),
            "signs": Argument("+", "plan signs"),
            "start": Argument({"name": "gaussian", "scale": 0.1}, "optional plan choices"),
            "kappa": Argument(0.5, "plan steps"),
            "algorithm": Argument("descent", "plan choices"),
            "replicates": Argument(2, "count"),
            "seed": Argument(0, "count"),
            "shared": Argument(["kappa"], "plan names"),
            "together": Argument([["n", "d"]], "plan names"),
            "chunk_size": Argument(3, "optional count"),
            "name": Argument("sweep", "plan name"),
        },
    ),
    "sweep.run": Entry(
        _missing_of(rb.sweep.run),
        {
            "plan": Argument(PLAN, "plan"),
            "store": Argument(STORE, "path"),
            "engine": Argument(None, "engine"),
            "workers": Argument(0, "optional count"),
            "shard": Argument("1/1", "shard"),
            "fail_fast": Argument(False, "yes or no"),
            "retry_failed": Argument(True, "yes or no"),
            "task_timeout": Argument(None, "optional positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "sweep.Plan.case": Entry(PLAN.case, {"task": Argument(0, "count")}),
    "sweep.Plan.cell": Entry(PLAN.cell, {"task": Argument(0, "count")}),
    "sweep.Plan.estimate": Entry(PLAN.estimate, {"seconds": Argument(0.01, "positive")}),
}

SWEEP = rb.sweep.run(
    rb.sweep.Plan(
        n=[3, 4], d=[20, 40, 80], kappa=0.5, measure=["trace", "one_step"], replicates=9
    ),
    tempfile.mkdtemp(),
    workers=0,
    progress=False,
)  # fmt: skip
_along = {
    "x": Argument("d", "column"),
    "by": Argument("n", "optional column"),
    "where": Argument({"n": 4}, "conditions"),
}

ENTRIES |= {
    "sweep.load": Entry(
        _missing_of(rb.sweep.load),
        {"folder": Argument(SWEEP.folder, "folder")},
    ),
    "sweep.compact": Entry(
        _missing_of(rb.sweep.compact),
        {"folder": Argument(SWEEP.folder, "folder")},
    ),
    "SweepResult.to_arrow": Entry(
        lambda **arguments: len(rb.sweep.load(SWEEP.folder).to_arrow(**arguments)),
        {"columns": Argument(["d", "trace"], "columns")},
    ),
    "SweepResult.bands": Entry(
        rb.sweep.load(SWEEP.folder).bands,
        {
            **_along,
            "y": Argument("trace", "column"),
            "middle": Argument("median", "middle"),
        },
    ),
    "SweepResult.plot": Entry(
        drawn(rb.sweep.load(SWEEP.folder).plot),
        {
            **_along,
            "y": Argument("trace", "column"),
            "middle": Argument("mean", "middle"),
            "fit": Argument(False, "yes or no"),
            "log": Argument("xy", "log"),
        },
    ),
    "SweepResult.cells": Entry(
        lambda **arguments: rb.sweep.load(SWEEP.folder).cells(**arguments).to_numpy(),
        {
            "x": Argument("d", "column"),
            "y": Argument("n", "column"),
            "value": Argument("one_step", "column"),
            "where": Argument({"d": [20, 40]}, "conditions"),
        },
    ),
    "SweepResult.phase_map": Entry(
        drawn(rb.sweep.load(SWEEP.folder).phase_map),
        {
            "x": Argument("d", "column"),
            "y": Argument("n", "column"),
            "value": Argument("one_step", "column"),
            "where": Argument(None, "conditions"),
            "log": Argument("x", "log"),
        },
    ),
    "SweepResult.fit_exponent": Entry(
        rb.sweep.load(SWEEP.folder).fit_exponent,
        {
            **_along,
            "y": Argument("trace", "column"),
            "level": Argument(0.9, "confidence"),
            "seed": Argument(0, "seed"),
        },
    ),
}
