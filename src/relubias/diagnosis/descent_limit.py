"""Where gradient descent on the first layer goes from given weights, within a given time."""

from __future__ import annotations

import dataclasses
import enum
import time
from dataclasses import dataclass

import numpy as np

from relubias._progress import Report
from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.activity import slack_of
from relubias.diagnosis.curvature import curvature_of
from relubias.diagnosis.projection import projected

__all__ = ["DescentLimit", "LimitStatus", "descent_limit"]

_FIRST_LOOK = 16
_FAR = 1e12
"""Weights so many times larger than the first ones, or than the labels need, diverge."""
_SHARE_OF_LOOKS = 0.5
"""Part of the time that may go into proofs."""


class LimitStatus(enum.StrEnum):
    """How far descent was followed; `sentence` is what people read."""

    PROVED = "PROVED"
    RESTS = "RESTS"
    UNFINISHED = "UNFINISHED"
    DIVERGED = "DIVERGED"

    @property
    def sentence(self) -> str:
        """The status in words."""
        return _SENTENCES[self]


_SENTENCES = {
    LimitStatus.PROVED: "no activation switches any more, and the limit is exact to rounding",
    LimitStatus.RESTS: "the residual on active samples is below the tolerance",
    LimitStatus.UNFINISHED: "time ran out first; these are the last weights; raise `time_limit`",
    LimitStatus.DIVERGED: "the loss grows without bound; lower `step_size`",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class DescentLimit:
    """Where gradient descent on the folded first layer goes.

    Attributes
    ----------
    status : LimitStatus
        How far it was followed.
    weights : ndarray of shape (n_neurons, n_dimensions)
        The limit, biases last.
    n_steps : int
        Steps taken before the limit was known.
    step_size : float
        In inverse squared units of the features.
    loss : float
        ``0.5 * ||f(X) - y||**2`` there.
    from_start : bool
        Whether descent began at the model's start, or at its own weights.
    """

    status: LimitStatus
    weights: Float
    n_steps: int
    step_size: float
    loss: float
    from_start: bool

    def __repr__(self) -> str:
        return f"DescentLimit({self.status}, n_steps={self.n_steps}, loss={self.loss:.6g})"


def descent_limit(
    data: Data,
    weights: Float,
    step_size: float,
    seconds: float,
    report: Report,
    *,
    from_start: bool,
) -> DescentLimit:
    """Follow gradient descent on the first layer, in float64, until its limit is proved.

    Parameters
    ----------
    data : Data
        The samples; its own weights play no part.
    weights : ndarray of shape (m, p)
        Where to begin, biases last.
    step_size : float
        Step of gradient descent.
    seconds : float
        Time after which to end with the last weights.
    report : callable
        Takes the fraction done and a sentence.
    from_start : bool
        What to say of `weights`.

    Returns
    -------
    DescentLimit
        The limit, or the last weights.
    """
    begun = time.monotonic()
    far = _FAR * max(float(np.abs(weights).max()), data.size / float(data.lengths.max() or 1.0))
    W, n_steps, looked, next_look = weights.copy(), 0, 0.0, 0
    status = LimitStatus.UNFINISHED
    while True:
        spent = time.monotonic() - begun
        if n_steps >= next_look and looked <= _SHARE_OF_LOOKS * max(spent, 0.2):
            report(min(spent / max(seconds, 1e-9), 1.0), f"{n_steps} steps")
            status, W = _look(data, W, step_size)
            looked += time.monotonic() - begun - spent
            next_look = max(_FIRST_LOOK, 2 * n_steps)
            if status is not LimitStatus.UNFINISHED:
                break
        if spent >= seconds:
            break
        for _ in range(_FIRST_LOOK):
            W = _step(data, W, step_size)
        n_steps += _FIRST_LOOK
        if not np.abs(W).max() <= far:
            status, W = LimitStatus.DIVERGED, weights
            break
    outputs = data.signs @ np.maximum(W @ data.features.T, 0.0)
    residual = outputs - data.labels
    return DescentLimit(
        status=status,
        weights=W,
        n_steps=n_steps,
        step_size=step_size,
        loss=float(residual @ residual) / 2,
        from_start=from_start,
    )


def _step(data: Data, W: Float, step_size: float) -> Float:
    """Take one step of gradient descent."""
    primal = W @ data.features.T
    active = primal > 0
    residual = data.signs @ np.where(active, primal, 0.0) - data.labels
    push = (data.signs[:, None] * np.where(active, residual, 0.0)) @ data.features
    with np.errstate(over="ignore", invalid="ignore"):
        return W - step_size * push


def _look(data: Data, W: Float, step_size: float) -> tuple[LimitStatus, Float]:
    """Return the limit if no activation switches any more."""
    here = moved(data, W)
    curvature = curvature_of(here, step_size)
    if curvature.moving == 0.0:
        return LimitStatus.PROVED, W
    slack, error = slack_of(here, curvature)
    if (slack > error).all():
        return LimitStatus.PROVED, projected(here, curvature, W)[0]
    if curvature.moving <= data.tolerance * data.size:
        return LimitStatus.RESTS, W
    return LimitStatus.UNFINISHED, W


def moved(data: Data, W: Float) -> Data:
    """Return the data as a network with other weights sees them."""
    primal = W @ data.features.T
    outputs = data.signs @ np.maximum(primal, 0.0)
    ratio = (data.features.shape[1] + 2) * float(np.finfo(np.float64).eps)
    return dataclasses.replace(
        data,
        vectors=W,
        primal=primal,
        rounding=ratio * (np.abs(W) @ np.abs(data.features).T),
        outputs=outputs,
        residual=outputs - data.labels,
    )
