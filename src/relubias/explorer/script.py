"""The Python lines that reproduce what the page shows, by the public functions alone."""

from __future__ import annotations

import math

import numpy as np

import relubias as rb
from relubias.dynamics import DescentTrajectory
from relubias.explorer.data import Upload, count_negative
from relubias.explorer.frames import DENSE, SPARSE, Frames
from relubias.explorer.state import State

__all__ = ["TIME_LIMIT", "script"]

TIME_LIMIT = 1.0
"""Seconds for the minimum norm of several neurons."""


def script(state: State, frames: Frames, shortest: rb.MinimumNorm, upload: Upload | None) -> str:
    """Return a program whose variables hold the numbers on the page, bit for bit.

    Its `times`, `primal`, `dual` and `distance` are those of the frames.
    """
    lines = ["import numpy as np", "import relubias as rb", ""]
    lines += _drawn(state) if upload is None else _read(state, upload)
    lines += ["", *_start(state), "", *_run(state, frames)]
    lines += _comparison(frames, shortest)
    lines += ["", "print(run.summary())", "print(shortest.summary())"]
    if any(line.startswith("gap") for line in lines):
        lines.append("print(gap.summary())")
    return "\n".join([*lines, "run.plot()", ""])


def _signs(state: State) -> str:
    signs = ", ".join("1" if sign == "+" else "-1" for sign in state.signs)
    return f"({signs},)" if len(state.signs) == 1 else f"({signs})"


def _drawn(state: State) -> list[str]:
    return [
        f"law = rb.ensembles.{_law(state)}",
        f"gram = law.sample_gram({state.n}, seed={state.seed})",
        f"labels = {_labels(state, state.n)}",
        f"problem = rb.Problem(gram, labels, signs={_signs(state)})",
        "trace = law.trace",
    ]


def _law(state: State) -> str:
    if state.law == "orthogonal":
        return f"Orthogonal({state.d})"
    spectrum = f"rb.ensembles.isotropic({state.d})"
    if state.spectrum == "spiked":
        spectrum = f"rb.ensembles.spiked({state.d}, {state.spike!r})"
    if state.spectrum == "power_law":
        spectrum = f"rb.ensembles.power_law({state.d}, {state.exponent!r})"
    return f"{state.law.capitalize()}({spectrum})"


def _labels(state: State, n: int) -> str:
    laws = "rb.ensembles.labels"
    if state.labels == "planted":
        return f"{laws}.planted({_signs(state)})({n}, seed={state.seed}, gram=gram)"
    if state.labels == "gaussian":
        return f"{laws}.gaussian()({n}, seed={state.seed})"
    count = count_negative(state, n)
    more = "" if count is None else f", n_negative={count}"
    law = f"{laws}.uniform_magnitude({state.low!r}, {state.high!r}{more})"
    return f"{law}({n}, seed={state.seed})"


def _read(state: State, upload: Upload) -> list[str]:
    lines = list(upload.reading)
    has_features = upload.features is not None
    if upload.labels is None:
        matrix = upload.features if upload.features is not None else upload.gram
        n = 0 if matrix is None else matrix.shape[0]
        if has_features and state.labels == "planted":
            lines.append("gram = rb.gram_matrix(features)")
        lines.append(f"labels = {_labels(state, n)}")
    made = "rb.Problem.from_features(features" if has_features else "rb.Problem(gram"
    return [*lines, f"problem = {made}, labels, signs={_signs(state)})", "trace = problem.scale"]


def _start(state: State) -> list[str]:
    lines: list[str] = []
    if state.start == "gaussian":
        call = f"gaussian(problem, {state.scale!r} / np.sqrt(trace), seed={state.seed})"
    elif state.start == "disjoint":
        lines += [
            "owners = np.zeros(problem.n_samples, dtype=int)",
            "for sign in (1, -1):  # the neurons of the label's sign, in turn",
            "    samples = np.flatnonzero(np.sign(problem.labels) == sign)",
            "    neurons = np.flatnonzero(problem.signs == sign)",
            "    owners[samples] = np.resize(neurons, samples.size)",
        ]
        call = f"disjoint(problem, owners, {state.scale!r})"
    else:
        call = f"all_positive(problem, {state.scale!r})"
    return [*lines, f"start = rb.starts.{call}"]


def _run(state: State, frames: Frames) -> list[str]:
    if isinstance(frames.run, DescentTrajectory):
        return _descent(state, frames, frames.run.max_iter)
    return _flow(frames)


def _descent(state: State, frames: Frames, max_iter: int) -> list[str]:
    plan, call = frames.schedule, "rb.gradient_descent(problem, start, **options"
    lines = [f"options = dict(step_size={state.kappa!r} / trace, max_iter={max_iter})"]
    if plan.dense >= plan.end:
        lines.append(f"run = {call}, record=np.arange({int(plan.end) + 1}))")
    else:
        lines += [
            "steps = [",
            f"    np.arange({int(plan.dense)}),",
            f"    np.geomspace({plan.dense!r}, {plan.end!r}, {SPARSE}).astype(np.int64),",
            "]",
        ]
        if plan.every:
            each = "" if plan.every == 1 else f"[::{plan.every}]"
            lines += [f"run = {call})", f"steps.append(np.unique(run.switches['time']){each})"]
        lines.append(f"run = {call}, record=np.unique(np.concatenate(steps)))")
    return [*lines, *_records(frames, "run.records.time")]


def _flow(frames: Frames) -> list[str]:
    plan = frames.schedule
    every = "" if plan.every == 1 else f"[::{plan.every}]"
    lines = [
        "run = rb.gradient_flow(problem, start)",
        "times = [",
        f"    np.linspace(0.0, {plan.dense!r}, {DENSE}) / trace,",
        f"    np.geomspace({plan.dense or 1.0!r}, {plan.end or 1.0!r}, {SPARSE}) / trace,",
        f"    np.unique(run.path.times){every},",
        "]",
        "run = rb.gradient_flow(problem, start, record=np.unique(np.concatenate(times)))",
    ]
    return [*lines, *_records(frames, "run.records.time * trace")]


def _records(frames: Frames, times: str) -> list[str]:
    """Return the lines that collect the frames."""
    if not frames.has_end:
        return [f"times, primal, dual = {times}, run.records.primal, run.records.dual"]
    return [
        f"times = np.append({times}, {frames.end_time!r})  # the last frame is the end of the run",
        "primal = np.concatenate([run.records.primal, run.limit.primal[None]])",
        "dual = np.concatenate([run.records.dual, run.limit.dual[None]])",
    ]


def _comparison(frames: Frames, shortest: rb.MinimumNorm) -> list[str]:
    """Return the lines about the shortest network."""
    lines = [f"shortest = rb.minimum_norm(problem, time_limit={TIME_LIMIT!r})"]
    if not math.isfinite(shortest.norm) or not np.isfinite(frames.run.limit.dual).all():
        return lines
    lines.append("gap = rb.bias_gap(problem, run, shortest, trace=trace)")
    return [
        *lines,
        "apart = dual[:, gap.assignment] - shortest.dual",
        "squares = ((apart @ problem.gram) * apart).sum(axis=(1, 2))",
        "distance = np.sqrt(np.maximum(squares, 0.0))",
    ]
