"""The search for two neurons against brute force, and its bounds whenever it is stopped."""

from __future__ import annotations

import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from relubias.minnorm import pair_search
from relubias.minnorm.certificate import MinimumNormCertificate
from relubias.minnorm.convexify import convexify
from relubias.minnorm.dive import Dive
from relubias.minnorm.node import compiled, plain
from relubias.minnorm.node_bounds import proved_share
from relubias.minnorm.pool import SHARED, SOLE, UNDECIDED, hull_pool
from relubias.minnorm.scaling import in_unit_scale
from relubias.minnorm.search import Search
from relubias.minnorm.slack_form import slack_form
from tests.oracles.enumeration import least_distance
from tests.oracles.faces import two_neurons

SAME = 1e-9
WEIGHTS = [(1, 1), (Fraction(1, 2), Fraction(1, 3))]


def draw(n, d, seed, *, zero=0.0):
    rng = np.random.default_rng([n, d, seed])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y[rng.random(n) < zero] = 0.0
    return X @ X.T, y


def hard_problem(n=40, d=40, seed=0):
    """A problem that neither the relaxation nor the closed form settles."""
    gram, y = draw(n, d, seed)
    return rb.Problem(gram, y, (1, -1))


@pytest.fixture
def no_closed_form(monkeypatch):
    """Leave everything to the search."""
    unproved = MinimumNormCertificate(
        kind="bound only", error_bound=math.inf, duality_gap=math.inf, lower_bound=0.0
    )
    monkeypatch.setattr(pair_search, "certify_two_neurons", lambda *_: unproved)


def search(gram, labels, weights=(1.0, 1.0)):
    """Search in unit scale."""
    gram, y, units = in_unit_scale(gram, labels)
    found = pair_search.search_pair(Dive(gram, y, weights), units, Search())
    assert found is not None
    return found, units


def least_norms(gram, labels, weights):
    """Return the least norm for every choice of the oracle, by tuples of decisions."""
    values, vectors = np.linalg.eigh(gram)
    rows = vectors * np.sqrt(np.maximum(values, 0.0))
    n, norms = labels.size, {}
    scale = 1 / np.sqrt(np.array(weights, dtype=float))
    plus = np.hstack((rows * scale[0], np.zeros((n, n))))
    minus = np.hstack((np.zeros((n, n)), rows * scale[1]))
    own = np.where(labels[:, None] >= 0, plus, minus)
    other = np.where(labels[:, None] >= 0, minus, plus)
    size = np.abs(labels)
    for choice in itertools.product((SOLE, SHARED), repeat=n):
        A, b, E, f = [], [], [], []
        for i, c in enumerate(choice):
            if c == SHARED:
                E, f = [*E, own[i] - other[i]], [*f, size[i]]
                A, b = [*A, other[i]], [*b, 0.0]
            elif labels[i] == 0:
                A, b = [*A, -own[i], -other[i]], [*b, 0.0, 0.0]
            else:
                E, f = [*E, own[i]], [*f, size[i]]
                A, b = [*A, -other[i]], [*b, 0.0]
        x = least_distance(
            np.array(A), np.array(b), np.array(E).reshape(len(f), 2 * n), np.array(f)
        )
        norms[choice] = math.inf if x is None else float(np.linalg.norm(x))
    return norms


@pytest.mark.usefixtures("no_closed_form")
@pytest.mark.parametrize("weights", WEIGHTS, ids=["equal", "unequal"])
@pytest.mark.parametrize("zero", [0.0, 0.3])
@pytest.mark.parametrize("ratio", [1.0, 1.2, 3.0])
def test_search_finds_the_optimum_and_its_distance(ratio, zero, weights):
    for seed in range(6):
        n = 2 + seed % 5
        gram, y = draw(n, max(n, round(ratio * n)), seed, zero=zero)
        if not y.any():
            continue
        best = two_neurons(gram, y, weights)
        found, units = search(gram, y, (float(weights[0]), float(weights[1])))
        assert found.certificate.kind == "tree"
        assert units.norm(found.leaf.norm) == pytest.approx(best.norm, rel=SAME)
        assert units.norm(found.certificate.lower_bound) <= best.norm * (1 + 1e-14)
        dual = units.dual(found.leaf.pool.duals(found.leaf.solution.multipliers, n))
        apart = dual - best.as_float()
        distance = math.sqrt(
            sum(
                float(c) * max(row @ gram @ row, 0.0) for c, row in zip(weights, apart, strict=True)
            )
        )
        known = 1e-13 * best.norm * float(np.linalg.cond(gram)) ** 0.5  # what floats resolve
        assert distance <= units.norm(found.certificate.error_bound) + known


