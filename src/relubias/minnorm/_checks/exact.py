"""Products with the data to twice the working precision, with bounds on what rounding did.

A. M. Ogita, S. M. Rump, S. Oishi, SIAM J. Sci. Comput. 26 (2005); T. J. Dekker, Numer. Math. 18
(1971).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.problem import Problem

__all__ = ["EPS", "Data", "DoubleDouble", "energy_bound", "factor_energy_bound", "unit_data"]

EPS = float(np.finfo(np.float64).eps)
_BLOCK = 200_000  # entries of the products held at a time


class DoubleDouble(NamedTuple):
    """Values ``high + low``, each within `error` of the exact ones."""

    high: Float
    low: Float
    error: Float


class Data(NamedTuple):
    """Data with squared lengths in [1/2, 2) and targets below 1, by powers of two.

    Sample i was multiplied by ``row[i]``, then all labels by ``2**-exponent``: the weights of a
    network were multiplied by the latter.
    """

    gram: Float
    target: Float
    signs: Float
    row: Float
    exponent: int
    features: Float | None
    """If given, they are the exact data and `gram` is their rounded product."""

    @property
    def length(self) -> Float:
        """Upper bounds of the lengths of the samples."""
        return np.sqrt(np.diagonal(self.gram)) * (1 + self.gram_error)

    @property
    def gram_error(self) -> float:
        """Bound on the relative error of `gram` as the product of the exact data."""
        return 4 * EPS if self.features is None else 2 * EPS * (self.features.shape[1] + 4)

    def duals(self, dual: Float) -> Float:
        """Return duals in these units."""
        return np.ldexp(dual / self.row, -self.exponent)

    def norm(self, value: float) -> float:
        """Return a norm in the units of the data."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(value, self.exponent))

    def unit_norm(self, value: float) -> float:
        """Return a norm in these units."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(value, -self.exponent))

    def predictions(self, duals: Float) -> DoubleDouble:
        """Return ``duals @ G``, of shape (n_neurons, n_samples)."""
        parts = [self._prediction(dual) for dual in duals]
        return DoubleDouble(*(np.array(values) for values in zip(*parts, strict=True)))

    def squared_norm(self, duals: Float, primal: DoubleDouble) -> tuple[float, float]:
        """Return ``sum_k ||w_k||^2`` and a bound on its error."""
        total = size = error = 0.0
        for k, dual in enumerate(duals):
            high, low = _two_product(dual, primal.high[k])
            total += math.fsum([*high, *low, *(dual * primal.low[k])])
            size += float(np.abs(dual) @ np.abs(primal.high[k]))
            error += float(np.abs(dual) @ primal.error[k])
        return total, error + 4 * EPS * abs(total) + dual_slack(duals) * size

    def _prediction(self, dual: Float) -> DoubleDouble:
        if self.features is None:
            return _product(self.gram, dual)
        X = self.features
        weights = _product(np.ascontiguousarray(X.T), dual)
        first = _product(X, weights.high)
        rest, size = X @ weights.low, np.abs(X)
        high, low = _two_sum(first.high, first.low + rest)
        error = first.error + size @ (weights.error + (X.shape[1] + 2) * EPS * np.abs(weights.low))
        return DoubleDouble(high, low, error + 4 * EPS * (np.abs(first.low) + np.abs(rest)))


def dual_slack(duals: Float) -> float:
    """Return the share of a sum of products that compensated summation may lose."""
    return 8.0 * (duals.shape[-1] * EPS) ** 2


def unit_data(problem: Problem, *, on_features: bool = False) -> Data:
    """Return the problem in unit scale; labels of a sign that no neuron has count as 0."""
    low = 0.0 if (problem.signs > 0).all() else -math.inf
    high = 0.0 if (problem.signs < 0).all() else math.inf
    target = np.clip(problem.labels, low, high)
    mantissa, power = np.frexp(np.diagonal(problem.gram))
    row = np.ldexp(1.0, np.where(mantissa > 0, -(power // 2), 0))
    mantissa, power = np.frexp(target)
    power = power + np.frexp(row)[1] - 1
    exponent = int(power[mantissa != 0].max()) if mantissa.any() else 0
    features = problem.features if on_features else None
    return Data(
        (problem.gram * row) * row[:, None],
        np.ldexp(target * row, -exponent),
        problem.signs,
        row,
        exponent,
        None if features is None else features * row[:, None],
    )


def energy_bound(matrix: Float, vector: Float, pad: Float) -> float:
    r"""Bound :math:`\sqrt{v^\top A^{-1} v}` for every v within `pad` of `vector`.

    A shift of the diagonal above all rounding errors makes the factor one of a smaller matrix.
    Infinite if the shifted matrix has no Cholesky factor.
    """
    from scipy.linalg.lapack import dpotrf, dtrtrs

    n = vector.size
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    shift = 4.0 * (n + 4) * EPS * float(np.trace(matrix))
    factor, info = dpotrf(matrix - 2 * shift * np.eye(n), lower=1)
    if info != 0:
        return math.inf
    solved = dtrtrs(factor, vector, lower=1)[0]
    bound = float(np.linalg.norm(solved)) + float(np.linalg.norm(pad)) / math.sqrt(shift)
    return bound * (1 + (n + 16) * EPS)


def factor_energy_bound(rows: Float, vector: Float, pad: Float) -> float:
    r"""Bound the smallest norm of x with ``rows @ x = v``, for every v within `pad` of `vector`.

    From the QR factor of the transposed rows, whose condition is the root of that of their Gram
    matrix. Infinite for dependent rows.
    """
    from scipy.linalg import qr, solve_triangular

    n, width = rows.shape
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    if n > width:
        return math.inf
    factor = qr(rows.T, mode="r", check_finite=False)[0][:n]
    if np.abs(np.diagonal(factor)).min() == 0:
        return math.inf
    inverse = float(np.linalg.norm(solve_triangular(factor, np.eye(n))))
    share = 8.0 * n * width * EPS * float(np.linalg.norm(rows)) * inverse
    if share >= 0.5:
        return math.inf
    solved = solve_triangular(factor, vector, trans="T")
    bound = float(np.linalg.norm(solved)) + inverse * float(np.linalg.norm(pad))
    return bound / (1 - 2 * share)


def _two_sum(a: Float, b: Float) -> tuple[Float, Float]:
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def _two_product(a: Float, b: Float) -> tuple[Float, Float]:
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    rest = a_high * b_high - product
    return product, a_low * b_low + (a_low * b_high + (a_high * b_low + rest))


def _halves(a: Float) -> tuple[Float, Float]:
    spread = 134217729.0 * a
    high = spread - (spread - a)
    return high, a - high


def _product(matrix: Float, vector: Float) -> DoubleDouble:
    """Return ``matrix @ vector``; entries of unit size in the matrix, any size in the vector."""
    size = float(np.abs(vector).max(initial=0.0))
    unit = math.ldexp(1.0, math.frexp(size)[1]) if size > 0 else 1.0
    scaled = vector / unit
    n_rows, n = matrix.shape
    high, low = np.zeros(n_rows), np.zeros(n_rows)
    step = max(1, _BLOCK // max(n, 1))
    for first in range(0, n_rows, step):
        part = slice(first, first + step)
        high[part], low[part] = _compensated_sum(*_two_product(matrix[part], scaled))
    magnitude = np.abs(matrix) @ np.abs(scaled)
    error = 2.0 * (n + 4) ** 2 * EPS**2 * magnitude
    return DoubleDouble(high * unit, low * unit, error * unit)


def _compensated_sum(terms: Float, rest: Float) -> tuple[Float, Float]:
    """Sum over the last axis in pairs, with the rounding of every sum kept."""
    below = rest.sum(axis=-1)
    while terms.shape[-1] > 1:
        if terms.shape[-1] % 2:
            terms = np.concatenate((terms, np.zeros((*terms.shape[:-1], 1))), axis=-1)
        terms, lost = _two_sum(terms[..., ::2], terms[..., 1::2])
        below = below + lost.sum(axis=-1)
    return _two_sum(terms[..., 0] if terms.shape[-1] else below * 0.0, below)
