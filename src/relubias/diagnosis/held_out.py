"""Test errors of the network and of those that it could have been."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.comparison import Comparison
from relubias.diagnosis.descent_limit import DescentLimit, LimitStatus
from relubias.minnorm import linear_minimum_norm

__all__ = ["Ridge", "TestError", "held_out_errors", "ridge_of"]

_PENALTIES = np.logspace(-12, 4, 97)
"""Penalties that are tried, times the largest eigenvalue of the centred Gram matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestError:
    """Error of one predictor on held-out samples.

    Attributes
    ----------
    name : str
        The predictor.
    rmse : float
        Root of the mean squared error on the held-out samples, in units of the labels.
    train_rmse : float
        The same on the training samples.
    r2 : float
        1 less the mean squared error over that of the mean of the held-out labels; nan if these
        are all equal.
    difference : float
        Mean squared error less the model's.
    difference_error : float
        Standard error of `difference` over the held-out samples, which were paired.
    """

    __test__ = False  # no test case, whatever its name

    name: str
    rmse: float
    train_rmse: float
    r2: float
    difference: float
    difference_error: float

    @property
    def is_better(self) -> bool | None:
        """Whether it has a smaller error than the model: two standard errors decide, or None."""
        if abs(self.difference) <= 2 * self.difference_error or self.difference == 0.0:
            return None
        return self.difference < 0


class Ridge(NamedTuple):
    """Ridge regression with a free intercept."""

    coefficients: Float
    intercept: float
    penalty: float
    """Of the squared norm of the coefficients, beside the sum of squared errors."""
    error: float
    """Root of the mean squared leave-one-out error, in units of the labels."""
    was_chosen: bool
    """Whether the penalty was chosen by that error."""

    def predict(self, X: Float) -> Float:
        """Return predictions.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Features, without the constant one.

        Returns
        -------
        ndarray of shape (n_samples,)
            In units of the labels.
        """
        return X @ self.coefficients + self.intercept


def ridge_of(X: Float, y: Float, penalty: float | None) -> Ridge:
    r"""Fit ridge regression, with the penalty of the smallest leave-one-out error if none is given.

    With the centred features' Gram matrix K and :math:`C = K + \lambda I`, the error of leaving
    sample i out is :math:`(y_i - f(x_i)) / (1 - h_i)`, where
    :math:`h_i = 1/n + (K C^{-1})_{ii}`, so no fit is repeated.
    """
    n = X.shape[0]
    centre, mean = X.mean(axis=0), float(y.mean())
    Z, t = X - centre, y - mean
    left, values, right = np.linalg.svd(Z, full_matrices=False)
    size = float(values[0]) ** 2 if values.size else 0.0
    if size == 0.0 or n == 1:
        return Ridge(np.zeros(X.shape[1]), mean, penalty or 0.0, math.nan, penalty is None)
    seen = left.T @ t
    kept = values > n * float(np.finfo(np.float64).eps) * values[0]
    left, values, right, seen = left[:, kept], values[kept], right[kept], seen[kept]

    is_full = values.size == n - 1  # then no penalty means no residual at all
    beyond = np.zeros(n) if is_full else t - left @ seen
    free = np.zeros(n) if is_full else 1.0 - 1.0 / n - (left**2).sum(axis=1)

    def left_out(lam: float) -> float:
        kept = lam / (values**2 + lam)
        rest: Float = beyond + left @ (kept * seen)
        room: Float = free + (left**2) @ kept  # 1 less the leverage
        return float(np.sqrt(np.mean((rest / np.maximum(room, 1e-300)) ** 2)))

    lam = penalty
    if lam is None:
        tried = size * _PENALTIES
        lam = float(tried[int(np.argmin([left_out(value) for value in tried]))])
    coefficients = right.T @ (values / (values**2 + lam) * seen)
    intercept = mean - float(centre @ coefficients)
    return Ridge(coefficients, intercept, lam, left_out(lam), penalty is None)


def held_out_errors(
    data: Data,
    X: Float,
    X_test: Float,
    y_test: Float,
    shortest: Comparison | None,
    limit: DescentLimit,
    ridge: Ridge,
) -> tuple[TestError, ...]:
    """Evaluate every predictor on the training and the held-out samples.

    Parameters
    ----------
    data : Data
        The network on its training samples.
    X : ndarray of shape (n, d)
        Training features, without the constant one.
    X_test : ndarray of shape (n_test, d)
        Held-out features.
    y_test : ndarray of shape (n_test,)
        Their labels.
    shortest : Comparison, optional
        The minimum-norm network.
    limit : DescentLimit
        Where gradient descent goes.
    ridge : Ridge
        The linear model to hold against.

    Returns
    -------
    tuple of TestError
        The model first.
    """
    bias = data.network.output_bias
    y = data.labels + bias
    linear: Float = data.features.T @ linear_minimum_norm(data.problem).dual

    def network(weights: Float) -> Callable[[Float], Float]:
        return lambda A: data.signs @ np.maximum(weights @ data.network.features(A).T, 0.0) + bias

    predictors: list[tuple[str, Callable[[Float], Float]]] = [("model", network(data.vectors))]
    where = "its start" if limit.from_start else "its weights"
    if limit.status is not LimitStatus.DIVERGED:
        last = "" if limit.status is not LimitStatus.UNFINISHED else " (unfinished)"
        predictors.append((f"descent from {where}{last}", network(limit.weights)))
    if shortest is not None:
        name = "minimum norm" if shortest.is_exact else "minimum norm (best found)"
        predictors.append((name, network(shortest.weights)))

    def interpolator(A: Float) -> Float:
        return data.network.features(A) @ linear + bias

    def mean(A: Float) -> Float:
        return np.zeros(A.shape[0]) + float(y.mean())

    predictors += [
        ("linear minimum norm", interpolator),
        ("ridge", ridge.predict),
        ("mean of the labels", mean),
    ]
    errors: list[TestError] = []
    predictions = [predict(X_test) for _, predict in predictors]
    unit = max(float(np.abs(values).max()) for values in (y_test, *predictions)) or 1.0
    own: Float = ((predictions[0] - y_test) / unit) ** 2
    spread = float(np.mean(((y_test - float(y_test.mean())) / unit) ** 2))
    for (name, predict), predicted in zip(predictors, predictions, strict=True):
        squares: Float = ((predicted - y_test) / unit) ** 2
        apart = squares - own
        n = apart.size
        errors.append(
            TestError(
                name=name,
                rmse=float(np.sqrt(squares.mean())) * unit,
                train_rmse=float(np.sqrt(np.mean((predict(X) - y) ** 2))),
                r2=1.0 - float(squares.mean()) / spread if spread > 0 else math.nan,
                difference=float(apart.mean()) * unit**2,
                difference_error=float(apart.std(ddof=1) / np.sqrt(n)) * unit**2
                if n > 1
                else math.inf,
            )
        )
    return tuple(errors)
