r"""Two neurons in terms of their slacks: the convex quadratic that searches minimise.

With :math:`K = G^{-1}`, every prediction is a difference of slacks (see `pool`),
:math:`u_{own} = a + |y|` and :math:`u_{other} = a - b`, so half the objective is

.. math:: \tfrac12 s^\top M s + c^\top s + \text{constant}, \qquad s = (a, b) \ge 0, \quad
          \lambda = M s + c .

Zero labels contribute their predictions instead, without a sign. Adding
:math:`\sum_i \theta_i a_i b_i`, zero on every network, only changes the entries of M that couple
:math:`a_i` with :math:`b_i`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["SlackForm", "minimise", "slack_form", "solve_factored"]

_LEAST_PIVOT = 1e-12
_MAX_EXCHANGES = 60


class SlackForm(NamedTuple):
    """Matrix M and vector c in the order all a, all b, then both predictions of zero labels."""

    matrix: Float
    linear: Float
    constant: float
    n_pairs: int

    def with_theta(self, theta: Float) -> SlackForm:
        """Return the form with ``theta[i] * a_i * b_i`` added; one entry per pair."""
        matrix, k = self.matrix.copy(), np.arange(self.n_pairs)
        matrix[k, k + self.n_pairs] += theta
        matrix[k + self.n_pairs, k] += theta
        return self._replace(matrix=matrix)

    def value(self, slack: Float) -> float:
        """Return half the objective at a minimiser."""
        return float(self.linear @ slack) / 2 + self.constant


def slack_form(gram: Float, labels: Float, weights: tuple[float, float]) -> SlackForm | None:
    """Return the form, or None if the Gram matrix is nearly singular."""
    inverse = _inverse(gram)
    if inverse is None:
        return None
    nonzero, zero = np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)
    positive = (labels[nonzero] > 0).astype(np.float64)
    one, none = np.ones(zero.size), np.zeros(zero.size)
    k = nonzero.size
    plus = np.concatenate((np.ones(k), positive - 1.0, one, none))
    minus = np.concatenate((np.ones(k), -positive, none, one))
    sample = np.concatenate((nonzero, nonzero, zero, zero))
    matrix = np.take(np.take(inverse, sample, axis=0), sample, axis=1)
    coefficient = np.outer(weights[0] * plus, plus)
    coefficient += np.outer(weights[1] * minus, minus)
    matrix *= coefficient
    size = np.abs(labels[nonzero])
    right = np.concatenate((size, size, np.zeros(2 * zero.size)))
    linear = matrix @ right
    return SlackForm(matrix, linear, float(right @ linear) / 2, k)


def _inverse(gram: Float) -> Float | None:
    from scipy.linalg.lapack import dpotrf, dpotri

    factor, info = dpotrf(gram, lower=1, clean=1)
    pivots = np.diagonal(factor) ** 2
    if info != 0 or (pivots <= _LEAST_PIVOT * np.diagonal(gram)).any():
        return None
    inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    return inverse


def solve_factored(factor: Float, right: Float) -> Float:
    """Solve with a lower Cholesky factor, for one or several right-hand sides."""
    from scipy.linalg.lapack import dpotrs

    return right if right.size == 0 else np.asarray(dpotrs(factor, right, lower=1)[0])


def minimise(
    form: SlackForm, start: NDArray[np.bool_] | None = None
) -> tuple[Float, NDArray[np.bool_], Float] | None:
    """Minimise over ``a, b >= 0`` by exchanging all infeasible rows at once.

    Returns
    -------
    slack, positive, factor
        Minimiser, where it is not held at zero, and the Cholesky factor of M there; None if the
        exchanges do not end.
    """
    from scipy.linalg.lapack import dpotrf

    M, c, bounded = form.matrix, form.linear, 2 * form.n_pairs
    inside = np.ones(c.size, dtype=np.bool_)
    if start is not None:
        inside[:bounded] = start[:bounded]
    best, patience = c.size + 1, 3
    for _ in range(_MAX_EXCHANGES):
        rows = np.flatnonzero(inside)
        factor, info = dpotrf(np.take(np.take(M, rows, axis=0), rows, axis=1).T, lower=1, clean=1)
        if info != 0:
            return None
        x = solve_factored(factor, -c[rows])
        slack = np.zeros(c.size)
        slack[rows] = x
        multiplier = M @ slack + c
        noise = 1e-12 * (float(np.abs(c).max(initial=0.0)))
        wrong = multiplier < -noise
        wrong[inside] = slack[inside] < 0.0
        wrong[bounded:] = False
        n_wrong = int(wrong.sum())
        if n_wrong == 0:
            return slack, inside, factor
        if n_wrong < best:
            best, patience = n_wrong, 3
        elif patience > 0:
            patience -= 1
        else:
            wrong[: int(np.flatnonzero(wrong)[-1])] = False
        inside = inside ^ wrong
    return None
