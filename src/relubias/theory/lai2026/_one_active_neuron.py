"""A certificate for any number of neurons: one step in closed form, and norms for all others.

Stated and proved in the docstring of `Theorem3`.
"""

from __future__ import annotations

import math

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.theory.lai2026._parts import Part, smallest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.setting import Setting

__all__ = ["first_step", "parts_of_certificate"]


def first_step(setting: Setting) -> tuple[Float, Float]:
    """Return primal values, and L times the duals, after one step from the start."""
    initial, signs = setting.initial, setting.signs
    residual = signs @ np.maximum(initial, 0.0) - setting.labels
    push = -setting.kappa * signs[:, None] * np.where(initial > 0.0, residual, 0.0)
    return initial + push + push @ setting.deviation, setting.trace * setting.start + push


def parts_of_certificate(setting: Setting, shares: Shares) -> list[Part]:
    r"""Return by how much each condition of the theorem is met, in units of kappa y_min.

    Rounding is part of the errors: that of the first step is bounded by `Setting.state_error`,
    norms and products add as much again for each of their terms.
    """
    kappa, delta = setting.kappa, setting.delta.value + setting.delta.error
    stable = [
        Part(1.0 - 0.5 * kappa * (1.0 + delta), kappa * setting.delta.error),
        Part(1.0 - delta, setting.delta.error),
    ]
    if not delta < 1.0:
        return stable
    own, size = shares.own, np.abs(setting.labels)
    with one_blas_thread(setting.n):
        primal, scaled_dual = first_step(setting)
        rows: Float = np.sqrt((setting.deviation**2) @ own.T).T
        z = np.where(own, size, scaled_dual)
        v = z @ setting.deviation
    misfit: Float = np.sqrt(((primal * own - shares.target) ** 2).sum(axis=1))[:, None]
    own_v: Float = np.sqrt(((v * own) ** 2).sum(axis=1))[:, None]
    later = size - (abs(1.0 - kappa) + kappa * rows) * misfit
    if kappa <= 1.0:
        later = np.maximum(later, kappa * (size - rows * misfit))
    beyond = -z - v - rows * (misfit + own_v) / (1.0 - delta)
    unit = shares.unit
    error = (4.0 + math.sqrt(setting.n)) * setting.state_error / unit
    return [
        *stable,
        smallest(shares.oriented(primal) / unit, error),
        smallest(np.where(own, later, beyond) / unit, error * 2.0 / (1.0 - delta)),
    ]
