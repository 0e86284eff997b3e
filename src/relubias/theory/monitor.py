"""Invariants along a run: its states are looked at once, as they pass, and forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from relubias._progress import Progress
from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import DescentTrajectory, State, Status, Tail
from relubias.dynamics.descent import Look, watch
from relubias.problem import Problem
from relubias.theory._frozen_motion import FrozenMotion
from relubias.theory._watched import Between, Invariant, Watched
from relubias.theory.step import Step
from relubias.theory.verdict import Verdict

__all__ = ["Invariant", "Monitor", "follow"]

_GROWTH = 1.05
"""Beyond the dense steps, the factor by which their number grows from one look to the next."""

_CLOSE = 1e-7  # of the labels: a path that stays this close to its limit has no more to show
_MOST_LOOKS = 5000  # at a frozen end


class Monitor:
    """Looks at the steps of one run: at all of the first, then at ever fewer and every switch.

    Between two looks the run keeps the range of every primal value, so that nothing is missed.
    Memory does not grow with the number of steps.

    Parameters
    ----------
    n_dense : int, default=200
        Steps up to which every one is looked at.

    Attributes
    ----------
    n_seen : int
        Steps looked at.
    last_seen : int
        The last of them; -1 before the first.
    open_end : float
        Bound, in primal units, on how far any primal value moves after the last step that was
        looked at; infinite if that is not known.
    """

    def __init__(self, n_dense: int = 200) -> None:
        self.n_dense = n_dense
        self._watched: dict[str, Watched] = {}
        self.n_seen, self.last_seen = 0, -1
        self.open_end = math.inf
        self.next_time = 0
        self._last: Step | None = None
        self._problem: Problem | None = None
        self._step_size = math.nan
        self._listeners: list[Callable[[Step], None]] = []

    def add(self, invariants: Sequence[Invariant]) -> None:
        """Watch more invariants; before the run begins.

        Raises
        ------
        RuntimeError
            If the run is over: its steps are gone.
        """
        if self.n_seen:
            raise RuntimeError("the run is over; add invariants before it begins")
        for invariant in invariants:
            self._watched.setdefault(invariant.condition, Watched(invariant))

    def listen(self, listener: Callable[[Step], None]) -> None:
        """Show every step to a function, too; before the run begins."""
        self._listeners.append(listener)

    def begin(self, problem: Problem, step_size: float) -> None:
        """Get ready for a run."""
        self._problem, self._step_size = problem, step_size

    def see(self, look: Look) -> None:
        """Look at one step."""
        time, last = look.time, self._last
        if time == self.last_seen:
            return
        primal, dual = look.state.primal, look.state.dual
        step = Step(time, primal, dual, self._residual(primal), self._previous(look))
        between = None
        if last is not None and time > last.time + 1:
            between = self._between(last, step, look)
        for watched in self._watched.values():
            watched.see(step, between)
        for listener in self._listeners:
            listener(step)
        self._last = step._replace(previous=None)
        self.n_seen, self.last_seen = self.n_seen + 1, time
        self.next_time = time + 1 if time < self.n_dense else max(time + 1, int(time * _GROWTH))

    def _residual(self, primal: Float) -> Float:
        problem = self._running
        return problem.signs @ np.maximum(primal, 0.0) - problem.labels

    def _previous(self, look: Look) -> Step | None:
        """Return the step before, which the state one step later gives away."""
        if self._last is not None and self._last.time == look.time - 1:
            return self._last
        before = look.before
        if before is None:
            return None
        residual = self._residual(before)
        push = self._step_size * self._running.signs[:, None] * (before > 0.0) * residual
        return Step(look.time - 1, before, look.state.dual + push, residual, None)

    def _between(self, last: Step, step: Step, look: Look) -> Between:
        """Return what lies between two looks, from its range or under a pattern that stays."""
        low, high = np.minimum(last.primal, step.primal), np.maximum(last.primal, step.primal)
        if np.isfinite(look.lowest).all():
            excess = np.maximum(np.maximum(low - look.lowest, look.highest - high), 0.0)
            away = np.maximum(step.primal - look.lowest, look.highest - step.primal)
            return Between(excess, away)
        active = last.primal > 0.0
        excess = np.full_like(low, math.inf)
        if (active == (step.primal > 0.0)).all():
            motion = FrozenMotion(self._running, active, self._step_size)
            excess = motion.excess(last, step.time)
        return Between(excess, excess + (high - low))

    @property
    def _running(self) -> Problem:
        assert self._problem is not None  # noqa: S101 - `follow` begins
        return self._problem

    @property
    def last(self) -> Step:
        """The step that was seen last."""
        assert self._last is not None  # noqa: S101 - every run shows its start
        return self._last

    def verdict(self, condition: str) -> Verdict:
        """Return what was seen of one invariant, for a run that is over.

        What no look showed, because the run has no certificate, leaves the verdict open unless it
        is already violated.
        """
        return self._watched[condition].verdict(self.open_end)


def follow(
    problem: Problem,
    start: Float,
    step_size: float,
    monitor: Monitor,
    *,
    max_iter: int,
    tol: float,
    progress: Progress,
) -> DescentTrajectory:
    """Run gradient descent once under the eyes of a monitor, to the end of what it can show.

    A run whose pattern is proved frozen ends early; the monitor goes on in closed form until the
    ball around the limit, which no later step leaves, has nothing more to show.
    """
    monitor.begin(problem, step_size)
    run = watch(
        problem, start, step_size=step_size, observer=monitor, max_iter=max_iter, tol=tol,
        progress=progress,
    )  # fmt: skip
    if run.status is Status.CERTIFIED:
        with one_blas_thread(problem.n_samples):
            _see_end(problem, run, monitor)
    return run


def _see_end(problem: Problem, run: DescentTrajectory, monitor: Monitor) -> None:
    """Follow a certified run towards its limit, and bound what is left."""
    size = max(float(np.abs(problem.labels).max()), float(np.abs(run.limit.primal).max()))
    if run.tail is Tail.SETTLED:
        motion = FrozenMotion(problem, monitor.last.primal > 0.0, run.step_size)
        for _ in range(_MOST_LOOKS):
            if radius_of_ball(problem, monitor.last, run.limit) <= _CLOSE * size:
                break
            monitor.see(_frozen_look(motion, monitor.last, monitor.next_time))
    monitor.open_end = radius_of_ball(problem, monitor.last, run.limit)
    if run.tail is Tail.SETTLED:
        time = max(monitor.next_time, run.n_steps + 1)
        ends = run.limit.primal, monitor.last.primal
        low, high = np.minimum(*ends), np.maximum(*ends)
        monitor.see(Look(time, run.limit, None, low, high))


def _frozen_look(motion: FrozenMotion, last: Step, time: int) -> Look:
    """Return a look at a later step of a frozen motion."""
    state = motion.after(last, time)
    if time == last.time + 1:
        return Look(time, state, last.primal, state.primal, state.primal)
    excess = motion.excess(last, time)
    low = np.minimum(last.primal, state.primal) - excess
    high = np.maximum(last.primal, state.primal) + excess
    return Look(time, state, motion.after(last, time - 1).primal, low, high)


def radius_of_ball(problem: Problem, step: Step, limit: State) -> float:
    """Bound how far any primal value will be from its limit, since weights only come closer."""
    away = (step.dual - limit.dual) * (step.primal - limit.primal)
    longest = float(np.diagonal(problem.gram).max())
    return math.sqrt(longest * abs(float(away.sum())))
