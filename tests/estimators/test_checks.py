"""The suite that scikit-learn runs on its own estimators, without expected failures."""

from __future__ import annotations

import os
import subprocess
import sys

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


WITH_ARRAY_API = """
import functools, warnings
from sklearn.utils.estimator_checks import estimator_checks_generator
from relubias.estimators import GradientDescentReLURegressor, MinimumNormReLURegressor
warnings.simplefilter("ignore")
for estimator, check in estimator_checks_generator({estimator}):
    if check.func.__name__ == "{name}":
        check(estimator)
        print("checked")
"""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    name = check.func.__name__
    if name == "check_array_api_input":  # SciPy has to be imported with a switch set
        in_a_process_with_the_array_api(WITH_ARRAY_API.format(estimator=estimator, name=name))
    else:
        check(estimator)


def in_a_process_with_the_array_api(code):
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "checked\n"


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
