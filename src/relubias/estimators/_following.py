"""A run of gradient descent past a look-out: it shows states, and ends runs that never end."""

from __future__ import annotations

import math
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
_FIRST = 64  # steps before the loss is noted first
_PROGRESS = 1e-6  # share by which the loss has to fall while the number of steps doubles
_PATIENCE = 2  # such doublings in a row

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
            passer=_LookOut(problem, step_size * problem.scale, max_iter, callback),
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
    """Ends a run whose loss has stopped falling though samples switch, or on request.

    It judges at powers of two, so that an answer does not depend on where else a run pauses.
    """

    def __init__(
        self, problem: Problem, kappa: float, max_iter: int, callback: Callback | None
    ) -> None:
        self._labels, self._signs = problem.labels, problem.signs
        self._callback = callback
        self._next_call = _NEVER if callback is None else 1
        self._next_judgement, self._last_judgement = _FIRST, max_iter
        self._long_enough = 1.0 / kappa if kappa > 0.0 else 0.0
        self._least, self._n_switches, self._n_level = math.inf, 0, 0

    @property
    def next_time(self) -> int:
        """Step at which to look next."""
        return min(self._next_call, self._next_judgement)

    def see(self, glance: Glance) -> None:
        """Look at a state, and end the run if that is all it will ever be."""
        if self._callback is not None and glance.time >= self._next_call:
            self._next_call = max(glance.time + 1, int(glance.time * _GROWTH))
            if self._callback(glance.state):
                raise _EndedError("STOPPED", "", "a callback ended the run", glance)
        if glance.time >= self._next_judgement:
            doubled = 2 * self._next_judgement
            self._next_judgement = doubled if doubled <= self._last_judgement else _NEVER
            if self._is_on_plateau(glance):
                raise _EndedError("PLATEAU", str(Tail.CHATTER), _PLATEAU, glance)

    def _is_on_plateau(self, glance: Glance) -> bool:
        residual = self._signs @ np.maximum(glance.state.primal, 0.0) - self._labels
        loss = float(residual @ residual)
        has_switched = glance.n_switches > self._n_switches
        is_level = has_switched and loss > (1.0 - _PROGRESS) * self._least
        self._n_level = self._n_level + 1 if is_level else 0
        self._least, self._n_switches = min(loss, self._least), glance.n_switches
        return self._n_level >= _PATIENCE and glance.time >= self._long_enough
