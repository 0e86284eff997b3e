r"""Bounds of one neuron of each sign with samples decided.

The convex program of a leaf, :math:`\min \tfrac12 g^\top H_\theta g - e_\theta^\top g` with
:math:`g_j \ge 0` where a row is no equality and :math:`H_\theta = (I + H\Theta)^{-1} H`, is solved
by a primal-dual active-set iteration, with SciPy's non-negative least squares where that cycles.
Its answer only suggests multipliers, so it need not be exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import EPS, Data
from relubias.minnorm._checks.lower import Rows, convex_pair_theta, pair_bound, pair_rows
from relubias.minnorm.search_tree import SearchTree

__all__ = ["PairLeaves"]

_MAX_STEPS = 40
_RIDGE = 1e-14
_EXTRA_NODES = 200
"""Nodes that may be added below one leaf whose bound a single dual value does not reach."""
Choices = NDArray[np.int8]
Bool = NDArray[np.bool_]


class PairLeaves:
    """Leaves of a search for one neuron of each sign."""

    def __init__(self, data: Data, theta: Float) -> None:
        self.data = data
        target = data.target
        nonzero = np.flatnonzero(target != 0)
        base = pair_rows(target, np.zeros(target.size, dtype=np.int_))
        off = pair_rows(target, np.where(target == 0, 1, 0))
        tied = pair_rows(target, np.where(target == 0, 2, 0))
        extra_off, extra_tied = off.right == 0, tied.right == 0
        k = 2 * nonzero.size
        plus, minus, sample = (
            np.concatenate((a, b[extra_off], c[extra_tied]))
            for a, b, c in zip(
                (base.plus, base.minus, base.sample.astype(np.float64)),
                (off.plus, off.minus, off.sample.astype(np.float64)),
                (tied.plus, tied.minus, tied.sample.astype(np.float64)),
                strict=True,
            )
        )
        right, pair = np.zeros(plus.size), np.full(plus.size, -1)
        right[:k] = base.right
        pair[:k:2], pair[1:k:2] = np.arange(1, k, 2), np.arange(0, k, 2)
        fixed = np.zeros(plus.size, dtype=np.bool_)
        self.rows = Rows(plus, minus, sample.astype(np.intp), right, fixed, pair)
        self.is_off = np.zeros(pair.size, dtype=np.bool_)
        self.is_off[k : k + int(extra_off.sum())] = True
        self.is_tied = ~self.is_off
        self.is_tied[:k] = False
        self.second = np.zeros(pair.size, dtype=np.bool_)
        self.second[1:k:2] = True
        weights = np.where(pair >= 0, theta[self.rows.sample], 0.0)
        self.theta = convex_pair_theta(data, self.rows, weights)
        self.hessian, self.right = self._convexified()
        self.guess = np.zeros(pair.size, dtype=np.bool_)

    def _convexified(self) -> tuple[Float, Float]:
        hessian = self.rows.hessian(self.data.gram)
        if not self.theta.any():
            return hessian, self.rows.right
        swapped = np.zeros_like(hessian)
        chosen = np.flatnonzero(self.theta)
        swapped[:, self.rows.pair[chosen]] = hessian[:, chosen] * self.theta[chosen]
        system = np.eye(self.rows.right.size) + swapped
        both = np.asarray(
            np.linalg.solve(system, np.column_stack((hessian, self.rows.right))), dtype=np.float64
        )
        matrix = both[:, :-1]
        return matrix / 2 + matrix.T / 2, both[:, -1]

    def relaxed(self, reach: float) -> float:
        """Return the bound with no sample decided."""
        return self.bound(self.start(), reach)[0]

    def start(self) -> Choices:
        """Return the decisions at the root."""
        return np.zeros(self.data.target.size, dtype=np.int8)

    def children(self, choices: Choices, tree: SearchTree, nodes: list[int]) -> list[Choices] | str:
        """Return the decisions at the children, or why these do not cover everything."""
        samples, sides = tree.sample[nodes], tree.choice[nodes]
        sample = int(samples[0])
        if (samples != sample).any() or not 0 <= sample < choices.size or choices[sample]:
            return "no open sample is decided"
        if sorted(sides.tolist()) != [1, 2]:
            return "a way to decide a sample is missing"
        return [_decided(choices, sample, int(side)) for side in sides]

    def proved(
        self, choices: Choices, tree: SearchTree, leaf: int, needed: float, reach: float
    ) -> float:
        """Return the bound below a leaf; decide more samples if one dual value is too weak."""
        del tree, leaf
        stack, lowest, budget = [choices], math.inf, _EXTRA_NODES
        while stack:
            current = stack.pop()
            value, sample = self.bound(current, reach)
            budget -= 1
            if value >= needed:
                lowest = min(lowest, value)
            elif sample < 0 or budget < 0:
                return min([lowest, value, *(self.bound(left, reach)[0] for left in stack)])
            else:
                stack += [_decided(current, sample, side) for side in (1, 2)]
        return lowest

    def bound(self, choices: Choices, reach: float) -> tuple[float, int]:
        """Return a lower bound, at most `reach`, and the sample to decide next, or -1."""
        decided = choices[self.rows.sample]
        kept = np.where(self.is_off, decided == 1, np.where(self.is_tied, decided == 2, True))
        fixed = np.where(self.rows.pair >= 0, decided == np.where(self.second, 2, 1), False)
        fixed |= self.is_tied & (self.rows.minus != 0)
        chosen = np.flatnonzero(kept)
        hessian = self.hessian[np.ix_(chosen, chosen)]
        right, free = self.right[chosen], fixed[chosen]
        multipliers = _solved(hessian, right, free, self.guess[chosen])
        self.guess[chosen] = multipliers > 0
        slack = hessian @ multipliers - right
        rows, theta = self.rows.take(chosen)._replace(fixed=free), self.theta[chosen]
        point = multipliers - theta * slack[rows.pair]
        value = pair_bound(self.data, rows, theta, point, reach)
        return value, self._undecided(choices, rows, point, slack)

    def _undecided(self, choices: Choices, rows: Rows, multipliers: Float, slack: Float) -> int:
        """Return the sample that the relaxation fits worst; -1 if it fits all."""
        score = np.zeros(choices.size)
        first = np.flatnonzero((rows.pair > np.arange(rows.pair.size)) & (rows.pair >= 0))
        product = np.minimum(slack[first], slack[rows.pair[first]])
        score[rows.sample[first]] = product
        zero = self.data.target == 0
        u = rows.duals(multipliers, choices.size) @ self.data.gram
        loose = np.minimum(np.maximum(u, 0.0).max(axis=0), np.abs(u[0] - u[1]))
        score[zero] = loose[zero]
        score[choices != 0] = 0.0
        worst = int(np.argmax(score))
        return worst if score[worst] > 64 * EPS else -1


def _decided(choices: Choices, sample: int, side: int) -> Choices:
    after = choices.copy()
    after[sample] = side
    return after


def _solved(hessian: Float, right: Float, free: Bool, guess: Bool) -> Float:
    """Return multipliers, non-negative off the free rows, near the optimum."""
    from scipy.linalg.lapack import dposv

    ridge = _RIDGE * float(np.trace(hessian))
    active = free | guess
    for _ in range(_MAX_STEPS):
        rows = np.flatnonzero(active)
        block = hessian[np.ix_(rows, rows)] + ridge * np.eye(rows.size)
        _, x, info = dposv(block, right[rows]) if rows.size else (None, np.zeros(0), 0)
        if info != 0:
            break
        multipliers = np.zeros(right.size)
        multipliers[rows] = np.asarray(x).ravel()
        slack = hessian @ multipliers - right
        noise = 8 * EPS * (1.0 + np.abs(multipliers).max(initial=0.0))
        wanted = free | (active & (multipliers > 0)) | (~active & (slack < -noise))
        if (wanted == active).all():
            return multipliers
        active = wanted
    return _by_least_squares(hessian, right, free, max(ridge, 1e-12))


def _by_least_squares(hessian: Float, right: Float, free: Bool, ridge: float) -> Float:
    from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
    from scipy.optimize import nnls

    n = right.size
    matrix = hessian + ridge * np.eye(n)
    bound, equal = np.flatnonzero(~free), np.flatnonzero(free)
    answer = np.zeros(n)
    if bound.size:
        block, target = matrix[np.ix_(bound, bound)], right[bound]
        if equal.size:
            factor = cho_factor(matrix[np.ix_(equal, equal)], lower=True)
            cross = matrix[np.ix_(equal, bound)]
            block = block - cross.T @ cho_solve(factor, cross)
            target = target - cross.T @ cho_solve(factor, right[equal])
        root = cholesky(block + ridge * np.eye(bound.size), lower=True)
        answer[bound] = nnls(root.T, solve_triangular(root, target, lower=True))[0]
    if equal.size:
        rest = right[equal] - matrix[np.ix_(equal, bound)] @ answer[bound]
        answer[equal] = np.linalg.solve(matrix[np.ix_(equal, equal)], rest)
    return answer
