"""Regressors for scikit-learn: where gradient descent goes, and the shortest network that fits."""

from relubias.errors import MissingExtraError

try:
    from relubias.estimators import _sklearn  # from 1.9 on: it brought callbacks
except ImportError as error:
    raise MissingExtraError("relubias.estimators", "sklearn") from error

from relubias.estimators.descent import GradientDescentReLURegressor
from relubias.estimators.minimum_norm import MinimumNormReLURegressor

__all__ = ["GradientDescentReLURegressor", "MinimumNormReLURegressor"]

del _sklearn
