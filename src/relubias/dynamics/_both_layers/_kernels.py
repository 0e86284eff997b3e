"""Compiled steps of both layers; `plain` is the readable twin with the same bits."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

from relubias._jit import njit
from relubias.dynamics._both_layers import codes as code

__all__ = ["advance", "multiply", "observe"]


@njit(cache=True, error_model="numpy")
def multiply(dual, gram, primal):
    """Write ``dual @ gram``, summed in the order of the samples."""
    n_neurons, n_samples = dual.shape
    for k in range(n_neurons):
        for i in range(n_samples):
            primal[k, i] = 0.0
        for j in range(n_samples):
            beta = dual[k, j]
            for i in range(n_samples):
                primal[k, i] += beta * gram[j, i]


@njit(cache=True, error_model="numpy")
def _residual(labels, outer, primal, active, residual, seen):
    """Write ``outer @ relu(primal) - labels``; return its size on samples that a neuron sees."""
    n_neurons, n_samples = primal.shape
    for i in range(n_samples):
        residual[i] = -labels[i]
        seen[i] = False
    for k in range(n_neurons):
        a = outer[k]
        for i in range(n_samples):
            residual[i] += a * primal[k, i] if active[k, i] else 0.0
            seen[i] |= active[k, i]
    largest = 0.0
    for i in range(n_samples):
        if seen[i] and (abs(residual[i]) > largest or residual[i] != residual[i]):
            largest = abs(residual[i])
    return largest


@njit(cache=True, error_model="numpy")
def _step(gram, step_size, dual, outer, primal, active, residual):
    """Move both layers down the gradient of ``0.5 * ||residual||**2``, at the same time."""
    n_neurons, n_samples = primal.shape
    for k in range(n_neurons):
        push = step_size * outer[k]
        slope = 0.0
        for i in range(n_samples):
            slope += primal[k, i] * residual[i] if active[k, i] else 0.0
            dual[k, i] -= push * residual[i] if active[k, i] else 0.0
        outer[k] -= step_size * slope
    multiply(dual, gram, primal)


@njit(cache=True, error_model="numpy")
def _sum_of_sizes(gram, dual, k, i):
    total = 0.0
    for j in range(gram.shape[0]):
        total += abs(dual[k, j]) * abs(gram[j, i])
    return total


@njit(cache=True, error_model="numpy")
def observe(gram, root, dual, primal, active, counters, buffer, margin):
    """Note switches, and how close to zero primal values came for the size of their terms."""
    n_neurons, n_samples = primal.shape
    for k in range(n_neurons):
        size = 0.0
        for i in range(n_samples):
            is_on = primal[k, i] > 0.0
            if is_on != active[k, i]:
                row = counters[code.N_BUFFERED]
                buffer[row, 0] = counters[code.TIME]
                buffer[row, 1] = k
                buffer[row, 2] = i
                buffer[row, 3] = 1 if is_on else -1
                counters[code.N_BUFFERED] += 1
                counters[code.N_SWITCHES] += 1
                counters[code.LAST_SWITCH] = counters[code.TIME]
                active[k, i] = is_on
            size += abs(dual[k, i]) * root[i]
        size *= margin[0] * (1.0 + 1e-9)
        for i in range(n_samples):
            if abs(primal[k, i]) < size * root[i]:  # else its terms are too small to matter
                terms = _sum_of_sizes(gram, dual, k, i)
                if terms > 0.0 and abs(primal[k, i]) / terms < margin[0]:
                    margin[0] = abs(primal[k, i]) / terms


@njit(cache=True, error_model="numpy")
def advance(
    gram, labels, step_size, root, tol, huge, stop_time, dual, outer, primal, active, residual,
     counters, buffer, margin, seen,
):  # fmt: skip
    """Step until `stop_time` or until something is to be decided; return why (see `codes`)."""
    while True:
        largest = _residual(labels, outer, primal, active, residual, seen)
        if not largest <= huge:
            return code.DIVERGED
        if largest <= tol:
            return code.SMALL_RESIDUAL
        if counters[code.TIME] >= stop_time:
            return code.STOPPED
        if counters[code.N_BUFFERED] + primal.size > buffer.shape[0]:
            return code.BUFFER_FULL
        _step(gram, step_size, dual, outer, primal, active, residual)
        counters[code.TIME] += 1
        observe(gram, root, dual, primal, active, counters, buffer, margin)
