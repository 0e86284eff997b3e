"""One step of a run as invariants see it."""

from __future__ import annotations

from typing import NamedTuple

from relubias._validate import Float

__all__ = ["Step"]


class Step(NamedTuple):
    """One step as invariants see it.

    Attributes
    ----------
    time : int
        Number of steps taken.
    primal, dual : ndarray of shape (n_neurons, n_samples)
    residual : ndarray of shape (n_samples,)
        Prediction minus label.
    previous : Step or None
        The step before, where it was looked at, too.
    """

    time: int
    primal: Float
    dual: Float
    residual: Float
    previous: Step | None
