"""Descent, flow, and both layers."""

from __future__ import annotations

import numpy as np

import relubias as rb
from tests.meta.entries._base import (
    ETA,
    GRAM,
    PROBLEM,
    SIGNS,
    START,
    Argument,
    Entry,
    Y,
    problem,
    signs,
    start,
    step_size,
)

ENTRIES: dict[str, Entry] = {
    "gradient_descent": Entry(
        rb.gradient_descent,
        {
            "problem": problem,
            "start": start,
            "step_size": step_size,
            "momentum": Argument(0.5, "momentum"),
            "batches": Argument([[0, 2], [1]], "batches"),
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "record": Argument([0, 1, 5], "steps"),
            "progress": Argument(False, "progress"),
        },
    ),
    "gradient_descent_batch": Entry(
        rb.gradient_descent_batch,
        {
            "grams": Argument(np.stack([GRAM, 2 * GRAM]), "stack"),
            "labels": Argument(np.stack([Y, Y]), "stack"),
            "signs": signs,
            "starts": Argument(np.stack([START, START]), "stack"),
            "step_size": step_size,
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify": Entry(
        rb.dynamics.certify,
        {
            "problem": problem,
            "dual": start,
            "step_size": step_size,
            "velocity": Argument(START / 8, "optional dual"),
            "momentum": Argument(0.5, "momentum"),
            "batches": Argument(2, "batches"),
        },
    ),
    "train_both_layers": Entry(
        rb.train_both_layers,
        {
            "problem": problem,
            "start": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": step_size,
            "orthogonal_norm": Argument(0.5, "non-negative"),
            "max_iter": Argument(100, "count"),
            "tol": Argument(1e-10, "positive"),
            "record": Argument([0, 1, 5], "steps"),
            "progress": Argument(False, "progress"),
        },
    ),
    "train_both_layers (norms)": Entry(
        rb.train_both_layers,
        {"orthogonal_norm": Argument(np.array([1.0, 2.0]), "vector")},
        {"problem": PROBLEM, "start": START, "outer": SIGNS, "step_size": ETA, "max_iter": 10},
    ),
    "both_layers_flow": Entry(
        rb.dynamics.both_layers_flow,
        {
            "problem": problem,
            "start": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": Argument(1e-3, "positive"),
            "time": Argument(0.02, "optional positive"),
            "orthogonal_norm": Argument(0.5, "non-negative"),
            "rel_error": Argument(0.1, "positive"),
            "max_halvings": Argument(2, "count"),
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify_both_layers": Entry(
        rb.dynamics.certify_both_layers,
        {
            "problem": problem,
            "dual": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": step_size,
        },
    ),
    "gradient_flow": Entry(
        rb.gradient_flow,
        {
            "problem": problem,
            "start": start,
            "max_events": Argument(1000, "optional count"),
            "tol": Argument(1e-10, "positive"),
            "at_zero": Argument("closed", "convention"),
            "record": Argument([0.0, 0.01, 1.5], "times"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify_flow": Entry(
        rb.dynamics.certify_flow,
        {
            "problem": problem,
            "primal": start,
            "modes": Argument([[1, 1, 1], [1, 1, 1]], "modes"),
            "residual": Argument(Y, "optional vector"),
        },
    ),
    "FlowTrajectory.at": Entry(
        rb.gradient_flow(PROBLEM, START).at, {"time": Argument(2.0, "non-negative or infinite")}
    ),
    "Trajectory.at": Entry(
        rb.gradient_descent(PROBLEM, START, step_size=ETA).at, {"time": Argument(2, "count")}
    ),
}

ENTRIES["BothLayersTrajectory.at"] = Entry(
    rb.train_both_layers(PROBLEM, START, SIGNS, step_size=1e-3, max_iter=10).at,
    {"time": Argument(2, "count")},
)
