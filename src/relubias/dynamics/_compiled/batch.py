"""Many problems in one compiled loop."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

import numpy as np

from relubias._jit import njit
from relubias.dynamics import _codes as code
from relubias.dynamics._compiled.freezing import freeze_test
from relubias.dynamics._compiled.jumping import multiply
from relubias.dynamics._compiled.stepping import advance

__all__ = ["descend_batch"]


@njit(cache=True, error_model="numpy")
def descend_batch(
    grams, labels, signs, step_sizes, largest_rows, can_grow, tols, max_iter,
    dual_high, primals, outcome, counters,
):  # fmt: skip
    """Run problems as far as the ball test can decide them, as the single-problem driver would.

    `outcome` becomes FROZEN or EXHAUSTED, or NEEDS_EIGENBASIS for the driver to do;
    where it is decided, `dual_high` and `primals` become the limit.
    """
    n_neurons, n_samples = primals.shape[1], primals.shape[2]
    high = np.empty((n_neurons, n_samples))
    low = np.empty((n_neurons, n_samples))
    dual_low = np.empty((n_neurons, n_samples))
    zeros = np.zeros((n_samples, n_samples))
    active = np.empty((n_neurons, n_samples), np.bool_)
    pair_last = np.zeros((n_neurons, n_samples), np.int64)
    saved_high = np.zeros((n_neurons, n_samples))
    saved_low = np.zeros((n_neurons, n_samples))
    buffer = np.empty((0, 4), np.int64)
    unwatched = np.empty((0, n_neurons, n_samples))
    residual_high = np.empty(n_samples)
    residual_low = np.empty(n_samples)
    index = np.empty(n_samples, np.int64)
    push_high = np.empty(n_samples)
    push_low = np.empty(n_samples)
    move_high = np.empty(n_samples)
    move_low = np.empty(n_samples)
    rounding = np.zeros(code.N_ROUNDING)
    hessian = np.empty((n_samples, n_samples))
    factor = np.empty((n_samples, n_samples))
    support = np.empty(n_samples, np.int64)
    push = np.empty(n_samples)
    work = np.empty(n_samples)
    limit_high = np.empty((n_neurons, n_samples))
    limit_low = np.empty((n_neurons, n_samples))
    for b in range(primals.shape[0]):
        gram = grams[b]
        dual = dual_high[b]
        rounding[0] = 0.0
        rounding[code.TRUSTED] = 0.0
        rounding[code.CAN_GROW] = can_grow[b]
        rounding[code.GROWTH] = 1.0 - can_grow[b]
        dual_low[:] = 0.0
        multiply(dual, dual_low, gram, zeros, high, low)
        for k in range(n_neurons):
            for i in range(n_samples):
                active[k, i] = high[k, i] > 0.0
        while True:
            why = advance(
                gram, labels[b], signs, step_sizes[b], largest_rows[b], tols[b], max_iter,
                high, low, dual, dual_low, active, pair_last,
                saved_high, saved_low, counters[b], rounding, buffer,
                residual_high, residual_low, index, push_high, push_low, move_high, move_low,
                factor, unwatched,
            )  # fmt: skip
            found, order = code.NEEDS_EIGENBASIS, 0
            if why == code.ATTEMPT or why == code.SMALL_RESIDUAL or why == code.STOPPED:
                found, order = freeze_test(
                    gram, labels[b], signs, step_sizes[b], high, low, active,
                    residual_high, residual_low, hessian, factor, support, push, work,
                    limit_high, limit_low,
                )  # fmt: skip
            outcome[b] = code.NEEDS_EIGENBASIS
            time = counters[b, code.TIME]
            quiet_for = time - counters[b, code.LAST_SWITCH]
            if found == code.FROZEN:
                outcome[b] = code.FROZEN
                for a in range(order):
                    i = support[a]
                    for k in range(n_neurons):
                        if active[k, i]:
                            dual[k, i] += dual_low[k, i] - signs[k] * push[a]
                primals[b] = limit_high
            elif why == code.STOPPED:
                outcome[b] = code.EXHAUSTED
                primals[b] = high
            elif (
                why == code.ATTEMPT
                and (found == code.SWITCH_COMES or found == code.BALL_FAILS)
                and quiet_for < code.QUIET_STRETCH
            ):
                continue
            break
