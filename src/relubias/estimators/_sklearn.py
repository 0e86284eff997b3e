"""What is used of scikit-learn, with the types that it does not have."""
# All for want of its types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false, reportReturnType=false

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from relubias._validate import Float

__all__ = ["ConvergenceWarning", "Regressor", "managing_callbacks", "normal"]

Method = TypeVar("Method", bound=Callable[..., Any])


class Regressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    """A regressor of scikit-learn whose fit can be watched."""

    def _checked(self, X: Any, y: Any) -> tuple[Float, Float]:
        """Return the training data as float64 arrays."""
        return validate_data(self, X, y, y_numeric=True, dtype=np.float64)

    def _checked_again(self, X: Any) -> Float:
        """Return data to predict as a float64 array."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False)

    def _new_context(self, max_subtasks: int | None) -> Any:
        """Return the context of a fit, for callbacks; None if parts cannot be counted before."""
        return self._init_callback_context(max_subtasks=max_subtasks)

    @property
    def _is_watched(self) -> bool:
        """Whether there are callbacks."""
        return bool(getattr(self, "_skl_callbacks", None))

    def __sklearn_tags__(self) -> Any:
        return super().__sklearn_tags__()

    if TYPE_CHECKING:

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def set_callbacks(self, *callbacks: Any) -> Self: ...
        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...


def managing_callbacks(fit: Method) -> Method:
    """Let a fit take down its callbacks, whatever happens."""
    return with_callbacks(fit)


def normal(random_state: Any, shape: tuple[int, int]) -> Float:
    """Draw standard normal numbers from whatever scikit-learn takes for randomness."""
    return check_random_state(random_state).standard_normal(shape)
