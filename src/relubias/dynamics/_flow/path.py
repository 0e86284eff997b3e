"""The whole path of a gradient flow: pieces in closed form, and the events between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._progress import Report
from relubias._validate import Float
from relubias.dynamics._flow.crossing import first_crossing, last_root
from relubias.dynamics._flow.events import resolve
from relubias.dynamics._flow.hyperplanes import Hyperplanes, merge_parallel
from relubias.dynamics._flow.motion import Motion, State

__all__ = ["Path", "Piece"]

_FLOOR = 1e-250  # of the first residual: what moves less is near the end of the numbers
_PATIENCE = 100  # events without a change of mode


class Piece(NamedTuple):
    """A state and the time from which its motion holds."""

    time: float
    state: State


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
        self.pieces = [Piece(0.0, state)]
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
            if self.moving_residual <= _FLOOR * self.size:
                return self.motion.is_still
            if not self._next_event():
                return True
            report(
                min(1.0, self.n_events / max_events),
                f"{self.n_events} events, residual {self.moving_residual / self.size:.1e}",
            )
        return False

    def _next_event(self) -> bool:
        rows = self.motion.rows(self.fresh)
        crossing = first_crossing(rows.value, rows.falls, rows.rates)
        row, time = crossing.row, crossing.time
        if row < 0:
            return False
        kind, k, sample = (int(column[row]) for column in (rows.kind, rows.neuron, rows.sample))
        if rows.lift[row]:
            value = float(rows.value[row] - rows.lift[row])
            time = last_root(value, rows.falls[row], rows.rates[row], time)
        before = self.motion.after(time)
        state = resolve(self.planes, self.signs, before, kind, k, sample)
        if time > 0.0:
            self.fresh[:] = False
        self.fresh[k] |= (state.primal[k] == 0.0) & (state.modes[k] != 0)
        is_idle = bool((state.modes[k] == before.modes[k]).all())
        self.n_idle = self.n_idle + 1 if is_idle else 0
        self.pieces.append(Piece(self.time + time, state))
        self.motion = Motion(self.planes, self.signs, state)
        return True

    def state_after(self, piece: int, time: float) -> State:
        """Return the state a time after a piece began; infinity gives the limit of its motion."""
        state = self.pieces[piece].state
        is_last = piece == len(self.pieces) - 1
        motion = self.motion if is_last else Motion(self.planes, self.signs, state)
        return motion.after(time)

    def settled_time(self) -> float:
        """Return a time from which it is plain that no mode of the last motion changes."""
        if self.motion.is_still:
            return self.time
        rows = self.motion.rows(self.fresh)
        wait = 0.0
        step = 1.0 / float(self.motion.modes.rates.max())
        for _ in range(64):
            gone = np.expm1(-rows.rates * wait)
            value = rows.value + (rows.falls * gone).sum(axis=1)
            down = np.maximum(rows.falls * (1.0 + gone), 0.0).sum(axis=1)
            size = np.abs(value) + np.abs(rows.falls * (1.0 + gone)).sum(axis=1)
            if (value - down > 1e-9 * size).all():
                break
            wait, step = wait + step, 1.5 * step
        return self.time + wait

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
