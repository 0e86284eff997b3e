"""The oracles for networks against each other: three methods that share no step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.oracles import faces, patterns
from tests.oracles.enumeration import enumerate_patterns


def instance(n, d, seed, zero=0.0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y[rng.random(n) < zero] = 0.0
    return X @ X.T, y


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 2), (3, 3), (4, 5), (5, 20)])
@pytest.mark.parametrize("zero", [0.0, 0.4])
def test_faces_and_patterns_give_the_same_rational(n, d, zero):
    for seed in range(4):
        gram, y = instance(n, d, seed, zero)
        one, other = faces.two_neurons(gram, y), patterns.search(gram, y, (1, -1))
        assert one.square == other.square


@pytest.mark.parametrize("signs", [(1,), (1, 1), (1, 1, -1), (-1, 1, -1), (1, 1, 1)])
def test_patterns_agree_with_all_products_of_patterns(signs):
    for seed in range(4):
        gram, y = instance(2 if len(signs) == 3 else 3, 4, seed, 0.3)
        best = patterns.search(gram, y, signs)
        assert best.norm == pytest.approx(enumerate_patterns(gram, y, signs), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("rho", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1, 1)])
def test_two_opposed_samples_are_shared_until_one_half(rho, signs):
    gram = np.array([[1.0, -float(rho)], [-float(rho), 1.0]])
    best = patterns.search(gram, [1.0, 1.0], signs)
    assert best.square == min(1 / (1 - rho), 2)


def test_weights_of_two_neurons_are_counts_of_equal_ones():
    # where the equal split is optimal, sharing among m is a weight of 1 / m
    gram, y = instance(4, 400, 3)[0], np.array([1.0, -1.0, 0.75, -0.5])
    pair = faces.two_neurons(gram, y, (Fraction(1, 3), Fraction(1, 2)))
    assert patterns.search(gram, y, (1, 1, 1, -1, -1)).square == pair.square


def test_networks_of_the_oracles_fit_and_have_their_norm():
    gram, y = instance(4, 6, 0)
    for found, signs in (
        (faces.two_neurons(gram, y).as_float(), (1, -1)),
        (patterns.search(gram, y, (1, -1, 1)).as_float((1, -1, 1)), (1, -1, 1)),
    ):
        output = np.array(signs) @ np.maximum(found @ gram, 0.0)
        np.testing.assert_allclose(output, y, atol=1e-12)


def test_losers_fit_and_cost_more():
    gram, y = instance(5, 7, 1)
    best = faces.two_neurons(gram, y)
    for loser in faces.losers(gram, y, (1, 1), best, 5):
        assert loser.square > best.square
        u = loser.as_float() @ gram
        np.testing.assert_allclose(np.maximum(u[0], 0) - np.maximum(u[1], 0), y, atol=1e-11)


def test_nothing_fits_opposite_labels_on_one_sample():
    gram = np.ones((2, 2))
    assert faces.two_neurons(gram, np.array([1.0, -1.0])) is None
    assert patterns.search(gram, np.array([1.0, -1.0]), (1, 1, -1)) is None
