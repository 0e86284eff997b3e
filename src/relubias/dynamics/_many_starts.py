"""All-positive starts of many problems at once, with the bits of `starts.all_positive`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._validate import Float
from relubias.dynamics import starts

__all__ = ["all_positive_duals"]

_EPS = float(np.finfo(np.float64).eps)


def all_positive_duals(grams: Float, scales: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Return the dual of one neuron for each problem, and which of them to trust.

    Parameters
    ----------
    grams : ndarray of shape (B, n_samples, n_samples)
        Gram matrices, exactly symmetric.
    scales : ndarray of shape (B,)
        Primal values.

    Returns
    -------
    duals : ndarray of shape (B, n_samples)
        Bit-equal to a row of `relubias.starts.all_positive` where trusted.
    trusted : ndarray of bool, shape (B,)
        False where that function needs a closer look, or refuses.
    """
    B, n = grams.shape[:2]
    nothing = np.zeros((B, n)), np.zeros(B, np.bool_)
    diagonal = np.diagonal(grams, axis1=1, axis2=2)
    low, high = starts.RANGE
    if n > starts.INVERT_UP_TO or not ((scales >= low) & (scales <= high)).all():
        return nothing
    if not (diagonal > 0).all():
        return nothing
    exponents = np.frexp(diagonal.max(axis=1))[1]
    exponents -= exponents % 2
    units = np.ldexp(grams, -exponents[:, None, None])
    shifts = np.frexp(scales)[1]
    right = np.repeat(np.ldexp(scales, -shifts)[:, None], n, axis=1)
    null = 64 * n * _EPS * np.diagonal(units, axis1=1, axis2=2).max(axis=1)
    try:
        np.linalg.cholesky(units - null[:, None, None] * np.eye(n))
        inverses = np.linalg.inv(units)
    except np.linalg.LinAlgError:
        return nothing
    solved = np.matvec(inverses, right)
    above, below = matvec(units, solved)
    solved = solved + np.matvec(inverses, (right - above) - below)
    duals = np.ldexp(solved, (shifts - exponents)[:, None])
    reached = matvec(units, np.ldexp(duals, exponents[:, None]))[0]
    # Rounding, for which `starts` allows more, is left to it.
    missed = np.abs(reached - scales[:, None]).max(axis=1) > starts.REACHED * scales
    return duals, np.logical_not(missed)
