"""From a state of the page to everything that is shown on it."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import relubias as rb
from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import DescentTrajectory, FlowTrajectory, Status
from relubias.explorer._encode import encoded, number, numbers
from relubias.explorer.data import Data, Upload, build_problem, build_start, smallest
from relubias.explorer.facts import facts
from relubias.explorer.frames import Frames, descend, flow
from relubias.explorer.law import law_curve
from relubias.explorer.script import TIME_LIMIT, script
from relubias.explorer.state import FieldError, State, parse_state
from relubias.theory.transitions import regions

__all__ = ["Memory", "compute"]

_FLOW_SECONDS = 3.0
_MAX_SWITCHES = 2000
_FROZEN_AT = 0.5  # of kappa times the smallest label, as `relubias.check` counts transitions


class Memory:
    """The last few problems and shortest networks, so that a slider recomputes what it moves.

    Parameters
    ----------
    size : int
        How many of each are kept.
    """

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for a key, or make it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = self._kept[key] = make()
        while len(self._kept) > 2 * self._size:
            self._kept.popitem(last=False)
        return value


def compute(
    state: Mapping[str, Any] | State,
    upload: Upload | None = None,
    memory: Memory | None = None,
) -> dict[str, Any]:
    """Return everything that the page shows for a state.

    Parameters
    ----------
    state : mapping or State
        See `State`; what is missing gets its default.
    upload : Upload, optional
        The file that ``state["data"]`` names.
    memory : Memory, optional
        What earlier calls left behind; it changes no number.

    Returns
    -------
    dict
        Ready for JSON; arrays are base64 of little-endian numbers, with shape and dtype.

    Raises
    ------
    InvalidInputError
        If a field is unusable, alone or beside the others; `FieldError` names it.
    """
    begun = time.perf_counter()
    state = state if isinstance(state, State) else parse_state(state)
    memory = Memory(1) if memory is None else memory
    if state.data is not None and upload is None:
        raise FieldError("data: this file is no longer known; upload it again", "data")
    data = memory.get(("problem", _data_key(state)), lambda: build_problem(state, upload))
    problem = data.problem
    with one_blas_thread(problem.n_samples):
        start = build_start(state, data)
        if state.method == "flow":
            frames = flow(data, start, patience=_FLOW_SECONDS)
        else:
            frames = descend(state, data, start)
        shortest = memory.get(
            ("shortest", _data_key(state)), lambda: rb.minimum_norm(problem, time_limit=TIME_LIMIT)
        )
        answer = _answer(state, data, frames, shortest, upload)
    answer["ms"] = {"compute": round(1e3 * (time.perf_counter() - begun), 2)}
    return answer


def _data_key(state: State) -> tuple[Any, ...]:
    """Return the fields that features, labels and signs depend on."""
    drawn = (state.labels, state.low, state.high, state.negative, state.seed, state.signs)
    if state.data is not None:
        return (state.data, *drawn)
    return (state.n, state.d, state.law, state.spectrum, state.spike, state.exponent, *drawn)


def _answer(
    state: State, data: Data, frames: Frames, shortest: rb.MinimumNorm, upload: Upload | None
) -> dict[str, Any]:
    problem, run = data.problem, frames.run
    has_limit = bool(np.isfinite(run.limit.dual).all())
    has_shortest = math.isfinite(shortest.norm)
    gap = None
    if has_limit and has_shortest:
        gap = rb.bias_gap(problem, run, shortest, trace=data.trace)
    distance = _distances(problem, frames, shortest, gap)
    delta = float(
        np.abs(np.linalg.eigvalsh(problem.gram / data.trace - np.eye(problem.n_samples))).max()
    )
    dual = data.trace * frames.dual
    threshold, guarantee = _thresholds(state, data, dual, delta)
    agrees = problem.signs[:, None] * problem.labels > 0.0
    cut = np.broadcast_to(np.asarray(threshold, np.float64), (frames.times.size,))[:, None, None]
    with np.errstate(invalid="ignore"):
        region = regions(frames.primal, dual, np.broadcast_to(agrees, dual.shape), cut)
    completed = state.to_dict() | _sizes(state, problem, upload)
    return {
        "state": completed,
        "times": encoded(frames.times),
        "time_unit": "1/L" if state.method == "flow" else "step",
        "primal": encoded(frames.primal),
        "dual": encoded(dual),
        "region": encoded(region.astype(np.int8)),
        "mode": None if frames.modes is None else encoded(frames.modes),
        "threshold": encoded(threshold) if isinstance(threshold, np.ndarray) else threshold,
        "guarantee": encoded(guarantee),
        "loss": encoded(frames.loss),
        "distance": encoded(distance),
        "switches": _switches(run, data.trace),
        "labels": encoded(problem.labels),
        "signs": problem.signs.astype(int).tolist(),
        "limit": _limit(problem, run, gap),
        "shortest": _shortest(problem, shortest),
        "gap": _gap(gap),
        "law_curve": law_curve(state, data, gap),
        "trace": data.trace,
        "delta": number(delta),
        "run": _run(state, frames, data),
        "facts": facts(state, data, frames, shortest, gap),
        "script": script(state, frames, shortest, upload),
    }


def _sizes(state: State, problem: rb.Problem, upload: Upload | None) -> dict[str, Any]:
    if upload is None:
        return {}
    d = state.d if upload.features is None else upload.features.shape[1]
    return {"n": problem.n_samples, "d": int(d)}


def _distances(
    problem: rb.Problem, frames: Frames, shortest: rb.MinimumNorm, gap: rb.BiasGap | None
) -> Float:
    """Return the distance to the shortest network at every frame, nan where there is none.

    Duals are subtracted before anything is squared, so the error is the rounding of the duals.
    """
    if gap is None:
        return np.full(frames.times.size, math.nan)
    apart = frames.dual[:, gap.assignment] - shortest.dual
    with one_blas_thread(problem.n_samples):
        squares = ((apart @ problem.gram) * apart).sum(axis=(1, 2))
    return np.sqrt(np.maximum(squares, 0.0))


def _thresholds(state: State, data: Data, dual: Float, delta: float) -> tuple[float | Float, Float]:
    """Return the boundary of the frozen region, and Lemma 6's own by frame and neuron.

    Left of ``-delta * ||L beta_k||`` an example is inactive whatever the others do. Descent's
    boundary is the one that `relubias.check` counts with; flow has no step to set it by.
    """
    guarantee = delta * np.sqrt((dual * dual).sum(axis=2))
    if state.method == "flow":
        return guarantee.max(axis=1), guarantee
    return _FROZEN_AT * state.kappa * smallest(data.problem), guarantee


def _switches(run: Any, trace: float) -> list[dict[str, Any]]:
    """Return the first switches, at times of the page's unit."""
    unit = trace if isinstance(run, FlowTrajectory) else 1
    return [
        {"time": moment * unit, "neuron": neuron, "sample": sample, "mode": mode}
        for moment, neuron, sample, mode in run.switches[:_MAX_SWITCHES].tolist()
    ]


