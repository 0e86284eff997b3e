"""Networks of any width by trying every multiset of patterns. Imports nothing from relubias.

Neurons of one sign with the same pattern may be taken as equal (the program of a pattern is convex
and symmetric in them), so a network is a multiset of patterns. Patterns are extended sample by
sample: the optimum of the samples so far bounds whatever follows, because more samples only add
constraints, so a prefix that already costs more than a known network is dropped and nothing else
ever is. The program of each prefix is solved by Goldfarb and Idnani's dual method in the space of
the weights; the best patterns are solved again in rationals, where every optimality condition is
checked exactly.
"""

from __future__ import annotations

import heapq
import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tests.oracles.faces import dot, eliminate

OFF, ON = 0, 1
SAME = 1e-7  # patterns closer than this to the best are compared in rationals


class Group(NamedTuple):
    """Equal neurons: their sign, how many, the weight of their squared norms, their pattern."""

    sign: int
    count: int
    pattern: tuple[int, ...] = ()


class Network(NamedTuple):
    """The network of least norm with the patterns of `groups`: exact square, and exact duals."""

    square: Fraction
    groups: tuple[Group, ...]
    dual: list[list[Fraction]]

    @property
    def norm(self):
        """Root of the square, rounded twice."""
        return float(np.sqrt(float(self.square)))

    def as_float(self, signs):
        """Duals of shape (m, n), for neurons in the order of `signs`."""
        rows = {1: [], -1: []}
        for group, beta in zip(self.groups, self.dual, strict=True):
            rows[group.sign] += [[float(b) for b in beta]] * group.count
        return np.array([rows[int(s)].pop() for s in signs])


class TooManyError(Exception):
    """There are more patterns than were allowed."""


def fitted(labels, signs):
    """Return what the network has to output: labels of a sign that it lacks count as 0."""
    low = -np.inf if -1 in signs else 0.0
    high = np.inf if 1 in signs else 0.0
    return np.clip(np.asarray(labels, dtype=float), low, high) + 0.0


def search(gram, labels, signs, *, features=None, max_nodes=1_000_000):
    """Return the optimum over all patterns of all neurons; None if nothing fits."""
    found = best_networks(gram, labels, signs, SAME, features=features, max_nodes=max_nodes)
    return found[0] if found else None


def best_networks(gram, labels, signs, excess, *, features=None, max_nodes=1_000_000):
    """Return the networks of all patterns whose square exceeds the least by at most `excess`.

    Relative to the least; ordered, the optimum first. A pattern whose program is not decided in
    rationals raises ArithmeticError.
    """
    y = fitted(labels, [int(s) for s in signs])
    length = np.sqrt(np.diagonal(gram))
    length = np.where(length > 0, length, 1.0)
    unit = float(np.abs(y / length).max())
    counts = [(s, int(sum(1 for v in signs if v == s))) for s in (1, -1)]
    start = tuple(Group(s, count) for s, count in counts if count)
    if unit == 0:
        return [Network(Fraction(0), start, [[Fraction(0)] * y.size for _ in start])]
    rows = root(gram) if features is None else np.asarray(features, dtype=float)
    order = np.argsort(-np.abs(y / length), kind="stable")
    rows, target = (rows / length[:, None])[order], (y / length / unit)[order]

    heap, ticket, best, leaves, n_nodes = [(0.0, 0, start)], itertools.count(1), np.inf, [], 0
    while heap:
        bound, _, groups = heapq.heappop(heap)
        if bound > best * (1 + excess):
            break
        done = len(groups[0].pattern)
        if done == target.size:
            best = min(best, bound)
            leaves.append(groups)
            continue
        for child in children(groups, target[done]):
            n_nodes += 1
            if n_nodes > max_nodes:
                raise TooManyError(f"more than {max_nodes} patterns")
            found = least_norm(*rows_of(child, rows, target))
            if found is not None and found[0] <= best * (1 + excess):
                heapq.heappush(heap, (max(found[0], bound), -done * 10**9 + next(ticket), child))
    networks = [exact_network(gram, y, order, groups) for groups in leaves]
    return sorted(networks, key=lambda network: network.square)


def root(gram):
    """Return features with this Gram matrix, up to a rotation."""
    try:
        return np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(gram)
        keep = values > 1e-13 * values[-1]
        return vectors[:, keep] * np.sqrt(values[keep])


def children(groups, label):
    """Return every way to extend the patterns by one sample that can output its label."""
    answer = []
    for active in itertools.product(*(range(g.count + 1) for g in groups)):
        present = {g.sign for g, a in zip(groups, active, strict=True) if a}
        if (label > 0 and 1 not in present) or (label < 0 and -1 not in present):
            continue
        if label == 0 and len(present) == 1:
            continue  # contained in all inactive
        child = []
        for g, a in zip(groups, active, strict=True):
            if a:
                child.append(Group(g.sign, a, (*g.pattern, ON)))
            if a < g.count:
                child.append(Group(g.sign, g.count - a, (*g.pattern, OFF)))
        answer.append(tuple(child))
    return answer


def coefficients(groups, target):
    """Return the rows of the program: (sample, coefficient of each group), and right-hand sides.

    Equalities come first. ``coefficients @ predictions`` is fixed or at least 0.
    """
    equal, right, others = [], [], []
    for i in range(len(groups[0].pattern)):
        on = [g.pattern[i] == ON for g in groups]
        if any(on):
            row = [g.sign * g.count if a else 0 for g, a in zip(groups, on, strict=True)]
            equal.append((i, row))
            right.append(target[i])
        lone = sum(on) == 1 and target[i] != 0  # the equality says it all
        for k, a in enumerate(on):
            if not (a and lone):
                others.append((i, [(1 if a else -1) * int(j == k) for j in range(len(groups))]))
    return equal, right, others


