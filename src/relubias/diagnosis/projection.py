"""Projection on the weights that fit the active samples: where Lemma 2 says that descent ends."""

from __future__ import annotations

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.curvature import Curvature

__all__ = ["projected"]

_EPS = float(np.finfo(np.float64).eps)


def projected(data: Data, curvature: Curvature, weights: Float) -> tuple[Float, float]:
    """Project weights on those that fit the samples under the network's activation pattern.

    Where nothing fits, on the least-squares fits. Returns them and a bound on the rounding.
    """
    if curvature.rank == 0:
        return weights.copy(), 0.0
    support, mu, Q = curvature.support, curvature.eigenvalues, curvature.modes
    on = data.active[:, support]
    X = data.features[support]
    seen = data.signs @ np.where(on, weights @ X.T, 0.0)
    c = Q @ (Q.T @ (data.labels[support] - seen) / mu)
    moved = weights + data.signs[:, None] * (np.where(on, c, 0.0) @ X)
    noise = 8 * support.size * _EPS * curvature.condition
    return moved, noise * (float(np.linalg.norm(moved)) + float(np.linalg.norm(weights)))
