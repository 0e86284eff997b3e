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
from relubias.dynamics._flow.motion import Motion, State
from relubias.dynamics._flow.rows import Rows

__all__ = ["Path", "Piece"]

_SMALL = 1e-100  # of the first residual: what moves less is magnified
_MAGNIFY = 300  # binary places
_NEAR = 1e-60  # of the labels: what is on its hyperplane when the residual is small
_DECAY = 1e150  # of the residual: as far as one evaluation goes
_MAX_RENEWALS = 100  # each fades the residual by `_DECAY`: later events are of no account
_PATIENCE = 100  # events without a change of mode
_PLAIN = 1e-9  # relative distance from zero that needs no further look


class Piece(NamedTuple):
    """A state and the time from which its motion holds.

    The motion near hyperplanes is homogeneous in the residual, so modes that depend on a residual
    of 1e-200 are found from a magnified state: residual and values near their hyperplanes are
    multiplied by ``2**exponent``, and what is far away stands there only for its sign.
    """

    time: float
    state: State
    exponent: int
    is_dense: bool


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
        self.pieces = [Piece(0.0, state, 0, False)]
        self.motion = Motion(self.planes, signs, state)
        self._visited = (0, self.motion)
        self.fresh = np.zeros(modes.shape, np.bool_)
        self.size = max(float(np.abs(residual).max(initial=0.0)), np.finfo(np.float64).tiny)
        self.n_idle = self.n_events = self.n_renewals = 0
        self.event_time = 0.0
        self.anchor = state  # the last state before any was magnified
        self.is_far = np.zeros(modes.shape, np.bool_)

    @property
    def moving_residual(self) -> float:
        """Largest entry of the part of the residual that moves anything."""
        modes = self.motion.modes
        return float(np.abs(modes.vectors @ modes.weights).max(initial=0.0))

    def follow(self, max_events: int, report: Report) -> bool:
        """Go from event to event; say whether none is left."""
        while (
            self.n_events < max_events
            and self.n_idle < _PATIENCE
            and self.n_renewals < _MAX_RENEWALS
        ):
            if self.motion.is_still:
                return True
            self._magnify_what_is_small()
            if not self._next_event():
                return True
            report(
                min(1.0, self.n_events / max_events),
                f"{self.n_events} events, residual {self.moving_residual / self.size:.1e}",
            )
        return False

    def _magnify_what_is_small(self) -> None:
        while not self.motion.is_still and self.moving_residual <= _SMALL * self.size:
            piece = self.pieces.pop()
            state = piece.state
            if piece.exponent == 0:
                self.anchor = state
            leaves = (np.abs(state.primal) > _NEAR) & ~self.is_far
            primal = np.where(leaves, np.ldexp(state.primal, -piece.exponent), self.anchor.primal)
            self.anchor = self.anchor._replace(primal=primal)
            self.is_far |= leaves
            rests = np.logical_not((state.modes > 0).any(axis=0))
            state = state._replace(
                primal=_magnified(state.primal, self.is_far),
                residual=_magnified(state.residual, rests),
            )
            self._continue(piece._replace(state=state, exponent=piece.exponent + _MAGNIFY))

    def _continue(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.motion = self._motion(piece)

    def _motion(self, piece: Piece) -> Motion:
        return Motion(self.planes, self.signs, piece.state, is_dense=piece.is_dense)

    def _renew(self, time: float) -> None:
        """Begin a piece without an event, in the eigenbasis of its residual."""
        last = self.pieces[-1]
        state = self.motion.after(time)
        self.n_renewals += 1
        self._continue(last._replace(time=last.time + time, state=state, is_dense=True))

    @property
    def _reach(self) -> float:
        """Time after which the residual would be too small to go on from."""
        weights = np.abs(self.motion.modes.weights)
        lives = np.log(_DECAY) + np.log(weights / weights.max())
        return float((lives / self.motion.modes.rates).max())

    def _next_event(self) -> bool:
        horizon = self.motion.modes.horizon
        first, crossing = None, Crossing(horizon, -1)
        for rows in self.motion.rows(self.fresh):
            found = first_crossing(rows.value, rows.falls, rows.rates, crossing.time)
            if found.row >= 0:
                first, crossing = rows, found
        if first is None and np.isinf(horizon):
            return False
        if min(crossing.time, horizon) > self._reach or first is None:
            self._renew(min(horizon, self._reach))
            return True
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
        self.n_events += 1
        last = self.pieces[-1]
        self.event_time = last.time + time
        self._continue(last._replace(time=self.event_time, state=state, is_dense=False))
        return True

    def state_after(self, piece: int, time: float) -> State:
        """Return the state a time after a piece began; infinity gives the limit of its motion."""
        if piece == len(self.pieces) - 1:
            motion = self.motion
        else:
            if self._visited[0] != piece:  # neighbouring times mostly share their piece
                self._visited = piece, self._motion(self.pieces[piece])
            motion = self._visited[1]
        state = motion.after(time)
        exponent = self.pieces[piece].exponent
        if exponent:
            primal = np.where(self.is_far, self.anchor.primal, np.ldexp(state.primal, -exponent))
            return State(primal, self.anchor.dual, self.anchor.residual, state.modes)
        return state

    def settled(self) -> State | None:
        """Return a state from which it is plain that no mode changes, magnified like its piece.

        None if there is none within reach.
        """
        while not self.motion.is_still:
            groups = self.motion.rows(self.fresh)
            reach, wait = self._reach, 0.0
            step = 1.0 / float(self.motion.modes.rates.max())
            while wait <= reach:
                if all(_is_plain(rows, wait) for rows in groups):
                    return self.motion.after(wait)
                wait, step = wait + step, 1.5 * step
            if self.n_renewals >= _MAX_RENEWALS:
                return None
            self._renew(reach)
            self._magnify_what_is_small()
        return self.pieces[-1].state

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
        is_seen = self.planes.weight.any(axis=1)
        if not is_seen.any():
            return np.full((*modes.shape[:-1], is_seen.size), -1, np.int8)
        owner = self.planes.weight.argmax(axis=1)
        return np.where(is_seen, modes[..., owner], np.int8(-1))


def _is_plain(rows: Rows, time: float) -> bool:
    """Whether all rows stay clear of zero from `time` on even if all that falls has fallen."""
    left = rows.falls * np.exp(-rows.rates * time)
    value = rows.value + (left - rows.falls).sum(axis=1)
    size = np.abs(value) + np.abs(left).sum(axis=1)
    return bool((value - np.maximum(left, 0.0).sum(axis=1) > _PLAIN * size).all())


def _magnified(values: Float, is_far: NDArray[np.bool_]) -> Float:
    """Magnify what is near zero; what is far keeps its sign, at a distance of at least 1."""
    far = np.sign(values) * np.maximum(np.abs(values), 1.0)
    return np.where(is_far, far, np.ldexp(values, _MAGNIFY))
