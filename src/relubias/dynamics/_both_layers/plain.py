"""Steps of both layers in NumPy, readable; `_kernels` has the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics._both_layers import codes as code

__all__ = ["advance", "multiply", "observe"]

Mask = NDArray[np.bool_]
Int = NDArray[np.int64]


def multiply(dual: Float, gram: Float, primal: Float) -> None:
    """Write ``dual @ gram``, summed in the order of the samples."""
    primal[:] = 0.0
    for j in range(gram.shape[0]):
        primal += dual[:, j, None] * gram[j]


def _residual(labels: Float, outer: Float, primal: Float, active: Mask, residual: Float) -> float:
    """Write ``outer @ relu(primal) - labels``; return its size on samples that a neuron sees."""
    residual[:] = -labels
    for a, u, on in zip(outer, primal, active, strict=True):
        residual += np.where(on, a * u, 0.0)
    seen = np.abs(residual[active.any(axis=0)])
    return float(seen.max(initial=0.0))  # NaN if there is one


def _step(
    gram: Float, step_size: float, dual: Float, outer: Float, primal: Float, active: Mask,
    residual: Float,
) -> None:  # fmt: skip
    """Move both layers down the gradient of ``0.5 * ||residual||**2``, at the same time."""
    slope = np.zeros_like(outer)
    for i in range(residual.size):
        slope += np.where(active[:, i], primal[:, i] * residual[i], 0.0)
    dual -= np.where(active, (step_size * outer)[:, None] * residual, 0.0)
    outer -= step_size * slope
    multiply(dual, gram, primal)


def observe(
    gram: Float, root: Float, dual: Float, primal: Float, active: Mask, counters: Int,
    buffer: Int, margin: Float,
) -> None:  # fmt: skip
    """Note switches, and how close to zero primal values came for the size of their terms."""
    del root
    is_on = primal > 0.0
    for k, i in np.argwhere(is_on != active):
        buffer[counters[code.N_BUFFERED]] = counters[code.TIME], k, i, 1 if is_on[k, i] else -1
        counters[code.N_BUFFERED] += 1
        counters[code.N_SWITCHES] += 1
        counters[code.LAST_SWITCH] = counters[code.TIME]
    active[:] = is_on
    terms = np.zeros_like(primal)
    for j in range(gram.shape[0]):
        terms += np.abs(dual[:, j, None]) * np.abs(gram[j])
    counts = terms > 0.0
    nearest = np.fmin.reduce(np.abs(primal[counts]) / terms[counts], initial=np.inf)
    if nearest < margin[0]:
        margin[0] = nearest


def advance(
    gram: Float, labels: Float, step_size: float, root: Float, tol: float, huge: float,
    stop_time: int, dual: Float, outer: Float, primal: Float, active: Mask, residual: Float,
    counters: Int, buffer: Int, margin: Float, *work: Any,
) -> int:  # fmt: skip
    """Step until `stop_time` or until something is to be decided; return why (see `codes`)."""
    del work
    while True:
        largest = _residual(labels, outer, primal, active, residual)
        if not largest <= huge:
            return code.DIVERGED
        if largest <= tol:
            return code.SMALL_RESIDUAL
        if counters[code.TIME] >= stop_time:
            return code.STOPPED
        if counters[code.N_BUFFERED] + primal.size > buffer.shape[0]:
            return code.BUFFER_FULL
        _step(gram, step_size, dual, outer, primal, active, residual)
        counters[code.TIME] += 1
        observe(gram, root, dual, primal, active, counters, buffer, margin)
