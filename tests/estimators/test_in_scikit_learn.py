"""The regressors among the tools of scikit-learn: pipelines, searches, clones, files, frames."""

from __future__ import annotations

import copy
import io
import pickle  # noqa: TID251 - by scikit-learn's rules, estimators are pickled
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_diabetes
from sklearn.kernel_approximation import RBFSampler
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

import relubias as rb
from relubias.estimators import GradientDescentReLURegressor, MinimumNormReLURegressor

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((12, 50)), RNG.standard_normal(12)
BOTH = [GradientDescentReLURegressor(random_state=0), MinimumNormReLURegressor(neurons=(1, -1))]
NAMES = ["descent", "minimum norm"]


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("copied", [through_pickle, through_joblib, copy.deepcopy])
@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_a_fitted_model_survives_with_all_it_knows(model, copied):
    model = clone(model).fit(X, Y)
    again = copied(model)
    assert vars(again).keys() == vars(model).keys()
    for name, value in vars(model).items():
        if isinstance(value, np.ndarray):
            assert_array_equal(getattr(again, name), value)
    assert again.status_ == model.status_
    assert type(again.certificate_) is type(model.certificate_)
    assert str(again.certificate_)
    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(again.fit(X, Y).coef_, model.coef_)


def test_a_certificate_with_a_search_survives_too():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 9)), rng.standard_normal(8)
    model = MinimumNormReLURegressor(fit_intercept=False).fit(X, y)
    assert model.certificate_.kind == "tree"
    again = through_pickle(model)
    assert again.certificate_.kind == "tree"
    assert again.certificate_.lower_bound == model.certificate_.lower_bound


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_clones_have_the_parameters_and_nothing_fitted(model):
    fitted = clone(model).fit(X, Y)
    again = clone(fitted)
    assert repr(again) == repr(model)
    assert not [name for name in vars(again) if name.endswith("_")]
    assert again.set_params(fit_intercept=False).get_params()["fit_intercept"] is False
    with pytest.raises(ValueError, match="Invalid parameter 'eta'"):
        again.set_params(eta=1.0)
    assert is_regressor(model)


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_frames_give_names_and_the_same_numbers(model):
    frame = pd.DataFrame(X, columns=[f"gene {i}" for i in range(50)])
    labels = pd.Series(Y, index=frame.index + 100)
    named, plain = clone(model).fit(frame, labels), clone(model).fit(X, Y)
    assert_array_equal(named.feature_names_in_, frame.columns)
    assert named.n_features_in_ == 50
    assert not hasattr(plain, "feature_names_in_")
    assert_array_equal(named.coef_, plain.coef_)
    assert_allclose(named.predict(frame), plain.predict(X), rtol=0, atol=1e-14)
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="50 features"):
        plain.predict(X[:, :3])


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_html_names_the_estimator(model):
    assert type(model).__name__ in estimator_html_repr(clone(model).fit(X, Y))


def test_a_pipeline_with_random_features_is_searched():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:100], y[:100]
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("features", RBFSampler(gamma=0.02, n_components=400, random_state=0)),
            ("network", MinimumNormReLURegressor(rel_gap=0.5)),
        ]
    )
    grid = {"features__gamma": [0.01, 0.1], "network__alpha": [0.3, 3.0]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.3
    best = search.best_estimator_["network"]
    assert best.rel_gap_ <= 0.5
    assert search.score(X, y) > search.best_score_
    assert_array_equal(search.predict(X), search.best_estimator_.predict(X))


def test_descent_is_searched_over_its_networks_and_steps():
    grid = {"neurons": [(1, -1), 4], "kappa": [0.1, 0.9], "start_scale": [0.01, 0.1]}
    search = GridSearchCV(BOTH[0], grid, cv=3, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["neurons"] in ((1, -1), 4)


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_threads_give_the_answers_of_one(model):
    pipeline = make_pipeline(StandardScaler(), clone(model))
    alone = cross_val_score(pipeline, X, Y, cv=4)
    with joblib.parallel_config("threading", n_jobs=2):
        together = cross_val_score(pipeline, X, Y, cv=4, n_jobs=2)
    assert_array_equal(alone, together)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: clone(model).fit(X, Y).coef_, range(8)))
    for coef in fits:
        assert_array_equal(coef, fits[0])


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_fitting_leaves_the_data_and_the_parameters_alone(model):
    features, labels = X.copy(), Y.copy()
    model = clone(model)
    before = dict(model.get_params())
    model.fit(features, labels)
    assert_array_equal(features, X)
    assert_array_equal(labels, Y)
    assert features.flags.writeable
    assert model.get_params() == before
    kept = model.coef_.copy()
    features[:] = 7.0
    assert_array_equal(model.coef_, kept)


PARAMETERS = [
    ("descent", {"step_size": 0.1, "kappa": 0.5}, "step_size"),
    ("descent", {"step_size": "large"}, "step_size"),
    ("descent", {"start": "zero"}, """start: is 'zero'; pass "gaussian", "all_positive", or """),
    ("descent", {"start": np.zeros((2, 50))}, r"start: has shape .* \(2, 51\)"),
    ("descent", {"max_iter": 0}, "max_iter"),
    ("minimum norm", {"alpha": -1.0}, "alpha"),
    ("minimum norm", {"rel_gap": 1.0}, "rel_gap"),
    ("minimum norm", {"neurons": 1.5}, "neurons"),
    ("minimum norm", {"neurons": (1, 0)}, "neurons"),
]


@pytest.mark.parametrize(("name", "parameters", "message"), PARAMETERS)
def test_unusable_parameters_are_named(name, parameters, message):
    model = clone(BOTH[NAMES.index(name)]).set_params(**parameters)
    with pytest.raises(rb.InvalidInputError, match=message):
        model.fit(X, Y)


@pytest.mark.parametrize("model", BOTH, ids=NAMES)
def test_a_start_or_a_size_out_of_reach_is_named(model):
    with pytest.raises(rb.InvalidInputError, match="squares"):
        clone(model).fit(1e200 * X, Y)
    with pytest.raises(rb.InvalidInputError, match="labels"):
        clone(model).fit(X, 1e200 * Y)
    model = GradientDescentReLURegressor(start="all_positive", fit_intercept=False)
    with pytest.raises(rb.InvalidInputError, match="linearly independent"):
        model.fit(X[:, :3], Y)
