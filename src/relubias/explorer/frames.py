"""Runs and the frames of them that the page shows: dense at first, then ever further apart."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias._validate import Float
from relubias.dynamics import DescentTrajectory, FlowTrajectory, Status, Tail
from relubias.dynamics._recorder import risk
from relubias.explorer.data import Data
from relubias.explorer.state import FieldError, State

__all__ = ["DENSE", "MAX_ITER", "SPARSE", "Frames", "Schedule", "descend", "flow"]

MAX_ITER = 1_000_000
_WORK = 2e8
"""Iterations of descent, and entries of the Gram matrix that its neurons read in all of them: runs
that still switch then, after a tenth of a second, are shown as far as they came."""

DENSE, SPARSE, _MARKED = 24, 44, 32
"""Frames that are evenly spread, geometrically spread, and put on switches."""

_SHORT = 60
"""Runs of so few steps are shown step by step."""

_EARLY = 3.0
"""Of a flow, in units of 1/L: until then frames are evenly spread."""

_FADED = 1e-8
"""Part of the first residual below which nothing can be seen to move."""

_FARTHEST = 2.0**52


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Schedule:
    """When frames are taken, as a formula that the script repeats.

    Attributes
    ----------
    end : float
        Last time that is asked for, in steps or in units of 1/L.
    dense : float
        Frames are evenly spread up to here; all of them are where it is `end`.
    every : int
        Of the times at which anything switches, each `every`-th is a frame; none if 0.
    """

    end: float
    dense: float
    every: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Frames:
    """A run and its frames; the last one is the limit, or the last state.

    Attributes
    ----------
    run : DescentTrajectory or FlowTrajectory
    schedule : Schedule
    times : ndarray of shape (n_frames,)
        Steps, or times of a flow in units of 1/L.
    primal, dual : ndarray of shape (n_frames, n_neurons, n_samples)
    loss : ndarray of shape (n_frames,)
    modes : ndarray of int8, shape (n_frames, n_neurons, n_samples), or None
        Of a flow: +1 active, 0 sliding, -1 inactive.
    end_time : float or None
        Where the last frame is drawn that is no record but the limit, or the last state.
    """

    run: DescentTrajectory | FlowTrajectory
    schedule: Schedule
    times: Float
    primal: Float
    dual: Float
    loss: Float
    modes: NDArray[np.int8] | None
    end_time: float | None = None

    @property
    def has_end(self) -> bool:
        """Whether the last frame is no record but the limit, or the last state, of the run."""
        return self.end_time is not None


def descend(state: State, data: Data, start: Float, *, patience: float = 0.25) -> Frames:
    """Run gradient descent, and once more with records where its switches are.

    How far a run is followed depends on the problem alone. Only one that takes more than `patience`
    seconds of this processor all the same ends where it came; `max_iter` says where, so that the
    same numbers can be computed anywhere.
    """
    problem, step_size = data.problem, state.kappa / data.trace
    max_iter = min(MAX_ITER, round(_WORK / (problem.n_neurons * problem.n_samples**2)))
    clock = _Patience(patience)
    try:
        run = rb.gradient_descent(
            problem, start, step_size=step_size, max_iter=max_iter, progress=clock
        )
    except _OutOfTimeError:
        max_iter = _round(int(clock.fraction * max_iter))
        schedule = _schedule(clock.steps, DENSE, (), short=_SHORT)
        switches: Any = ()
    else:
        end, switches = float(run.n_steps), run.switches["time"]
        if run.status is Status.CERTIFIED and run.tail is not Tail.CHATTER:
            end = run.last_switch + 1 + _fading(problem, start, run.limit.primal, step_size)
        schedule = _schedule(min(end, _FARTHEST), DENSE, switches, short=_SHORT)
    run = rb.gradient_descent(
        problem, start, step_size=step_size, max_iter=max_iter,
        record=step_times(schedule, switches),
    )  # fmt: skip
    return _with_limit(run, schedule, run.records.time.astype(np.float64), None)


def flow(data: Data, start: Float, *, patience: float = math.inf) -> Frames:
    """Run gradient flow, and look at its pieces around its events."""
    problem, L = data.problem, data.trace
    clock = _Patience(patience)
    try:
        run = rb.gradient_flow(problem, start, progress=clock)
    except _OutOfTimeError:
        got = f"method: the flow does not end in time here ({clock.message} so far)"
        remedy = "choose descent, fewer samples or neurons, or a smaller d"
        raise FieldError(f"{got}; {remedy}", "method") from None
    end = run.end_time * L
    if run.status is not Status.MAX_EVENTS:
        end += _fading(problem, start, run.limit.primal, None) * L
    schedule = _schedule(end, min(_EARLY, end), run.path.times, short=0.0)
    raw = flow_times(schedule, run.path.times, L)
    states = [run.at(time) for time in raw.tolist()]
    piece = np.searchsorted(run.path.times, raw, side="right") - 1
    records = rb.dynamics.Records(
        time=raw,
        primal=np.array([state.primal for state in states]),
        dual=np.array([state.dual for state in states]),
        loss=np.array([risk(problem.labels, problem.signs, s.primal) for s in states]),
    )
    modes = np.concatenate([run.path.modes[piece], run.modes[None]])
    return _with_limit(run, schedule, raw * L, modes, records)


def step_times(schedule: Schedule, switches: Any) -> NDArray[np.int64]:
    """Return the steps of the frames."""
    if schedule.dense >= schedule.end:
        return np.arange(int(schedule.end) + 1)
    parts = [
        np.arange(int(schedule.dense)),
        np.geomspace(schedule.dense, schedule.end, SPARSE).astype(np.int64),
    ]
    if schedule.every:
        parts.append(np.unique(switches)[:: schedule.every])
    return np.unique(np.concatenate(parts))


def flow_times(schedule: Schedule, events: Float, L: float) -> Float:
    """Return the times of the frames, in the units of the flow."""
    return np.unique(
        np.concatenate(
            [
                np.linspace(0.0, schedule.dense, DENSE) / L,
                np.geomspace(schedule.dense or 1.0, schedule.end or 1.0, SPARSE) / L,
                np.unique(events)[:: schedule.every],
            ]
        )
    )


def _schedule(end: float, dense: float, marked: Any, *, short: float) -> Schedule:
    every = math.ceil(np.unique(marked).size / _MARKED)
    return Schedule(end=end, dense=end if end <= short else dense, every=every)


class _OutOfTimeError(Exception):
    """A computation was still going when its time was over."""


class _Patience:
    """Ends a computation that reports its progress when its time is over.

    Parameters
    ----------
    seconds : float
        Of this process' processor time, so that a busy machine changes nothing.

    Attributes
    ----------
    fraction : float
        The last progress.
    message : str
        The last message.
    """

    def __init__(self, seconds: float) -> None:
        self.end = time.process_time() + seconds
        self.fraction, self.message = 0.0, "0"

    def __call__(self, fraction: float, message: str) -> None:
        """See a report."""
        self.fraction, self.message = fraction, message
        if time.process_time() > self.end:
            raise _OutOfTimeError

    @property
    def steps(self) -> int:
        """Steps of descent so far."""
        return int(self.message.partition(" ")[0])


def _round(count: int) -> int:
    """Return a count rounded down to two digits, so that runs seldom differ."""
    size = 10 ** max(len(str(count)) - 2, 0)
    return max(count // size * size, 10)


def _fading(problem: rb.Problem, start: Float, limit: Float, step_size: float | None) -> float:
    """Return the time in which the first residual would fade under the last pattern."""
    active = limit > 0.0
    on = np.flatnonzero(active.any(axis=0))
    if on.size == 0:
        return 0.0
    pairs = active[:, on].astype(np.float64)
    H = problem.gram[np.ix_(on, on)] * (pairs.T @ pairs)
    mu, vectors = np.linalg.eigh(H)
    residual = problem.signs @ np.maximum(start @ problem.gram, 0.0) - problem.labels
    weight = np.abs(vectors.T @ residual[on])
    keep = (mu > 1e-12 * mu[-1]) & (weight > _FADED * np.linalg.norm(residual))
    if not keep.any():
        return 0.0
    mu, weight = mu[keep], weight[keep]
    if step_size is None:
        rates = mu
    else:
        factor = np.abs(1.0 - step_size * mu)
        rates = -np.log(np.clip(factor, 1e-12, 1.0 - 1e-15))
    needed = np.log(weight / (_FADED * np.linalg.norm(residual)) * math.sqrt(mu.size)) / rates
    last = float(needed.max())
    return last if step_size is None else float(math.ceil(last))


def _with_limit(
    run: DescentTrajectory | FlowTrajectory,
    schedule: Schedule,
    times: Float,
    modes: NDArray[np.int8] | None,
    records: rb.dynamics.Records | None = None,
) -> Frames:
    """Add the limit after the last record, a little later."""
    records = run.records if records is None else records
    last = float(times[-1]) if times.size else 0.0
    is_finite = bool(np.isfinite(run.limit.primal).all())
    after = float(math.ceil(1.02 * last + 1.0)) if modes is None else 1.02 * last + 0.02
    if isinstance(run, DescentTrajectory) and run.status is not Status.CERTIFIED:
        after = float(run.n_steps)
    if after <= last or not is_finite:  # the last state is a record already
        kept = None if modes is None else modes[:-1]
        return Frames(
            run=run, schedule=schedule, times=times, primal=records.primal, dual=records.dual,
            loss=records.loss, modes=kept,
        )  # fmt: skip
    return Frames(
        run=run,
        schedule=schedule,
        times=np.append(times, after),
        primal=np.concatenate([records.primal, run.limit.primal[None]]),
        dual=np.concatenate([records.dual, run.limit.dual[None]]),
        loss=np.append(records.loss, run.loss),
        modes=modes,
        end_time=after,
    )