def rows_of(groups, rows, target):
    """Return the program in weights scaled to a plain sum of squares."""
    equal, right, others = coefficients(groups, target)
    scale = np.sqrt([1.0 / g.count for g in groups])

    def dense(parts):
        return np.array(
            [(np.array(c)[:, None] * scale[:, None] * rows[i]).ravel() for i, c in parts]
        ).reshape(len(parts), scale.size * rows.shape[1])

    C = np.vstack([dense(equal), dense(others)])
    return C, np.array(right + [0.0] * len(others)), len(equal)


def least_norm(C, b, n_equal):
    """Minimise ``|x|^2`` with ``C x = b`` on the first rows, ``C x >= b`` on the rest.

    Return its square and the active rows; None if impossible. Data of about unit size.
    """
    length = np.linalg.norm(C, axis=1)
    length = np.where(length > 0, length, 1.0)
    C, b = C / length[:, None], b / length
    n = C.shape[1]
    x, active, dual, flip = np.zeros(n), [], np.zeros(0), np.ones(len(b))
    for _ in range(200 + 20 * len(b)):
        slack = C @ x - b
        waiting = [j for j in range(n_equal) if j not in active and abs(slack[j]) > 1e-12]
        if waiting:
            p = waiting[0]
            flip[p] = -1.0 if slack[p] > 0 else 1.0
        else:
            broken = slack.copy()
            broken[:n_equal] = 0.0
            broken[active] = 0.0
            p = int(np.argmin(broken)) if broken.size else 0
            if broken.size == 0 or broken[p] > -1e-12:
                break
        price = 0.0
        while True:
            row, lack = flip[p] * C[p], flip[p] * (b[p] - C[p] @ x)
            if active:
                A = flip[active, None] * C[active]
                Q, R = np.linalg.qr(A.T)
                r = np.linalg.solve(R, Q.T @ row)
                z = row - Q @ (Q.T @ row)
                z -= Q @ (Q.T @ z)
            else:
                r, z = np.zeros(0), row
            room = float(z @ z)
            whole = lack / room if room > 1e-18 else np.inf
            falling = [k for k, j in enumerate(active) if j >= n_equal and r[k] > 1e-13]
            first = min(falling, key=lambda k: dual[k] / r[k], default=None)
            partial = dual[first] / r[first] if first is not None else np.inf
            step = min(whole, partial)
            if step == np.inf:
                return None if lack > 1e-9 else (float(x @ x), active)
            dual = dual - step * r
            price += step
            if whole < np.inf:
                x = x + step * z
            if whole <= partial:
                active.append(p)
                dual = np.append(dual, price)
                break
            active.pop(first)
            dual = np.delete(dual, first)
    else:
        raise ArithmeticError("the dual method cycles")
    return float(x @ x), active


def exact_network(gram, y, order, groups):
    """Return the optimum of one pattern in rationals, all conditions checked.

    The active rows are guessed in floating point and mended where an exact sign disagrees.
    """
    G = [[Fraction(float(gram[i, j])) for j in order] for i in order]
    target = [Fraction(float(y[i])) for i in order]
    equal, right, others = coefficients(groups, target)
    parts, e = equal + others, right + [Fraction(0)] * len(others)
    rows = root(np.array([[float(v) for v in row] for row in G]))
    length = np.sqrt((rows**2).sum(axis=1)).max()
    unit = max(abs(float(t)) for t in target)
    program = rows_of(groups, rows / length, np.array([float(t) for t in target]) / unit)
    active = sorted(least_norm(*program)[1])
    for _ in range(10):
        H = [[inner(parts[r], parts[s], G, groups) for s in active] for r in active]
        dual = eliminate(H, [e[r] for r in active])
        if dual is None:
            break
        wrong = [r for r, v in zip(active, dual, strict=True) if r >= len(equal) and v < 0]
        if wrong:
            active = [r for r in active if r not in wrong]
            continue
        slack = [
            dot([inner(row, parts[s], G, groups) for s in active], dual) - value
            for row, value in zip(parts, e, strict=True)
        ]
        missing = [r for r, s in enumerate(slack) if (s != 0 if r < len(equal) else s < 0)]
        if not missing:
            break
        active = sorted({*active, *missing})
    else:
        dual = None
    if dual is None:
        raise ArithmeticError(f"undecided pattern: {groups}")
    return Network(
        dot([e[r] for r in active], dual),
        groups,
        [duals_of(k, parts, active, dual, order, groups) for k in range(len(groups))],
    )


def duals_of(k, parts, active, multipliers, order, groups):
    """Return the dual of the neurons of group k, samples in the order of the data."""
    beta = [Fraction(0)] * len(order)
    for r, multiplier in zip(active, multipliers, strict=True):
        i, row = parts[r]
        beta[order[i]] += multiplier * row[k] / groups[k].count
    return beta


def inner(first, second, G, groups):
    """Return the product of two rows in the metric of the weights."""
    (i, a), (j, b) = first, second
    weight = sum(Fraction(p * q, g.count) for p, q, g in zip(a, b, groups, strict=True))
    return weight * G[i][j]
