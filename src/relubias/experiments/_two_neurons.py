"""Runs of two neurons of opposite signs: what their limits fit, and when patterns stop moving."""

from __future__ import annotations

from typing import Any

import numpy as np

from relubias.sweep import Case, Plan, columns

__all__ = ["SIGNS", "outcome", "plan_of_pairs"]

SIGNS = np.array([1.0, -1.0])
LOW, HIGH = 0.1, 1.0
N = 10


def plan_of_pairs(name: str, **fields: Any) -> Plan:
    """Return a plan for isotropic Gaussian data with ``|y| ~ U(0.1, 1)`` and random signs."""
    return Plan(
        name=name,
        n=N,
        signs="+-",
        labels={"name": "uniform_magnitude", "low": LOW, "high": HIGH},
        measure=["run_status", "n_steps", "n_switches", "last_switch", "one_step", outcome],
        **fields,
    )


@columns(zero_loss=bool, n_positive=int, starts_off=int, off_fitted=int)
def outcome(case: Case) -> dict[str, Any]:
    """Return what the limit fits, of all samples and of those that start off."""
    y, signs = case.labels, SIGNS
    fitted = np.abs(signs @ np.maximum(case.end.limit.primal, 0.0) - y) <= 1e-6
    off = ((case.start @ case.gram <= 0) & (signs[:, None] * y > 0)).any(axis=0)
    return {
        "zero_loss": bool(fitted.all()),
        "n_positive": int((y > 0).sum()),
        "starts_off": int(off.sum()),
        "off_fitted": int((off & fitted).sum()),
    }
