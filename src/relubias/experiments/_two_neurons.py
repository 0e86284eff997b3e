"""Runs of two neurons of opposite signs: what their limits fit, and when patterns stop moving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import relubias as rb
from relubias.experiments._one_neuron import Case, descend

__all__ = ["SIGNS", "draw_problem", "outcome_rows"]

SIGNS = np.array([1.0, -1.0])
LOW, HIGH = 0.1, 1.0


def draw_problem(n: int, d: int, seed: tuple[int, ...]) -> rb.Problem:
    """Return isotropic Gaussian data with ``|y| ~ U(0.1, 1)``, random signs, positives first."""
    gram = rb.ensembles.Gaussian(rb.ensembles.isotropic(d)).sample_gram(n, (*seed, 0))
    labels = rb.ensembles.labels.uniform_magnitude(LOW, HIGH)(n, (*seed, 1))
    return rb.Problem(gram, np.sort(labels)[::-1], SIGNS)


def outcome_rows(cases: Sequence[Case], *, max_iter: int = 10_000_000) -> list[dict[str, Any]]:
    """Run all cases and return one row per run."""
    batch = descend(cases, max_iter=max_iter)
    rows: list[dict[str, Any]] = []
    for b, case in enumerate(cases):
        problem, primal = case.problem, batch.primal[b]
        y, signs = problem.labels, problem.signs
        agrees = signs[:, None] * y > 0
        active = primal > 0
        fitted = np.abs(signs @ np.maximum(primal, 0.0) - y) <= 1e-6
        off = ((case.start @ problem.gram <= 0) & agrees).any(axis=0)
        rows.append(
            case.about
            | {
                "status": str(batch.status[b]),
                "n_steps": int(batch.n_steps[b]),
                "n_switches": int(batch.n_switches[b]),
                "last_switch": int(batch.last_switch[b]),
                "one_step": bool(batch.last_switch[b] <= 1 and (active == agrees).all()),
                "zero_loss": bool(fitted.all()),
                "starts_off": int(off.sum()),
                "off_fitted": int((off & fitted).sum()),
            }
        )
    return rows
