"""Sweeps behind the figures: a plan in, a table out."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relubias.experiments._table import DataFrame
from relubias.sweep import Plan
from relubias.sweep._compute import compute, parameters, schema

__all__ = ["first_task", "kept_in", "table_of"]

_FOLDER: ContextVar[Path | None] = ContextVar("folder of the sweeps", default=None)

_KEPT = ("n", "d", "kappa", "replicate")
_NAMES = {
    "run_status": "status",
    "labels_n_negative": "n_negative",
    "gap_law": "law",
    "norm": "norm_limit",
    "minimum_norm": "norm_shortest",
}
"""Columns of sweeps, and what the tables of the figures call them."""


@contextmanager
def kept_in(folder: Path) -> Generator[None]:
    """Run sweeps on all cores and keep their rows, if the extra for that is installed.

    Rows do not depend on it; an interrupted sweep goes on where it stopped.
    """
    is_possible = find_spec("pyarrow") is not None
    token = _FOLDER.set(folder if is_possible else None)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def table_of(plan: Plan, **names: str) -> DataFrame:
    """Compute every task of a plan; a task that fails raises.

    Parameters
    ----------
    plan : Plan
        What to compute.
    **names : str
        Columns of the sweep, and what to call them here.

    Returns
    -------
    DataFrame
        A row per task: sizes, step, replicate, whatever was named, and the measures.
    """
    folder = _FOLDER.get()
    if folder is None:
        parts = [pd.DataFrame(compute(plan, chunk)) for chunk in plan.chunks]
        table = pd.concat(parts, ignore_index=True)
    else:
        from relubias.sweep import run

        table = run(plan, folder, fail_fast=True, progress=False).to_pandas()
    kept = {*_KEPT, *_NAMES, *names, *dict(schema(plan)).keys() - set(parameters(plan, []))}
    table = table.loc[:, [name for name in table.columns if name in kept]]
    return table.rename(columns={**_NAMES, **names})


def first_task(chosen: Any) -> int:
    """Return the number of the first task among the chosen rows, 0 if there are none."""
    places = np.flatnonzero(np.asarray(chosen, dtype=bool))
    return int(places[0]) if places.size else 0
