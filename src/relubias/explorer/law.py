"""The law of the gap against the dimension, everything else as it is."""

from __future__ import annotations

import math

import numpy as np

import relubias as rb
from relubias.explorer._encode import numbers
from relubias.explorer.data import Data
from relubias.explorer.state import MAX_DRAWS, State

__all__ = ["law_curve", "trace_at"]

_N_POINTS = 49
_HEAD = 64  # eigenvalues of a power law that are summed one by one


def law_curve(
    state: State, data: Data, gap: rb.BiasGap | None
) -> dict[str, list[float | None]] | None:
    """Return the law's prediction over dimensions up to 10**12.

    The step kappa, the labels and the initial predictions stay as they are, so the law changes by
    the trace of the covariance alone, ``1 / sqrt(L)``.

    Returns
    -------
    dict or None
        Lists ``d`` and ``law``; None where there is no law, or no law of features.
    """
    if gap is None or data.law is None or not math.isfinite(gap.prediction):
        return None
    largest = 1e12
    if state.spectrum == "power_law" and state.exponent > 0.0:
        largest = MAX_DRAWS / state.n
    d = np.geomspace(max(state.n, 2), max(largest, state.n + 1.0), _N_POINTS).round()
    law = [gap.prediction * math.sqrt(data.trace / trace_at(state, at)) for at in d.tolist()]
    return {"d": numbers(d), "law": numbers(law)}


def trace_at(state: State, d: float) -> float:
    """Return the trace of the covariance of a state in another dimension."""
    if state.law == "orthogonal" or state.spectrum == "isotropic":
        return d
    if state.spectrum == "spiked":
        return state.spike + d - 1.0
    a, head = state.exponent, np.arange(1.0, min(d, _HEAD) + 1.0)
    total = float((head**-a).sum())
    if d <= _HEAD:
        return total
    # Euler and Maclaurin's formula from the last eigenvalue of the head
    integral = (
        math.log(d / _HEAD) if a == 1.0 else (d ** (1.0 - a) - _HEAD ** (1.0 - a)) / (1.0 - a)
    )
    ends = 0.5 * (d**-a - _HEAD**-a) + a / 12.0 * (_HEAD ** (-a - 1.0) - d ** (-a - 1.0))
    return total + integral + ends