@pytest.mark.usefixtures("no_closed_form")
@pytest.mark.parametrize("zero", [0.0, 0.4])
def test_every_node_is_bounded_from_below(zero):
    sizes = Counter()
    for seed in range(8):
        gram, y = draw(6, 6, seed, zero=zero)
        if not y.any():
            continue
        tree = search(gram, y)[0].certificate.tree
        norms = least_norms(gram, y, (1, 1))
        decided = np.zeros((tree.parent.size, 6), dtype=int)
        for k in range(1, tree.parent.size):
            decided[k] = decided[tree.parent[k]]
            decided[k, tree.sample[k]] = tree.choice[k]
            below = [
                norm
                for choice, norm in norms.items()
                if ((decided[k] == 0) | (decided[k] == choice)).all()
            ]
            assert tree.bound[k] <= min(below) * (1 + 1e-8)
        sizes[tree.parent.size] += 1
        halves = Counter(tree.parent[1:].tolist())
        assert set(halves.values()) <= {2}
        assert tree.bound[tree.leaves].min() >= min(norms.values()) * (1 - 1e-8)
    assert max(sizes) >= 7


@pytest.mark.usefixtures("no_closed_form")
def test_compiled_nodes_search_the_same_tree(monkeypatch):
    gram, y = draw(24, 24, 1)
    y[:3] = 0.0
    trees = []
    for engine in (plain, compiled):
        monkeypatch.setattr(pair_search, "plain", engine)
        monkeypatch.setattr(pair_search, "compiled", engine)
        trees.append(search(gram, y)[0].certificate.tree)
    one, other = trees
    assert one.parent.size > 10
    assert_array_equal(one.parent, other.parent)
    assert_array_equal(one.sample, other.sample)
    assert_array_equal(one.choice, other.choice)
    assert_allclose(one.bound, other.bound, rtol=1e-9)


@pytest.mark.usefixtures("no_closed_form")
def test_products_lift_the_relaxation_and_stay_convex():
    gram, y, _ = in_unit_scale(*draw(30, 36, 4))
    form = slack_form(gram, y, (1.0, 1.0))
    hessian = lambda pairs: hull_pool(gram[np.ix_(pairs, pairs)], y[pairs], (1.0, 1.0)).hessian  # noqa: E731
    found, _ = search(gram, y)
    hull = hull_pool(gram, y, (1.0, 1.0))
    root = Dive(gram, y, (1.0, 1.0)).solve(np.full(30, UNDECIDED)).value
    lifted = convexify(form, hessian, found.leaf.value - root)
    assert root < lifted.value <= found.leaf.value
    assert lifted.value > root + 0.5 * (found.leaf.value - root)
    assert proved_share(gram, y, (1.0, 1.0), lifted.theta) > 0
    theta = np.diag(lifted.theta)
    coupled = np.block([[np.zeros((30, 30)), theta], [theta, np.zeros((30, 30))]])
    assert np.linalg.eigvalsh(np.linalg.inv(hull.hessian) + coupled)[0] > 0
    assert proved_share(gram, y, (1.0, 1.0), 10 * lifted.theta) == 0.0


def test_hard_problem_is_proved_and_gives_the_same_bits_again():
    p = hard_problem()
    one, other = rb.minimum_norm(p), rb.minimum_norm(p)
    assert one.status == "OPTIMAL"
    assert one.certificate.kind == "tree"
    assert one.n_nodes > 20
    assert one.certificate.error_bound <= 1e-12 * one.norm
    assert one.rel_gap <= 1e-12
    assert_array_equal(one.dual, other.dual)
    assert_array_equal(one.certificate.tree.bound, other.certificate.tree.bound)


@pytest.mark.parametrize("exponent", [-150, -6, 6, 149])
def test_labels_of_any_scale_are_solved_alike(exponent):
    p = hard_problem(24, 24, 1)
    one = rb.minimum_norm(p)
    other = rb.minimum_norm(rb.Problem(p.gram, p.labels * 10.0**exponent, p.signs))
    assert other.status == one.status == "OPTIMAL"
    assert_allclose(other.dual / 10.0**exponent, one.dual, rtol=1e-11, atol=1e-14)
    assert_allclose(
        other.certificate.tree.bound / 10.0**exponent, one.certificate.tree.bound, rtol=1e-9
    )