def _limit(problem: rb.Problem, run: Any, gap: rb.BiasGap | None) -> dict[str, Any]:
    primal = run.limit.primal
    norm = math.nan
    if gap is not None:
        norm = gap.first_norm
    elif np.isfinite(primal).all():
        norm = math.sqrt(max(float((run.limit.dual * primal).sum()), 0.0))
    return {
        "primal": encoded(primal),
        "predictions": encoded(problem.signs @ np.maximum(primal, 0.0)),
        "norm": number(norm),
    }


def _shortest(problem: rb.Problem, shortest: rb.MinimumNorm) -> dict[str, Any]:
    has_network = math.isfinite(shortest.norm)
    return {
        "status": str(shortest.status),
        "sentence": shortest.summary().partition("\n")[0].partition(": ")[2],
        "norm": number(shortest.norm),
        "lower_bound": number(shortest.lower_bound),
        "rel_gap": number(shortest.rel_gap),
        "primal": encoded(shortest.primal) if has_network else None,
        "predictions": encoded(problem.signs @ np.maximum(shortest.primal, 0.0))
        if has_network
        else None,
        "pattern": encoded(shortest.pattern.astype(np.int8)) if has_network else None,
        "n_nodes": shortest.n_nodes,
    }


def _gap(gap: rb.BiasGap | None) -> dict[str, Any]:
    if gap is None:
        keys = ("distance", "rounding", "law", "ratio", "relative", "rho")
        return dict.fromkeys((*keys, "per_neuron", "laws"))
    return {
        "distance": number(gap.distance),
        "rounding": number(gap.rounding_error),
        "law": number(gap.prediction),
        "ratio": number(gap.ratio),
        "relative": number(gap.relative),
        "rho": number(gap.rho),
        "per_neuron": numbers(gap.per_neuron),
        "laws": numbers(gap.predictions),
    }


def _run(state: State, frames: Frames, data: Data) -> dict[str, Any]:
    run = frames.run
    is_flow = isinstance(run, FlowTrajectory)
    sentence = run.explanation
    if isinstance(run, DescentTrajectory) and run.status is Status.MAX_ITER:
        sentence = (
            f"no limit after {run.n_iter:,} computed steps, where the explorer stops; the last "
            "state is shown, not the limit"
        )
    return {
        "status": str(run.status),
        "sentence": sentence,
        "tail": None if is_flow else str(run.tail),
        "is_limit": run.status in (Status.CERTIFIED, Status.TOLERANCE),
        "n_steps": None if is_flow else run.n_steps,
        "n_events": run.n_events if is_flow else None,
        "n_switches": run.n_switches,
        "switches_shown": min(int(run.switches.size), _MAX_SWITCHES),
        "last_switch": float(run.last_switch) * (data.trace if is_flow else 1.0),
        "loss": number(run.loss),
        "kappa": None if is_flow else state.kappa,
        "step_size": None if is_flow else state.kappa / data.trace,
        "certificate": None if run.certificate is None else str(run.certificate),
    }
