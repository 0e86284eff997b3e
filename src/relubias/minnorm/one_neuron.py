r"""One neuron: the exact least-norm fit, by convex quadratic programming.

.. math:: \min \|w\|^2 \quad\text{s.t.}\quad x_i^\top w = y_i \ (y_i > 0), \qquad
          x_i^\top w \le 0 \ (y_i \le 0).

With :math:`w = X^\top\beta` its dual is :math:`\max 2 y_P^\top\beta_P - \beta^\top G\beta` over
:math:`\beta_N \le 0` (Lemma 3 of Lai, Wang, Tao, Muthukumar, COLT 2026). A neuron of sign -1
sees the labels mirrored.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest, gram_null_test
from relubias.minnorm.features import refined_on_features
from relubias.minnorm.infeasible import features_null_test, tidy_ray
from relubias.minnorm.program import solve_program
from relubias.minnorm.scaling import label_units, scaled_gram

__all__ = ["Neuron", "solve_one_neuron"]

_ILL_CONDITIONED = 3e-14  # first refinement, about condition number times eps


class Neuron(NamedTuple):
    """Least-norm neuron in the units of the data, the ray that proves there is none, or neither."""

    dual: Float
    primal: Float
    norm: float
    support: NDArray[np.bool_]
    ray: Float | None
    on_features: bool
    """Whether the features, not the Gram matrix, were taken as the exact data."""
    fits: bool = True
    """Whether there is a neuron."""


def solve_one_neuron(
    gram: Float, labels: Float, sign: float = 1.0, features: Float | None = None
) -> Neuron:
    """Solve the program above.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix.
    labels : ndarray of shape (n_samples,)
        Labels; those of the other sign are fitted as 0.
    sign : float, default=1.0
        Output sign of the neuron.
    features : ndarray of shape (n_samples, n_features), optional
        Used where `gram` is too badly conditioned.

    Returns
    -------
    Neuron
        Dual, primal, norm and support, or a ray.
    """
    target = np.maximum(sign * labels, 0.0)
    if not target.any():
        zero = np.zeros(labels.size)
        return Neuron(zero, zero.copy(), 0.0, np.zeros(labels.size, dtype=np.bool_), None, False)
    y, units = label_units(gram, target)
    free = y > 0
    orientation = np.where(free, 1.0, -1.0)
    factor = units.row * orientation

    def null_test() -> NullTest:
        if features is None:
            return gram_null_test(scaled_gram(gram, factor))
        return features_null_test(features * factor[:, None])

    solution = solve_program(gram, y, free, scale=factor, null_test=null_test)
    if solution.ray is not None:
        hessian = scaled_gram(gram, factor)
        ray = tidy_ray(solution.ray, hessian, y, ~free, null_test()) * factor
        return _no_neuron(target.size, ray)
    if not solution.solved:
        return _no_neuron(target.size, None)
    multipliers, active, slack = solution.multipliers, solution.active, solution.slack
    on_features = features is not None and solution.first_correction > _ILL_CONDITIONED
    if features is not None and on_features:
        X = features * factor[:, None]
        multipliers, active, slack = refined_on_features(X, y, free, multipliers, active)
    primal = np.where(active | free, y, np.minimum((slack + y) * orientation, 0.0))
    norm = math.sqrt(max(math.fsum(multipliers * y), 0.0))
    return Neuron(
        units.dual(multipliers * orientation) + 0.0,
        units.primal(primal) + 0.0,
        units.norm(norm),
        active,
        None,
        on_features,
    )


def _no_neuron(n: int, ray: Float | None) -> Neuron:
    zero = np.zeros(n)
    return Neuron(zero, zero, math.nan, np.zeros(n, dtype=np.bool_), ray, False, fits=False)
