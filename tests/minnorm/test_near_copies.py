"""Samples that are copies up to rounding, with other labels: nothing is claimed that is not so."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.minnorm import solution

SIGNS = (1, -1)


def near_copies(seed):
    draw = np.random.default_rng(seed).standard_normal
    X = np.repeat(draw((10, 40)), 2, axis=0) * (1 + 1e-12 * draw((20, 1)))
    y = draw(20)
    return np.hstack([X, np.ones((20, 1))]), y


def misfit(features, y, answer):
    weights = answer.dual @ features
    output = np.array(SIGNS) @ np.maximum(weights @ features.T, 0.0)
    return np.abs(output - y).max() / np.abs(y).max()


@pytest.mark.parametrize("seed", range(14))
def test_what_is_called_a_fit_is_one(seed):
    features, y = near_copies(seed)
    answer = rb.minimum_norm(rb.Problem.from_features(features, y, SIGNS), time_limit=5)
    if answer.status in ("OPTIMAL", "FEASIBLE"):
        assert misfit(features, y, answer) < 1e-5


def test_a_network_whose_rounding_is_larger_than_the_labels_is_not_verified(monkeypatch):
    monkeypatch.setattr(solution, "_MOST_MISFIT", np.inf)
    features, y = near_copies(2)
    problem = rb.Problem.from_features(features, y, SIGNS)
    answer = rb.minimum_norm(problem, time_limit=5)
    assert misfit(features, y, answer) > 1.0  # the solver's own check is off
    verification = rb.minnorm.verify(problem, answer)
    assert verification.holds is not True
    fits = next(check for check in verification.checks if check.claim == "fits")
    assert fits.holds is None
    assert "rounding" in fits.sentence
