r"""A-posteriori certificates, recomputed from Gram matrix, labels and dual alone.

Theorem. Let :math:`\beta_N \le 0` exactly, where N holds the samples that a neuron has to fit as
:math:`x_i^\top w \le 0`, and P those it has to interpolate. Put :math:`u = G\beta`,
:math:`r_P = u_P - y_P`, and on N :math:`r_i = u_i` where :math:`\beta_i < 0`, else
:math:`\max(u_i, 0)`. Then

.. math:: \|w - w^*\| \le \sqrt{r^\top G^{-1} r}, \qquad
          \|w\|^2 - \|w^*\|^2 \le 2 \beta^\top (u - (y_P, 0)) .

Proof. :math:`\|w-w^*\|^2 = (\beta-\beta^*)^\top(u-u^*)`, and every term is at most
:math:`(\beta-\beta^*)_i r_i`: with equality on P; on N, :math:`\beta^*_i u^*_i = 0`,
:math:`\beta_i u^*_i \ge 0` where :math:`\beta_i < 0`, and :math:`-\beta^*_i u_i \le -\beta^*_i r_i`
where :math:`\beta_i = 0`. Cauchy-Schwarz in the norm of G ends it.

Nothing here is shared with the solvers but the compensated product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod
from relubias._validate import (
    Float,
    as_features,
    as_float_array,
    as_gram,
    as_labels,
    as_real,
    fail,
)
from relubias.minnorm._products import residual
from relubias.minnorm.scaling import row_scale, scaled_gram
from relubias.minnorm.search_tree import SearchTree

__all__ = [
    "MinimumNormCertificate",
    "certify_checked_neuron",
    "certify_multipliers",
    "certify_one_neuron",
    "features_norm_bound",
    "inverse_norm_bound",
]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MinimumNormCertificate:
    """What is proved about a minimum-norm answer, and how.

    Attributes
    ----------
    kind : str
        ``"one neuron"``: convex program, Theorem above. ``"hull"``: the convex relaxation is
        tight. ``"closed form"``: one eigenvalue proves global optimality. ``"equal split"``: the
        same for more neurons that share those of a smaller network equally. ``"tree"``: a branch
        and bound, in `tree`, excludes everything smaller. ``"bound only"``: the network fits and
        `lower_bound` holds, optimality is not proved. ``"infeasible"``: `farkas` proves that
        nothing fits, or `tree` does.
    error_bound : float
        Bound on the distance of the weights to the optimal ones, rounding included; infinite
        where the Gram matrix is singular to working precision and nothing better is known, and
        where optimality is not proved.
    duality_gap : float
        Squared norm minus dual value, as a sum of residual products. Rounding may make it
        negative; it is never clipped.
    lower_bound : float
        Lower bound of the norm of every network that fits, rounding included.
    margin : float
        Distance of the closed-form test from failing, dimensionless; nan where none was made.
    farkas : ndarray of shape (n_neurons, n_samples) or None
        Combination z of samples with ``z @ gram == 0`` to rounding that contradicts the labels.
    tree : SearchTree or None
        The record of the search, where there was one.
    """

    kind: str
    error_bound: float
    duality_gap: float
    lower_bound: float
    margin: float = math.nan
    farkas: Float | None = None
    tree: SearchTree | None = None

    def __repr__(self) -> str:
        return f"MinimumNormCertificate({self.kind!r}, error_bound={self.error_bound:.2g})"


def certify_one_neuron(
    gram: Any, labels: Any, dual: Any, sign: float = 1.0, features: Any = None
) -> MinimumNormCertificate:
    """Bound how far ``w = X.T @ dual`` is from the least-norm neuron that fits the labels.

    Parameters
    ----------
    gram : array_like of shape (n_samples, n_samples)
        Gram matrix, taken as exact data.
    labels : array_like of shape (n_samples,)
        Labels; those of the other sign are fitted as 0.
    dual : array_like of shape (n_samples,)
        The candidate, from any solver.
    sign : float, default=1.0
        Output sign of the neuron.
    features : array_like of shape (n_samples, n_features), optional
        If given, they are the exact data and `gram` is their rounded product.

    Returns
    -------
    MinimumNormCertificate
        With an infinite `error_bound` if the dual has a wrong sign.

    Raises
    ------
    InvalidInputError
        If shapes disagree, an entry is not finite, or `gram` is no Gram matrix.
    """
    G = as_gram("gram", gram)
    y = as_labels("labels", labels, G.shape[0])
    beta = as_float_array("dual", dual, ndim=1, shape=f"({y.size},)")
    if beta.size != y.size:
        raise fail("dual", f"has {beta.size} entries", f"expected one per sample, {y.size}")
    s = as_real("sign", sign)
    if abs(s) != 1.0:
        raise fail("sign", f"is {s:g}", "pass +1 or -1")
    X = None if features is None else as_features("features", features)
    if X is not None and X.shape[0] != y.size:
        raise fail("features", f"has {X.shape[0]} rows", f"expected one per sample, {y.size}")
    return certify_checked_neuron(G, y, beta, s, X)


def certify_checked_neuron(
    gram: Float, labels: Float, dual: Float, sign: float, features: Float | None
) -> MinimumNormCertificate:
    """Do what `certify_one_neuron` does, for arguments that were checked before."""
    target = np.maximum(sign * labels, 0.0)
    return certify_multipliers(gram, target, target > 0, -1.0, dual, features=features)


def certify_multipliers(
    hessian: Float,
    linear: Float,
    free: NDArray[np.bool_],
    orientation: float,
    multipliers: Float,
    *,
    kind: str = "one neuron",
    features: Float | None = None,
) -> MinimumNormCertificate:
    """Apply the theorem to ``H @ multipliers = linear`` with sign conditions off the free rows.

    Off the free rows, `orientation` times multiplier and `orientation` times slack
    ``H @ multipliers - linear`` are both to be non-negative, with product zero.
    """
    row = row_scale(hessian)
    size = _power_of_two(linear * row)
    multipliers = multipliers / row / size
    linear = linear * row / size
    hessian = scaled_gram(hessian, row)
    if features is not None:
        features = features * row[:, None]
    slack, error = _slack(hessian, linear, multipliers, features)
    gap, gap_error = _product_sum(
        multipliers, slack, error + _EPS * float(np.abs(slack[multipliers != 0]).max(initial=0.0))
    )
    value, value_error = _product_sum(multipliers, linear, 0.0)
    signed = multipliers[~free] * orientation
    if (signed < 0).any():
        norm_bound, dual_bound = math.inf, 0.0
    else:
        inactive = ~free & (multipliers == 0)
        norm_bound = _error_bound(
            _Rows(hessian, linear, free, inactive, orientation, slack, error, features)
        )
        # dual value: 2 e.l - l.H.l = e.l - l.(H l - e)
        low = (value - gap) - (value_error + gap_error) - 4 * _EPS * (abs(value) + abs(gap))
        dual_bound = math.sqrt(max(low, 0.0)) * (1 - 4 * _EPS)
    return MinimumNormCertificate(
        kind=kind,
        error_bound=norm_bound * size,
        duality_gap=2.0 * gap * size * size,
        lower_bound=dual_bound * size,
    )


def _power_of_two(values: Float) -> float:
    largest = float(np.abs(values).max(initial=0.0))
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0 else 1.0


def _slack(
    hessian: Float, linear: Float, multipliers: Float, features: Float | None
) -> tuple[Float, float]:
    """Return ``H @ multipliers - linear`` rounded once, and a bound on the error before that."""
    if features is None:
        high, _, error = residual(hessian, multipliers, linear)
        return high, error
    n_features = int(features.shape[1])
    weights, rest, first_error = residual(
        np.ascontiguousarray(features.T), multipliers, np.zeros(n_features)
    )
    high, low, error = residual(features, weights, linear)
    error += math.sqrt(2.0) * n_features * first_error
    error += 8 * n_features**1.5 * _EPS**2 * float(np.abs(weights).max())
    return high + (low + features @ rest), error


def _product_sum(a: Float, b: Float, error_of_b: float) -> tuple[float, float]:
    """Return ``a @ b`` without cancellation error, and a bound on the error."""
    product, rounding = two_prod(a, b)
    total = math.fsum(product) + math.fsum(rounding)
    magnitude = math.fsum(np.abs(a))
    return total, _EPS * abs(total) + magnitude * error_of_b + 4 * _EPS**2 * math.fsum(
        np.abs(product)
    )


class _Rows(NamedTuple):
    """The program, and the candidate's slacks with a bound on the error of each."""

    hessian: Float
    linear: Float
    free: NDArray[np.bool_]
    inactive: NDArray[np.bool_]
    orientation: float
    slack: Float
    error: float
    features: Float | None


