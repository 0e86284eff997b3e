"""Feature laws: exact moments, the Gram matrix in law against sampled features, bad input."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats

from relubias import ensembles
from relubias.ensembles import (
    Gaussian,
    Orthogonal,
    Rademacher,
    Sphere,
    Uniform,
    _grams,
    isotropic,
    power_law,
    spiked,
)
from relubias.errors import InvalidInputError

SPECTRAL = [Gaussian, Rademacher, Uniform, Sphere]

SPECTRA = {
    "isotropic": isotropic(9, 0.7),
    "fewer_features_than_samples": isotropic(3),
    "two_wide_groups": [(4.0, 6), (0.5, 8)],
    "wide_and_narrow": [(9.0, 1), (3.0, 2), (1.0, 12)],
    "all_distinct": [3.0, 2.0, 1.5, 1.0, 0.5, 0.25],
    "only_narrow": [(2.0, 2), (1.0, 3)],
}
N = 4
N_DRAWS = 2000


def diagonal_variance(law):
    """Return the exact variance of a Gram diagonal entry."""
    values = np.repeat(law.spectrum.values, law.spectrum.multiplicities)
    d, first, second = values.size, values.sum(), (values**2).sum()
    if isinstance(law, Gaussian):
        return 2.0 * second
    if isinstance(law, Rademacher):
        return 0.0
    if isinstance(law, Uniform):
        return 0.8 * second  # E z^4 = 9/5
    return (
        d * (first**2 + 2 * second) / (d + 2) - first**2
    )  # E u_i^2 u_j^2 = (1 + 2 [i=j])/(d(d+2))


def draws(law, n=N, repeats=N_DRAWS):
    return np.stack([law.sample_gram(n, (17, seed)) for seed in range(repeats)])


def assert_mean(samples, expected, deviation):
    """Assert the mean of independent samples within 4.5 standard errors."""
    error = deviation / math.sqrt(len(samples))
    assert abs(np.mean(samples) - expected) <= 4.5 * error + 1e-9 * max(1.0, abs(expected))


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
@pytest.mark.parametrize("kind", SPECTRAL)
def test_gram_matrix_has_the_exact_mean_and_variance(kind, spectrum):
    law = kind(spectrum)
    grams = draws(law)
    assert_array_equal(grams, grams.transpose(0, 2, 1))
    second = float((law.spectrum.values**2 * law.spectrum.multiplicities).sum())
    variance = diagonal_variance(law)
    for i, j in ((0, 0), (3, 3), (1, 0), (3, 2), (2, 0)):
        entry = grams[:, i, j]
        mean, var = (law.trace, variance) if i == j else (0.0, second)
        assert_mean(entry, mean, math.sqrt(var))
        centred = (entry - mean) ** 2
        assert_mean(centred, var, centred.std())


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
@pytest.mark.parametrize("kind", SPECTRAL)
def test_gram_matrix_has_the_law_of_sampled_features(kind, spectrum):
    law = kind(spectrum)
    in_law = np.linalg.eigvalsh(draws(law, repeats=1000))
    X = [law.sample(N, (23, seed)) for seed in range(1000)]
    sampled = np.linalg.eigvalsh([x @ x.T for x in X])
    for position in range(N):
        p = stats.ks_2samp(in_law[:, position].round(9), sampled[:, position].round(9)).pvalue
        assert p > 1e-4
    traces, sampled_traces = in_law.sum(axis=1).round(9), sampled.sum(axis=1).round(9)
    assert stats.ks_2samp(traces, sampled_traces).pvalue > 1e-4
    if law.n_features > N:
        log_det, sampled_log_det = (np.log(np.abs(e) + 1e-9).sum(axis=1) for e in (in_law, sampled))
        assert stats.ks_2samp(log_det.round(6), sampled_log_det.round(6)).pvalue > 1e-4


@pytest.mark.parametrize("d", [5, 40, 10**6, 10**12, 10**15])
def test_gaussian_log_determinant_has_the_exact_wishart_moments(d):
    """log det W is a sum of logs of independent chi-squares with d - i degrees of freedom."""
    halves = (d - np.arange(5)) / 2
    mean = float((special.digamma(halves) + math.log(2)).sum())
    variance = float(special.polygamma(1, halves).sum())
    grams = draws(Gaussian(d), n=5, repeats=2000) / d
    log_det = np.linalg.slogdet(grams)[1]
    assert_mean(log_det, mean - 5 * math.log(d), math.sqrt(variance))
    centred = (log_det - (mean - 5 * math.log(d))) ** 2
    assert_mean(centred, variance, centred.std())


@pytest.mark.parametrize("d", [10**9, 10**12, 10**15])
def test_gaussian_gram_matrix_in_huge_dimension_has_normal_fluctuations(d):
    grams = draws(Gaussian(isotropic(d, 2.0)), n=3, repeats=2000) / 2.0
    for i, j in ((0, 0), (2, 2), (1, 0), (2, 1)):
        width = math.sqrt(2 * d) if i == j else math.sqrt(d)
        z = (grams[:, i, j] - (d if i == j else 0.0)) / width
        assert stats.kstest(z, stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "law", [Gaussian(60), Gaussian(10**12), Sphere(60), Sphere(10**12)], ids=repr
)
def test_wide_gram_matrices_have_the_exact_size_off_the_diagonal(law):
    """E G_ij^2 = d for all of the many pairs, within half a percent."""
    n = 40
    off = np.tril_indices(n, -1)
    mean_squares = [
        float((law.sample_gram(n, (5, seed))[off] ** 2).mean()) / law.n_features
        for seed in range(400)
    ]
    assert_mean(mean_squares, 1.0, np.std(mean_squares))
    assert np.std(mean_squares) / 20 < 0.005


def test_one_gaussian_sample_has_a_chi_squared_norm():
    norms = draws(Gaussian(7), n=1)[:, 0, 0]
    assert stats.kstest(norms, stats.chi2(7).cdf).pvalue > 1e-3


def test_cosines_on_the_sphere_have_the_beta_law():
    """(1 + cos) / 2 is Beta((d - 1)/2, (d - 1)/2) between uniform directions."""
    for d in (3, 50):
        cosines = draws(Sphere(d), n=3)[:, 2, 0] / d
        half = (d - 1) / 2
        assert stats.kstest((1 + cosines) / 2, stats.beta(half, half).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("n", "d"), [(2, 3), (2, 4), (2, 9), (3, 5)])
def test_counted_sign_patterns_have_the_exact_distribution(n, d):
    """All sign matrices, enumerated."""
    below = np.tril_indices(n, -1)
    exact = {}
    for signs in product((-1, 1), repeat=n * d):
        rows = [signs[i * d : (i + 1) * d] for i in range(n)]
        key = tuple(
            sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
            for i, j in zip(*below, strict=True)
        )
        exact[key] = exact.get(key, 0) + 1
    seen = dict.fromkeys(exact, 0)
    for gram in draws(Rademacher(d), n=n):
        assert_array_equal(gram.diagonal(), d)
        seen[tuple(gram[below].astype(int))] += 1
    expected = np.array(list(exact.values())) / 2 ** (n * d) * N_DRAWS
    observed = np.array(list(seen.values()))
    often = expected > 5
    rest = (observed[~often].sum() + 1e-9, expected[~often].sum() + 1e-9)
    test = stats.chisquare(np.append(observed[often], rest[0]), np.append(expected[often], rest[1]))
    assert test.pvalue > 1e-3


def test_rademacher_gram_matrix_in_huge_dimension_is_exact_and_has_normal_fluctuations():
    d = 10**12
    grams = draws(Rademacher(d), n=6, repeats=1000)
    assert_array_equal(grams, np.round(grams))
    assert (grams.diagonal(axis1=1, axis2=2) == d).all()
    for i, j in ((1, 0), (5, 2), (5, 4)):
        assert stats.kstest(grams[:, i, j] / math.sqrt(d), stats.norm.cdf).pvalue > 1e-3
    assert_array_equal(grams[:, 1, 0] % 2, 0)


@pytest.mark.parametrize(("kind", "n", "d"), [(Rademacher, 17, 130_000), (Uniform, 3, 700_000)])
def test_gram_matrix_in_blocks_is_that_of_the_sampled_features(kind, n, d):
    assert n * d > _grams._BLOCK
    law = kind([(3.0, 5), (1.0, d - 5)])
    X = law.sample(n, seed=2)
    assert_allclose(law.sample_gram(n, seed=2), X @ X.T, rtol=1e-12, atol=1e-12 * d)


def test_gaussian_drawn_in_blocks_has_its_moments():
    law = Gaussian(power_law(300_000, 0.25))
    gram = law.sample_gram(5, seed=0)
    second = float((law.spectrum.values**2).sum())
    off = ~np.eye(5, dtype=bool)
    assert np.abs(gram[off]).max() < 5 * math.sqrt(second)
    assert np.abs(gram.diagonal() - law.trace).max() < 5 * math.sqrt(2 * second)


# features


@pytest.mark.parametrize("kind", SPECTRAL)
def test_features_have_the_covariance_of_the_spectrum(kind):
    law = kind([(5.0, 1), (2.0, 2), (0.5, 1)])
    X = law.sample(40_000, seed=0)
    assert X.shape == (40_000, 4)
    assert X.flags.c_contiguous
    products = X[:, :, None] * X[:, None, :]
    error = products.std(axis=0) / 200
    covariance = np.diag([5.0, 2.0, 2.0, 0.5])
    assert (np.abs(products.mean(axis=0) - covariance) <= 4.5 * error + 1e-12).all()
    assert (np.abs(X.mean(axis=0)) <= 4.5 * X.std(axis=0) / 200).all()


def test_features_have_their_marginal_laws():
    n = 20_000
    X = Gaussian([4.0]).sample(n, 0)[:, 0]
    assert stats.kstest(X, stats.norm(0, 2).cdf).pvalue > 1e-3
    X = Uniform([4.0]).sample(n, 0)[:, 0]
    assert stats.kstest(X, stats.uniform(-math.sqrt(12), 2 * math.sqrt(12)).cdf).pvalue > 1e-3
    X = Rademacher([4.0]).sample(n, 0)[:, 0]
    assert_array_equal(np.unique(X), [-2.0, 2.0])
    assert stats.binomtest(int((X > 0).sum()), n).pvalue > 1e-3


def test_isotropic_sphere_has_rows_of_equal_norm():
    X = Sphere(isotropic(50, 0.3)).sample(20, seed=0)
    assert_allclose(np.linalg.norm(X, axis=1), math.sqrt(15.0), rtol=1e-14)
    gram = Sphere(isotropic(10**12, 0.3)).sample_gram(20, seed=0)
    assert_array_equal(gram.diagonal(), 0.3 * 10**12)


def test_anisotropic_sphere_lies_on_its_ellipsoid():
    law = Sphere([(9.0, 2), (1.0, 5)])
    X = law.sample(50, seed=0)
    assert_allclose((X**2 / np.repeat([9.0, 1.0], [2, 5])).sum(axis=1), 7.0, rtol=1e-13)


@pytest.mark.parametrize("kind", SPECTRAL)
def test_scaling_the_spectrum_by_powers_of_four_scales_features_bit_for_bit(kind):
    spectrum = [(3.0, 1), (1.0, 12)]
    scaled = [(12.0, 1), (4.0, 12)]
    assert_array_equal(kind(scaled).sample(5, 1), 2 * kind(spectrum).sample(5, 1))
    assert_array_equal(kind(scaled).sample_gram(5, 1), 4 * kind(spectrum).sample_gram(5, 1))


# orthogonal


def test_orthogonal_features_have_an_exact_gram_matrix():
    law = Orthogonal(10**12, scale=4.0)
    assert_array_equal(law.sample_gram(3, seed=0), 4.0 * np.eye(3))
    X = Orthogonal(7, scale=4.0).sample(7, seed=0)
    assert_array_equal(X @ X.T, 4.0 * np.eye(7))
    assert_array_equal(X.T @ X, 4.0 * np.eye(7))
    X = Orthogonal(9, scale=3.0).sample(5, seed=0)
    assert_allclose(X @ X.T, 3.0 * np.eye(5), rtol=1e-15, atol=0)


def test_orthogonal_axes_and_signs_are_uniform():
    X = np.stack([Orthogonal(4, scale=1.0).sample(2, seed) for seed in range(4000)])
    axes = np.argmax(np.abs(X), axis=2)
    pairs = np.bincount(4 * axes[:, 0] + axes[:, 1], minlength=16).reshape(4, 4)
    assert_array_equal(pairs.diagonal(), 0)
    assert stats.chisquare(pairs[~np.eye(4, dtype=bool)]).pvalue > 1e-3
    assert stats.binomtest(int((X.sum(axis=2) > 0).sum()), 8000).pvalue > 1e-3


def test_orthogonal_attributes_are_those_of_the_isotropic_spectrum():
    law = Orthogonal(50)
    assert (law.trace, law.scale, law.d_2, law.d_inf, law.n_features) == (50, 50, 50, 50, 50)
    law = Orthogonal(50, scale=0.3)
    assert law.trace == 0.3
    assert law.pairs == ((0.3 / 50, 50),)
    assert repr(law) == "Orthogonal(50, scale=0.3)"
    assert law == Orthogonal(50, 0.3)
    assert law != Orthogonal(50)
    assert hash(law) == hash(Orthogonal(50, 0.3))


def test_more_orthogonal_samples_than_dimensions_are_refused():
    for call in (Orthogonal(3).sample, Orthogonal(3).sample_gram):
        with pytest.raises(InvalidInputError, match=r"^n: is 4, but 3 dimensions"):
            call(4, 0)


# what all laws share

ALL = [kind(30) for kind in [*SPECTRAL, Orthogonal]]


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_draws_are_a_function_of_the_seed(law):
    for draw in (law.sample, law.sample_gram):
        for seed in (0, 2**100, (1, 2), [1, 2], np.int64(3), np.random.SeedSequence(4)):
            assert_array_equal(draw(5, seed), draw(5, seed))
        assert_array_equal(draw(5, 4), draw(5, np.random.SeedSequence(4)))
        if not isinstance(law, Orthogonal):
            assert (draw(5, 0) != draw(5, 1)).any()
            generator = np.random.default_rng(0)
            assert (draw(5, generator) != draw(5, generator)).any()


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_gram_matrices_are_accepted_as_problems(law):
    from relubias.problem import Problem

    for n in (1, 2, 30):
        gram = law.sample_gram(n, seed=1)
        assert gram.shape == (n, n)
        assert gram.dtype == np.float64
        assert_array_equal(Problem(gram, np.ones(n)).gram, gram)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_laws_are_frozen_hashable_and_named(law):
    with pytest.raises(AttributeError):
        law.spectrum = isotropic(3)
    assert hash(law) == hash(type(law)(30))
    assert len({*ALL, *ALL}) == len(ALL)
    assert law.n_features == law.trace == law.d_2 == law.d_inf == 30
    assert law.pairs == ((1.0, 30),)


def test_repr_of_a_law_shows_its_spectrum():
    assert repr(Gaussian(spiked(9, 4.0))) == "Gaussian(Spectrum([(4.0, 1), (1.0, 8)]))"
    assert eval(repr(Sphere(7)), vars(ensembles)) == Sphere(7)


@pytest.mark.parametrize("law", ALL, ids=repr)
@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", None, True, np.nan, [3], 1j])
def test_sizes_that_are_no_count_are_refused(law, bad):
    for draw in (law.sample, law.sample_gram):
        with pytest.raises(InvalidInputError, match=r"^n: "):
            draw(bad, 0)


@pytest.mark.parametrize("law", ALL, ids=repr)
@pytest.mark.parametrize("bad", [-1, 0.5, "0", None, True, [], (-1,), [0.5], 2**200])
def test_what_is_no_seed_is_refused(law, bad):
    for draw in (law.sample, law.sample_gram):
        with pytest.raises(InvalidInputError, match=r"^seed: "):
            draw(3, bad)


@pytest.mark.parametrize("law", [kind(10**12) for kind in [*SPECTRAL, Orthogonal]], ids=repr)
def test_features_that_fit_no_memory_are_refused(law):
    with pytest.raises(InvalidInputError, match=r"d = 1000000000000 .*sample_gram"):
        law.sample(100, 0)


@pytest.mark.parametrize(
    "law",
    [Rademacher(10**12), Uniform(10**12), Gaussian([(1.0 + i, 60) for i in range(200_000)])],
    ids=["rademacher", "uniform", "gaussian"],
)
def test_gram_matrices_that_take_too_long_are_refused(law):
    with pytest.raises(InvalidInputError, match=rf"d = {law.n_features} .*Gaussian, Sphere"):
        law.sample_gram(100, 0)


@pytest.mark.parametrize("kind", [Gaussian, Sphere, Orthogonal])
def test_gram_matrices_larger_than_memory_are_refused(kind):
    with pytest.raises(InvalidInputError, match=r"^n: is 1000000; at most"):
        kind(10**12).sample_gram(10**6, 0)


@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", None, True, np.nan, [3], 10**16])
def test_orthogonal_refuses_unusable_dimensions(bad):
    with pytest.raises(InvalidInputError, match=r"^d: "):
        Orthogonal(bad)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, "3", True, [3.0], 1e290, 1e-290])
def test_orthogonal_refuses_unusable_scales(bad):
    with pytest.raises(InvalidInputError, match=r"^scale: "):
        Orthogonal(10, bad)
