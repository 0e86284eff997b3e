"""Features made as they are read: any part of them, in any order, with the law they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import relubias as rb
from relubias.ensembles import (
    Gaussian,
    Orthogonal,
    Rademacher,
    Sphere,
    Uniform,
    _grams,
    feature_law,
    generated,
    isotropic,
)
from relubias.gram import tiles

SPECTRAL = [Gaussian, Rademacher, Uniform, Sphere]
SPECTRUM = [(4.0, 9), (1.0, 30), (0.25, 61)]
ALL = [*(kind(SPECTRUM) for kind in SPECTRAL), Orthogonal(100)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Have blocks of 8 columns, so that a hundred features are 13 blocks."""
    monkeypatch.setattr(tiles, "_CACHED_ENTRIES", 1)
    monkeypatch.setattr(tiles, "_USUAL_WIDTH", 8)
    monkeypatch.setattr(tiles, "_NARROWEST", 8)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_any_part_is_that_of_the_whole(law):
    X = law.features(5, seed=1)
    assert (X.shape, X.ndim, X.dtype, X.chunks) == ((5, 100), 2, np.float64, (5, 8))
    whole = np.asarray(X)
    for key in [
        np.s_[:],
        np.s_[2],
        np.s_[-1:, 90:],
        np.s_[:, 17],
        np.s_[:, -1],
        np.s_[3, 99],
        np.s_[::2, 5:71:9],
        np.s_[::-1, 80:3:-7],
        np.s_[:, 40:40],
        np.s_[1:3],
    ]:
        assert_array_equal(X[key], whole[key])
    backwards = [X[:, start : start + 8] for start in range(96, -1, -8)]
    assert_array_equal(np.concatenate(backwards[::-1], axis=1), whole)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_features_are_a_function_of_the_seed(law):
    for seed in (0, (1, 2), np.random.SeedSequence(4)):
        assert_array_equal(law.features(3, seed)[:], law.features(3, seed)[:])
    assert (law.features(3, 0)[:] != law.features(3, 1)[:]).any()
    generator = np.random.default_rng(0)
    first, second = law.features(3, generator), law.features(3, generator)
    assert (first[:] != second[:]).any()
    assert_array_equal(first[:], law.features(3, np.random.default_rng(0))[:])
    if not isinstance(law, Orthogonal):
        assert (law.features(3, 0)[:] != law.sample(3, 0)).any()


@pytest.mark.parametrize("kind", SPECTRAL)
def test_features_have_the_covariance_and_the_marginal_of_the_law(kind):
    law = kind([(9.0, 2), (1.0, 18)])
    X = np.stack([law.features(4, (7, seed))[:] for seed in range(2500)]).reshape(-1, 20)
    covariance = X.T @ X / len(X)
    scale = np.repeat([3.0, 1.0], [2, 18])
    assert_allclose(covariance / np.outer(scale, scale), np.eye(20), rtol=0, atol=0.064)
    sampled = law.sample(10_000, 0)
    for column in (0, 7, 8, 19):
        assert stats.ks_2samp(X[:, column].round(9), sampled[:, column].round(9)).pvalue > 1e-3


def test_blocks_of_the_sphere_make_one_uniform_direction():
    """A block of k of d columns has Beta(k/2, (d - k)/2) of the squared norm, the whole all."""
    X = np.concatenate([Sphere(43).features(3, (2, seed))[:] for seed in range(1500)])
    assert_allclose((X * X).sum(axis=1), 43.0, rtol=1e-13)
    for start, stop in ((0, 8), (16, 24), (40, 43), (8, 32)):
        width = stop - start
        share = (X[:, start:stop] ** 2).sum(axis=1) / 43
        law = stats.beta(width / 2, (43 - width) / 2)
        assert stats.kstest(share, law.cdf).pvalue > 1e-3
    pair = (X[:, :8] ** 2).sum(axis=1), (X[:, 40:] ** 2).sum(axis=1)
    a, total = (8 / 2, 43 / 2)
    expected = -math.sqrt(a * 1.5 / ((total - a) * (total - 1.5)))  # of a Dirichlet law
    assert abs(np.corrcoef(*pair)[0, 1] - expected) < 4 / math.sqrt(len(X))


