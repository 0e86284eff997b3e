"""The paper's setting, seeds, and the sharp law of the gap."""

from __future__ import annotations

import numpy as np

from relubias._validate import Float

__all__ = ["gap_law", "seed_for"]


def seed_for(seed: int, experiment: str, *path: int) -> tuple[int, ...]:
    """Return the seed of one draw; draws with different paths are independent."""
    return (seed, int.from_bytes(experiment.encode(), "little"), *path)


def gap_law(kappa: float, labels: Float, start: Float | float, trace: float) -> float:
    r"""Return :math:`\|\lambda\|_1^{-1/2}\,\|\kappa|y_-| - (1-\kappa)\varepsilon_-\|`.

    The distance between the limit of gradient descent and the minimum-norm solution, to
    leading order in high dimension, for one positive neuron that starts active everywhere.

    Parameters
    ----------
    kappa : float
        Step size times `trace`, dimensionless.
    labels : ndarray of shape (n_samples,)
        Labels.
    start : float or ndarray of shape (n_samples,)
        Initial predictions, positive.
    trace : float
        Trace of the feature covariance.

    Returns
    -------
    float
        The law's value, in units of the weights.
    """
    negative = labels < 0
    first = np.broadcast_to(start, labels.shape)[negative]
    kick = kappa * np.abs(labels[negative]) - (1 - kappa) * first
    return float(np.linalg.norm(kick) / np.sqrt(trace))
