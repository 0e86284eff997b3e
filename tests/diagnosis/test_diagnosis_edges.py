"""Odd models and odd data: everything is defined, printed without NaN, and warns of nothing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import relubias as rb
from relubias.diagnosis.held_out import ridge_of

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((10, 6)), RNG.standard_normal(10)
W, A, B = RNG.standard_normal((4, 6)), np.array([1.0, -1.0, 1.0, -1.0]), RNG.standard_normal(4)
WIDE = RNG.standard_normal((4, 50))
HELD = {"held_out": (X, Y)}

CASES = {
    "one sample": ((W, B, A, 0.0), X[:1], Y[:1], {"held_out": (X[:1], Y[:1])}),
    "one negative neuron": ((W[:1], None, -A[:1], 0.0), X, Y, HELD),
    "one of each": ((W[:1], None, -A[:1], 0.0), X[:1], -np.abs(Y[:1]), {}),
    "all ignored": ((-np.abs(W), None, A, 0.0), np.abs(X), Y, {"start": (W, None, A, 0.0)}),
    "zero weights": ((0 * W, 0 * B, A, 0.0), X, Y, {"start": (0 * W, 0 * B, A, 0.0)}),
    "zero labels": ((W, B, A, 0.0), X, 0 * Y, {"held_out": (X, 0 * Y)}),
    "zero everything": ((0 * W, None, A, 0.0), X, 0 * Y, {"held_out": (X, 0 * Y)}),
    "zero features": ((W, None, A, 0.0), 0 * X, Y, HELD),
    "zero features, kappa": ((W, None, A, 0.0), 0 * X, Y, {"kappa": 0.5}),
    "duplicates": ((W, B, A, 0.0), np.r_[X, X], np.r_[Y, Y], HELD),
    "contradictions": ((W, B, A, 0.0), np.r_[X, X], np.r_[Y, -Y], HELD),
    "equal labels": ((W, B, A, 0.0), X, 0 * Y + 1, {"held_out": (X, 0 * Y + 1)}),
    "wide": ((WIDE, None, A, 0.0), RNG.standard_normal((5, 50)), Y[:5], {}),
    "one feature": ((W[:, :1], B, A, 0.0), X[:, :1], Y, {}),
    "half precision": ((*(v.astype(np.float16) for v in (W, B, A)), None), X, Y, HELD),
    "all plus": ((W, B, np.abs(A), 0.0), X, Y, HELD),
    "all minus": ((W, B, -np.abs(A), 0.0), X, Y, HELD),
    "tiny outer weights": ((W, B, A * 1e-200, 0.0), X, Y, HELD),
    "huge outer weights": ((W, B, A * 1e100, 0.0), X, Y, HELD),
    "mixed outer weights": ((W, B, A * [1e-12, 1, 1e6, 0], 0.0), X, Y, HELD),
    "nearly equal features": ((W, None, A, 0.0), np.c_[X[:, :5], X[:, 4] + 1e-9], Y, HELD),
    "huge step": ((W, B, A, 0.0), X, Y, {"step_size": 1e10}),
    "tiny step": ((W, B, A, 0.0), X, Y, {"step_size": 1e-300}),
    "no penalty": ((W, B, A, 0.0), X, Y, {"ridge": 0.0, **HELD}),
    "huge labels": ((W, B, A, 0.0), X, Y * 1e140, {"held_out": (X, Y * 1e140)}),
    "tiny labels": ((W, B, A, 0.0), X, Y * 1e-140, {"held_out": (X, Y * 1e-140)}),
    "frames": ((W, B, A, 0.0), pd.DataFrame(X), pd.Series(Y), {"held_out": [X.tolist(), Y]}),
}


@pytest.mark.parametrize("name", CASES)
def test_odd_models_and_data_are_told_in_words(name):
    model, samples, labels, options = CASES[name]
    d = rb.diagnose(model, samples, labels, time_limit=0.1, **options)
    text = str(d)
    assert len(text.splitlines()) <= 45
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"\b(nan|inf)\b", text)
    assert np.isfinite(d.to_frame()["norm"]).all()
    assert len(d.examples()) == d.activity.sign.size
    assert "<h2>" in d._repr_html_()


def test_leave_one_out_keeps_its_digits_where_the_penalty_is_tiny():
    rng = np.random.default_rng(74)
    features, labels = rng.standard_normal((9, 20)), rng.standard_normal(9)
    penalty = 1e-9
    total = 0.0
    for i in range(9):
        rest = np.arange(9) != i
        centre, mean = features[rest].mean(axis=0), labels[rest].mean()
        inner = features[rest] - centre
        dual = np.linalg.solve(inner @ inner.T + penalty * np.eye(8), labels[rest] - mean)
        total += (mean + (features[i] - centre) @ inner.T @ dual - labels[i]) ** 2
    np.testing.assert_allclose(ridge_of(features, labels, penalty).error, (total / 9) ** 0.5, 1e-6)