def _error_bound(rows: _Rows) -> float:
    """Bound ``sqrt(r H^-1 r)`` for the residual r of the theorem."""
    r, pad = _theorem_residual(rows.slack, rows.inactive, rows.orientation, rows.error)
    bound = _inverse_norm_bound(rows, np.arange(r.size), r, pad)
    return bound if math.isfinite(bound) else _bound_on_basis(rows)


def _theorem_residual(
    slack: Float, inactive: NDArray[np.bool_], orientation: float, error: float
) -> tuple[Float, Float]:
    """Return r and what rounding may have done to each entry."""
    kept = ~inactive | (orientation * slack < error)
    clipped = orientation * np.minimum(orientation * slack, 0.0)
    r = np.where(inactive, clipped, slack)
    return r, np.where(kept, error + _EPS * np.abs(slack), 0.0)


def _inverse_norm_bound(rows: _Rows, chosen: NDArray[np.intp], r: Float, pad: Float) -> float:
    if rows.features is not None:
        return features_norm_bound(rows.features[chosen], r, pad)
    whole = chosen.size == rows.slack.size
    matrix = rows.hessian if whole else rows.hessian[np.ix_(chosen, chosen)]
    return inverse_norm_bound(matrix, r, pad)


def _bound_on_basis(rows: _Rows) -> float:
    """Drop rows that bind nothing, and certify the program of the others.

    Rows that are equal to rounding and ask for the same thing count once. An inactive row is
    redundant if the optimum of the other rows satisfies it: its slack exceeds the error bound
    times its length.
    """
    first, group = _groups_of_equal_rows(rows.hessian)
    linear, free, slack = rows.linear, rows.free, rows.slack[first]
    same = (linear == linear[first][group]) & (free == free[first][group])
    length = np.sqrt(np.diagonal(rows.hessian))[first]
    core = np.zeros(first.size, dtype=np.bool_)
    core[group[~rows.inactive]] = True
    if not same.all() or (core & (length == 0) & (slack != 0)).any():
        return math.inf
    candidates = ~core & (length > 0)
    core &= length > 0
    r, pad = _theorem_residual(slack, ~core, rows.orientation, rows.error)
    binding = np.zeros(first.size, dtype=np.bool_)
    for _ in range(5):
        chosen = np.flatnonzero(core | binding)
        bound = _inverse_norm_bound(rows, first[chosen], r[chosen], pad[chosen])
        reach = bound * length * (1 + 4 * _EPS) + rows.error
        tight = candidates & ~binding & ~(rows.orientation * slack > reach)
        if not math.isfinite(bound) or not tight.any():
            return bound
        binding |= tight
    return math.inf


