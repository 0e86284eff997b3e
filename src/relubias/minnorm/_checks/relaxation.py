r"""The convex relaxation of networks of any width, solved anew.

Its program in the active and inactive parts z = (p, q),
:math:`\min z^\top M z` with :math:`\sum_k s_k p_k = y` and :math:`z \ge 0`, is solved by an
interior-point method (S. Mehrotra, SIAM J. Optim. 2 (1992)). Its answer only suggests
multipliers, so it need not be exact.
"""

from __future__ import annotations

import math

import numpy as np

from relubias._validate import Float
from relubias.minnorm._checks.exact import Data
from relubias.minnorm._checks.lower import Masks, convex_theta, parts_bound, trivial_masks
from relubias.minnorm._checks.network import Groups

__all__ = ["relaxed_bound"]

_RIDGE = 1e-13
_MAX_STEPS = 80


def relaxed_bound(data: Data, theta: Float, reach: float) -> float:
    """Return the bound of the relaxation with products `theta`, of shape (2, n_samples)."""
    n, m = data.target.size, data.signs.size
    groups = Groups(np.zeros((m, n)), data.signs, np.ones(m))
    masks = trivial_masks(data, groups)
    sign = data.signs[:, None]
    if (~((masks.p & (sign * data.target > 0)).any(axis=0)) & (data.target != 0)).any():
        return reach
    convex = convex_theta(data, theta)[np.where(data.signs > 0, 0, 1)]
    # G alone may be singular; the ridge only makes the suggestion less sharp
    ridge = _RIDGE * float(np.trace(data.gram))
    inverse = np.linalg.inv(data.gram + ridge * np.eye(n))
    program = _Program(masks, convex, inverse / 2 + inverse.T / 2, data)
    q, beta, price = program.solve()
    return parts_bound(data, groups._replace(dual=beta), masks, convex, q, price, reach)


class _Program:
    """The program in the parts that may be positive, p before q, by neuron and sample."""

    def __init__(self, masks: Masks, theta: Float, inverse: Float, data: Data) -> None:
        self.masks, self.theta, self.inverse = masks, theta, inverse
        self.data, self.n = data, data.target.size

    def solve(self) -> tuple[Float, Float, Float]:
        """Return inactive parts, duals and multipliers of the outputs, roughly."""
        p, q = self.masks
        z, price, gradient = self._interior_point(self.masks)
        k = int(p.sum())
        parts, push, pull = np.zeros((2, *p.shape)), np.zeros(p.shape), np.zeros(p.shape)
        parts[0][p], parts[1][q] = z[:k], z[k:]
        push[p], pull[q] = gradient[:k], gradient[k:]
        beta = push - self.theta * parts[1] / 2 + self.data.signs[:, None] * price
        beta = np.where(~p & q, -pull, beta)  # there the other condition determines the dual
        beta = np.where(~p & ~q, (parts[0] - parts[1]) @ self.inverse, beta)
        return parts[1], beta, price

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
            target = min(max(trial, 0.0) / mu, 1.0) ** 3 * mu
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
