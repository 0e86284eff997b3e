r"""Bounds of networks of any width with parts of predictions decided to be zero.

The convex program of a leaf in the active and inactive parts z = (p, q),
:math:`\min z^\top M z` with :math:`\sum_k s_k p_k = y` and :math:`z \ge 0`, is solved by an
interior-point method (S. Mehrotra, SIAM J. Optim. 2 (1992)). Its answer only suggests
multipliers, so it need not be exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import Data
from relubias.minnorm._checks.lower import Masks, convex_theta, parts_bound, trivial_masks
from relubias.minnorm._checks.network import Groups

__all__ = ["PartsLeaves"]

_RIDGE = 1e-13
_MAX_STEPS = 80
Choices = NDArray[np.int8]


class PartsLeaves:
    """Leaves of a search over networks of any width; a row of decisions per neuron."""

    options = (-1, 1)

    def __init__(self, data: Data, theta: Float) -> None:
        self.data, self.n = data, data.target.size
        m = data.signs.size
        self.groups = Groups(np.zeros((m, self.n)), data.signs, np.ones(m))
        self.trivial = trivial_masks(data, self.groups)
        by_sign = convex_theta(data, theta)
        self.theta = by_sign[np.where(data.signs > 0, 0, 1)]
        # G alone may be singular; the ridge only makes the suggestion less sharp
        ridge = _RIDGE * float(np.trace(data.gram))
        self.inverse = np.linalg.inv(data.gram + ridge * np.eye(self.n))
        self.inverse = self.inverse / 2 + self.inverse.T / 2

    def start(self) -> Choices:
        """Return the decisions at the root."""
        return np.zeros((self.data.signs.size, self.n), dtype=np.int8)

    def decide(self, choices: Choices, neuron: int, sample: int, choice: int) -> Choices:
        """Return the decisions after one more; -1 is decided for all neurons alike."""
        after = choices.copy()
        if choice > 0:
            after[neuron, sample] = 1
        else:
            after[self._alike(choices, neuron), sample] = -1
        return after

    def _alike(self, choices: Choices, neuron: int) -> NDArray[np.bool_]:
        same = (choices == choices[neuron]).all(axis=1)
        return same & (self.data.signs == self.data.signs[neuron])

    def mistake(self, choices: Choices, neuron: int, sample: int) -> str:
        """Return why this decision cannot come next; empty if it can."""
        m = self.data.signs.size
        if not (0 <= neuron < m and 0 <= sample < self.n):
            return "there is no such neuron or sample"
        return "a sample is decided twice" if choices[neuron, sample] else ""

    def bound(self, choices: Choices, reach: float) -> tuple[float, tuple[int, int] | None]:
        """Return a lower bound, at most `reach`, and the neuron and sample to decide next."""
        p = self.trivial.p & (choices >= 0)
        q = self.trivial.q & (choices <= 0)
        masks = Masks(p, q)
        sign, y = self.data.signs[:, None], self.data.target
        if (~((p & (sign * y > 0)).any(axis=0)) & (y != 0)).any():
            return reach, None  # a label that no neuron may output
        z, price, gradient = self._interior_point(masks)
        parts = np.zeros((2, *p.shape))
        parts[0][p], parts[1][q] = z[: int(p.sum())], z[int(p.sum()) :]
        push = np.zeros(p.shape)
        push[p] = gradient[: int(p.sum())]
        beta = push - self.theta * parts[1] / 2 + sign * price
        pull = np.zeros(p.shape)
        pull[q] = gradient[int(p.sum()) :]
        beta = np.where(~p & q, -pull, beta)  # there the other condition determines the dual
        beta = np.where(~p & ~q, (parts[0] - parts[1]) @ self.inverse, beta)
        groups = self.groups._replace(dual=beta)
        value = parts_bound(self.data, groups, masks, self.theta, parts[1], price, reach)
        product = np.where(choices == 0, np.minimum(parts[0], parts[1]), 0.0)
        neuron, sample = np.unravel_index(int(np.argmax(product)), product.shape)
        enough = product[neuron, sample] > 1e-9
        return value, (int(neuron), int(sample)) if enough else None

    def _quadratic(self, masks: Masks) -> Float:
        """Return M on the parts that may be positive, p before q, by neuron and sample."""
        p_at, q_at = np.argwhere(masks.p), np.argwhere(masks.q)
        at = np.concatenate((p_at, q_at))
        side = np.concatenate((np.ones(len(p_at)), -np.ones(len(q_at))))
        same = at[:, :1] == at[:, 0]
        M = np.where(same, self.inverse[np.ix_(at[:, 1], at[:, 1])] * np.outer(side, side), 0.0)
        both = np.flatnonzero(masks.p & masks.q)
        rank_p = np.cumsum(masks.p.ravel()) - 1
        rank_q = np.cumsum(masks.q.ravel()) - 1 + len(p_at)
        half = self.theta.ravel()[both] / 2
        M[rank_p[both], rank_q[both]] += half
        M[rank_q[both], rank_p[both]] += half
        return M

    def _interior_point(self, masks: Masks) -> tuple[Float, Float, Float]:
        """Return z, the multipliers of the outputs and the gradient ``M z - A.T price``."""
        M = self._quadratic(masks)
        p_at = np.argwhere(masks.p)
        open_ = np.flatnonzero(masks.p.any(axis=0))
        place = np.full(self.n, -1)
        place[open_] = np.arange(open_.size)
        A = np.zeros((open_.size, M.shape[0]))
        A[place[p_at[:, 1]], np.arange(len(p_at))] = self.data.signs[p_at[:, 0]]
        z, price, gradient = _mehrotra(M, A, self.data.target[open_])
        prices = np.zeros(self.n)
        prices[open_] = price
        return z, prices, gradient


def _mehrotra(M: Float, A: Float, y: Float) -> tuple[Float, Float, Float]:
    """Minimise ``z @ M @ z / 2`` with ``A @ z = y`` and ``z >= 0``, roughly."""
    size = M.shape[0]
    z, g, price = np.ones(size), np.ones(size), np.zeros(y.size)
    best, answer = math.inf, (z, price, g)
    for _ in range(_MAX_STEPS):
        dual_gap = M @ z - A.T @ price - g
        primal_gap = A @ z - y
        mu = float(z @ g) / size
        scale = 1.0 + float(np.abs(price).max(initial=0.0))
        error = max(
            float(np.abs(dual_gap).max()) / scale, float(np.abs(primal_gap).max(initial=0.0)), mu
        )
        if error < best:
            best, answer = error, (z.copy(), price.copy(), g.copy())
        if error < 1e-15 or not math.isfinite(error):
            break
        try:
            factor: Float = np.linalg.cholesky(M + np.diag(g / z + 1e-15)).astype(np.float64)
            half: Float = np.linalg.solve(factor, A.T).astype(np.float64)
            schur = half.T @ half + 1e-15 * np.eye(y.size)
            step = _direction(factor, half, schur, dual_gap, primal_gap, z, g, z * g)
            length = _longest(z, step[0]), _longest(g, step[2])
            trial = float((z + length[0] * step[0]) @ (g + length[1] * step[2])) / size
            target = (max(trial, 0.0) / mu) ** 3 * mu
            complement = z * g + step[0] * step[2] - target
            step = _direction(factor, half, schur, dual_gap, primal_gap, z, g, complement)
        except np.linalg.LinAlgError:
            break
        if not all(np.isfinite(part).all() for part in step):
            break
        length = min(1.0, 0.995 * min(_longest(z, step[0]), _longest(g, step[2])))
        z, price, g = z + length * step[0], price + length * step[1], g + length * step[2]
    return answer


def _direction(
    factor: Float,
    half: Float,
    schur: Float,
    dual_gap: Float,
    primal_gap: Float,
    z: Float,
    g: Float,
    complement: Float,
) -> tuple[Float, Float, Float]:
    right: Float = np.linalg.solve(factor, -dual_gap - complement / z).astype(np.float64)
    price: Float = np.linalg.solve(schur, -primal_gap - half.T @ right).astype(np.float64)
    dz: Float = np.linalg.solve(factor.T, right + half @ price).astype(np.float64)
    return dz, price, -(complement + g * dz) / z


def _longest(values: Float, step: Float) -> float:
    falling = step < 0
    return float((values[falling] / -step[falling]).min(initial=1e300))
