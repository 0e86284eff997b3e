r"""Lower bounds of the norm by weak duality, valid for any multipliers after padding.

Split every prediction into an active and an inactive part, :math:`u_k = p_k - q_k` with
:math:`p_k, q_k \ge 0` and :math:`p_k q_k = 0`. For :math:`0 \preceq \Theta_k \preceq 4 G^{-1}` the
function :math:`\|w_k\|^2 + p_k^\top \Theta_k q_k`, on networks the squared norm, is convex, so it
lies above its tangent at any point. With the tangent at :math:`w_k = X^\top\beta_k`, :math:`q_k`
and :math:`p_k = G\beta_k + q_k`, and any :math:`\lambda`, every network has

.. math:: \sum_k \|w_k\|^2 \ge 2\lambda^\top y - \sum_k \bigl(\beta_k^\top G \beta_k
          + p_k^\top \Theta_k q_k\bigr) - 2 \sum_{k,i} r_i \bigl((-g^p_{ki})_+ + (-g^q_{ki})_+\bigr)

where :math:`g^p = \beta + \Theta q/2 - s\lambda` and :math:`g^q = -\beta + \Theta p/2` count only
where that part may be positive, and :math:`r_i` bounds it: sample length times norm.

For one neuron of each sign the output equation is eliminated, which allows larger products: with
rows C for :math:`a = u_{own} - |y|` and :math:`b = u_{own} - u_{other} - |y|`,
:math:`H = C (G \oplus G) C^\top`, :math:`s = H\lambda - e` and :math:`H^{-1} + \Theta \succeq 0`,

.. math:: \|w_+\|^2 + \|w_-\|^2 \ge 2 e^\top\lambda - \lambda^\top H \lambda
          - s^\top \Theta s - 2 \sum_j r_j (-g_j)_+, \qquad g = \lambda + \Theta s .
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import EPS, Data, DoubleDouble
from relubias.minnorm._checks.network import Groups

__all__ = [
    "Masks",
    "Rows",
    "convex_pair_theta",
    "convex_theta",
    "pair_bound",
    "pair_rows",
    "parts_bound",
    "single_samples",
    "trivial_masks",
]

Bool = NDArray[np.bool_]


class Masks(NamedTuple):
    """Which parts may be positive, by neuron (or group of equal neurons) and sample."""

    p: Bool
    q: Bool


def trivial_masks(data: Data, groups: Groups) -> Masks:
    """Return what no network needs: one neuron alone of a sign is active on its labels."""
    p = np.ones((groups.size.size, data.target.size), dtype=np.bool_)
    q = p.copy()
    for sign in (1.0, -1.0):
        own = groups.sign == sign
        if groups.size[own].sum() == 1:
            q[own] &= sign * data.target <= 0
        if not (data.signs == -sign).any():
            p[own] &= sign * data.target > 0
    return Masks(p, q)


def convex_theta(data: Data, theta: Float) -> Float:
    """Return the largest share of every row of `theta` with which the function is convex."""
    scaled = np.maximum(theta, 0.0)
    known: dict[bytes, float] = {}
    for k, row in enumerate(scaled):
        key = row.tobytes()
        if key not in known:
            known[key] = _share(data, row)
        scaled[k] *= known[key]
    return scaled


def _share(data: Data, theta: Float) -> float:
    rows = np.flatnonzero(theta > 0)
    if rows.size == 0:
        return 1.0
    root = np.sqrt(theta[rows])
    block = data.gram[np.ix_(rows, rows)] * np.outer(root, root)
    pad = 1 + rows.size * (16 * EPS + data.gram_error)
    largest = max(float(np.linalg.eigvalsh(block)[-1]), float(np.diagonal(block).max())) * pad
    return min(1.0, 4.0 / largest * (1 - 8 * EPS))


def parts_bound(
    data: Data,
    groups: Groups,
    masks: Masks,
    theta: Float,
    q: Float,
    multipliers: Float,
    reach: float,
    primal: DoubleDouble | None = None,
) -> float:
    r"""Return the bound of the first formula, at most `reach`, for networks of norm below it.

    Parameters
    ----------
    data : Data
        In unit scale.
    groups : Groups
        Duals :math:`\beta`, not necessarily those of a network.
    masks : Masks
        Parts that may be positive.
    theta : ndarray of shape (n_groups, n_samples)
        As `convex_theta` returns it.
    q : ndarray of shape (n_groups, n_samples)
        Inactive parts.
    multipliers : ndarray of shape (n_samples,)
        Any :math:`\lambda`.
    reach : float
        Norm above which nothing is asked.
    primal : DoubleDouble, optional
        Predictions of the duals.
    """
    if primal is None:
        primal = data.predictions(groups.dual)
    beta, count = groups.dual, groups.size
    p = (primal.high + primal.low) + q
    p_error = primal.error + 2 * EPS * (np.abs(p) + np.abs(primal.high))
    product = theta * p * q
    price = groups.sign[:, None] * multipliers
    g_p = beta + theta * q / 2 - price
    g_q = theta * p / 2 - beta
    error = 8 * EPS * (np.abs(beta) + np.abs(theta * q) + np.abs(theta * p) + np.abs(price))
    error += theta * p_error / 2
    length = data.length * reach / np.sqrt(count)[:, None]
    lost = np.where(masks.p, np.maximum(error - g_p, 0.0), 0.0)
    lost += np.where(masks.q, np.maximum(error - g_q, 0.0), 0.0)
    penalty = float(count @ (lost * length).sum(axis=1))
    energy = energy_error = 0.0
    for k in range(count.size):
        part = DoubleDouble(*(values[k : k + 1] for values in primal))
        value, rounding = data.squared_norm(beta[k : k + 1], part)
        energy += float(count[k]) * value
        energy_error += float(count[k]) * rounding
    gain = math.fsum(multipliers * data.target)
    coupling = float(count @ product.sum(axis=1))
    size = float(np.abs(multipliers * data.target).sum() + count @ np.abs(product).sum(axis=1))
    n = data.target.size
    rounding = energy_error + (n + 8) * 2 * EPS * size
    rounding += float(count @ (theta * np.abs(q) * p_error).sum(axis=1))
    return _root(2 * gain - energy - coupling, 2 * penalty + rounding, reach)


def _root(value: float, pad: float, reach: float) -> float:
    square = (value - pad) - 8 * EPS * (abs(value) + pad)
    if not square > 0:
        return 0.0
    return min(math.sqrt(square) * (1 - 4 * EPS), reach)


class Rows(NamedTuple):
    """Constraints of one neuron of each sign: coefficients of both predictions."""

    plus: Float
    minus: Float
    sample: NDArray[np.intp]
    right: Float
    fixed: Bool
    """Rows imposed with equality."""
    pair: NDArray[np.intp]
    """Row with which the row forms a product, or -1."""

    def take(self, chosen: NDArray[np.intp]) -> Rows:
        """Return some of the rows; the products are renumbered, or lost with their rows."""
        index = np.full(self.right.size + 1, -1)
        index[chosen] = np.arange(chosen.size)
        return Rows(
            self.plus[chosen],
            self.minus[chosen],
            self.sample[chosen],
            self.right[chosen],
            self.fixed[chosen],
            index[self.pair[chosen]],
        )

    def hessian(self, gram: Float) -> Float:
        r"""Return :math:`C (G \oplus G) C^\top`."""
        outer = np.outer(self.plus, self.plus) + np.outer(self.minus, self.minus)
        return outer * gram[np.ix_(self.sample, self.sample)]

    def duals(self, multipliers: Float, n: int) -> Float:
        """Return the duals of both neurons."""
        dual = np.zeros((2, n))
        np.add.at(dual[0], self.sample, multipliers * self.plus)
        np.add.at(dual[1], self.sample, multipliers * self.minus)
        return dual


def pair_rows(target: Float, choice: NDArray[np.int_]) -> Rows:
    """Return the constraints with samples decided: 0 not, 1 own neuron alone (or none), 2 both."""
    lists: list[tuple[float, float, int, float, bool, int]] = []
    for i, y in enumerate(target):
        k, decided = len(lists), int(choice[i])
        if y != 0:
            plus, minus = (1.0, 0.0) if y > 0 else (0.0, 1.0)
            lists.append((plus, minus, i, abs(y), decided == 1, k + 1))
            lists.append((plus - minus, minus - plus, i, abs(y), decided == 2, k))
        elif decided == 1:
            lists += [(-1.0, 0.0, i, 0.0, False, -1), (0.0, -1.0, i, 0.0, False, -1)]
        elif decided == 2:
            lists += [(1.0, -1.0, i, 0.0, True, -1), (1.0, 0.0, i, 0.0, False, -1)]
    table = np.array(lists, dtype=np.float64).reshape(-1, 6).T
    return Rows(
        table[0],
        table[1],
        table[2].astype(np.intp),
        table[3],
        table[4] > 0,
        table[5].astype(np.intp),
    )


def convex_pair_theta(data: Data, rows: Rows, theta: Float) -> Float:
    """Return the largest share of `theta`, one entry per row, with which the function is convex."""
    chosen = np.flatnonzero((theta != 0) & (rows.pair >= 0))
    first = chosen[chosen < rows.pair[chosen]]
    if first.size == 0:
        return np.zeros_like(theta)
    second, k = rows.pair[first], first.size
    both = np.concatenate((first, second))
    block = rows.take(both).hessian(data.gram)
    trace = float(np.trace(block))
    shift = ((8 * both.size + 32) * EPS + 4 * data.gram_error) * trace
    factor = np.linalg.cholesky(block + shift * np.eye(2 * k))
    coupled = (factor[:k] * theta[first][:, None]).T @ factor[k:]
    smallest = float(np.linalg.eigvalsh(coupled + coupled.T)[0])
    size = float(np.linalg.norm(factor[:k] * theta[first][:, None]) * np.linalg.norm(factor[k:]))
    smallest -= 16 * k * EPS * (size + float(np.linalg.norm(coupled)))
    share = 1.0 if smallest >= -1.0 else -1.0 / smallest * (1 - 8 * EPS)
    answer = np.zeros_like(theta)
    answer[first] = answer[second] = theta[first] * share
    return answer


def pair_bound(data: Data, rows: Rows, theta: Float, multipliers: Float, reach: float) -> float:
    """Return the bound of the second formula, at most `reach`, for networks of norm below it."""
    n = data.target.size
    dual = rows.duals(multipliers, n)
    primal = data.predictions(dual)
    u = primal.high + primal.low
    slack = rows.plus * u[0][rows.sample] + rows.minus * u[1][rows.sample] - rows.right
    size = (np.abs(u) + primal.error)[:, rows.sample].sum(axis=0) + rows.right
    summed = EPS * np.abs(dual) @ np.abs(data.gram)  # what rounding the sum in `dual` changes
    error = 4 * EPS * size + (primal.error + summed)[:, rows.sample].sum(axis=0)
    other = slack[rows.pair]  # where there is no pair, theta is 0
    gradient = multipliers + theta * other
    rounding = 4 * EPS * (np.abs(multipliers) + np.abs(theta * other))
    rounding += np.abs(theta) * error[rows.pair]
    lost = np.where(rows.fixed, 0.0, np.maximum(rounding - gradient, 0.0))
    penalty = float((lost * (2 * reach * data.length[rows.sample] + rows.right)).sum())
    # the multipliers sum to the duals with one rounding each
    drift = 2 * EPS * float(np.abs(multipliers) @ (np.abs(slack) + size))
    energy, energy_error = data.squared_norm(dual, primal)
    coupling = theta * slack * other
    gain = math.fsum(multipliers * rows.right)
    magnitude = float(np.abs(multipliers) @ rows.right + np.abs(coupling).sum())
    pad = energy_error + (rows.right.size + 8) * 2 * EPS * magnitude + 4 * drift
    pad += float((np.abs(theta) * (np.abs(slack) * error[rows.pair] + np.abs(other) * error)).sum())
    return _root(2 * gain - energy - float(coupling.sum()), 2 * penalty + pad, reach)


def single_samples(data: Data) -> float:
    """Return what one sample of each sign alone asks for."""
    square = 0.0
    length = np.maximum(data.length, np.finfo(np.float64).tiny)
    for sign in (1.0, -1.0):
        count = int((data.signs == sign).sum())
        reach = np.maximum(sign * data.target, 0.0) / length
        square += float(reach.max()) ** 2 / count if count else 0.0
    return math.sqrt(square) * (1 - 16 * EPS)
