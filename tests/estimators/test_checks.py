"""The suite that scikit-learn runs on its own estimators, without expected failures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from relubias.estimators import GradientDescentReLURegressor, MinimumNormReLURegressor

ESTIMATORS = [
    GradientDescentReLURegressor(),
    GradientDescentReLURegressor(neurons=1),
    GradientDescentReLURegressor(neurons=(1, -1, -1), max_iter=300, fit_intercept=False),
    GradientDescentReLURegressor(neurons=4, kappa=0.01, max_iter=100),
    MinimumNormReLURegressor(time_limit=0.0),
    MinimumNormReLURegressor(neurons=1),
    MinimumNormReLURegressor(neurons=(-1,), alpha=0.1, fit_intercept=False),
    MinimumNormReLURegressor(neurons=2, alpha=0.1, time_limit=0.0),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:SCIPY_ARRAY_API is not set")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", [GradientDescentReLURegressor, MinimumNormReLURegressor])
@pytest.mark.parametrize(
    ("neurons", "is_poor"), [(2, False), ((1, -1), False), (1, True), ((-1, -1), True), (0, False)]
)
def test_networks_of_one_sign_are_marked_as_poor(cls, neurons, is_poor):
    tags = cls(neurons=neurons).__sklearn_tags__()
    assert tags.regressor_tags.poor_score is is_poor
    assert tags.estimator_type == "regressor"
    assert tags.target_tags.required
    assert not tags.input_tags.sparse


@pytest.mark.parametrize("cls", [GradientDescentReLURegressor, MinimumNormReLURegressor])
def test_the_order_of_samples_changes_rounding_only(cls):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 40)), rng.standard_normal(12)
    order = rng.permutation(12)
    options = {"random_state": 0} if cls is GradientDescentReLURegressor else {}
    first = cls(**options).fit(X, y)
    second = cls(**options).fit(X[order], y[order])
    assert first.status_ == second.status_
    np.testing.assert_allclose(second.coef_, first.coef_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(second.active_examples_, first.active_examples_[:, order])
