"""States kept, or shown to an observer, at chosen steps."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from relubias._validate import Float
from relubias.dynamics._run import Run
from relubias.dynamics.trajectory import Records, State

__all__ = ["Glance", "Glancing", "Look", "Observer", "Passer", "Recorder", "Watching", "risk"]


_MOST_SWITCHES_SHOWN = 5000
"""Switches between looks that an observer is shown; a run that chatters has no end of them."""


class Recorder:
    """Keeps the state at chosen steps."""

    sees_the_end: ClassVar[bool] = False
    """Whether the end under a frozen pattern is seen in closed form, whatever is jumped over."""

    def __init__(self, times: list[int], run: Run) -> None:
        self.run = run
        self.waiting = times[::-1]
        self.kept: list[tuple[int, State]] = []

    @property
    def next_time(self) -> int:
        """Step of the next record."""
        return self.waiting[-1] if self.waiting else 2**62

    def observe(self) -> None:
        """Keep the present state if it was asked for."""
        if self.run.time == self.next_time:
            self.kept.append((self.waiting.pop(), self.run.state()))

    def finish(self, *, is_settled: bool, limit: State | None = None) -> Records:
        """Follow a settled run in jumps through the steps still asked for.

        A run that chatters at a certified limit stays there.
        """
        self.observe()
        while limit is not None and self.waiting:
            self.kept.append((self.waiting.pop(), limit))
        while is_settled and self.waiting:
            self.run.renew_residual()
            if self.next_time > self.run.time:
                self.run.jump(self.next_time - self.run.time)
            self.observe()
        problem = self.run.problem
        shape = (0, problem.n_neurons, problem.n_samples)
        primal = np.array([s.primal for _, s in self.kept]).reshape(-1, *shape[1:])
        return Records(
            time=np.array([t for t, _ in self.kept], dtype=np.int64),
            primal=primal,
            dual=np.array([s.dual for _, s in self.kept]).reshape(-1, *shape[1:]),
            loss=np.array([risk(problem.labels, problem.signs, u) for u in primal]),
        )


class Look(NamedTuple):
    """What an observer is shown.

    Attributes
    ----------
    time : int
        Number of steps taken.
    state : State
        The state after them.
    before : ndarray of shape (n_neurons, n_samples) or None
        Primal values one step earlier; None if the run jumped here, or at its start.
    lowest, highest : ndarray of shape (n_neurons, n_samples)
        Range of every primal value since the last look; infinite if the run jumped in between.
    """

    time: int
    state: State
    before: Float | None
    lowest: Float
    highest: Float


class Observer(Protocol):
    """Sees a run as it goes and keeps what it likes."""

    @property
    def next_time(self) -> int:
        """Step at which it wants to look next; larger than that of the last look."""
        ...

    def see(self, look: Look) -> None:
        """Look at a state."""
        ...


class Watching(Recorder):
    """Shows states to an observer, at its own steps and after every switch, and keeps none."""

    sees_the_end: ClassVar[bool] = True

    def __init__(self, observer: Observer, run: Run) -> None:
        super().__init__([], run)
        self.observer = observer
        self.n_switches_shown = 0
        run.watch()

    @property
    def next_time(self) -> int:
        """Step that the observer wants to see next."""
        return self.observer.next_time

    def observe(self) -> None:
        """Show the present state if it was asked for, or if a sample has just switched."""
        run = self.run
        if run.time == self.observer.next_time:
            self._show()
        elif run.time == run.last_switch > 0 and self.n_switches_shown < _MOST_SWITCHES_SHOWN:
            self.n_switches_shown += 1
            self._show()
            if self.n_switches_shown == _MOST_SWITCHES_SHOWN:
                run.stop_at_switches(False)

    def finish(self, *, is_settled: bool, limit: State | None = None) -> Records:
        """Show the state in which the run ended, unless it jumped there under a frozen pattern."""
        if not (is_settled and np.isinf(self.run.extremes[0]).any()):
            self._show()
        return super().finish(is_settled=is_settled, limit=limit)

    def _show(self) -> None:
        run, unit = self.run, self.run.label_unit
        lowest, highest, before = run.extremes * unit
        is_known = bool(np.isfinite(before).all())
        self.observer.see(
            Look(run.time, run.state(), before if is_known else None, lowest, highest)
        )
        run.forget_range()


class Glance(NamedTuple):
    """What a passer sees.

    Attributes
    ----------
    time, n_iter, n_switches : int
        Steps taken, iterations computed, and switches so far.
    state : State
        The state after them.
    """

    time: int
    n_iter: int
    n_switches: int
    state: State


class Passer(Protocol):
    """Sees a run where it pauses; an error that it raises ends the run."""

    @property
    def next_time(self) -> int:
        """Step at which it wants the run to pause for it next; larger than the present one."""
        ...

    def see(self, glance: Glance) -> None:
        """Look at a state."""
        ...


class Glancing(Recorder):
    """Shows states to a passer at its own steps and at every pause, and keeps none."""

    sees_the_end: ClassVar[bool] = True

    def __init__(self, passer: Passer, run: Run) -> None:
        super().__init__([], run)
        self.passer = passer
        self.is_over = False

    @property
    def next_time(self) -> int:
        """Step at which the passer wants a pause."""
        return self.passer.next_time

    def observe(self) -> None:
        """Show the present state."""
        run = self.run
        if not self.is_over:
            self.passer.see(Glance(run.time, run.n_iter, run.n_switches, run.state()))

    def finish(self, *, is_settled: bool, limit: State | None = None) -> Records:
        """Keep nothing, and show the end no more: it is the result."""
        self.is_over = True
        return super().finish(is_settled=is_settled, limit=limit)


def risk(labels: Float, signs: Float, primal: Float) -> float:
    """Return ``0.5 * ||signs @ relu(primal) - labels||**2``."""
    residual = signs @ np.maximum(primal, 0.0) - labels
    return 0.5 * float(residual @ residual)
