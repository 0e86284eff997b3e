"""What an event does to the modes of its neuron; everything else stays as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics._flow.hyperplanes import Hyperplanes
from relubias.dynamics._flow.kinks import INSIDE, LOWER, UPPER, least_velocity
from relubias.dynamics._flow.motion import LEAVES_LOW, REACHES, State

__all__ = ["resolve"]

_TOUCHES = 1e-14  # of the residual that moves the neuron: on the hyperplane
_NO_ROOM = 1e-13  # of the forces involved: an interval of forces that is empty


def resolve(
    planes: Hyperplanes, signs: Float, state: State, kind: int, k: int, sample: int
) -> State:
    """Return the state with the new modes of neuron k after an event on one of its hyperplanes."""
    modes = state.modes.copy()
    low, high = _bounds(planes, float(signs[k]), state.residual)
    attracts = high - low > _NO_ROOM * (np.abs(high) + np.abs(low))
    touches = np.abs(state.primal[k]) <= _TOUCHES * np.abs(state.residual[modes[k] > 0]).max(
        initial=0.0
    )
    kinks = planes.leads & attracts & (touches | (modes[k] == 0))
    kinks[sample] = False
    if planes.partner[sample] >= 0:
        kinks[planes.partner[sample]] = False
    if kind == REACHES and attracts[sample]:
        kinks[sample] = True
    elif kind == REACHES:
        _set(planes, modes[k], sample, -int(modes[k, sample]))
    else:
        _set(planes, modes[k], sample, LOWER if kind == LEAVES_LOW else UPPER)
    Z = np.flatnonzero(kinks)
    if Z.size:
        guess = modes[k, Z].copy()
        if kind == REACHES:
            guess[sample == Z] = INSIDE
        rest = modes[k] > 0
        rest[Z] = False
        rest[planes.partner[Z][planes.partner[Z] >= 0]] = False
        A = np.flatnonzero(rest)
        asked = planes.gram[np.ix_(Z, A)] @ (signs[k] * state.residual[A])
        _, where = least_velocity(planes.gram[np.ix_(Z, Z)], asked, low[Z], high[Z], guess)
        for z, place in zip(Z, where, strict=True):
            _set(planes, modes[k], int(z), int(place))
    primal = state.primal.copy()
    stopped = np.append(Z, sample)
    partners = planes.partner[stopped]
    primal[k, stopped] = 0.0
    primal[k, partners[partners >= 0]] = 0.0
    return state._replace(primal=primal, modes=modes)


def _bounds(planes: Hyperplanes, sign: float, residual: Float) -> tuple[Float, Float]:
    """Return what each hyperplane asks for on its inactive and on its active side."""
    opposite = np.where(planes.partner >= 0, residual[planes.partner], 0.0)
    return -sign * planes.ratio * opposite, sign * residual


def _set(planes: Hyperplanes, modes: NDArray[np.int8], sample: int, mode: int) -> None:
    """Set the mode of a hyperplane, and the opposite one for the partner."""
    modes[sample] = mode
    if planes.partner[sample] >= 0:
        modes[planes.partner[sample]] = -mode
