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
from relubias.minnorm._norm_bounds import features_norm_bound, inverse_norm_bound
from relubias.minnorm._products import largest_entry, residual, submatrix
from relubias.minnorm.scaling import row_scale, scaled_gram
from relubias.minnorm.search_tree import SearchTree

__all__ = [
    "MinimumNormCertificate",
    "certify_checked_neuron",
    "certify_multipliers",
    "certify_one_neuron",
]

_EPS = float(np.finfo(np.float64).eps)
_MANY = 200
"""Rows from which inactive ones are left out."""
_MODERATE = 8
"""Range of exponents of lengths that needs no scaling by row."""
_MAX_ATTEMPTS = 5


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
    few = features is not None or linear.size < _MANY
    row = row_scale(hessian) if few else _needed_scale(hessian)
    size = _power_of_two(linear * row)
    multipliers = multipliers / row / size
    linear = linear * row / size
    hessian = scaled_gram(hessian, row)
    if features is not None:
        features = features * row[:, None]
    inactive = ~free & (multipliers == 0)
    rows = _rows(hessian, linear, free, inactive, orientation, multipliers, features)
    slack, error = rows.slack, float(rows.error[~inactive].max(initial=0.0))
    gap, gap_error = _product_sum(
        multipliers, slack, error + _EPS * float(np.abs(slack[multipliers != 0]).max(initial=0.0))
    )
    value, value_error = _product_sum(multipliers, linear, 0.0)
    signed = multipliers[~free] * orientation
    if (signed < 0).any():
        norm_bound, dual_bound = math.inf, 0.0
    else:
        norm_bound = _error_bound(rows)
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


def _needed_scale(hessian: Float) -> Float:
    """Return powers of two for rows of very different or extreme size; 1 if there are none."""
    diagonal = np.diagonal(hessian)
    exponent = np.frexp(diagonal[diagonal > 0])[1]
    if exponent.size and max(np.ptp(exponent), np.abs(exponent).max() / 8) <= _MODERATE:
        return np.ones(diagonal.size)
    return row_scale(hessian)


class _Rows(NamedTuple):
    """The program, and the candidate's slacks with a bound on the error of each."""

    hessian: Float
    linear: Float
    free: NDArray[np.bool_]
    inactive: NDArray[np.bool_]
    orientation: float
    slack: Float
    error: Float
    features: Float | None
    block: Float | None
    """Block of the rows that are not inactive, where there are many."""


def _rows(
    hessian: Float,
    linear: Float,
    free: NDArray[np.bool_],
    inactive: NDArray[np.bool_],
    orientation: float,
    multipliers: Float,
    features: Float | None,
) -> _Rows:
    """Find the slacks ``H @ multipliers - linear`` and bounds on their errors.

    An inactive row has to be known to no more digits than tell its sign.
    """
    block = None
    if features is not None:
        high, least = _slack_on_features(features, linear, multipliers)
        error = np.full(linear.size, least)
    elif linear.size < _MANY:
        high, _, least = residual(hessian, multipliers, linear)
        error = np.full(linear.size, least)
    else:
        active = np.flatnonzero(~inactive)
        block = submatrix(hessian, active, active)
        diagonal = np.diagonal(hessian)
        even = 0.0 < float(diagonal.max()) <= 2.0 ** (2 * _MODERATE) * float(diagonal.min())
        # positive semi-definite to rounding: no entry exceeds the diagonal by much
        largest = 2.0 * float(diagonal.max()) if even else largest_entry(hessian)
        total = largest * float(np.abs(multipliers).sum())
        high = hessian @ multipliers - linear
        error = 2.0 * (linear.size + 4) * _EPS * (total + np.abs(linear))
        high[active], _, error[active] = residual(block, multipliers[active], linear[active])
        doubtful = np.flatnonzero(inactive & (orientation * high <= error))
        if doubtful.size:
            part = submatrix(hessian, doubtful, active)
            high[doubtful], _, error[doubtful] = residual(
                part, multipliers[active], linear[doubtful]
            )
    return _Rows(hessian, linear, free, inactive, orientation, high, error, features, block)


def _slack_on_features(features: Float, linear: Float, multipliers: Float) -> tuple[Float, float]:
    """Return ``X @ X.T @ multipliers - linear`` and a bound on the error of every entry."""
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


def _error_bound(rows: _Rows) -> float:
    """Bound ``sqrt(r H^-1 r)`` for the residual r of the theorem."""
    everyone = np.arange(rows.slack.size)
    if rows.block is None:
        r, pad = _theorem_residual(rows.slack, rows.inactive, rows.orientation, rows.error)
        bound = _inverse_norm_bound(rows, everyone, r, pad)
    else:
        bound = _bound_on_basis(rows, everyone, everyone)
    if math.isfinite(bound):
        return bound
    return _bound_on_basis(rows, *_groups_of_equal_rows(rows.hessian))


def _theorem_residual(
    slack: Float, inactive: NDArray[np.bool_], orientation: float, error: Float
) -> tuple[Float, Float]:
    """Return r and what rounding may have done to each entry."""
    kept = ~inactive | (orientation * slack < error)
    clipped = orientation * np.minimum(orientation * slack, 0.0)
    r = np.where(inactive, clipped, slack)
    return r, np.where(kept, error + _EPS * np.abs(slack), 0.0)


def _inverse_norm_bound(rows: _Rows, chosen: NDArray[np.intp], r: Float, pad: Float) -> float:
    if rows.features is not None:
        return features_norm_bound(rows.features[chosen], r, pad)
    if rows.block is not None and np.array_equal(chosen, np.flatnonzero(~rows.inactive)):
        return inverse_norm_bound(rows.block, r, pad)
    whole = chosen.size == rows.slack.size
    matrix = rows.hessian if whole else submatrix(rows.hessian, chosen, chosen)
    return inverse_norm_bound(matrix, r, pad)


def _bound_on_basis(rows: _Rows, first: NDArray[np.intp], group: NDArray[np.intp]) -> float:
    """Drop rows that bind nothing, and certify the program of the others.

    Rows that are equal to rounding and ask for the same thing count once: `first` is one row of
    each group, and `group` the group of each row. An inactive row is redundant if the optimum of
    the other rows satisfies it: its slack exceeds the error bound times its length.
    """
    linear, free, slack, error = rows.linear, rows.free, rows.slack[first], rows.error[first]
    same = (linear == linear[first][group]) & (free == free[first][group])
    length = np.sqrt(np.diagonal(rows.hessian))[first]
    core = np.zeros(first.size, dtype=np.bool_)
    core[group[~rows.inactive]] = True
    if not same.all() or (core & (length == 0) & (slack != 0)).any():
        return math.inf
    candidates = ~core & (length > 0)
    core &= length > 0
    r, pad = _theorem_residual(slack, ~core, rows.orientation, error)
    binding = np.zeros(first.size, dtype=np.bool_)
    for attempt in range(_MAX_ATTEMPTS):
        chosen = np.flatnonzero(core | binding)
        bound = _inverse_norm_bound(rows, first[chosen], r[chosen], pad[chosen])
        if not math.isfinite(bound):
            return bound
        reach = bound * length * (1 + 4 * _EPS) + error
        tight = candidates & ~binding & ~(rows.orientation * slack > reach)
        if not tight.any():
            return bound
        binding |= tight if attempt < _MAX_ATTEMPTS - 2 else candidates
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
