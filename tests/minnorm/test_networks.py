"""Networks of two and more neurons against all activation patterns."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from relubias.minnorm.many_neurons import one_sign_bound, single_sample_bound
from tests.oracles.enumeration import enumerate_patterns

SAME = 1e-8  # what the oracle's non-negative least squares keep


def problem(n, d, seed, signs, *, zero=0.0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y[rng.random(n) < zero] = 0.0
    return rb.Problem(X @ X.T, y, signs)


def output(problem, dual):
    return problem.signs @ np.maximum(dual @ problem.gram, 0.0)


def target(problem):
    low = 0.0 if (problem.signs > 0).all() else -math.inf
    high = 0.0 if (problem.signs < 0).all() else math.inf
    return np.clip(problem.labels, low, high)


def check_consistency(problem, found):
    """Everything that must hold whatever the status."""
    scale = max(float(np.abs(problem.labels).max()), 1e-300)
    assert np.abs(output(problem, found.dual) - target(problem)).max() <= 1e-11 * scale
    assert np.abs(found.dual @ problem.gram - found.primal).max() <= 1e-11 * scale
    assert_array_equal(found.pattern, found.primal > 0)
    outside = ~found.support
    outside[:, found.coupled] = False
    assert not found.dual[outside].any()
    squares = np.einsum("ki,ij,kj->", found.dual, problem.gram, found.dual)
    assert found.norm == pytest.approx(math.sqrt(squares), rel=1e-12)
    assert 0 <= found.lower_bound <= found.norm
    assert found.rel_gap == pytest.approx(1 - found.lower_bound / found.norm, abs=1e-15)


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1)])
@pytest.mark.parametrize("zero", [0.0, 0.3])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 5.0, 50.0])
def test_two_neurons_bracket_brute_force(ratio, zero, signs):
    seen: Counter[str] = Counter()
    for seed in range(12):
        n = 1 + seed % 6
        p = problem(n, max(n, round(ratio * n)), [seed, round(ratio)], signs, zero=zero)
        found = rb.minimum_norm(p)
        if not p.labels.any():
            assert found.norm == 0.0
            continue
        best = enumerate_patterns(p.gram, p.labels, signs)
        check_consistency(p, found)
        assert found.lower_bound <= best * (1 + SAME)
        assert found.norm >= best * (1 - SAME)
        if found.status == "OPTIMAL":
            assert found.norm <= best * (1 + SAME)
            assert found.lower_bound >= found.norm * (1 - 1e-12)
            assert found.certificate.error_bound <= 1e-12 * found.norm
        else:
            assert found.certificate.kind == "bound only"
            assert found.certificate.error_bound == math.inf
        seen[found.certificate.kind] += 1
    assert seen["hull"] > 0


def test_every_kind_of_certificate_of_two_neurons_occurs():
    kinds = Counter(
        rb.minimum_norm(problem(10, 20, seed, (1, -1))).certificate.kind for seed in range(40)
    )
    assert set(kinds) == {"hull", "closed form", "tree"}


def test_in_high_dimension_two_neurons_decouple():
    p = problem(20, 20_000, 1, (1, -1))
    found = rb.minimum_norm(p)
    assert found.status == "OPTIMAL"
    assert found.coupled.size == 0
    for k, sign in enumerate((1, -1)):
        alone = rb.minimum_norm(p.with_signs((sign,)))
        assert_array_equal(found.dual[k], alone.dual[0])


@given(seed=st.integers(0, 10**6), exponent=st.integers(-300, 300))
def test_scaling_labels_by_a_power_of_two_scales_networks_bit_for_bit(seed, exponent):
    p = problem(6, 8, seed, (1, -1, -1) if seed % 2 else (1, -1))
    scaled = rb.Problem(p.gram, p.labels * 2.0**exponent, p.signs)
    one, other = rb.minimum_norm(p), rb.minimum_norm(scaled)
    assert_array_equal(other.dual, one.dual * 2.0**exponent)
    assert other.norm == one.norm * 2.0**exponent
    assert other.lower_bound == one.lower_bound * 2.0**exponent
    assert other.status == one.status


@given(seed=st.integers(0, 10**6))
def test_permuting_neurons_permutes_the_answer(seed):
    p = problem(5, 9, seed, (1, -1))
    one, other = rb.minimum_norm(p), rb.minimum_norm(p.with_signs((-1, 1)))
    assert_array_equal(one.dual[::-1], other.dual)
    assert one.norm == other.norm


@given(seed=st.integers(0, 10**6))
def test_mirroring_labels_and_signs_mirrors_the_answer(seed):
    p = problem(5, 9, seed, (1, -1))
    one, other = rb.minimum_norm(p), rb.minimum_norm(rb.Problem(p.gram, -p.labels, (-1, 1)))
    assert other.norm == pytest.approx(one.norm, rel=1e-12)
    assert other.status == one.status


@pytest.mark.parametrize("signs", [(1, 1), (1, 1, 1), (1, 1, -1), (1, -1, -1), (-1, -1)])
@pytest.mark.parametrize("ratio", [1.0, 3.0, 50.0])
def test_wider_networks_equal_brute_force(signs, ratio):
    for seed in range(4):
        n = 1 + seed if len(signs) == 2 else 1 + seed % 3
        p = problem(n, max(n, round(ratio * n)), [seed, round(ratio), 7], signs)
        found = rb.minimum_norm(p)
        if not target(p).any():
            assert found.norm == 0.0
            continue
        best = enumerate_patterns(p.gram, p.labels, signs)
        check_consistency(p, found)
        assert found.lower_bound <= best * (1 + SAME)
        assert found.norm == pytest.approx(best, rel=SAME)
        assert found.status == "OPTIMAL"


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.33, 0.34, 0.5, 0.6, 0.8])
def test_two_samples_and_two_equal_signs(rho):
    # one neuron for both samples costs 1/(1 - rho), one for each costs 2
    p = rb.Problem([[1.0, -rho], [-rho, 1.0]], [1.0, 1.0], (1, 1))
    found = rb.minimum_norm(p)
    best = math.sqrt(min(2.0, 1 / (1 - rho)))
    assert found.status == "OPTIMAL"
    assert found.norm == pytest.approx(best, rel=1e-14)
    assert found.lower_bound == pytest.approx(best, rel=1e-12)
    assert found.lower_bound <= best * (1 + 1e-14)
    assert found.certificate.kind == ("equal split" if rho < 1 / 3 else "tree")


def test_equal_split_is_certified_in_high_dimension():
    p = problem(10, 5000, 3, (1, 1, 1, -1, -1))
    found = rb.minimum_norm(p)
    assert found.status == "OPTIMAL"
    assert found.certificate.kind == "equal split"
    assert 0 < found.certificate.margin <= 1
    pair = rb.minimum_norm(p.with_signs((1, -1)))
    assert_allclose(found.dual[0], pair.dual[0] / 3, rtol=1e-15)
    assert_allclose(found.dual[4], pair.dual[1] / 2, rtol=1e-15)


def test_equal_split_of_one_sign_shares_the_norm():
    p = problem(10, 500, 3, (1, 1, 1, 1))
    one, four = rb.minimum_norm(p.with_signs((1,))), rb.minimum_norm(p)
    assert four.norm == pytest.approx(one.norm / 2, rel=1e-15)
    assert four.status == "OPTIMAL"


def test_bounds_of_one_sign_are_tight_for_one_sample():
    assert single_sample_bound(np.array([[4.0]]), np.array([2.0]), 1, 0) == pytest.approx(1.0)
    bound = one_sign_bound(np.array([[1.0]]), np.array([0.5]), 2, np.zeros(1))
    assert bound == pytest.approx(0.5 / math.sqrt(2))


def test_zero_labels_are_output_exactly():
    for seed in range(30):
        p = problem(6, 7, seed, (1, -1), zero=0.5)
        found = rb.minimum_norm(p)
        check = found.dual @ p.gram
        zero = p.labels == 0
        relu = np.maximum(check[:, zero], 0.0)
        assert np.abs(relu[0] - relu[1]).max(initial=0.0) <= 1e-13


@pytest.mark.parametrize("d", [2, 4, 6])
def test_dependent_samples_end_with_a_network_or_a_proof_or_undecided(d):
    statuses = Counter()
    for seed in range(20):
        rng = np.random.default_rng([d, seed])
        X, y = rng.standard_normal((8, d)), rng.standard_normal(8)
        for p in (rb.Problem(X @ X.T, y, (1, -1)), rb.Problem.from_features(X, y, (1, -1))):
            found = rb.minimum_norm(p)
            statuses[str(found.status)] += 1
            if found.status in ("OPTIMAL", "FEASIBLE"):
                assert np.abs(output(p, found.dual) - y).max() < 1e-9
            elif found.status == "INFEASIBLE":
                z, tree = found.certificate.farkas, found.certificate.tree
                if tree is not None:
                    assert np.isinf(tree.bound[tree.leaves]).all()
                    continue
                assert np.abs(z @ X).max() < 1e-12 * np.abs(z).sum()
                value = np.where(y > 0, z[0], z[1]) @ np.abs(y)
                assert value > 0
            else:
                assert found.conflict.size == 0
                with pytest.raises(rb.NotSolvedError):
                    found.raise_if_failed()
    assert len(statuses) >= (1 if d == 2 else 2)


def test_labels_of_a_two_neuron_network_in_few_dimensions_are_never_called_infeasible():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X, w = rng.standard_normal((10, 4)), rng.standard_normal((2, 4))
        y = np.maximum(X @ w[0], 0) - np.maximum(X @ w[1], 0)
        found = rb.minimum_norm(rb.Problem.from_features(X, y, (1, -1)))
        assert found.status != "INFEASIBLE"
        assert found.lower_bound <= np.linalg.norm(w) * (1 + 1e-12)


def test_repeated_samples_that_agree_are_harmless_to_networks():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 400)), rng.standard_normal(8)
    one = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, -1)))
    X, y = np.vstack([X, X[:3]]), np.append(y, y[:3])
    two = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, -1)))
    assert one.status == two.status == "OPTIMAL"
    assert two.norm == pytest.approx(one.norm, rel=1e-13)


@pytest.mark.parametrize("time_limit", [None, 0, 1.5])
def test_time_limit_and_progress_are_honoured(time_limit):
    heard = []
    found = rb.minimum_norm(
        problem(10, 12, 0, (1, -1)),
        time_limit=time_limit,
        rel_gap=0.1,
        progress=lambda fraction, text: heard.append((fraction, text)),
    )
    assert found.n_nodes >= 1
    assert heard[-1] == (1.0, str(found.status))
