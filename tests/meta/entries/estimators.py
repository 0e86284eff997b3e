"""The regressors for scikit-learn: their parameters, and the network that they find."""

from __future__ import annotations

from relubias.estimators import GradientDescentReLURegressor, MinimumNormReLURegressor
from tests.meta.entries._base import SIGNS, WEIGHTS, Argument, Entry, X, Y

yes = Argument(True, "yes or no")


def _fitted(cls):
    def fit(**parameters):
        model = cls(**parameters).fit(X, Y)
        return model.coef_, model.intercept_, model.norm_ if hasattr(model, "norm_") else 0.0

    return fit


ENTRIES = {
    "GradientDescentReLURegressor": Entry(
        _fitted(GradientDescentReLURegressor),
        {
            "neurons": Argument(SIGNS, "signs"),
            "kappa": Argument(0.5, "optional positive"),
            "start_scale": Argument(0.5, "positive"),
            "fit_intercept": yes,
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-8, "positive"),
        },
        {"random_state": 0},
    ),
    "GradientDescentReLURegressor (step)": Entry(
        _fitted(GradientDescentReLURegressor),
        {"step_size": Argument(1 / 64, "positive"), "start": Argument(WEIGHTS, "weights")},
        {"fit_intercept": False},
    ),
    "MinimumNormReLURegressor": Entry(
        _fitted(MinimumNormReLURegressor),
        {
            "neurons": Argument(SIGNS, "signs"),
            "alpha": Argument(0.5, "non-negative"),
            "fit_intercept": yes,
            "time_limit": Argument(60.0, "optional non-negative"),
            "rel_gap": Argument(0.0, "non-negative"),
        },
    ),
}
