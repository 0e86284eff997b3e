r"""Bounds of networks of any width from prices of outputs, with the activity of neurons decided.

Pay :math:`2\lambda_i` per unit of output on sample i. Then every network with these decisions has

.. math:: \sum_k \|w_k\|^2 \ge \frac{(\lambda^\top y)^2}{\sum_k V_k}, \qquad
          V_k = \max_u 2 (s_k\lambda)^\top \mathrm{relu}(u) - u^\top G^{-1} u
              = \max_{\text{patterns}} \min_\beta \beta^\top G \beta

with :math:`\beta_i \ge s_k\lambda_i` on active and :math:`\beta_i \le 0` on inactive samples; an
open sample with :math:`s_k\lambda_i \le 0` needs no pattern: :math:`s_k\lambda_i \le \beta_i \le
0`. Any :math:`\beta` in the box bounds the inner minimum from above, so only the patterns have to
be complete. Where they are too many, subtrees are left out if
:math:`2\lambda\,\mathrm{relu}(u) \le \lambda u + \tfrac14\theta u^2 + \lambda^2/\theta` shows that
they earn no more than the best pattern.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import EPS, Data
from relubias.minnorm.search_tree import SearchTree

__all__ = ["PricedLeaves"]

Choices = NDArray[np.int8]
Bool = NDArray[np.bool_]
_TOGETHER = 8
"""Open samples whose patterns are all tried at once."""
_MOST_SUBTREES = 2000
_RIDGES = (1e-8, 1e-13)
_JOINT_STEPS = 15


class PricedLeaves:
    """Leaves of a search over networks of any width: 1 active, 0 inactive, -1 open."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.size = np.abs(data.gram)
        self.known: dict[bytes, float] = {}

    def start(self) -> Choices:
        """Return the decisions that no network can avoid."""
        signs, y = self.data.signs, self.data.target
        choices = np.full((signs.size, y.size), -1, dtype=np.int8)
        for sign in (1.0, -1.0):
            own = np.flatnonzero(signs == sign)
            if own.size == signs.size:
                choices[:, y == 0] = 0
            if own.size == 1:
                choices[own[0], sign * y > 0] = 1
        return choices

    def children(self, choices: Choices, tree: SearchTree, nodes: list[int]) -> list[Choices] | str:
        """Return the decisions at the children, or why these do not cover everything.

        Of a + b - 1 neurons about which the same is decided, a are active or b are inactive.
        """
        assert tree.count is not None  # noqa: S101 - else there are no such leaves
        signs = self.data.signs
        neuron, sample = int(tree.neuron[nodes[0]]), int(tree.sample[nodes[0]])
        if len(nodes) != 2 or sorted(tree.choice[nodes].tolist()) != [-1, 1]:
            return "a way to decide a sample is missing"
        same_place = (tree.neuron[nodes] == neuron).all() and (tree.sample[nodes] == sample).all()
        if not same_place or not (0 <= neuron < signs.size and 0 <= sample < choices.shape[1]):
            return "the children are not about one neuron and sample"
        alike = (choices == choices[neuron]).all(axis=1) & (signs == signs[neuron])
        members = np.flatnonzero(alike)
        counts = tree.count[nodes]
        if choices[neuron, sample] != -1 or members[0] != neuron:
            return "no open sample of a representative is decided"
        if (counts < 1).any() or int(counts.sum()) != members.size + 1:
            return "the counts leave a network out"
        after: list[Choices] = []
        for side, count in zip(tree.choice[nodes], counts, strict=True):
            child = choices.copy()
            child[members[: int(count)], sample] = 1 if side > 0 else 0
            after.append(child)
        return after

    def proved(
        self, choices: Choices, tree: SearchTree, leaf: int, needed: float, reach: float
    ) -> float:
        """Return the lower bound that the prices of a leaf prove, at most `reach`."""
        del needed
        assert tree.prices is not None  # noqa: S101 - else there are no such leaves
        signs, y = self.data.signs[:, None], self.data.target
        if (~((choices != 0) & (signs * y > 0)).any(axis=0) & (y != 0)).any():
            return reach  # a label that no neuron may output
        prices = tree.prices[leaf]
        income = math.fsum(prices * y) - 4 * EPS * float(np.abs(prices) @ np.abs(y))
        if not income > 0 or not np.isfinite(prices).all():
            return 0.0
        paid = sum(
            self._earned(sign * prices, row)
            for sign, row in zip(self.data.signs, choices, strict=True)
        )
        if paid <= 0:
            return reach
        return min(income / math.sqrt(paid) * (1 - (16 + signs.size) * EPS), reach)

    def _earned(self, prices: Float, decided: Choices) -> float:
        """Return an upper bound of what one neuron can earn."""
        key = prices.tobytes() + decided.tobytes()
        if key not in self.known:
            if len(self.known) > 10_000:
                self.known.clear()
            self.known[key] = self._search(prices, decided)
        return self.known[key]

    def _search(self, prices: Float, decided: Choices) -> float:
        best, stack, budget = 0.0, [decided], _MOST_SUBTREES
        while stack:
            current = stack.pop()
            rows = np.flatnonzero((current == -1) & (prices > 0))
            budget -= 1
            if rows.size <= _TOGETHER:
                best = max(best, self._best_pattern(prices, current, rows))
                continue
            bound, row = self._relaxed(prices, current, rows)
            if budget < 0:
                return max([best, bound, *(self._relaxed_of(prices, left) for left in stack)])
            if bound > best * (1 + 1e-10):
                for side in (0, 1):
                    child = current.copy()
                    child[row] = side
                    stack.append(child)
            else:
                best = max(best, min(bound, best * (1 + 1e-10)))
        return best

    def _relaxed_of(self, prices: Float, decided: Choices) -> float:
        rows = np.flatnonzero((decided == -1) & (prices > 0))
        if rows.size <= _TOGETHER:
            return self._best_pattern(prices, decided, rows)
        return self._relaxed(prices, decided, rows)[0]

    def _best_pattern(self, prices: Float, decided: Choices, rows: NDArray[np.intp]) -> float:
        active = (np.arange(1 << rows.size)[:, None] >> np.arange(rows.size)) & 1 == 1
        low, high = _box(prices, decided)
        low, high = (np.tile(end, (active.shape[0], 1)) for end in (low, high))
        low[:, rows] = np.where(active, prices[rows], -np.inf)
        high[:, rows] = np.where(active, np.inf, 0.0)
        beta = _in_boxes(self.data.gram, low, high)
        return float(self._values(beta).max())

    def _values(self, beta: Float) -> Float:
        """Return ``beta @ G @ beta`` of every row, rounded up."""
        gram, n = self.data.gram, beta.shape[1]
        magnitude = ((np.abs(beta) @ self.size) * np.abs(beta)).sum(axis=1)
        pad = (4 * (n + 2) * EPS + self.data.gram_error) * magnitude
        return ((beta @ gram) * beta).sum(axis=1) + pad

    def _relaxed(
        self, prices: Float, decided: Choices, rows: NDArray[np.intp]
    ) -> tuple[float, int]:
        """Bound the patterns of a subtree from above; return the sample to decide, too."""
        gram = self.data.gram
        low, high = _box(prices, decided)
        low[rows], high[rows] = prices[rows] / 2, prices[rows] / 2
        guess = _in_boxes(gram, low[None], high[None])[0] @ gram
        best, choice = math.inf, int(rows[0])
        for _ in range(3):
            size = np.maximum(np.abs(guess[rows]), 1e-3 * float(np.abs(prices[rows]).max()))
            theta = 2 * prices[rows] / size
            root = np.sqrt(theta)
            block = gram[np.ix_(rows, rows)]
            largest = float(np.linalg.eigvalsh(block * np.outer(root, root))[-1])
            theta *= min(1.0, 4 * (1 - 1e-6) / largest)
            inner = np.diag(4 / theta) - block
            stiff = gram + gram[:, rows] @ np.linalg.solve(inner, gram[rows])
            stiff = stiff / 2 + stiff.T / 2
            beta = _in_boxes(stiff, low[None], high[None])[0]
            # (4/theta - G)^-1 is evaluated by a factor of a smaller matrix, so from above
            total = self._stiff_value(beta, rows, inner) + math.fsum(prices[rows] ** 2 / theta)
            if total < best:
                best, choice = total, int(rows[np.argmax(theta * np.diagonal(block))])
            guess = stiff @ beta
        return best * (1 + 1e-12), choice

    def _stiff_value(self, beta: Float, rows: NDArray[np.intp], inner: Float) -> float:
        pushed = self.data.gram[rows] @ beta
        shift = 16.0 * rows.size * (EPS + self.data.gram_error) * float(np.trace(inner))
        try:
            factor = np.linalg.cholesky(inner - shift * np.eye(rows.size))
        except np.linalg.LinAlgError:
            return math.inf
        extra = np.linalg.solve(factor, pushed)
        rounding = 1e-10 * float(np.abs(beta) @ self.size @ np.abs(beta))
        return float(self._values(beta[None])[0]) + float(extra @ extra) * (1 + 1e-10) + rounding


