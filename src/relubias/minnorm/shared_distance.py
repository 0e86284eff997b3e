r"""Distances to a minimum-norm network whose neurons share samples, without cancellation.

What fixes such a network are rows of a matrix J: for every sample with active neurons the sum of
their outputs, and predictions 0 of inactive neurons that are held there. Its weights are the
shortest with :math:`J w^* = t`, and t holds labels and zeros, which are exact, while the shares of
the neurons, such as y/3, are not. Hence

.. math:: \sum_k \|w_k - w^*_k\|^2 = \delta t^\top (J J^\top)^{-1} \delta t
          + \|(I - P_J) w\|^2, \qquad \delta t = J w - t .

Duals enter the second term only as far as they are no combination of rows: by their differences
among the active neurons of a sample, which are exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm._systems import cholesky_solver, refine
from relubias.minnorm.certificate import inverse_norm_bound
from relubias.minnorm.distance import Distance, dual_norm, inverse_form, root_of, size_of
from relubias.minnorm.scaling import row_scale, scaled_gram
from relubias.minnorm.solution import MinimumNorm

__all__ = ["shares_samples", "to_shared_network"]

_EPS = float(np.finfo(np.float64).eps)


class _Rows(NamedTuple):
    """Coefficients of the neurons, sample and target of every row of J."""

    coefficient: Float
    sample: NDArray[np.intp]
    target: Float

    def gram(self, gram: Float) -> Float:
        inner = self.coefficient.T @ self.coefficient
        return inner * gram[np.ix_(self.sample, self.sample)]

    def adjoint(self, values: Float, shape: tuple[int, ...]) -> Float:
        """Return the duals of ``J.T @ values``."""
        dual = np.zeros(shape)
        for share, coefficient in zip(dual, self.coefficient, strict=True):
            np.add.at(share, self.sample, coefficient * values)
        return dual


def shares_samples(solution: MinimumNorm) -> bool:
    """Whether several neurons are active on a sample."""
    return bool((solution.pattern.sum(axis=0) > 1).any())


def to_shared_network(
    gram: Float, duals: Float, solution: MinimumNorm
) -> tuple[Distance, list[Distance]] | None:
    """Return the distance to the network and the distances by neuron; None for dependent rows.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix, taken as exact.
    duals : ndarray of shape (n_neurons, n_samples)
        Dual variables.
    solution : MinimumNorm
        The network; its pattern, support and labels are used, never its dual.
    """
    row = row_scale(gram)
    gram = scaled_gram(gram, row)
    rows = _rows_of(solution, row)
    size = max(size_of(duals / row), size_of(rows.target))
    beta, rows = duals / row / size, rows._replace(target=rows.target / size)
    matrix = rows.gram(gram)
    solve = cholesky_solver(matrix)
    if solve is None:
        return None
    high, low, error = _misfit(gram, beta, rows)
    fitted, second_order = inverse_form(matrix, high, low, solve)
    rest = _differences(beta, rows)
    pushed = refine(matrix, -_applied(rows, rest @ gram), solve)
    free = rest + rows.adjoint(pushed, beta.shape)
    products = _products(gram, free)
    off = sum(
        math.fsum([*(dual * u), *(dual * v)])
        for dual, (u, v, _) in zip(free, products, strict=True)
    )
    left = _applied(rows, np.array([u for u, _, _ in products]))
    slack = max(bound for _, _, bound in products) + 4 * _EPS * np.abs(left).max(initial=0.0)
    wrong = inverse_norm_bound(matrix, left, np.full(left.size, slack * beta.shape[0]))
    length = np.sqrt(np.diagonal(gram))
    drift = 8 * beta.shape[0] * _EPS * float((np.abs(rest) @ length).sum())
    pad = inverse_norm_bound(matrix, np.zeros(left.size), np.full(left.size, error))
    total = root_of(fitted + off, second_order + wrong**2 + 8 * _EPS * abs(fitted + off))
    solved = refine(matrix, high + low, solve)
    u, v, bound = residual(matrix, solved, high + low)
    first_order = inverse_norm_bound(matrix, u + v, np.full(u.size, bound)) + wrong + drift + pad
    differences: Float = free + rows.adjoint(solved, beta.shape)
    parts = [dual_norm(gram, dual) for dual in differences]
    return (
        Distance(total.value * size, (total.error + drift + pad) * size),
        [Distance(part.value * size, (part.error + first_order) * size) for part in parts],
    )


def _rows_of(solution: MinimumNorm, row: Float) -> _Rows:
    problem, active = solution.problem, solution.pattern
    held = np.argwhere(solution.support & ~active)
    samples = np.flatnonzero(active.any(axis=0))
    coefficient = np.zeros((problem.n_neurons, samples.size + held.shape[0]))
    coefficient[:, : samples.size] = np.where(active, problem.signs[:, None], 0.0)[:, samples]
    coefficient[held[:, 0], samples.size + np.arange(held.shape[0])] = 1.0
    target = np.concatenate(((problem.labels * row)[samples], np.zeros(held.shape[0])))
    return _Rows(coefficient, np.concatenate((samples, held[:, 1])), target)


def _misfit(gram: Float, beta: Float, rows: _Rows) -> tuple[Float, Float, float]:
    """Return ``J w - t`` as a double-double and a bound on its error."""
    products = _products(gram, beta)
    columns = [
        values[rows.sample] * coefficient
        for (high, low, _), coefficient in zip(products, rows.coefficient, strict=True)
        for values in (high, low)
    ]
    terms = np.vstack([*columns, -rows.target])
    high = np.array([math.fsum(column) for column in terms.T])
    low = np.array(
        [math.fsum([*column, -total]) for column, total in zip(terms.T, high, strict=True)]
    )
    return high, low, sum(error for _, _, error in products)


def _products(gram: Float, duals: Float) -> list[tuple[Float, Float, float]]:
    nothing = np.zeros(duals.shape[1])
    return [residual(gram, dual, nothing) for dual in duals]


def _applied(rows: _Rows, predictions: Float) -> Float:
    """Return what J makes of weights with these predictions."""
    return (rows.coefficient * predictions[:, rows.sample]).sum(axis=0)


def _differences(beta: Float, rows: _Rows) -> Float:
    """Return the duals less their part along the rows, by differences of duals only."""
    rest = beta.copy()
    for coefficient, sample in zip(rows.coefficient.T, rows.sample, strict=True):
        on = np.flatnonzero(coefficient)
        values = coefficient[on] * beta[on, sample]
        rest[on, sample] = coefficient[on] * (values[:, None] - values).mean(axis=1)
    return rest