def test_stopping_early_leaves_a_network_and_a_bound_that_holds():
    p = hard_problem()
    best = rb.minimum_norm(p).norm
    for options in ({"time_limit": 0.0}, {"rel_gap": 0.2}, {"rel_gap": 0.02}):
        found = rb.minimum_norm(p, **options)
        assert found.status == "FEASIBLE"
        assert found.lower_bound <= best * (1 + 1e-12)
        assert found.norm >= best * (1 - 1e-12)
        assert found.rel_gap > 1e-9
        if "rel_gap" in options:
            assert found.rel_gap <= options["rel_gap"]
        residual = p.signs @ np.maximum(found.dual @ p.gram, 0.0) - p.labels
        assert np.abs(residual).max() <= 1e-10


def test_interrupt_returns_the_best_network_and_reports_say_how_far_it_is():
    p, heard = hard_problem(60, 60, 1), []

    def listen(fraction, text):
        heard.append((fraction, text))
        if len(heard) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    found = rb.minimum_norm(p, progress=listen)
    assert found.status == "FEASIBLE"
    assert 0 < found.lower_bound < found.norm
    assert heard[-1] == (1.0, "FEASIBLE")
    assert heard[0][1].startswith("norm ")
    assert "bound" in heard[0][1]
    assert "nodes" in heard[0][1]


def test_short_time_limit_on_a_hard_problem_is_kept():
    p = hard_problem(200, 200, 1)
    start = time.process_time()
    found = rb.minimum_norm(p, time_limit=0.1)
    assert time.process_time() - start < 2.0
    assert found.status in ("OPTIMAL", "FEASIBLE")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_samples_and_labels_of_one_sign(n):
    for seed in range(10):
        gram, y = draw(n, n + 1, seed)
        for labels in (y, np.abs(y), -np.abs(y)):
            best = two_neurons(gram, labels)
            found = rb.minimum_norm(rb.Problem(gram, labels, (1, -1)))
            assert found.status == "OPTIMAL"
            assert found.norm == pytest.approx(best.norm, rel=SAME)


@pytest.mark.parametrize("d", [2, 3])
def test_dependent_samples_are_solved_or_proved_infeasible(d):
    seen = Counter()
    for seed in range(12):
        rng = np.random.default_rng([d, seed, 8])
        X = rng.integers(-3, 4, (5, d)).astype(float)
        if seed % 2:
            w = rng.integers(-4, 5, (2, d)) / 2
            y = np.maximum(X @ w[0], 0.0) - np.maximum(X @ w[1], 0.0)
        else:
            y = rng.integers(-2, 3, 5).astype(float)
        gram = X @ X.T
        best = two_neurons(gram, y)
        found = rb.minimum_norm(rb.Problem(gram, y, (1, -1)))
        seen[str(found.status)] += 1
        if best is None:
            assert found.status == "INFEASIBLE"
        else:
            assert found.status == "OPTIMAL"
            assert found.norm == pytest.approx(best.norm, rel=SAME)
    assert len(seen) == 2


def test_small_searches_load_no_compiler():
    code = (
        "import sys, numpy as np, relubias as rb\n"
        "rng = np.random.default_rng(3)\n"
        "X, y = rng.standard_normal((12, 12)), rng.standard_normal(12)\n"
        "found = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, -1)))\n"
        "print(found.certificate.kind, 'numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["tree", "False"]


def test_record_says_where_it_is_infeasible():
    seen = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 4])
        X, y = rng.standard_normal((8, 4)), rng.standard_normal(8)
        found = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, -1)))
        tree = found.certificate.tree
        if found.status == "INFEASIBLE" and tree is not None:
            seen += 1
            assert np.isinf(tree.bound[tree.leaves]).all()
            assert found.conflict.size > 0
            assert found.n_nodes == tree.parent.size
            part = found.conflict
            again = rb.minimum_norm(rb.Problem((X @ X.T)[np.ix_(part, part)], y[part], (1, -1)))
            assert again.status == "INFEASIBLE"
    assert seen > 0
