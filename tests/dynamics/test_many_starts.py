"""All-positive starts of many problems are those of `starts.all_positive`, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.dynamics._many_starts import all_positive_duals


def stack(n, d, size):
    law = rb.ensembles.Gaussian(d)
    return np.stack([law.sample_gram(n, (n, d, k)) for k in range(size)])


@pytest.mark.parametrize("n", [1, 2, 3, 8, 20, 60])
@pytest.mark.parametrize("factor", [1.0, 1.5, 1e6])
def test_duals_have_the_bits_of_single_starts(n, factor):
    grams = stack(n, max(n, int(factor * n)), 12)
    scales = np.exp(np.random.default_rng(n).normal(size=12) * 4)
    duals, trusted = all_positive_duals(grams, scales)
    for gram, scale, dual, is_trusted in zip(grams, scales, duals, trusted, strict=True):
        if is_trusted:
            problem = rb.Problem(gram, np.ones(n))
            assert (rb.starts.all_positive(problem, scale)[0] == dual).all()
    assert factor == 1.0 or trusted.all()


@pytest.mark.parametrize("change", ["singular", "zero row", "tiny scale", "huge scale", "large"])
def test_what_needs_a_closer_look_is_not_trusted(change):
    grams, scales = stack(4, 10, 3), np.ones(3)
    if change == "singular":
        grams[1] = 1.0
    elif change == "zero row":
        grams[1, 2], grams[1, :, 2] = 0.0, 0.0
    elif change == "large":
        grams, scales = np.eye(201)[None], np.ones(1)
    else:
        scales[1] = 1e-200 if change == "tiny scale" else 1e200
    _, trusted = all_positive_duals(grams, scales)
    assert not trusted[min(1, trusted.size - 1)]
