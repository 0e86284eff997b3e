"""The compiled kernels and their NumPy twins: the same bits on the same arrays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from relubias.dynamics import _codes as code
from relubias.dynamics import _compiled, _plain


class Arrays:
    """Everything that one run hands to a kernel."""

    def __init__(self, gram, labels, signs, step_size, dual):
        m, n = dual.shape
        self.fixed = gram, labels, signs, step_size, float(np.diagonal(gram).max())
        self.high, self.low = np.empty((m, n)), np.empty((m, n))
        self.dual_high, self.dual_low = dual.copy(), np.zeros((m, n))
        self.pair_last = np.zeros((m, n), np.int64)
        self.saved = np.zeros((m, n)), np.zeros((m, n))
        self.counters = np.zeros(code.N_COUNTERS, np.int64)
        self.counters[code.NEXT_ATTEMPT] = code.FIRST_ATTEMPT
        self.counters[code.NEXT_SAVE] = code.FIRST_SAVE
        self.rounding = np.zeros(code.N_ROUNDING)
        self.rounding[code.CAN_GROW] = self.rounding[code.TRUSTED] = 1.0
        self.buffer = np.zeros((20_000, 4), np.int64)
        self.residual = np.empty(n), np.empty(n)
        self.scratch = np.empty(n, np.int64), *(np.empty(n) for _ in range(4)), np.empty((n, n))
        is_watched = bool(n % 2)
        self.extremes = np.zeros((3 if is_watched else 0, m, n))
        self.test_scratch = np.empty((n, n)), np.empty((n, n))
        self.support, self.push, self.work = np.zeros(n, np.int64), np.zeros(n), np.empty(n)
        self.limit = np.zeros((m, n)), np.zeros((m, n))

    def start(self, engine):
        gram = self.fixed[0]
        zeros = np.zeros_like(gram)
        engine.multiply(self.dual_high, self.dual_low, gram, zeros, self.high, self.low)
        self.active = self.high > 0.0

    def advance(self, engine, stop_time):
        return engine.advance(
            *self.fixed, 1e-10, stop_time, self.high, self.low, self.dual_high, self.dual_low,
            self.active, self.pair_last, *self.saved, self.counters, self.rounding, self.buffer,
            *self.residual, *self.scratch, self.extremes,
        )  # fmt: skip

    def freeze_test(self, engine):
        gram, labels, signs, step_size, _ = self.fixed
        return tuple(
            engine.freeze_test(
                gram, labels, signs, step_size, self.high, self.low, self.active, *self.residual,
                *self.test_scratch, self.support, self.push, self.work, *self.limit,
            )
        )  # fmt: skip

    def observables(self):
        return [
            self.high, self.low, self.dual_high, self.dual_low, self.active, self.pair_last,
            *self.saved, self.counters, self.rounding, self.buffer, *self.residual,
            self.extremes,
        ]  # fmt: skip


def random_arrays(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 45)), int(rng.integers(1, 4))
    d = int(n * rng.choice([1, 2, 5, 50])) + 1
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    gram = X @ X.T
    labels = rng.standard_normal(n)
    if seed % 5 == 0:
        labels[0] = 0.0
    signs = rng.choice([-1.0, 1.0], m)
    step_size = rng.choice([0.01, 0.3, 0.9, 1.7, 2.5, 5.0]) / np.linalg.eigvalsh(gram)[-1]
    dual = 0.1 * rng.standard_normal((m, n))
    return Arrays(gram, labels, signs, step_size, dual)


def follow(arrays, engine):
    """Run 300 steps with every test on the way; return what was decided."""
    arrays.start(engine)
    story = []
    while arrays.counters[code.TIME] < 300:
        why = arrays.advance(engine, 300)
        story.append(why)
        if why in (code.ATTEMPT, code.SMALL_RESIDUAL):
            story.append(arrays.freeze_test(engine))
            if story[-1][0] == code.FROZEN:
                story.append([arrays.push.tobytes(), *(part.tobytes() for part in arrays.limit)])
        if why not in (code.ATTEMPT, code.STOPPED):
            break
    return story


@pytest.mark.parametrize("seed", range(40))
def test_twins_agree_bit_for_bit(seed):
    compiled, plain = random_arrays(seed), random_arrays(seed)
    assert follow(compiled, _compiled) == follow(plain, _plain)
    for one, other in zip(compiled.observables(), plain.observables(), strict=True):
        assert_array_equal(one, other)


def test_the_random_runs_reach_every_outcome():
    reasons, found = set(), set()
    for seed in range(120):
        story = follow(random_arrays(seed), _compiled)
        reasons |= {entry for entry in story if isinstance(entry, int)}
        found |= {entry[0] for entry in story if isinstance(entry, tuple)}
    assert reasons >= {code.STOPPED, code.SMALL_RESIDUAL, code.ATTEMPT}
    assert found == {code.FROZEN, code.SWITCH_COMES, code.BALL_FAILS, code.NEEDS_EIGENBASIS}


@pytest.mark.parametrize("n_steps", [1, 2, 3, 1000, 10**13 + 7, 2**60])
@pytest.mark.parametrize("order", [1, 5, 17])
def test_jumps_agree_bit_for_bit(order, n_steps):
    rng = np.random.default_rng(order)
    X = rng.standard_normal((order, 3 * order))
    hessian = X @ X.T / (3 * order)
    residual = rng.standard_normal((order, 1))
    zeros, zero = np.zeros_like(hessian), np.zeros_like(residual)
    arguments = hessian, zeros, 0.5 / np.linalg.eigvalsh(hessian)[-1], residual, zero, n_steps
    for one, other in zip(
        _compiled.power_steps(*arguments), _plain.power_steps(*arguments), strict=True
    ):
        assert_array_equal(one, other)
