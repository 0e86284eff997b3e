"""Networks of any width: prices, bounds, searches and their records."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import lsq_linear

import relubias as rb
from relubias.minnorm.fractional_counts import bound_at
from relubias.minnorm.orbits import Orbit, decide, first_orbits, is_coverable
from relubias.minnorm.pattern_boxes import box_of, solve_boxes
from relubias.minnorm.pattern_network import as_patterns, fit_patterns
from relubias.minnorm.pattern_prices import (
    Pricer,
    _enumerated_compiled,
    _searched_compiled,
    enumerated,
)
from relubias.minnorm.pattern_search import PatternSearch
from tests.oracles import patterns as oracle

SAME = 1e-9
SIGNS = [(2, 1), (1, 2), (3, 0), (0, 2), (2, 2), (3, 1), (4, 0), (3, 3), (6, 0), (5, 5), (10, 0)]


def problem(n, d, seed, counts, *, zero=0.0):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y[rng.random(n) < zero] = 0.0
    return rb.Problem(X @ X.T, y, [1] * counts[0] + [-1] * counts[1])


def unit_gram(rng, n, d):
    X = rng.standard_normal((n, d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X @ X.T


def pricing_case(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    gram = unit_gram(rng, n, max(n, round(n * float(rng.choice([1.0, 1.2, 5.0])))))
    return gram, rng.standard_normal(n), rng.choice([-1, -1, -1, 0, 1], n).astype(np.int8)


def earned(gram, prices, decided):
    """Try all patterns of all samples by bounded least squares."""
    root = np.linalg.cholesky(gram).T
    best = 0.0 if not (decided == 1).any() else -math.inf
    for bits in itertools.product((0, 1), repeat=prices.size):
        active = np.array(bits) == 1
        if (active & (decided == 0)).any() or (~active & (decided == 1)).any():
            continue
        low = np.where(active, prices, -np.inf)
        high = np.where(active, np.inf, 0.0)
        beta = lsq_linear(root, np.zeros(prices.size), (low, high), method="bvls").x
        best = max(best, float(beta @ gram @ beta))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_what_a_neuron_earns_equals_bounded_least_squares(seed):
    gram, prices, decided = pricing_case(seed)
    found = Pricer(gram).best(prices, decided)
    assert found.bound == pytest.approx(earned(gram, prices, decided), rel=1e-9, abs=1e-12)
    assert found.bound == found.values[0]
    # a neuron earns its outputs at their prices: 2 * income - cost, and cost equals income
    assert found.outputs[0] @ prices == pytest.approx(found.bound, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_compiled_prices_equal_their_readable_twins(seed):
    gram, prices, decided = pricing_case(seed)
    rows = np.flatnonzero((decided < 0) & (prices > 0))
    plain = enumerated(gram, prices, decided, rows)
    compiled = _enumerated_compiled(gram, prices, decided, rows)
    assert_allclose(compiled.values, plain.values, rtol=1e-12, atol=1e-14)
    assert_allclose(compiled.sides, plain.sides, rtol=1e-12, atol=1e-14)
    search = PatternSearch(gram, prices, -math.inf)
    search.run(decided)
    compiled = _searched_compiled(gram, prices, decided, -math.inf, 0.0)
    assert search.pricing().bound == pytest.approx(plain.bound, rel=1e-12, abs=1e-14)
    assert compiled.bound == pytest.approx(plain.bound, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("ratio", [1.0, 1.2, 5.0])
def test_searched_prices_equal_all_patterns(ratio):
    rng = np.random.default_rng(round(10 * ratio))
    gram = unit_gram(rng, 14, round(14 * ratio))
    prices, decided = np.abs(rng.standard_normal(14)), np.full(14, -1, dtype=np.int8)
    compiled = _searched_compiled(gram, prices, decided, -math.inf, 0.0)
    everything = _enumerated_compiled(gram, prices, decided, np.arange(14))
    assert compiled.bound == pytest.approx(everything.bound, rel=1e-12)
    floor = everything.bound
    assert _searched_compiled(gram, prices, decided, 1.001 * floor, 0.0).bound <= 1.001 * floor
    assert _searched_compiled(gram, prices, decided, 0.999 * floor, 0.0).bound > 0.999 * floor
    loose = _searched_compiled(gram, prices, decided, -math.inf, 0.1).bound
    assert floor <= loose <= 1.1 * floor


@pytest.mark.parametrize("counts", [(2, 1), (2, 2), (3, 0)])
def test_no_prices_prove_more_than_the_optimum(counts):
    for seed in range(4):
        p = problem(3, 4, [seed, 3], counts)
        y = oracle.fitted(p.labels, p.signs)
        if not y.any():
            continue
        best = oracle.search(p.gram, p.labels, p.signs).norm ** 2
        rng = np.random.default_rng(seed)
        orbits, pricer = first_orbits(y, p.signs), Pricer(p.gram)
        for prices in (y, *(np.linalg.solve(p.gram, y) + 0.3 * rng.standard_normal((20, 3)))):
            assert bound_at(pricer, y, orbits, prices).bound <= best * (1 + 1e-12)


@pytest.mark.parametrize("counts", SIGNS)
def test_optimum_equals_all_multisets_of_patterns(counts):
    for seed in range(3):
        n = 2 if sum(counts) > 4 else 2 + seed % 2
        ratio = (1.0, 1.2, 5.0)[seed]
        p = problem(n, max(n, round(ratio * n)), [seed, *counts], counts, zero=0.2 * (seed == 1))
        if not oracle.fitted(p.labels, p.signs).any():
            continue
        found = rb.minimum_norm(p)
        best = oracle.search(p.gram, p.labels, p.signs).norm
        assert found.status == "OPTIMAL"
        assert found.norm == pytest.approx(best, rel=SAME)
        assert best * (1 - SAME) <= found.lower_bound <= best * (1 + 1e-12)
        misfit = p.signs @ np.maximum(found.dual @ p.gram, 0) - oracle.fitted(p.labels, p.signs)
        assert np.abs(misfit).max() <= 1e-11 * np.abs(p.labels).max()


@pytest.mark.parametrize("counts", [(2, 0), (2, 1), (3, 0), (0, 2)])
@pytest.mark.parametrize("rho", [0.3, 0.4, 0.51, 0.8, 0.99])
def test_one_neuron_for_each_of_two_nearly_opposite_samples(counts, rho):
    # equal shares of one neuron for both cost 2/(m (1 - rho)), disjoint ones 2 if m = 2
    side = 1.0 if counts[0] else -1.0
    signs = [1] * counts[0] + [-1] * counts[1]
    found = rb.minimum_norm(rb.Problem([[1.0, -rho], [-rho, 1.0]], [side, side], signs))
    best = oracle.search(np.array([[1.0, -rho], [-rho, 1.0]]), [side, side], signs).norm
    assert found.status == "OPTIMAL"
    assert found.norm == pytest.approx(best, rel=1e-13)
    if max(counts) == 2:
        assert found.norm == pytest.approx(math.sqrt(min(2.0, 1 / (1 - rho))), rel=1e-13)


def test_hard_instances_of_ten_neurons_are_proved():
    kinds = set()
    for seed in range(3):
        p = problem(12, 14, [seed, 5], (5, 5))
        found = rb.minimum_norm(p, time_limit=60)
        assert found.status == "OPTIMAL"
        assert found.rel_gap <= SAME
        kinds.add(found.certificate.kind)
        assert rb.minnorm.verify(p, found, leaves=True).holds
    assert kinds == {"tree"}


def test_many_neurons_cost_no_more_than_few():
    found = rb.minimum_norm(problem(6, 8, 4, (40, 40)))
    fewer = rb.minimum_norm(problem(6, 8, 4, (2, 2)))
    assert found.status == fewer.status == "OPTIMAL"
    assert found.norm < fewer.norm


def test_a_short_budget_leaves_a_network_with_a_bound():
    p = problem(40, 44, 1, (3, 3))
    began = time.monotonic()
    found = rb.minimum_norm(p, time_limit=0.1)
    assert time.monotonic() - began < 10  # seconds; machines may be loaded
    assert found.status == "FEASIBLE"
    assert found.certificate.kind == "bound only"
    assert 0 < found.lower_bound < found.norm
    misfit = p.signs @ np.maximum(found.dual @ p.gram, 0) - p.labels
    assert np.abs(misfit).max() <= 1e-9


def test_a_loose_gap_is_enough_where_it_is_asked_for():
    p = problem(12, 14, [0, 5], (2, 2))
    exact, loose = rb.minimum_norm(p), rb.minimum_norm(p, rel_gap=0.5)
    assert loose.lower_bound <= exact.norm * (1 + SAME)
    assert loose.norm >= exact.norm * (1 - SAME)
    assert loose.rel_gap <= 0.5
    assert loose.n_nodes <= exact.n_nodes


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_permuting_neurons_and_samples_changes_no_norm(seed):
    p = problem(4, 5, seed, (2, 2))
    rng = np.random.default_rng(seed)
    order, neurons = rng.permutation(4), rng.permutation(4)
    other = rb.Problem(p.gram[np.ix_(order, order)], p.labels[order], p.signs[neurons])
    assert rb.minimum_norm(other).norm == pytest.approx(rb.minimum_norm(p).norm, rel=1e-11)


def test_one_sign_fits_labels_of_the_other_as_zero():
    p = problem(5, 6, 11, (3, 0))
    found = rb.minimum_norm(p)
    again = rb.minimum_norm(rb.Problem(p.gram, np.maximum(p.labels, 0.0), p.signs))
    assert found.status == again.status == "OPTIMAL"
    assert_array_equal(found.dual, again.dual)
    assert not found.pattern[:, p.labels <= 0].any()


@pytest.mark.parametrize("counts", [(2, 1), (3, 0)])
def test_dependent_samples_that_fit_are_solved(counts):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((5, 3))
    signs = np.array([1.0] * counts[0] + [-1.0] * counts[1])
    y = signs @ np.maximum(rng.standard_normal((3, 3)) @ X.T, 0.0)
    for p in (rb.Problem(X @ X.T, y, signs), rb.Problem.from_features(X, y, signs)):
        found = rb.minimum_norm(p, time_limit=30)
        assert found.status == "OPTIMAL"
        best = oracle.search(p.gram, p.labels, p.signs, features=X).norm
        assert found.norm == pytest.approx(best, rel=1e-7)


def test_networks_of_impossible_patterns_do_not_exist():
    gram, y = np.eye(2), np.array([1.0, -1.0])
    on, off = np.array([True, False]), np.array([False, False])
    assert fit_patterns(gram, y, as_patterns([(1.0, on, 2), (-1.0, off, 1)])) is None
    network = fit_patterns(gram, y, as_patterns([(1.0, on, 2), (-1.0, ~on, 1)]))
    assert network is not None
    assert network.square == pytest.approx(0.5 + 1.0)


def test_decisions_split_orbits_and_equal_orbits_merge():
    y = np.array([1.0, -1.0, 0.0])
    orbits = first_orbits(y, np.array([1.0, -1.0, 1.0, 1.0]))
    assert [o.members for o in orbits] == [(0, 2, 3), (1,)]
    assert orbits[1].decided.tolist() == [-1, 1, -1]
    split = decide(orbits, 0, 2, 1, 2)
    assert [o.members for o in split] == [(0, 2), (3,), (1,)]
    assert split[0].decided.tolist() == [-1, -1, 1]
    merged = decide(split, 1, 2, 1, 1)
    assert [o.members for o in merged] == [(0, 2, 3), (1,)]
    assert is_coverable(merged, y, 0)
    off = decide(merged, 0, 0, 0, 3)
    assert not is_coverable(off, y, 0)
    assert is_coverable(off, y, 2)
    one_sign = first_orbits(np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    assert one_sign == [Orbit(1.0, (0, 1), one_sign[0].decided)]
    assert one_sign[0].decided.tolist() == [-1, 0]


def test_a_small_search_loads_no_compiler():
    code = (
        "import sys, numpy as np, relubias as rb;"
        "X = np.random.default_rng(0).standard_normal((5, 6));"
        "y = np.random.default_rng(1).standard_normal(5);"
        "found = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, 1, -1, -1)));"
        "assert found.certificate.kind == 'tree', found;"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_boxes_that_end_early_still_bound_from_above():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((12, 20))
    gram = X @ X.T / 20
    prices = rng.standard_normal(12)
    decided = np.where(prices > 0, rng.integers(0, 2, 12), -1).astype(np.int8)
    low, high, state = box_of(prices, decided)
    values = [
        solve_boxes(gram, low[None], high[None], state[None].copy(), stops)[0][0]
        for stops in (lambda: False, lambda: True)
    ]
    assert values[1] > values[0] > 0.0
