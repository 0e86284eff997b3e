"""What every analysis looks at: the folded network on its training samples, computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, fail
from relubias.diagnosis.network import Network
from relubias.problem import Problem

__all__ = ["UNITS", "Data", "data_of", "default_tolerance", "ratio"]

_EPS = float(np.finfo(np.float64).eps)

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24}
"""Unit roundoff of the types in which models are trained."""

_TOLERANCES = {"float64": 1e-8, "float32": 1e-4}
_COARSE = 1e-2
"""Tolerance for weights in half precision."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Data:
    """The folded network on its samples; n samples, m neurons, p features with the constant one.

    Attributes
    ----------
    network : Network
        What was read.
    problem : Problem
        Features with the constant one, labels less the output bias, signs.
    features : ndarray of shape (n, p)
        The features.
    vectors : ndarray of shape (m, p)
        Folded weights.
    lengths : ndarray of shape (n,)
        Norms of the rows of `features`.
    primal : ndarray of shape (m, n)
        ``vectors @ features.T``.
    rounding : ndarray of shape (m, n)
        Bound on the rounding of `primal`.
    outputs, residual : ndarray of shape (n,)
        What the network outputs without its output bias, and that less the labels.
    size : float
        Largest absolute label, output bias subtracted; of the outputs where all are 0.
    tolerance : float
        Part of a size that counts as none.
    """

    network: Network
    problem: Problem
    features: Float
    vectors: Float
    lengths: Float
    primal: Float
    rounding: Float
    outputs: Float
    residual: Float
    size: float
    tolerance: float

    @property
    def active(self) -> NDArray[np.bool_]:
        """Where a neuron is active, (m, n): closed at exactly zero."""
        return self.primal > 0

    @property
    def labels(self) -> Float:
        """Labels less the output bias, (n,)."""
        return self.problem.labels

    @property
    def signs(self) -> Float:
        """Output signs, (m,)."""
        return self.problem.signs

    @property
    def norm(self) -> float:
        """Norm of all folded weights."""
        return float(np.linalg.norm(self.vectors))


def data_of(network: Network, X: Float, y: Float, tolerance: float | None) -> Data:
    """Evaluate the folded network on the samples."""
    features = network.features(X)
    if y.shape[0] != features.shape[0]:
        raise fail("y", f"has {y.shape[0]} entries", f"expected one per sample, {X.shape[0]}")
    target = y - network.output_bias
    problem = Problem.from_features(features, target, network.signs)
    vectors = network.vectors
    primal = vectors @ features.T
    p = features.shape[1]
    outputs = network.signs @ np.maximum(primal, 0.0)
    if not np.isfinite(primal).all() or np.abs(primal).max() > 1e150:
        raise fail("model", "gives values above 1e150 on X", "rescale the features or the labels")
    size = float(np.abs(target).max()) or float(np.abs(outputs).max())
    return Data(
        network=network,
        problem=problem,
        features=features,
        vectors=vectors,
        lengths=np.sqrt(np.diagonal(problem.gram)),
        primal=primal,
        rounding=(p + 2) * _EPS * (np.abs(vectors) @ np.abs(features).T),
        outputs=outputs,
        residual=outputs - target,
        size=size if size > 0 else 1.0,
        tolerance=default_tolerance(network.dtype) if tolerance is None else tolerance,
    )


def default_tolerance(dtype: str) -> float:
    """Return the part of a size that counts as none for weights of this type."""
    return _TOLERANCES.get(dtype, _COARSE)


def ratio(value: float, size: float) -> float:
    """Return value over size; 0 over 0 is 0."""
    if value == 0.0:
        return 0.0
    return value / size if size > 0.0 else math.inf
