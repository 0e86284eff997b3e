"""A run of gradient descent past a look-out: it shows states, and ends runs that never end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.dynamics import Certificate, State, Status, Tail
from relubias.dynamics.descent import Glance, pass_by
from relubias.problem import Problem

__all__ = ["Callback", "End", "follow"]

Callback = Callable[[State], bool]

_NEVER = 2**62
_GROWTH = 1.2  # of the number of steps from one call of the callback to the next
_ENOUGH = 512  # steps before which no loss is taken to have stopped falling
_PROGRESS = 1e-6  # share by which the loss has to fall while the number of steps doubles

_PLATEAU = (
    "the loss has stopped falling though samples still switch, as they may for ever where the "
    "labels cannot be fitted; a smaller step circles closer to a minimum"
)


class End(NamedTuple):
    """How and where a run ended."""

    status: str
    tail: str
    sentence: str
    certificate: Certificate | None
    state: State
    n_iter: int
    n_steps: int
    n_switches: int

    @property
    def is_worth_a_warning(self) -> bool:
        """Whether the run ended short of a limit though nobody asked it to."""
        return self.status not in (Status.CERTIFIED, Status.TOLERANCE, "STOPPED")


def follow(
    problem: Problem,
    start: Float,
    *,
    step_size: float,
    max_iter: int,
    tol: float,
    callback: Callback | None,
) -> End:
    """Run gradient descent to its limit, to a plateau, or until the callback says so.

    Parameters
    ----------
    problem, start, step_size, max_iter, tol
        As in `relubias.gradient_descent`.
    callback : callable or None
        Is shown states at ever fewer steps, and returns whether to stop.

    Returns
    -------
    End
    """
    try:
        run = pass_by(
            problem,
            start,
            step_size=step_size,
            passer=_LookOut(problem, callback),
            max_iter=max_iter,
            tol=tol,
        )
    except _EndedError as ended:
        return ended.end
    return End(
        status=str(run.status),
        tail=str(run.tail),
        sentence=run.explanation,
        certificate=run.certificate,
        state=run.limit,
        n_iter=run.n_iter,
        n_steps=run.n_steps,
        n_switches=run.n_switches,
    )


class _EndedError(Exception):
    """The run ends here."""

    def __init__(self, status: str, tail: str, sentence: str, glance: Glance) -> None:
        super().__init__(status)
        now = glance.state, glance.n_iter, glance.time, glance.n_switches
        self.end = End(status, tail, sentence, None, *now)


class _LookOut:
    """Ends a run whose loss has stopped falling though samples switch, or on request."""

    def __init__(self, problem: Problem, callback: Callback | None) -> None:
        self._labels, self._signs = problem.labels, problem.signs
        self._callback = callback
        self.next_time = _NEVER if callback is None else 1
        self._seen: list[tuple[int, int, float]] = []  # steps, switches, least loss so far

    def see(self, glance: Glance) -> None:
        if self._callback is not None and glance.time >= self.next_time:
            self.next_time = max(glance.time + 1, int(glance.time * _GROWTH))
            if self._callback(glance.state):
                raise _EndedError("STOPPED", "", "a callback ended the run", glance)
        if self._is_on_plateau(glance):
            raise _EndedError("PLATEAU", str(Tail.CHATTER), _PLATEAU, glance)

    def _is_on_plateau(self, glance: Glance) -> bool:
        residual = self._signs @ np.maximum(glance.state.primal, 0.0) - self._labels
        loss = float(residual @ residual)
        if self._seen:
            loss = min(loss, self._seen[-1][2])
        earlier = [seen for seen in self._seen if 2 * seen[0] <= glance.time]
        self._seen.append((glance.time, glance.n_switches, loss))
        if not earlier or glance.time < _ENOUGH:
            return False
        _, n_switches, least = earlier[-1]
        return glance.n_switches > n_switches and loss > (1.0 - _PROGRESS) * least
