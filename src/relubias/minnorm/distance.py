r"""Distances between networks, in weight space, without cancellation.

Between two duals, :math:`\|w-v\|^2 = \delta^\top G \delta` with the difference and the product
taken in twice the working precision. To a minimum-norm neuron, whose dual vanishes off a set A
and whose predictions on A are the exact labels :math:`t_A`,

.. math:: \|w-w^*\|^2 = \delta u_A^\top G_{AA}^{-1} \delta u_A
          + \beta_R^\top (G_{RR} - G_{RA} G_{AA}^{-1} G_{AR}) \beta_R, \qquad
          \delta u_A = (G\beta)_A - t_A,

two non-negative terms into which the rounded optimal dual never enters. Both are evaluated by
their variational form, whose error is of second order in that of the linear solve, so the
distance has all its digits at every size of the gap.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.minnorm._norm_bounds import inverse_norm_bound
from relubias.minnorm._products import residual
from relubias.minnorm._systems import Map, cholesky_solver
from relubias.minnorm.scaling import row_scale, scaled_gram
from relubias.minnorm.solution import MinimumNorm

__all__ = [
    "Distance",
    "between_duals",
    "dual_norm",
    "inverse_form",
    "root_of",
    "size_of",
    "to_minimum_norm",
]

_EPS = float(np.finfo(np.float64).eps)


class Distance(NamedTuple):
    """A distance of weights and a bound on its rounding error."""

    value: float
    error: float


def between_duals(gram: Float, first: Float, second: Float) -> Distance:
    """Return the distance of two neurons from their duals, taken as exact.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix, taken as exact.
    first, second : ndarray of shape (n_samples,)
        Dual variables.

    Returns
    -------
    Distance
        Value and bound on the rounding error.
    """
    row = row_scale(gram)
    high, low = two_sum(first / row, -second / row)
    size = size_of(high)
    high, low = high / size, low / size
    gram = scaled_gram(gram, row)
    u, u_low, error = residual(gram, high, np.zeros(high.size))
    rest = gram @ low
    u, u_low = two_sum(u, u_low + rest)
    square = _dot(high, u) + float(high @ u_low) + float(low @ u)
    magnitude = float(np.abs(high).sum())
    slack = magnitude * (2 * error + 4 * high.size**2 * _EPS**2 * magnitude)
    return _scaled(root_of(square, slack + 4 * _EPS * abs(square)), size)


def dual_norm(gram: Float, dual: Float) -> Distance:
    """Return the norm of the weights of one neuron and its rounding error."""
    return between_duals(gram, dual, np.zeros(dual.size))


def to_minimum_norm(gram: Float, dual: Float, solution: MinimumNorm, neuron: int) -> Distance:
    """Return the distance of a neuron to that of a minimum-norm network.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix, taken as exact.
    dual : ndarray of shape (n_samples,)
        Dual variables of the neuron.
    solution : MinimumNorm
        The network; its support and labels are used, its dual only where neurons share samples.
    neuron : int
        Which of its neurons.

    Returns
    -------
    Distance
        Value and bound on the rounding error.
    """
    if solution.coupled.size == 0:
        answer = _schur_split(gram, dual, solution.primal[neuron], solution.support[neuron])
        if math.isfinite(answer.error):
            return answer
    value, error = between_duals(gram, dual, solution.dual[neuron])
    return Distance(value, error + solution.certificate.error_bound)


def _schur_split(gram: Float, dual: Float, target: Float, support: NDArray[np.bool_]) -> Distance:
    """Evaluate the two terms of the split, with `target` exact on the support."""
    row = row_scale(gram)
    gram = scaled_gram(gram, row)
    dual, target = dual / row, target * row
    size = max(size_of(dual), size_of(target[support]))
    dual, target = dual / size, target / size
    A, R = np.flatnonzero(support), np.flatnonzero(~support)
    inner = gram[np.ix_(A, A)]
    solve = cholesky_solver(inner)
    if solve is None:
        return Distance(math.nan, math.inf)

    misfit, misfit_low, misfit_error = residual(gram[A], dual, target[A])
    fitted, second_order = inverse_form(inner, misfit, misfit_low, solve)
    free = np.zeros(dual.size)
    free[R] = dual[R]
    free[A] = -solve(gram[np.ix_(A, R)] @ dual[R])
    u, u_low, u_error = residual(gram, free, np.zeros(dual.size))
    off = _dot(free, u) + float(free @ u_low)
    off_error = u_error * float(np.abs(free).sum())
    second_order += inverse_norm_bound(inner, u[A], u_error + _EPS * np.abs(u[A])) ** 2

    total = fitted + off
    answer = root_of(total, second_order + off_error + 8 * _EPS * abs(total))
    pad = inverse_norm_bound(inner, np.zeros(A.size), np.full(A.size, misfit_error))
    return _scaled(Distance(answer.value, answer.error + pad), size)


def inverse_form(inner: Float, high: Float, low: Float, solve: Map) -> tuple[float, float]:
    """Return ``r @ inner^-1 @ r`` for ``r = high + low`` and its second-order error."""
    a = solve(high)
    rest, rest_low, error = residual(inner, a, high)
    value = _dot(a, high) + 2 * float(a @ low) - float(a @ rest) - float(a @ rest_low)
    bound = inverse_norm_bound(inner, rest, error + _EPS * np.abs(rest) + np.abs(low))
    return value, bound**2


def _dot(a: Float, b: Float) -> float:
    product, rounding = two_prod(a, b)
    return math.fsum(product) + math.fsum(rounding)


def root_of(square: float, error: float) -> Distance:
    """Return the root of a square that is `error` uncertain."""
    value = math.sqrt(max(square, 0.0))
    return Distance(value, min(error / value if value > 0 else math.inf, math.sqrt(2 * error)))


def _scaled(distance: Distance, size: float) -> Distance:
    return Distance(distance.value * size, distance.error * size)


def size_of(values: Float) -> float:
    """Return a power of two of the size of the largest entry."""
    largest = float(np.abs(values).max(initial=0.0))
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0 else 0.5**1000
