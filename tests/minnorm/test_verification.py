"""Verification accepts what is right, refutes what is wrong, and says what it cannot tell."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.minnorm import MinimumNormCertificate, SearchTree, verify
from relubias.minnorm.verification import Verification
from tests.oracles.enumeration import enumerate_patterns

SIGNS = [(1,), (-1,), (1, -1), (1, 1), (1, 1, -1), (1, 1, 1, -1, -1)]


def instance(n, d, seed, signs, *, zero=0.0, on_features=False):
    rng = np.random.default_rng([n, d, seed])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    y[rng.random(n) < zero] = 0.0
    return rb.Problem.from_features(X, y, signs) if on_features else rb.Problem(X @ X.T, y, signs)


def solved(*arguments, **keywords):
    problem = instance(*arguments, **keywords)
    return problem, rb.minimum_norm(problem, time_limit=20)


@pytest.mark.parametrize("signs", SIGNS)
def test_answers_of_every_kind_are_verified(signs):
    kinds = Counter()
    for seed in range(10):
        n = 2 + seed % 5
        d = n + [0, 1, 2, 20][seed % 4]
        problem, found = solved(
            n, d, seed, signs, zero=0.3 * (seed % 3 == 0), on_features=seed % 2 == 0
        )
        result = verify(problem, found, leaves=True)
        assert result.holds is True, (seed, str(result))
        assert result.norm == pytest.approx(found.norm, rel=1e-10)
        assert result.lower_bound <= found.norm * (1 + 1e-14)
        if found.status == "OPTIMAL":
            assert result.rel_gap <= 1e-8
        kinds[found.certificate.kind] += 1
    assert sum(kinds.values()) == 10


@pytest.mark.parametrize("signs", [(1, -1), (1, 1), (1, 1, -1)])
def test_the_lower_bound_never_exceeds_brute_force(signs):
    for seed in range(6):
        n = 3 + seed % 2
        problem, found = solved(n, n + seed, seed, signs)
        best = enumerate_patterns(problem.gram, problem.labels, signs)
        for claimed in (found, shifted(found, 1.5)):
            result = verify(problem, claimed, leaves=True)
            assert result.lower_bound <= best * (1 + 1e-9)


def shifted(found, factor):
    """Return the answer with a lower bound that is not proved."""
    return dataclasses.replace(found, lower_bound=found.lower_bound * factor)


@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-6, 1e-3, 0.3]))
def test_a_network_that_misses_a_label_is_refuted(seed, size):
    problem, found = solved(3, 5, seed % 5, SIGNS[seed % 4])
    rng = np.random.default_rng(seed)
    dual = found.dual * (1 + size * rng.standard_normal(found.dual.shape))
    output = problem.signs @ np.maximum(dual @ problem.gram, 0.0)
    target = problem.signs @ np.maximum(found.primal, 0.0)
    result = verify(problem, dataclasses.replace(found, dual=dual))
    if np.abs(output - target).max() > 1e-9 * np.abs(problem.labels).max():
        assert result.holds is False
        assert any("misses a label" in sentence for sentence in result.refuted)


def test_wrong_claims_are_refuted_or_left_on_trust():
    problem, found = solved(6, 8, 3, (1, -1))
    assert verify(problem, found, leaves=True).holds is True
    wrong_norm = verify(problem, dataclasses.replace(found, norm=found.norm * 1.001))
    assert wrong_norm.holds is False
    assert "norm" in [check.claim for check in wrong_norm.checks if check.holds is False]
    too_high = verify(problem, shifted(found, 1.01))
    assert too_high.holds is False
    other = instance(6, 8, 4, (1, -1))
    assert verify(other, found).holds is False


def test_a_network_that_fits_but_is_not_the_shortest_is_never_called_optimal():
    n_planted = 0
    for seed in range(36):
        signs = SIGNS[seed % 6]
        problem, found = solved(4, 6, seed, signs)
        longer = longer_fit(problem, found, seed)
        if longer is None:
            continue
        norm = math.sqrt(np.einsum("ki,ij,kj->", longer, problem.gram, longer))
        if norm <= found.norm * (1 + 1e-6):
            continue
        n_planted += 1
        claimed = dataclasses.replace(
            found, dual=longer, norm=norm, lower_bound=norm, primal=longer @ problem.gram
        )
        result = verify(problem, claimed, leaves=True)
        assert result.holds is not True
        assert result.lower_bound <= found.norm * (1 + 1e-9)
    assert n_planted >= 15


def longer_fit(problem, found, seed):
    """Return another network that fits: predictions of inactive neurons pushed further down."""
    off = found.primal < 0
    if not off.any():
        return None
    rng = np.random.default_rng(seed)
    size = 10.0 ** -rng.integers(0, 4)
    primal = found.primal * np.where(off, 1 + size * rng.uniform(0.5, 2, off.shape), 1.0)
    longer = np.linalg.solve(problem.gram, primal.T).T
    output = problem.signs @ np.maximum(longer @ problem.gram, 0.0)
    target = problem.signs @ np.maximum(found.primal, 0.0)
    return longer if np.abs(output - target).max() < 1e-13 else None


def searched(signs=(1, -1), n=9):
    """Return a problem and an answer that needed a search."""
    for seed in range(200):
        problem, found = solved(n, n + 1, seed, signs)
        if found.certificate.kind == "tree" and found.certificate.tree.leaves.size >= 3:
            return problem, found
    raise AssertionError("no instance needs a search")


@pytest.mark.parametrize("signs", [(1, -1), (1, 1, -1)])
def test_a_search_stays_on_trust_until_its_leaves_are_verified(signs):
    problem, found = searched(signs, 9 if len(signs) == 2 else 6)
    trusting = verify(problem, found)
    assert trusting.holds is None
    assert trusting.n_leaves == 0
    assert any("leaves=True" in sentence for sentence in trusting.on_trust)
    assert [check.holds for check in trusting.checks][:2] == [True, True]
    thorough = verify(problem, found, leaves=True)
    assert thorough.holds is True
    assert thorough.n_leaves == found.certificate.tree.leaves.size
    late = verify(problem, found, leaves=True, time_limit=0)
    assert late.holds is None
    assert "time ran out" in str(late)


def with_tree(found, **changes):
    tree = dataclasses.replace(found.certificate.tree, **changes)
    certificate = dataclasses.replace(found.certificate, tree=tree)
    return dataclasses.replace(found, certificate=certificate)


@pytest.mark.parametrize("signs", [(1, -1), (1, 1, -1)])
def test_trees_that_leave_a_network_out_prove_nothing(signs):
    problem, found = searched(signs, 9 if len(signs) == 2 else 6)
    tree = found.certificate.tree
    size = tree.parent.size
    last = np.arange(size) == size - 1
    damaged = {
        "a choice twice": {"choice": np.where(last, tree.choice[tree.parent == tree.parent[-1]][0]
                                              , tree.choice).astype(np.int8)},
        "another sample": {"sample": np.where(last, (tree.sample + 1) % 6, tree.sample)},
        "no such sample": {"sample": np.where(np.arange(size) > 0, 10**6, -1)},
        "two roots": {"parent": np.where(last, -1, tree.parent)},
        "a child first": {"parent": np.where(last, size, tree.parent)},
        "cut off": {
            field.name: getattr(tree, field.name)[:-1]
            for field in dataclasses.fields(SearchTree)
            if getattr(tree, field.name) is not None and field.name != "theta"
        },
        "records of other lengths": {"choice": tree.choice[:-1]},
    }  # fmt: skip
    if tree.count is not None:
        damaged["too few neurons"] = {"count": np.where(last, tree.count + 1, tree.count)}
    for name, changes in damaged.items():
        result = verify(problem, with_tree(found, **changes), leaves=True)
        assert result.holds is None, name
        assert result.lower_bound < found.norm, name


def test_wrong_multipliers_prove_less_never_more():
    problem, found = searched((1, 1, -1), 6)
    tree = found.certificate.tree
    rng = np.random.default_rng(0)
    for prices in (tree.prices * 0, rng.standard_normal(tree.prices.shape), -tree.prices):
        result = verify(problem, with_tree(found, prices=prices), leaves=True)
        assert result.holds is None
        assert result.lower_bound < found.norm
    problem, found = searched((1, -1), 9)
    theta = found.certificate.tree.theta
    for other in (theta * 0, theta + 5, -theta, theta * 1e6):
        result = verify(problem, with_tree(found, theta=other), leaves=True)
        assert result.holds in (True, None)  # more samples are decided where products help less
        assert result.lower_bound <= found.norm * (1 + 1e-12)


def test_infeasibility_proofs_are_verified_and_wrong_ones_refuted():
    X = np.random.default_rng(0).standard_normal((14, 4))
    y = np.random.default_rng(1).standard_normal(14)
    for problem in (rb.Problem(X @ X.T, y), rb.Problem.from_features(X, y)):
        found = rb.minimum_norm(problem)
        assert found.status == "INFEASIBLE"
        result = verify(problem, found)
        assert result.holds is True
        assert result.lower_bound > 1e6
        z = found.certificate.farkas
        for wrong in (-z, np.abs(z), z * 0, z + 0.01 * np.abs(z).max()):
            certificate = dataclasses.replace(found.certificate, farkas=wrong)
            claimed = dataclasses.replace(found, certificate=certificate)
            assert verify(problem, claimed).holds is False
        named = dataclasses.replace(found, conflict=found.conflict[:-1])
        assert verify(problem, named).holds is False


def test_a_proof_of_infeasibility_of_data_that_can_be_fitted_is_refuted():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 9))
    problem = rb.Problem(X @ X.T, rng.standard_normal(6))
    found = rb.minimum_norm(problem)
    for _ in range(50):
        z = rng.standard_normal((1, 6))
        claimed = dataclasses.replace(
            found,
            status=rb.MinimumNormStatus.INFEASIBLE,
            conflict=np.arange(6),
            certificate=MinimumNormCertificate(
                kind="infeasible",
                error_bound=math.inf,
                duality_gap=math.inf,
                lower_bound=math.inf,
                farkas=z,
            ),
        )
        assert verify(problem, claimed).holds is False


@pytest.mark.parametrize("exponent", [-480, 20, 480])
@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1, -1)])
def test_verification_does_not_depend_on_the_label_scale(exponent, signs):
    problem = instance(4, 5, 1, signs)
    scaled = rb.Problem(problem.gram, problem.labels * 2.0**exponent, signs)
    one = verify(problem, rb.minimum_norm(problem), leaves=True)
    other = verify(scaled, rb.minimum_norm(scaled), leaves=True)
    assert other.holds is one.holds is True
    assert other.lower_bound == one.lower_bound * 2.0**exponent
    assert other.misfit == one.misfit


def test_near_duplicates_are_verified_on_the_features():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 40))
    X[1] = X[0] + 1e-7 * X[1]
    y = rng.standard_normal(20)
    y[:2] = 1.0
    problem = rb.Problem.from_features(X, y)
    result = verify(problem, rb.minimum_norm(problem))
    assert result.holds is True
    assert result.exact_data == "features"


def test_results_show_themselves():
    problem, found = solved(5, 6, 0, (1, -1))
    result = verify(problem, found, leaves=True)
    assert isinstance(result, Verification)
    assert str(result) == result.summary()
    assert result.summary().startswith("VERIFIED (")
    assert repr(result).startswith("Verification(holds=True, kind=")
    frame = result.to_frame()
    assert list(frame.columns) == ["claim", "holds", "margin", "rounding_error", "sentence"]
    assert list(frame["claim"]) == ["fits", "norm", "lower bound", "optimal"]
    assert len(result.checked) == 4
    assert result.refuted == result.on_trust == ()


def test_an_undecided_answer_claims_nothing():
    problem, found = solved(4, 5, 0, (1, 1))
    undecided = dataclasses.replace(found, status=rb.MinimumNormStatus.UNDECIDED)
    result = verify(problem, undecided)
    assert result.holds is None
    assert "nothing to verify" in str(result)


def test_arguments_that_do_not_belong_together_are_refused():
    problem, found = solved(4, 5, 0, (1, 1))
    with pytest.raises(rb.InvalidInputError, match="solution: has duals of shape"):
        verify(instance(5, 6, 0, (1, 1)), found)
    with pytest.raises(rb.InvalidInputError, match="solution: is a"):
        verify(problem, found.dual)
