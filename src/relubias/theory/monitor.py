"""Invariants along a run: every step is looked at once and forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress
from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import DescentTrajectory, State, Status, Tail
from relubias.dynamics.descent import watch
from relubias.problem import Problem
from relubias.theory._frozen_motion import FrozenMotion
from relubias.theory.step import Step
from relubias.theory.verdict import Place, Role, Verdict

__all__ = ["Invariant", "Monitor", "follow"]

_GROWTH = 1.05
"""Beyond the dense steps, two neighbours are looked at when their number has grown so much."""

_CLOSE = 1e-9  # of the labels: a path that stays this close to its limit has no more to show
_MOST_LOOKS = 5000  # at a frozen end


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Invariant:
    """A claim about every step.

    Attributes
    ----------
    condition : str
        Name of its verdict.
    margin : callable
        ``margin(step)`` returns signed margins as a flat array; infinite where nothing is
        claimed, empty to pass the step over.
    detail : str
        One sentence for people.
    neurons, samples : ndarray of int, shape (n_margins,), or None
        What each margin is about.
    rounding_error : float
        Bound on what rounding does to a margin.
    first_step : int
        Step from which the claim is made.
    sensitivity : float
        How much a margin may change, at most, when every primal value moves by one: for the end
        of a run, where a ball around the limit holds all that is not looked at.
    constants : mapping of str to float
        Constants with the values used.
    """

    condition: str
    margin: Callable[[Step], Float]
    detail: str
    neurons: NDArray[np.intp] | None = None
    samples: NDArray[np.intp] | None = None
    rounding_error: float = 0.0
    first_step: int = 1
    sensitivity: float = math.inf
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class _Watched:
    """The smallest margin of one invariant so far, and its first violation."""

    __slots__ = ("first_violation", "invariant", "margin", "place")

    def __init__(self, invariant: Invariant) -> None:
        self.invariant = invariant
        self.margin = math.inf
        self.place = Place()
        self.first_violation: Place | None = None

    def see(self, step: Step) -> None:
        if step.time < self.invariant.first_step:
            return
        margins = self.invariant.margin(step)
        if margins.size == 0:
            return
        least = int(margins.argmin())
        margin = float(margins[least])
        if margin < self.margin:
            self.margin, self.place = margin, self._place(step.time, least)
        if margin <= 0.0 and self.first_violation is None:
            self.first_violation = self._place(step.time, least)

    def _place(self, time: int, index: int) -> Place:
        neurons, samples = self.invariant.neurons, self.invariant.samples
        return Place(
            time,
            -1 if neurons is None else int(neurons[index]),
            -1 if samples is None else int(samples[index]),
        )


class Monitor:
    """Looks at the steps of one run: at every one of the first, then at pairs of neighbours.

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
        self._watched: dict[str, _Watched] = {}
        self.n_seen, self.last_seen = 0, -1
        self.open_end = math.inf
        self.next_time = 0
        self._last: Step | None = None
        self._problem: Problem | None = None
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
            self._watched.setdefault(invariant.condition, _Watched(invariant))

    def listen(self, listener: Callable[[Step], None]) -> None:
        """Show every step to a function, too; before the run begins."""
        self._listeners.append(listener)

    def begin(self, problem: Problem) -> None:
        """Get ready for a run."""
        self._problem = problem

    def see(self, time: int, state: State) -> None:
        """Look at the state after `time` steps."""
        if time == self.last_seen:
            return
        problem = self._problem
        assert problem is not None  # noqa: S101 - `follow` begins
        residual = problem.signs @ np.maximum(state.primal, 0.0) - problem.labels
        before = self._last
        is_pair = before is not None and before.time == time - 1
        step = Step(time, state.primal, state.dual, residual, before if is_pair else None)
        for watched in self._watched.values():
            watched.see(step)
        for listener in self._listeners:
            listener(step)
        self._last = step._replace(previous=None)
        self.n_seen, self.last_seen = self.n_seen + 1, time
        self.next_time = self._after(time, is_pair=is_pair)

    def _after(self, time: int, *, is_pair: bool) -> int:
        """Return the step to look at next."""
        if time < self.n_dense or not is_pair:
            return time + 1
        return max(time + 1, int(time * _GROWTH))

    @property
    def last(self) -> Step:
        """The step that was seen last."""
        assert self._last is not None  # noqa: S101 - every run shows its start
        return self._last

    def verdict(self, condition: str) -> Verdict:
        """Return what was seen of one invariant, for a run that is over.

        What no step showed, because the run has no certificate, leaves the verdict open unless it
        is already violated.
        """
        watched = self._watched[condition]
        invariant, margin = watched.invariant, watched.margin
        error, detail = invariant.rounding_error, invariant.detail
        if margin > 0:
            tail = invariant.sensitivity * self.open_end if self.open_end > 0 else 0.0
            if not math.isfinite(tail):
                detail += " Steps after the end of the run are not known."
            error += tail
        if math.isinf(margin):
            detail += " Nothing had to be shown at any step."
        return Verdict(
            condition=condition,
            role=Role.INVARIANT,
            margin=margin,
            rounding_error=error,
            step=watched.place.step,
            neuron=watched.place.neuron,
            sample=watched.place.sample,
            first_violation=watched.first_violation,
            constants=invariant.constants,
            detail=detail,
        )


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
    monitor.begin(problem)
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
    last = monitor.last
    if run.tail is Tail.SETTLED:
        motion = FrozenMotion(problem, last.primal > 0, run.step_size)
        for _ in range(_MOST_LOOKS):
            if radius_of_ball(problem, last, run.limit) <= _CLOSE * size:
                break
            monitor.see(*motion.after(last, monitor.next_time))
            last = monitor.last
    monitor.open_end = radius_of_ball(problem, last, run.limit)
    if run.tail is Tail.SETTLED:
        monitor.see(max(monitor.next_time, run.n_steps + 1), run.limit)


def radius_of_ball(problem: Problem, step: Step, limit: State) -> float:
    """Bound how far any primal value will be from its limit, since weights only come closer."""
    away = (step.dual - limit.dual) * (step.primal - limit.primal)
    longest = float(np.diagonal(problem.gram).max())
    return math.sqrt(longest * abs(float(away.sum())))