def _box(prices: Float, decided: Choices) -> tuple[Float, Float]:
    concave = (decided == -1) & (prices <= 0)
    low = np.where((decided == 1) | concave, prices, -np.inf)
    return low, np.where(decided == 1, np.inf, 0.0)


def _in_boxes(gram: Float, low: Float, high: Float) -> Float:
    """Return for every box a point of about least ``beta @ G @ beta``, and inside in any case.

    With a ridge first, so that the active ends are found where G is singular.
    """
    beta = np.clip(0.0, low, high)
    fixed = (low == high) | (beta != 0)
    best, least = beta.copy(), ((beta @ gram) * beta).sum(axis=1)
    trace = float(np.trace(gram))
    for ridge in _RIDGES:
        _exchange(gram, low, high, beta, fixed, ridge * trace + 1e-300)
        value = ((beta @ gram) * beta).sum(axis=1)
        better = value < least
        best[better], least[better] = beta[better], value[better]
    return best


def _exchange(gram: Float, low: Float, high: Float, beta: Float, fixed: Bool, ridge: float) -> None:
    """Exchange samples at an end of their interval and inside it until no sign is wrong."""
    n_boxes, n = low.shape
    todo: NDArray[np.intp] = np.arange(n_boxes, dtype=np.intp)
    for step in range(_JOINT_STEPS + 10 * n):
        held = fixed[todo]
        ends = np.where(held, beta[todo], 0.0)
        system = np.where(held[:, :, None] | held[:, None, :], 0.0, gram)
        system[:, np.arange(n), np.arange(n)] += np.where(held, 1.0, ridge)
        right = np.where(held, ends, -(ends @ gram))
        point = np.linalg.solve(system, right[:, :, None])[:, :, 0]
        under, over = point < low[todo], point > high[todo]
        slope = point @ gram + ridge * point
        noise = 1e-13 * np.abs(point).max(axis=1, keepdims=True)
        loose: Bool = held & (low[todo] < high[todo])
        at_low = point <= low[todo]
        loose &= (at_low & (slope < -noise)) | (~at_low & (slope > noise))
        wrong: Bool = (~held & (under | over)) | loose
        if step >= _JOINT_STEPS:  # one at a time, which cannot cycle
            last: NDArray[np.intp] = n - 1 - np.argmax(wrong[:, ::-1], axis=1)
            wrong &= _at(last, n)
        beta[todo] = np.clip(point, low[todo], high[todo])
        fixed[todo] = held ^ wrong
        todo = todo[wrong.any(axis=1)]
        if todo.size == 0:
            break


def _at(columns: NDArray[np.intp], n: int) -> Bool:
    return np.arange(n) == columns[:, None]