def _groups_of_equal_rows(hessian: Float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of each group, and the group of each row, equal up to rounding."""
    n = int(hessian.shape[0])
    length = np.sqrt(np.diagonal(hessian))
    leader: NDArray[np.intp] = np.arange(n, dtype=np.intp)
    close = np.abs(hessian - np.diagonal(hessian)) <= 16 * _EPS * length * length[:, None]
    for j in range(1, n):
        for i in np.flatnonzero(close[:j, j]):
            apart = np.abs(hessian[i] - hessian[j]).max()
            if leader[i] == i and apart <= 16 * _EPS * length.max() * length[j]:
                leader[j] = i
                break
    first, group = np.unique(leader, return_inverse=True)
    return first, group


def inverse_norm_bound(matrix: Float, vector: Float, pad: Float) -> float:
    r"""Bound :math:`\sqrt{v^\top A^{-1} v}` for every v within `pad` of `vector`, entrywise.

    The Cholesky factor of :math:`A - \tau I` is used, with :math:`\tau` above all rounding errors
    of the factorisation and of the solve: its inverse exceeds that of A. Infinite if the shifted
    matrix is not positive definite.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric, of about unit diagonal.
    vector : ndarray of shape (n,)
        Right-hand side.
    pad : ndarray of shape (n,)
        Bound on the error of each entry of `vector`.
    """
    from scipy.linalg.lapack import dpotrf, dtrtrs

    n = matrix.shape[0]
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    rounding = 4 * (n + 2) * _EPS * float(np.trace(matrix))
    shifted = matrix.copy()
    shifted[np.diag_indices(n)] -= 2 * rounding
    factor, info = dpotrf(shifted.T, lower=1, clean=0, overwrite_a=1)
    if info != 0:
        return math.inf
    v = dtrtrs(factor, vector, lower=1)[0]
    bound = float(np.linalg.norm(v)) + float(np.linalg.norm(pad)) / math.sqrt(rounding)
    return bound * (1 + (n + 10) * _EPS)


def features_norm_bound(features: Float, vector: Float, pad: Float) -> float:
    r"""Bound :math:`\|X^+ v\|` for every v within `pad` of `vector`, entrywise.

    With the QR factorisation :math:`X^\top = QR`, whose backward error is below
    ``dn eps`` times the Frobenius norm of X; infinite if that reaches the smallest singular value.
    """
    from scipy.linalg import qr, solve_triangular

    n, n_features = features.shape
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    if n > n_features:
        return math.inf
    factor = qr(features.T, mode="r")[0][:n]
    if (np.diagonal(factor) == 0).any():
        return math.inf
    inverse = float(np.linalg.norm(solve_triangular(factor, np.eye(n))))
    share = 4 * n * n_features * _EPS * float(np.linalg.norm(features)) * inverse
    if share >= 0.5:
        return math.inf
    v = solve_triangular(factor, vector, trans="T")
    bound = float(np.linalg.norm(v)) + inverse * float(np.linalg.norm(pad))
    return bound / (1 - 2 * share)
