"""A few instances of every part of ``tests/campaigns/minimum_norm.py``."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import relubias as rb
from tests.near_misses import accepted_by, near_ties, near_ties_of_many, runners_up
from tests.networks import (
    Instance,
    check_answer,
    check_scales,
    hard_instance,
    many_instance,
    optimum,
    two_instance,
)
from tests.oracles.patterns import TooManyError


def wrong(instance, *, strict=True):
    best, instance = brute_force(instance)
    found = rb.minimum_norm(instance.problem)
    failures = check_answer(instance, found, None if best is None else best.norm, strict=strict)
    verified = rb.minnorm.verify(instance.problem, found, leaves=True)
    if verified.holds is False:
        failures.append(f"refuted: {verified.refuted}")
    if best is not None and verified.lower_bound > best.norm * (1 + 1e-12):
        failures.append(f"verified bound {verified.lower_bound} above {best.norm}")
    return failures


def brute_force(instance):
    """Return the optimum, of fewer samples where there are too many patterns for a quick test."""
    while True:
        try:
            return optimum(instance, max_nodes=600), instance
        except TooManyError:
            p, n = instance.problem, instance.problem.n_samples - 1
            fewer = rb.Problem(p.gram[:n, :n], p.labels[:n], p.signs)
            instance = Instance(f"{instance.name}, the first {n}", fewer)


@pytest.mark.parametrize("seed", range(24))
def test_two_neurons_equal_brute_force(seed):
    assert wrong(two_instance(seed, max_samples=8)) == []


@pytest.mark.parametrize("seed", range(24))
def test_wide_networks_equal_brute_force(seed):
    assert wrong(many_instance(seed)) == []


@pytest.mark.parametrize("seed", range(32))
def test_answers_on_data_made_to_break_solvers_are_never_wrong(seed):
    assert wrong(hard_instance(seed, max_samples=4), strict=False) == []


@pytest.mark.parametrize("seed", range(3))
def test_no_certificate_accepts_a_network_that_is_nearly_optimal(seed):
    families = [near_ties(seed), runners_up(seed, n_wanted=2)]
    families += [itertools.islice(near_ties_of_many(seed, (2, 1)), 3)]
    shown = 0
    for miss in itertools.chain(*families):
        shown += 1
        assert accepted_by(miss) == []
    assert shown >= 3


@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1, -1)])
def test_label_scales_change_nothing(signs):
    rng = np.random.default_rng(len(signs))
    X = rng.standard_normal((5, 7))
    y = rng.standard_normal(5)
    problem = rb.Problem(X @ X.T, y / np.abs(y).max(), signs)
    assert check_scales(Instance("scales", problem), (-150, -6, 6, 150)) == []
