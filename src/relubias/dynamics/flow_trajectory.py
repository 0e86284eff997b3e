"""A run of gradient flow: linear pieces, events and sliding modes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relubias._style import counted
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_real, fail
from relubias.dynamics._flow.path import Path
from relubias.dynamics._units import Units
from relubias.dynamics.flow_certificate import FlowCertificate
from relubias.dynamics.trajectory import State, Status, Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FLOW_SWITCH_DTYPE", "FlowPath", "FlowTrajectory"]

FLOW_SWITCH_DTYPE = np.dtype(
    [("time", np.float64), ("neuron", np.int32), ("sample", np.int32), ("mode", np.int8)]
)
"""One change of mode: when, where, and +1 (active), 0 (sliding) or -1 (inactive) afterwards."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FlowPath:
    """The pieces of a flow between its events.

    Attributes
    ----------
    times : ndarray of shape (n_pieces,)
        When each piece begins; the first at 0.
    modes : ndarray of int8, shape (n_pieces, n_neurons, n_samples)
        +1 active, 0 sliding, -1 inactive, throughout each piece.
    """

    times: Float
    modes: NDArray[np.int8]
    _path: Path
    _start: Float
    _units: Units

    @classmethod
    def of(cls, path: Path, start: Float, units: Units) -> FlowPath:
        """Collect the pieces of a path that was followed in other units.

        Parameters
        ----------
        path : Path
            Followed to its end.
        start : ndarray of shape (n_neurons, n_samples)
            Dual start.
        units : Units
            Powers of two that the path was scaled by.

        Returns
        -------
        FlowPath
        """
        times = np.array([piece.time for piece in path.pieces]) / units.gram
        modes = [path.modes_of_samples(piece.state.modes) for piece in path.pieces]
        pieces = cls(times, np.array(modes, np.int8), path, start, units)
        pieces.times.flags.writeable = pieces.modes.flags.writeable = False
        return pieces

    def __len__(self) -> int:
        return self.times.size

    def at(self, time: float) -> State:
        """Return the state at a time, the limit at infinity.

        Parameters
        ----------
        time : float
            Not negative.

        Returns
        -------
        State
        """
        piece = int(np.searchsorted(self.times, time, side="right")) - 1
        state = self._path.state_after(piece, (time - self.times[piece]) * self._units.gram)
        push = self._path.push_on_samples(state) * (self._units.label / self._units.gram)
        return State(
            primal=self._path.primal_of_samples(state) * self._units.label, dual=self._start + push
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class FlowTrajectory(Trajectory):
    r"""A run of gradient flow, from its start to its limit.

    Attributes
    ----------
    problem : Problem
    start : ndarray of shape (n_neurons, n_samples)
        Dual start.
    status : Status
        Why the run ended: CERTIFIED, TOLERANCE or MAX_EVENTS.
    limit : State
        Where the flow goes (CERTIFIED, TOLERANCE), otherwise the state at the last event.
    modes : ndarray of int8, shape (n_neurons, n_samples)
        At the limit: +1 active, 0 sliding, -1 inactive.
    certificate : FlowCertificate or None
        Recomputed from the inputs; only where the status is CERTIFIED.
    switches : structured ndarray of shape (n_switches,)
        Fields ``time, neuron, sample, mode``; ordered by time, neuron, sample.
    n_switches : int
        Changes of mode; an event on one hyperplane can change several.
    n_events : int
        Times at which the motion changed.
    last_switch : float
        Time of the last switch; 0 if there was none.
    end_time : float
        Time of the last event.
    loss : float
        Risk at `limit`, ``0.5 * ||f(X) - y||**2``.
    path : FlowPath
        The pieces between events: their times and modes.
    records : Records
        States at the times asked for; times beyond an unfinished run are missing.
    at_zero : str
        ``"closed"`` or ``"open"``: whether samples at exactly zero at the start were active.
    max_events : int
        Events that were allowed.
    tol : float
        Relative tolerance that was asked for.
    """

    modes: NDArray[np.int8]
    certificate: FlowCertificate | None
    n_events: int
    end_time: float  # pyright: ignore[reportIncompatibleMethodOverride]
    path: FlowPath
    at_zero: str
    max_events: int

    @property
    def sliding(self) -> NDArray[np.intp]:
        """Pairs (neuron, sample) that slide at the limit, (n_pairs, 2)."""
        return np.argwhere(self.modes == 0)

    def at(self, time: float) -> State:
        """Return the state at a time.

        Parameters
        ----------
        time : float
            Any time from 0 on, infinity included; at most `end_time` if the run has no limit.

        Returns
        -------
        State
            Evaluated in closed form on the piece that holds the time.

        Raises
        ------
        InvalidInputError
            If `time` is negative, not a number, or beyond the end of an unfinished run.
        """
        is_infinite = isinstance(time, float) and math.isinf(time) and time > 0
        at = math.inf if is_infinite else as_real("time", time, minimum=0.0)
        if self.status is Status.MAX_EVENTS and at > self.end_time:
            raise fail("time", f"is {at:g}", f"the run ends at {self.end_time:g}; see `status`")
        with one_blas_thread(self.problem.n_samples):
            return self.path.at(at)

    @property
    def explanation(self) -> str:
        """The status as one sentence, with the numbers of this run."""
        sentence = self.status.sentence
        if self.status is Status.CERTIFIED and len(self.sliding):
            pairs = counted(len(self.sliding), "pair slides", "pairs slide")
            return f"{sentence}; {pairs} along a hyperplane for ever"
        if self.status is Status.MAX_EVENTS and self.n_events < self.max_events:
            return "no limit was reached: events at one time cannot be told apart in float64"
        return sentence

    def summary(self) -> str:
        """Return the run as a few lines of text."""
        lines = [
            f"Gradient flow: {self.status}",
            f"  {self.explanation}",
            f"  {self.n_events} events, {self.n_switches} switches, "
            f"the last at time {self.last_switch:.6g}",
            f"  loss at the limit {self.loss:.6g}; of {self.modes.size} pairs "
            f"{int((self.modes > 0).sum())} active, {len(self.sliding)} sliding",
        ]
        if self.certificate is not None:
            lines.append(f"  {self.certificate}")
        return "\n".join(lines)

    def _draw(self, ax: Axes | None) -> Axes:
        from relubias.dynamics._plot_flow import draw_flow

        return draw_flow(self, ax)

    def __repr__(self) -> str:
        return (
            f"FlowTrajectory({self.status}, n_events={self.n_events}, "
            f"n_sliding={len(self.sliding)}, last_switch={self.last_switch:.6g}, "
            f"loss={self.loss:.6g})"
        )
