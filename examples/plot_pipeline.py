"""
The shortest network in a pipeline
==================================

:class:`~relubias.estimators.MinimumNormReLURegressor` is an ordinary regressor of scikit-learn.
Here it stands at the end of a pipeline with random Fourier features, a grid search chooses their
width and the penalty, and the result is compared with linear methods on the same features. The data
are the diabetes study that ships with scikit-learn: ten measurements of a patient, and how far the
disease progressed within a year.
"""

# %%
# A pipeline and a search
# -----------------------
# 150 patients in 600 random features: more features than samples, so every label could be fitted.
# The penalty `alpha` means the same as in ridge regression. A network within a tenth of the least
# possible norm is good enough while we search.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.kernel_approximation import RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from relubias.estimators import MinimumNormReLURegressor

X, y = load_diabetes(return_X_y=True)
X_seen, X_unseen, y_seen, y_unseen = train_test_split(X, y, train_size=150, random_state=0)
mean, deviation = y_seen.mean(), y_seen.std()
y_seen, y_unseen = (y_seen - mean) / deviation, (y_unseen - mean) / deviation

network = MinimumNormReLURegressor(fit_intercept=False, rel_gap=0.1)
pipeline = Pipeline(
    [
        ("scale", StandardScaler()),
        ("features", RBFSampler(n_components=600, random_state=0)),
        ("model", network),
    ]
)
grid = {"features__gamma": [0.003, 0.01, 0.03], "model__alpha": [0.1, 0.3, 1.0]}
search = GridSearchCV(pipeline, grid, cv=3).fit(X_seen, y_seen)
best = search.best_estimator_
print(f"chosen: {search.best_params_}, R2 {search.best_score_:.3f} in cross-validation")
print(f"on unseen patients: R2 {search.score(X_unseen, y_unseen):.3f}")

# %%
# What was found
# --------------
# The status says whether a smaller network is excluded. Where both neurons are active, a network of
# two neurons is linear, and that turns out to be so on every patient that it has seen.

model = best["model"]
both = model.active_examples_.all(axis=0).mean()
print(f"{model.status_}, at most {model.rel_gap_:.1%} above the least norm possible")
print(f"both neurons are active on {both:.0%} of the patients")

# %%
# Is it better than a linear method?
# ----------------------------------
# Against ridge regression on the same features, and kernel ridge regression with the kernel that
# the random features stand for.


def scores(model, alphas):
    """Return R2 on unseen patients by penalty, on the features that the search chose."""
    steps = [*best.steps[:-1], ("model", model)]
    fits = [clone(Pipeline(steps)).set_params(model__alpha=alpha) for alpha in alphas]
    return [fit.fit(X_seen, y_seen).score(X_unseen, y_unseen) for fit in fits]


alphas = np.geomspace(0.01, 10.0, 7)
gamma = search.best_params_["features__gamma"]
scaler = best["scale"]
exact = [
    KernelRidge(kernel="rbf", gamma=gamma, alpha=alpha)
    .fit(scaler.transform(X_seen), y_seen)
    .score(scaler.transform(X_unseen), y_unseen)
    for alpha in alphas
]
curves = {
    "shortest network, two neurons": scores(
        clone(network).set_params(rel_gap=0.5, time_limit=0.0), alphas
    ),
    "ridge, same features": scores(Ridge(fit_intercept=False), alphas),
    "kernel ridge, exact kernel": exact,
    "shortest network, one neuron": scores(clone(network).set_params(neurons=1), alphas),
}
for name, values in curves.items():
    print(f"{name:32s} best R2 {max(values):.3f} at alpha = {alphas[np.argmax(values)]:.2g}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
looks = [("o-", "#0072B2"), ("s--", "#D55E00"), ("^:", "#009E73"), ("D-.", "#CC79A7")]
for (name, values), (style, colour) in zip(curves.items(), looks, strict=True):
    left.semilogx(alphas, values, style, color=colour, label=name, markersize=5, mfc="none")
left.set(xlabel="penalty alpha", ylabel="R2 on unseen patients")
left.legend(fontsize=8)
ridge = Pipeline([*best.steps[:-1], ("model", Ridge(alpha=model.alpha_, fit_intercept=False))])
linear, bent = ridge.fit(X_seen, y_seen).predict(X_unseen), best.predict(X_unseen)
right.plot(linear, bent, "o", color="#0072B2", markersize=4, mfc="none")
right.axline((0.0, 0.0), slope=1.0, color="black", linewidth=0.8)
right.set(xlabel="ridge regression", ylabel="shortest network", aspect="equal")
right.set_title("progression of unseen patients, predicted", fontsize=9)
plt.show()

# %%
# It is not. Two neurons of both signs can be any linear function, and on these features the
# shortest network makes nearly the predictions of ridge regression. One neuron cannot output what
# is below zero, and misses half of the labels here. The point of the estimator is no better score,
# but a network whose norm is known to be about the least: something to hold against what training
# found.
