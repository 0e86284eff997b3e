"""The whole path of a gradient flow: pieces in closed form, and the events between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._progress import Report
from relubias._validate import Float
from relubias.dynamics._flow.crossing import Crossing, first_crossing, last_root
from relubias.dynamics._flow.events import resolve
from relubias.dynamics._flow.hyperplanes import Hyperplanes, merge_parallel
from relubias.dynamics._flow.motion import Motion, Rows, State

__all__ = ["Path", "Piece"]

_SMALL = 1e-100  # of the first residual: what moves less is magnified
_MAGNIFY = 2.0**300
_MAX_MAGNIFICATION = 2.0**600
_PATIENCE = 100  # events without a change of mode
_PLAIN = 1e-9  # relative distance from zero that needs no further look
_LONG = 1e3  # slowest time scales after which nothing becomes plainer


class Piece(NamedTuple):
    """A state and the time from which its motion holds.

    The flow is homogeneous: state and labels may be magnified together, so that modes that depend
    on a residual of 1e-200 are still found.
    """

    time: float
    state: State
    magnification: float


class Path:
    """A flow from its start, in units where the data are of order one."""

    def __init__(
        self, gram: Float, labels: Float, signs: Float, start: Float, *, is_open: bool
    ) -> None:
        self.signs = signs
        self.planes: Hyperplanes = merge_parallel(gram, labels)
        primal = np.add(*matvec(gram, start))[:, self.planes.first] * self.planes.factor
        active = primal >= 0.0 if is_open else primal > 0.0
        partner = np.where(self.planes.partner >= 0, self.planes.partner, 0)
        active &= self.planes.leads | ~(active[:, partner] & (self.planes.partner >= 0))
        modes = np.where(active, 1, -1).astype(np.int8)
        residual = signs @ np.maximum(primal, 0.0) - self.planes.labels
        state = State(primal, np.zeros_like(primal), residual, modes)
        self.pieces = [Piece(0.0, state, 1.0)]
        self.motion = Motion(self.planes, signs, state)
        self.fresh = np.zeros(modes.shape, np.bool_)
        self.size = max(float(np.abs(residual).max(initial=0.0)), np.finfo(np.float64).tiny)
        self.n_idle = 0

    @property
    def time(self) -> float:
        """Time of the last event."""
        return self.pieces[-1].time

    @property
    def n_events(self) -> int:
        """Events so far."""
        return len(self.pieces) - 1

    @property
    def moving_residual(self) -> float:
        """Largest entry of the part of the residual that moves anything."""
        modes = self.motion.modes
        return float(np.abs(modes.vectors @ modes.weights).max(initial=0.0))

    def follow(self, max_events: int, report: Report) -> bool:
        """Go from event to event; say whether none is left."""
        while self.n_events < max_events and self.n_idle < _PATIENCE:
            if self.motion.is_still:
                return True
            if self.moving_residual <= _SMALL * self.size:
                if self.pieces[-1].magnification == _MAX_MAGNIFICATION:
                    return False
                self._magnify()
            if not self._next_event():
                return True
            report(
                min(1.0, self.n_events / max_events),
                f"{self.n_events} events, residual {self.moving_residual / self.size:.1e}",
            )
        return False

    def _magnify(self) -> None:
        time, state, magnification = self.pieces.pop()
        state = _times(state, _MAGNIFY)
        self.pieces.append(Piece(time, state, magnification * _MAGNIFY))
        self.motion = self._motion(self.pieces[-1])

    def _motion(self, piece: Piece) -> Motion:
        planes = self.planes._replace(labels=self.planes.labels * piece.magnification)
        return Motion(planes, self.signs, piece.state)

    def _next_event(self) -> bool:
        first, crossing = None, Crossing(np.inf, -1)
        for rows in self.motion.rows(self.fresh):
            found = first_crossing(rows.value, rows.falls, rows.rates, crossing.time)
            if found.row >= 0:
                first, crossing = rows, found
        if first is None:
            return False
        row, time = crossing.row, crossing.time
        kind, k, sample = (int(column[row]) for column in (first.kind, first.neuron, first.sample))
        if first.lift[row]:
            value = float(first.value[row] - first.lift[row])
            time = last_root(value, first.falls[row], first.rates, time)
        before = self.motion.after(time)
        state = resolve(self.planes, self.signs, before, kind, k, sample)
        if time > 0.0:
            self.fresh[:] = False
        self.fresh[k] |= (state.primal[k] == 0.0) & (state.modes[k] != 0)
        is_idle = bool((state.modes[k] == before.modes[k]).all())
        self.n_idle = self.n_idle + 1 if is_idle else 0
        self.pieces.append(Piece(self.time + time, state, self.pieces[-1].magnification))
        self.motion = self._motion(self.pieces[-1])
        return True

    def state_after(self, piece: int, time: float) -> State:
        """Return the state a time after a piece began; infinity gives the limit of its motion."""
        is_last = piece == len(self.pieces) - 1
        motion = self.motion if is_last else self._motion(self.pieces[piece])
        return _times(motion.after(time), 1.0 / self.pieces[piece].magnification)

    def settled(self) -> State:
        """Return a state from which it is plain that no mode changes, magnified like its piece."""
        if self.motion.is_still:
            return self.pieces[-1].state
        groups = self.motion.rows(self.fresh)
        wait, step = 0.0, 1.0 / float(self.motion.modes.rates.max())
        while wait * float(self.motion.modes.rates.min()) < _LONG:
            if all(_is_plain(rows, wait) for rows in groups):
                break
            wait, step = wait + step, 1.5 * step
        return self.motion.after(wait)

    def residual_of_samples(self, state: State) -> Float:
        """Return the residual of all samples; of parallel ones the part that acts along them."""
        return state.residual @ self.planes.weight.T

    def primal_of_samples(self, state: State) -> Float:
        """Return the primal values of all samples."""
        return state.primal @ self.planes.weight.T

    def push_on_samples(self, state: State) -> Float:
        """Return the change of the dual since the start, for all samples."""
        return state.dual @ self.planes.weight.T

    def modes_of_samples(self, modes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the modes of all samples; those that are zero are inactive."""
        owner = self.planes.weight.argmax(axis=1)
        is_seen = self.planes.weight.any(axis=1)
        return np.where(is_seen, modes[..., owner], np.int8(-1))


def _is_plain(rows: Rows, time: float) -> bool:
    """Whether all rows stay clear of zero from `time` on even if all that falls has fallen."""
    left = rows.falls * np.exp(-rows.rates * time)
    value = rows.value + (left - rows.falls).sum(axis=1)
    size = np.abs(value) + np.abs(left).sum(axis=1)
    return bool((value - np.maximum(left, 0.0).sum(axis=1) > _PLAIN * size).all())


def _times(state: State, factor: float) -> State:
    return State(state.primal * factor, state.dual * factor, state.residual * factor, state.modes)
