"""Small plans for tests, and a strategy that makes more of them."""

from __future__ import annotations

from hypothesis import strategies as st

from relubias.sweep import Plan

MEASURES = [
    "run_status", "n_steps", "n_switches", "last_switch", "selected", "loss", "one_step",
    "step_size", "trace",
]  # fmt: skip


def lists_of(values, most=3):
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique_by=repr)


SPECTRA = [
    "isotropic",
    {"name": "isotropic", "value": 2.5},
    {"name": "spiked", "spike": "sqrt(d)", "n_spikes": [1, 2]},
    {"name": "power_law", "exponent": [0.0, 0.75]},
]
LABELS = [
    {"name": "uniform_magnitude", "low": 0.5, "high": 1, "n_negative": [0, "n//2"]},
    {"name": "uniform_magnitude", "low": 0.1, "high": 2.0},
    {"name": "gaussian", "scale": [1.0, 3.0]},
    {"name": "planted", "teacher": ["+", "+-"], "noise": 0.1},
]
STARTS = [
    {"name": "all_positive", "scale": [0.01, "0.1*y_min"]},
    {"name": "gaussian", "scale": "0.01/sqrt(trace)"},
]
ALGORITHMS = [
    {"name": "descent", "max_iter": [20, 300]},
    {"name": "descent", "max_iter": 50, "momentum": 0.5},
]
STEPS = [0.3, 0.9, "min(1, trace/lambda_max)"]


@st.composite
def plans(draw, measure=("run_status", "n_steps"), max_replicates=3):
    """Plans that run in milliseconds; every field varies."""
    step = draw(st.sampled_from(["kappa", "eta"]))
    steps = draw(lists_of(STEPS))
    return Plan(
        name=draw(st.sampled_from(["sweep", "a-b_1"])),
        n=draw(lists_of([1, 2, 3, 5], 2)),
        d=draw(lists_of(["5*n", "n**2 + 5", 12, 40], 2)),
        spectrum=draw(lists_of(SPECTRA, 2)),
        features=draw(lists_of(["gaussian", "rademacher", "uniform", "sphere"], 2)),
        labels=draw(lists_of(LABELS, 2)),
        signs=draw(lists_of(["+", "+-"], 2)),
        start=draw(lists_of(STARTS, 2)),
        algorithm=draw(lists_of(ALGORITHMS, 2)),
        replicates=draw(st.integers(1, max_replicates)),
        seed=draw(st.integers(0, 2**40)),
        shared=draw(st.sampled_from([["kappa", "start"], [], ["kappa", "eta", "d"]])),
        chunk_size=draw(st.none() | st.integers(1, 50)),
        measure=list(measure),
        **{step: steps if step == "kappa" else [0.01] if len(steps) == 1 else [0.01, "0.5/trace"]},
    )
