"""Distances to networks whose neurons share samples, modulo permutations of equal signs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

import relubias as rb
from relubias.minnorm.shared_distance import shares_samples, to_shared_network
from tests.oracles.networks_in_rationals import distance_by_neuron, least_norm_of_pattern

GAPS = [1e-1, 1e-4, 1e-8, 1e-12, 1e-15]


def optimum(n, d, signs, seed):
    rng = np.random.default_rng([n, d, len(signs), seed])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    problem = rb.Problem(X @ X.T, y, signs)
    return problem, rb.minimum_norm(problem, time_limit=20)


def nearby(found, gap, rng):
    """Return duals at about that relative distance."""
    noise = rng.standard_normal(found.dual.shape) * np.abs(found.dual).max()
    return found.dual + gap * noise


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1), (1, 1, -1), (1, 1, 1, -1, -1, -1)])
@pytest.mark.parametrize("ratio", [1.5, 40])
def test_distances_keep_their_digits_where_neurons_share_samples(signs, ratio):
    n_shared = 0
    for seed in range(4):
        problem, found = optimum(4, round(4 * ratio), signs, seed)
        if not shares_samples(found):
            continue
        n_shared += 1
        exact = least_norm_of_pattern(
            problem.gram, problem.labels, signs, found.pattern, found.support & ~found.pattern
        )
        rng = np.random.default_rng(seed)
        for gap in GAPS:
            duals = nearby(found, gap, rng)
            truth = distance_by_neuron(problem.gram, duals.tolist(), exact)
            total, parts = to_shared_network(problem.gram, duals, found)
            assert abs(total.value - math.hypot(*truth)) <= 1e-12 * math.hypot(*truth)
            assert abs(total.value - math.hypot(*truth)) <= total.error
            for part, expected in zip(parts, truth, strict=True):
                assert abs(part.value - expected) <= part.error + 1e-15 * expected
                assert abs(part.value - expected) <= 1e-12 * math.hypot(*truth)
            gap_found = rb.bias_gap(problem, duals, found, match_neurons=False)
            assert gap_found.distance == total.value
    assert n_shared or signs == (1, -1)


def shortest(gram, signs, first, second):
    """Return the least distance over all permutations within signs, by trying them."""
    best = math.inf
    for order in itertools.permutations(range(len(signs))):
        if all(signs[k] == signs[order[k]] for k in range(len(signs))):
            delta = first[list(order)] - second
            best = min(best, math.sqrt(np.einsum("ki,ij,kj->", delta, gram, delta)))
    return best


@pytest.mark.parametrize("signs", [(1, 1), (1, -1, 1), (-1, 1, -1, 1), (1, 1, 1, -1, -1)])
def test_the_distance_is_the_least_over_permutations_within_signs(signs):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((5, 9))
        problem = rb.Problem(X @ X.T, rng.standard_normal(5), signs)
        first, second = rng.standard_normal((2, len(signs), 5))
        gap = rb.bias_gap(problem, first, second)
        expected = shortest(problem.gram, signs, first, second)
        assert gap.distance == pytest.approx(expected, rel=1e-12)
        assert sorted(gap.assignment) == list(range(len(signs)))
        assert (problem.signs[gap.assignment] == problem.signs).all()
        delta = first[gap.assignment] - second
        parts = np.sqrt(np.einsum("ki,ij,kj->k", delta, problem.gram, delta))
        assert gap.per_neuron == pytest.approx(parts, rel=1e-12)
        fixed = rb.bias_gap(problem, first, second, match_neurons=False)
        assert fixed.assignment.tolist() == list(range(len(signs)))
        assert fixed.distance >= gap.distance * (1 - 1e-14)


def test_permuted_neurons_are_the_same_network():
    signs = (1, 1, -1, 1, -1)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 8))
    problem = rb.Problem(X @ X.T, rng.standard_normal(6), signs)
    first = rng.standard_normal((5, 6))
    order = [3, 0, 4, 1, 2]
    gap = rb.bias_gap(problem, first[order], first)
    assert gap.distance == 0.0
    assert [order[k] for k in gap.assignment] == [0, 1, 2, 3, 4]
    assert "of the first" in gap.summary()
    assert gap.to_frame()["first_neuron"].tolist() == gap.assignment.tolist()


def test_an_optimum_may_come_first_or_second():
    for seed in range(5):
        problem, found = optimum(4, 5, (1, 1, -1), seed)
        duals = found.dual[[1, 0, 2]] * (1 + 1e-9)
        one, two = rb.bias_gap(problem, duals, found), rb.bias_gap(problem, found, duals)
        assert one.distance == pytest.approx(two.distance, rel=1e-12)
        assert one.distance == pytest.approx(1e-9 * found.norm, rel=1e-6)


@dataclass
class Limit:
    dual: np.ndarray


@dataclass
class Flow:
    """What any trajectory has."""

    limit: Limit


def test_any_trajectory_has_a_distance():
    problem, found = optimum(4, 5, (1, 1), 0)
    gap = rb.bias_gap(problem, Flow(Limit(found.dual)), found)
    assert gap.relative < 1e-14
    assert math.isnan(gap.kappa)


@pytest.mark.parametrize("value", [None, 1, "yes", [True]])
def test_match_neurons_is_true_or_false(value):
    problem = rb.Problem(np.eye(2), [1.0, -1.0])
    with pytest.raises(rb.InvalidInputError, match="match_neurons"):
        rb.bias_gap(problem, [[1.0, 0.0]], [[1.0, 0.0]], match_neurons=value)
