"""Power laws: the planted exponent is found, and intervals hold it as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import relubias as rb
from relubias.sweep import load
from relubias.sweep.fits import _resampled_medians, fit_power_law
from tests.sweep.known_rows import VALUES, fill, plan_of

X = np.array([1.0, 10.0, 100.0, 1000.0])


def fitted(x, y, seeds=None, *, level=0.9, seed=0):
    seeds = np.arange(x.size) if seeds is None else seeds
    return fit_power_law(x, y, seeds, level=level, rng=np.random.default_rng(seed))


def test_an_exact_law_is_found_exactly():
    x = np.repeat(X, 10)
    law, method = fitted(x, 3.0 * x**-0.75)
    assert method == "medians"
    for name in ("exponent", "low", "high"):
        assert_allclose(law[name], -0.75, rtol=1e-14)
    assert_allclose([law["prefactor"], law["misfit"]], [3.0, 1.0], rtol=1e-13)


def test_the_slope_is_that_of_the_least_squares_line_through_medians():
    rng = np.random.default_rng(1)
    x = np.repeat(X, 25)
    y = np.exp(rng.standard_normal(x.size))
    medians = [np.median(np.log(y[x == at])) for at in X]
    slope, height = np.polyfit(np.log(X), medians, 1)
    law, _ = fitted(x, y)
    assert_allclose(law["exponent"], slope, rtol=1e-12)
    assert_allclose(law["prefactor"], np.exp(height), rtol=1e-12)
    line = height + slope * np.log(X)
    assert_allclose(law["misfit"], np.exp(np.abs(medians - line).max()), rtol=1e-12)


def test_few_rows_are_fitted_by_regression():
    from scipy.stats import linregress

    rng = np.random.default_rng(2)
    x = np.repeat(X, 3)
    y = x**0.5 * np.exp(rng.standard_normal(x.size))
    law, method = fitted(x, y, level=0.95)
    oracle = linregress(np.log(x), np.log(y))
    assert method == "rows"
    assert_allclose(law["exponent"], oracle.slope, rtol=1e-12)
    width = 2.228138851964939 * oracle.stderr  # Student's quantile for ten degrees of freedom
    assert_allclose([law["low"], law["high"]], [oracle.slope - width, oracle.slope + width])
    law, _ = fitted(x[[0, 5]], y[[0, 5]])
    assert np.isnan(law["low"])
    assert np.isfinite(law["exponent"])


@pytest.mark.parametrize("n", [8, 9, 40, 41])
def test_medians_of_samples_that_are_never_drawn_have_the_law_of_those_that_are(n):
    rng = np.random.default_rng(3)
    values = np.sort(rng.standard_normal(n))
    fast = np.concatenate([_resampled_medians(values, rng) for _ in range(20)])
    slow = np.median(values[rng.integers(n, size=(40_000, n))], axis=1)
    for level in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98):
        at = np.quantile(slow, level)
        for share in ((fast <= at).mean() - (slow <= at).mean(), fast.mean() - slow.mean()):
            assert abs(share) < 0.015


def noise(kind, rng):
    """Return x, log y and seeds of one experiment: rows alone, or with data in common."""
    size = 41
    x, seeds = np.repeat(X, size), np.arange(4 * size)
    own = 0.5 * rng.standard_normal(4 * size)
    if kind == "shared across x":
        common = rng.standard_normal(size) * np.linspace(0, 1, 4)[:, None]
        return x, common.ravel() + 0.1 * own, np.tile(np.arange(size), 4)
    if kind == "pairs at each x":
        wobble = 1e-3 * rng.standard_normal(8 * size)
        return np.repeat(x, 2), np.repeat(own, 2) + wobble, np.repeat(seeds, 2)
    return x, own, seeds


@pytest.mark.parametrize("kind", ["independent", "shared across x", "pairs at each x"])
def test_intervals_hold_the_truth_as_often_as_they_say(kind, monkeypatch):
    monkeypatch.setattr("relubias.sweep.fits._N_RESAMPLES", 300)
    rng = np.random.default_rng(4)
    n_held, n_trials = 0, 80
    for _ in range(n_trials):
        x, log_y, seeds = noise(kind, rng)
        law, _ = fit_power_law(x, x**-0.5 * np.exp(log_y), seeds, level=0.9, rng=rng)
        n_held += law["low"] <= -0.5 <= law["high"]
    assert 0.8 <= n_held / n_trials < 1.0


def test_groups_of_a_sweep_have_their_own_laws(tmp_path):
    values = VALUES | {"gap": lambda k: k["n"] * k["d"] ** -(k["n"] / 8) * (1 + k["replicate"] % 3)}
    fill(tmp_path, plan_of(), values)
    fit = load(tmp_path).fit_exponent("d", "gap", "n")
    assert fit.groups == (4, 8)
    assert_allclose(fit.exponent, [-0.5, -1.0], rtol=1e-12)
    assert_allclose(fit.span, [[100, 10_000]] * 2)
    assert fit.n_rows.tolist() == [60, 60]
    frame = fit.to_frame()
    assert list(frame) == ["n", "exponent", "low", "high", "prefactor", "misfit", "n_rows"]
    assert "n = 8: slope -1.0" in repr(fit)
    again = load(tmp_path).fit_exponent("d", "gap", "n")
    assert (again.low == fit.low).all()
    (alone,) = load(tmp_path).fit_exponent("d", "gap", where={"n": 8}).exponent
    assert_allclose(alone, -1.0, rtol=1e-12)


def test_what_is_not_positive_is_left_out_and_counted(tmp_path):
    def gap(known):
        law = known["d"] ** -0.5
        return np.select([known["replicate"] == 0, known["replicate"] == 1], [0.0, np.nan], law)

    fill(tmp_path, plan_of(), VALUES | {"gap": gap}, failed=[5])
    fit = load(tmp_path).fit_exponent("d", "gap")
    assert_allclose(fit.exponent, [-0.5], rtol=1e-12)
    assert fit.n_left_out == 12
    assert fit.n_rows.tolist() == [120 - 12 - 1]
    assert "12 rows left out" in repr(fit)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x": "kappa", "y": "gap"}, "x: kappa has fewer than two"),
        ({"x": "run_status", "y": "gap"}, "x: column 'run_status' holds no numbers"),
        ({"x": "d", "y": "run_status"}, "y: column 'run_status'"),
        ({"x": "d", "y": "gap", "level": 1.0}, "level"),
        ({"x": "d", "y": "gap", "level": 0}, "level"),
        ({"x": "d", "y": "gap", "seed": -1}, "seed"),
        ({"x": "d", "y": "gap", "by": "replicate"}, "by: has 20 values"),
    ],
)
def test_unusable_arguments_are_named(arguments, named, tmp_path):
    fill(tmp_path, plan_of(), VALUES)
    with pytest.raises(rb.InvalidInputError, match=named):
        load(tmp_path).fit_exponent(**arguments)
