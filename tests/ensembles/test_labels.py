"""Label laws: ranges, signs, streams, the planted teacher against plain loops, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from relubias import ensembles
from relubias.dynamics import starts
from relubias.ensembles import labels
from relubias.errors import InvalidInputError
from relubias.problem import Problem

LAWS = [labels.uniform_magnitude(0.1, 1.0), labels.gaussian(2.0)]


def test_uniform_magnitudes_are_uniform_with_fair_independent_signs():
    y = labels.uniform_magnitude(0.25, 2.0)(20_000, seed=0)
    assert np.abs(y).min() >= 0.25
    assert np.abs(y).max() <= 2.0
    assert stats.kstest(np.abs(y), stats.uniform(0.25, 1.75).cdf).pvalue > 1e-3
    assert stats.binomtest(int((y > 0).sum()), y.size).pvalue > 1e-3
    assert abs(np.corrcoef(np.abs(y), y > 0)[0, 1]) < 4 / np.sqrt(y.size)


@pytest.mark.parametrize("n_negative", [0, 1, 7, 10])
def test_fixed_number_of_negatives_comes_last(n_negative):
    y = labels.uniform_magnitude(0.5, 1.0, n_negative=n_negative)(10, seed=3)
    assert (y[: 10 - n_negative] > 0).all()
    assert (y[10 - n_negative :] < 0).all()
    free = labels.uniform_magnitude(0.5, 1.0)(10, seed=3)
    assert_array_equal(np.abs(y), np.abs(free))


def test_uniform_magnitude_of_no_width_is_constant():
    for value in (1.0, 0.1, 1e-6, 3e6):
        assert_array_equal(np.abs(labels.uniform_magnitude(value, value)(50, seed=0)), value)


def test_uniform_magnitude_from_zero_has_no_zero_label():
    assert (labels.uniform_magnitude(0.0, 1.0)(10_000, seed=0) != 0).all()


def test_gaussian_labels_are_gaussian():
    y = labels.gaussian(3.0)(20_000, seed=1)
    assert stats.kstest(y, stats.norm(0, 3.0).cdf).pvalue > 1e-3
    assert_array_equal(labels.gaussian(4.0)(10, 1), 4.0 * labels.gaussian()(10, 1))


@pytest.mark.parametrize("law", LAWS)
def test_labels_are_a_function_of_the_seed(law):
    for seed in (0, 2**100, (1, 2), np.random.SeedSequence(4)):
        assert_array_equal(law(9, seed), law(9, seed))
    assert (law(9, 0) != law(9, 1)).all()
    assert (law(9, (0, 1)) != law(9, (1, 0))).all()
    generator = np.random.default_rng(0)
    assert (law(9, generator) != law(9, generator)).all()


def test_features_labels_and_starts_of_one_seed_are_independent_streams():
    n = 4000
    X = ensembles.Gaussian(1).sample(n, seed=5)[:, 0]
    y = labels.gaussian()(n, seed=5)
    start = starts.gaussian(Problem([[1.0]], [1.0], np.ones(n)), 1.0, seed=5)[:, 0]
    teacher = labels.planted((1,) * n).teacher_weights([[1.0]], seed=5)[:, 0]
    streams = np.stack([X, y, start, teacher])
    off = np.corrcoef(streams)[~np.eye(4, dtype=bool)]
    assert np.abs(off).max() < 4 / np.sqrt(n)
    for a in range(4):
        for b in range(a):
            assert np.intersect1d(streams[a], streams[b]).size == 0


def test_labels_of_spawned_seeds_differ_from_those_of_the_parent():
    parent = np.random.SeedSequence(3)
    children = parent.spawn(2)
    draws = [labels.gaussian()(5, seed) for seed in (parent, *children)]
    assert len({draw.tobytes() for draw in draws}) == 3


# planted


@pytest.mark.parametrize("signs", [(1,), (1, -1), (-1, 1, 1)])
def test_planted_labels_are_the_teachers_output(signs):
    X = ensembles.Gaussian(30).sample(8, seed=0)
    law = labels.planted(signs)
    V = law.teacher_weights(X, seed=2)
    assert V.shape == (len(signs), 30)
    expected = [sum(s * max(0.0, float(v @ x)) for s, v in zip(signs, V, strict=True)) for x in X]
    assert_allclose(law(8, 2, features=X), expected, rtol=1e-13, atol=1e-15)


def test_planted_noise_is_added_to_the_same_teacher():
    X = ensembles.Gaussian(30).sample(5000, seed=0)
    clean = labels.planted((1, -1))(5000, 2, features=X)
    noise = labels.planted((1, -1), noise=0.5)(5000, 2, features=X) - clean
    assert stats.kstest(noise, stats.norm(0, 0.5).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(noise, clean)[0, 1]) < 4 / np.sqrt(5000)


def test_planted_preactivations_are_of_order_one_in_any_dimension():
    for d in (10, 10_000):
        X = ensembles.Gaussian(ensembles.isotropic(d, 7.0)).sample(20, seed=1)
        law = labels.planted((1,) * 500)
        preactivations = X @ law.teacher_weights(X, seed=0).T
        assert preactivations.var() == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("rank", [3, 40])
def test_planted_labels_from_the_gram_matrix_have_the_same_law(rank):
    X = ensembles.Gaussian(rank).sample(4, seed=1)
    law = labels.planted((1, -1))
    from_gram = np.array([law(4, seed, gram=X @ X.T) for seed in range(1500)])
    from_features = np.array([law(4, seed, features=X) for seed in range(1500)])
    for i in range(4):
        assert stats.ks_2samp(from_gram[:, i], from_features[:, i]).pvalue > 1e-3
    a, b = np.cov(from_gram.T), np.cov(from_features.T)
    assert_allclose(a, b, atol=0.12)


def test_planted_on_zero_features_is_zero():
    assert_array_equal(labels.planted((1, -1))(2, 0, features=np.zeros((2, 3))), [0.0, 0.0])
    assert_array_equal(labels.planted((1, -1))(2, 0, gram=np.zeros((2, 2))), [0.0, 0.0])


# names and bad input


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (labels.uniform_magnitude(0.1, 1), "uniform_magnitude(0.1, 1.0)"),
        (labels.uniform_magnitude(0, 1, n_negative=3), "uniform_magnitude(0.0, 1.0, n_negative=3)"),
        (labels.gaussian(), "gaussian(1.0)"),
        (labels.planted((1, -1)), "planted((1, -1), noise=0.0)"),
        (labels.planted([-1], 0.5), "planted((-1,), noise=0.5)"),
    ],
)
def test_repr_rebuilds_the_law(law, text):
    assert repr(law) == text
    rebuilt = eval(text, vars(labels))
    assert rebuilt == law
    assert hash(rebuilt) == hash(law)


def test_laws_are_frozen():
    with pytest.raises(AttributeError):
        labels.gaussian().scale = 2.0


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, "1", None, True, 1j, 1e200, [1.0, 2.0]])
def test_label_laws_refuse_unusable_numbers(bad):
    for name, call in (
        ("low", lambda: labels.uniform_magnitude(bad, 1.0)),
        ("high", lambda: labels.uniform_magnitude(0.0, bad)),
        ("scale", lambda: labels.gaussian(bad)),
        ("noise", lambda: labels.planted((1,), bad)),
    ):
        with pytest.raises(InvalidInputError, match=rf"^({name}|high): "):
            call()


def test_label_laws_refuse_zero_scales_and_reversed_bounds():
    for call in (
        lambda: labels.gaussian(0.0),
        lambda: labels.uniform_magnitude(0.0, 0.0),
        lambda: labels.uniform_magnitude(2.0, 1.0),
    ):
        with pytest.raises(InvalidInputError, match=r"^(scale|high): "):
            call()


@pytest.mark.parametrize("bad", [-1, 1.0, "1", True, np.nan, 2**70])
def test_uniform_magnitude_refuses_unusable_counts(bad):
    with pytest.raises(InvalidInputError, match=r"^n_negative: "):
        labels.uniform_magnitude(0.5, 1.0, n_negative=bad)


@pytest.mark.parametrize("bad", [0, -1, 1.0, "1", None, True, np.nan, 10**12])
@pytest.mark.parametrize("law", LAWS)
def test_label_laws_refuse_unusable_sizes(law, bad):
    with pytest.raises(InvalidInputError, match=r"^n: "):
        law(bad, 0)


@pytest.mark.parametrize("bad", [-1, 1.0, "1", None, True, [], [1, -1], 2**200])
@pytest.mark.parametrize("law", LAWS)
def test_label_laws_refuse_what_is_no_seed(law, bad):
    with pytest.raises(InvalidInputError, match=r"^seed: "):
        law(3, bad)


def test_more_negatives_than_samples_are_refused():
    with pytest.raises(InvalidInputError, match=r"^n: is 3, below n_negative = 4"):
        labels.uniform_magnitude(0.5, 1.0, n_negative=4)(3, 0)


@pytest.mark.parametrize("bad", [(), (1, 0), (2,), 1, None, "+-", [np.nan], [[1]]])
def test_planted_refuses_unusable_signs(bad):
    with pytest.raises(InvalidInputError, match=r"^teacher_signs: "):
        labels.planted(bad)


def test_planted_refuses_unusable_data():
    law, X = labels.planted((1,)), np.ones((2, 3))
    for name, call in (
        ("features, gram", lambda: law(2, 0)),
        ("features, gram", lambda: law(2, 0, features=X, gram=np.eye(2))),
        ("features", lambda: law(3, 0, features=X)),
        ("features", lambda: law(2, 0, features=X * np.nan)),
        ("gram", lambda: law(3, 0, gram=np.eye(2))),
        ("gram", lambda: law(2, 0, gram=-np.eye(2))),
        ("seed", lambda: law(2, -1, features=X)),
        ("n", lambda: law(0, 0, features=X)),
        ("features", lambda: law.teacher_weights("abc", 0)),
        ("seed", lambda: law.teacher_weights(X, None)),
    ):
        with pytest.raises(InvalidInputError, match=rf"^{name}: "):
            call()
