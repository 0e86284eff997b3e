"""What both regressors share: the network, its data, its predictions and its warnings."""

from __future__ import annotations

import operator
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from relubias._validate import Float, as_signs, fail, is_scalar, shown
from relubias.estimators._sklearn import ConvergenceWarning, Regressor
from relubias.problem import Problem

__all__ = ["ReLURegressor"]

_FRAMES_TO_THE_USER = 4  # the caller of fit: warn, fit, and the wrapper that manages callbacks


class ReLURegressor(Regressor):
    """A shallow ReLU network with fixed output signs."""

    neurons: Any
    fit_intercept: Any
    coef_: Float
    intercept_: Float
    signs_: Float

    def predict(self, X: Any) -> Float:
        """Evaluate the network.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Feature vectors.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions, in units of the labels.
        """
        X = self._checked_again(X)
        return np.maximum(X @ self.coef_.T + self.intercept_, 0.0) @ self.signs_

    def _data(self, X: Any, y: Any) -> tuple[Float, Problem]:
        """Return the checked features, the constant 1 behind them where asked, and the problem."""
        signs = as_network(self.neurons)
        has_intercept = as_flag("fit_intercept", self.fit_intercept)
        X, y = self._checked(X, y)
        features = np.hstack([X, np.ones((X.shape[0], 1))]) if has_intercept else X
        return features, Problem.from_features(features, y, signs)

    def _network(self, problem: Problem, weights: Float) -> dict[str, Float]:
        """Return the fitted attributes that predictions need."""
        coef, intercept = weights, np.zeros(weights.shape[0])
        if self.fit_intercept:
            coef, intercept = weights[:, :-1].copy(), weights[:, -1].copy()
        return {"coef_": coef, "intercept_": intercept, "signs_": problem.signs.copy()}

    def _warn(self, status: str, sentence: str) -> None:
        message = f"{status}: {sentence}"
        warnings.warn(message, ConvergenceWarning, stacklevel=_FRAMES_TO_THE_USER)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            signs = as_network(self.neurons)
        except ValueError:  # named by fit; tags are asked for at any time
            return tags
        tags.regressor_tags.poor_score = bool(np.ptp(signs) == 0)  # fits half of the labels only
        return tags


def as_network(neurons: Any) -> Float:
    """Return output signs, (n_neurons,); a number means alternating ones, from +1."""
    if not is_scalar(neurons):
        return as_signs("neurons", neurons)
    number = 0
    if not isinstance(neurons, bool):
        with suppress(TypeError):
            number = operator.index(neurons)
    if not 1 <= number <= 2**20:
        raise fail(
            "neurons",
            f"is {shown(neurons)}",
            "pass the number of neurons, at least 1, or their signs, such as (1, -1)",
        )
    return np.where(np.arange(number) % 2 == 0, 1.0, -1.0)


def as_flag(name: str, value: Any) -> bool:
    """Return True or False."""
    flag = value
    if not isinstance(value, (bool, np.bool_)):
        raise fail(name, f"is {shown(value)}", "pass True or False")
    return bool(flag)