@pytest.mark.parametrize("kind", SPECTRAL)
def test_their_gram_matrix_has_the_law_of_sample_gram(kind):
    law = kind(SPECTRUM)
    grams = [rb.gram_matrix(law.features(3, (5, seed))) for seed in range(600)]
    in_law = [law.sample_gram(3, (6, seed)) for seed in range(600)]
    found, expected = np.linalg.eigvalsh(grams), np.linalg.eigvalsh(in_law)
    for position in range(3):
        pair = found[:, position].round(9), expected[:, position].round(9)
        assert stats.ks_2samp(*pair).pvalue > 1e-3


def test_orthogonal_features_stay_orthogonal():
    for seed in range(20):
        gram = rb.gram_matrix(Orthogonal(100, scale=3.0).features(60, seed))
        assert_allclose(gram, 3.0 * np.eye(60), rtol=1e-15, atol=0)


@pytest.mark.parametrize("kind", SPECTRAL)
def test_a_power_of_four_scales_every_bit(kind):
    scaled = kind([(4 * value, count) for value, count in SPECTRUM])
    assert_array_equal(scaled.features(3, 0)[:], 2 * kind(SPECTRUM).features(3, 0)[:])


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_a_sum_that_was_interrupted_goes_on(law, tmp_path):
    X, path = law.features(4, 0), tmp_path / "sums.npz"

    def interrupt(fraction, _):
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rb.gram_matrix(X, checkpoint=path, progress=interrupt)
    gram = rb.gram_matrix(law.features(4, 0), checkpoint=path)
    assert_array_equal(gram, rb.gram_matrix(X))
    with pytest.raises(rb.InvalidInputError, match="other features"):
        rb.gram_matrix(law.features(4, 1), checkpoint=path)


def test_features_of_any_dimension_cost_nothing_until_they_are_read(monkeypatch):
    monkeypatch.undo()
    for kind in SPECTRAL:
        X = kind(10**15).features(64, 0)
        assert X.shape == (64, 10**15)
        part = X[:, 10**15 - 3 :]
        assert part.shape == (64, 3)
        assert_array_equal(X[:, 10**15 - 1], part[:, 2])
        assert np.isfinite(part).all()
    assert (
        repr(Uniform(10**9).features(2, 0))
        == "<Uniform(isotropic(1000000000)) features of shape (2, 1000000000)>"
    )


@pytest.mark.parametrize("key", ["a", [0, 1], (0, 0, 0), None, (0, None), 1.5, ...])
def test_what_is_no_index_is_refused(key):
    with pytest.raises(rb.InvalidInputError, match=r"^index: "):
        Uniform(9).features(2, 0)[key]


def test_more_than_fits_memory_is_refused(monkeypatch):
    with pytest.raises(rb.InvalidInputError, match="asks for 64 x 1000000000 entries"):
        np.asarray(Uniform(10**9).features(64, 0))
    monkeypatch.setattr(generated, "_MAX_STORED", 10)
    with pytest.raises(rb.InvalidInputError, match="take at most 10 at a time"):
        Uniform(9).features(2, 0)[:]
    with pytest.raises(ValueError, match="a copy is needed"):
        np.asarray(Uniform(3).features(2, 0), copy=False)


# sample_gram beyond what is drawn unasked


@pytest.mark.parametrize("kind", [Rademacher, Uniform, Gaussian])
def test_long_draws_are_made_with_progress_only(kind, monkeypatch):
    law = kind([(2.0 + i, 1) for i in range(200)])
    expected = law.sample_gram(3, 0)
    monkeypatch.setattr(feature_law, "_MAX_DRAWN", 500)
    with pytest.raises(rb.InvalidInputError, match=r"600 random numbers, about 0 s; pass progress"):
        law.sample_gram(3, 0)
    said = []
    found = law.sample_gram(3, 0, progress=lambda *report: said.append(report))
    assert_array_equal(found, expected)
    assert said[-1] == (1.0, "200 of 200 columns")


def test_the_wait_is_told():
    with pytest.raises(rb.InvalidInputError, match=r"about 23 days; pass progress=True to wait"):
        Uniform(10**12).sample_gram(100, 0)


def test_sums_of_many_blocks_keep_what_additions_lose(monkeypatch):
    monkeypatch.setattr(_grams, "_BLOCK", 8)
    monkeypatch.setattr(_grams, "_BLOCKS_PER_GROUP", 4)
    law = Rademacher([(2.0**54, 1), (1.0, 399)])
    gram = law.sample_gram(1, 0)
    assert gram[0, 0] == float(2**54 + 399)
    plain = Uniform(isotropic(1000))
    assert_allclose(plain.sample_gram(2, 0), np.inner(*[plain.sample(2, 0)] * 2), rtol=1e-14)
