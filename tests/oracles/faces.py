"""Two neurons of opposite signs by trying every face, in exact rationals. Imports no relubias.

At an optimum every sample is in one of three states (five if its label is zero): which of the
constraints of its pattern hold with equality. Each choice of states for all samples is an affine
space, on which the point of least norm is one linear system. The optimum is the smallest of those
points that satisfy the rest of the constraints. No quadratic program is solved, so nothing depends
on multipliers or their signs. Floating point only sorts the candidates; the value comes from
integer elimination.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

NONZERO, ZERO = 3, 5  # states of a sample by its label
FREE, HELD, SHARED = range(3)  # the other neuron: dual 0, prediction 0, active too
CHUNK = 4096


class Network(NamedTuple):
    """A network of least weighted norm on one face, positive neuron first."""

    square: Fraction
    dual: list[list[Fraction]]
    states: tuple[int, ...]

    @property
    def norm(self):
        """Root of the weighted square, rounded twice."""
        return float(np.sqrt(float(self.square)))

    def as_float(self):
        """Duals of shape (2, n)."""
        return np.array([[float(b) for b in row] for row in self.dual])


def two_neurons(gram, labels, weights=(1, 1)):
    """Return the optimal network of one neuron of each sign; None if nothing fits.

    Minimises ``c_plus |w_plus|^2 + c_minus |w_minus|^2``; weights are exact rationals.
    """
    found = smallest_faces(gram, labels, weights)
    best = None
    for square, states in found:
        if best is not None and square > float(best.square) * (1 + 1e-6):
            break
        network = exact_point(gram, labels, weights, states)
        if network is not None and (best is None or network.square < best.square):
            best = network
    return best


def losers(gram, labels, weights, best, n_wanted):
    """Return networks that fit but are not optimal, the smallest first, at most `n_wanted`."""
    answer = []
    for square, states in smallest_faces(gram, labels, weights):
        if square <= float(best.square) * (1 + 1e-13):
            continue
        network = exact_point(gram, labels, weights, states)
        if network is not None and network.square > best.square:
            answer.append(network)
            if len(answer) == n_wanted:
                break
    return answer


def smallest_faces(gram, labels, weights=(1, 1), tolerance=1e-6):
    """Return (square, states) of every face whose point fits to rounding, the smallest first."""
    gram, labels = np.asarray(gram, dtype=float), np.asarray(labels, dtype=float)
    length = np.sqrt(np.diagonal(gram))
    length = np.where(length > 0, length, 1.0)
    unit = float(np.abs(labels / length).max()) or 1.0
    y = labels / length / unit
    G = gram / length / length[:, None]
    tables = [sample_rows(G, y, i, weights) for i in range(y.size)]
    radix = [len(rows) for rows, _ in tables]
    total = int(np.prod(radix))
    found = []
    for first in range(0, total, CHUNK):
        code = np.arange(first, min(first + CHUNK, total))
        states = np.array(np.unravel_index(code, radix)).T
        dual, good = solve_chunk(tables, states)
        primal = dual @ G
        good &= violation(primal, y, states) <= tolerance
        square = sum(float(c) * (dual[:, k] * primal[:, k]).sum(axis=1) for k, c in pairs(weights))
        found += [
            (s * unit**2, tuple(state))
            for s, state in zip(square[good].tolist(), states[good].tolist(), strict=True)
        ]
    return sorted(found)


def pairs(weights):
    """Enumerate both weights."""
    return ((0, weights[0]), (1, weights[1]))


def sample_rows(G, y, i, weights):
    """Return for every state of sample i its two rows over both duals, and right-hand sides."""
    n = y.size
    u = np.zeros((2, 2 * n))  # the predictions of both neurons
    u[0, :n], u[1, n:] = G[i], G[i]
    e = np.zeros((2, 2 * n))  # their duals
    e[0, i], e[1, n + i] = 1.0, 1.0
    tied = [u[0] - u[1], float(weights[0]) * e[0] + float(weights[1]) * e[1]]
    if y[i] == 0:
        rows = [[e[0], e[1]], [e[0], u[1]], [u[0], e[1]], [u[0], u[1]], tied]
        right = np.zeros((ZERO, 2))
    else:
        own, other = (0, 1) if y[i] > 0 else (1, 0)
        rows = [[u[own], e[other]], [u[own], u[other]], tied]
        right = np.array([[abs(y[i]), 0.0], [abs(y[i]), 0.0], [y[i], 0.0]])
    return np.array(rows), right


def solve_chunk(tables, states):
    """Return the duals of many faces at once, and which systems were solved."""
    n = len(tables)
    matrix = np.empty((len(states), 2 * n, 2 * n))
    right = np.empty((len(states), 2 * n))
    for i, (rows, values) in enumerate(tables):
        matrix[:, 2 * i : 2 * i + 2] = rows[states[:, i]]
        right[:, 2 * i : 2 * i + 2] = values[states[:, i]]
    try:
        dual = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        dual = (np.linalg.pinv(matrix, rcond=1e-12) @ right[:, :, None])[:, :, 0]
    residual = np.abs((matrix @ dual[:, :, None])[:, :, 0] - right).max(axis=1)
    return dual.reshape(-1, 2, n), residual <= 1e-7


def violation(primal, y, states):
    """Return by how much each network breaks the inequalities of its states."""
    worst = np.zeros(len(states))
    for i, label in enumerate(y):
        state, plus, minus = states[:, i], primal[:, 0, i], primal[:, 1, i]
        if label == 0:
            broken = np.select(
                [state == 0, state == 1, state == 2, state == 4],
                [np.maximum(plus, minus), plus, minus, -plus],
                0.0,
            )
        else:
            other = minus if label > 0 else plus
            broken = np.select([state == FREE, state == SHARED], [other, -other], 0.0)
        worst = np.maximum(worst, broken)
    return worst


def exact_point(gram, labels, weights, states):
    """Return the point of least norm of one face in rationals; None if it breaks a constraint."""
    n = len(labels)
    G = [[Fraction(float(v)) for v in row] for row in gram]
    y = [Fraction(float(v)) for v in labels]
    c = [Fraction(w) for w in weights]
    rows, right = [], []
    for i in range(n):
        u = [G[i] + [Fraction(0)] * n, [Fraction(0)] * n + G[i]]
        e = [[Fraction(int(j == k * n + i)) for j in range(2 * n)] for k in range(2)]
        tied = [
            [a - b for a, b in zip(*u, strict=True)],
            [c[0] * a + c[1] * b for a, b in zip(*e, strict=True)],
        ]
        if y[i] == 0:
            rows += [[e[0], e[1]], [e[0], u[1]], [u[0], e[1]], [u[0], u[1]], tied][states[i]]
            right += [Fraction(0)] * 2
        else:
            own, other = (0, 1) if y[i] > 0 else (1, 0)
            rows += [[u[own], e[other]], [u[own], u[other]], tied][states[i]]
            right += [y[i] if states[i] == SHARED else abs(y[i]), Fraction(0)]
    solution = eliminate(rows, right)
    if solution is None:
        return None
    dual = [solution[:n], solution[n:]]
    primal = [[dot(row, beta) for row in G] for beta in dual]
    if not fits(primal, y):
        return None
    square = sum((c[k] * dot(dual[k], primal[k]) for k in range(2)), Fraction(0))
    return Network(square, dual, tuple(int(s) for s in states))


def fits(primal, labels):
    """Whether ``relu(plus) - relu(minus)`` is the labels, exactly."""
    outputs = [max(p, 0) - max(q, 0) for p, q in zip(*primal, strict=True)]
    return all(f == y for f, y in zip(outputs, labels, strict=True))


def dot(a, b):
    """Return the scalar product of rationals."""
    return sum((x * z for x, z in zip(a, b, strict=True) if x and z), Fraction(0))


def eliminate(rows, right):
    """Solve a square rational system by fraction-free elimination; None if it is inconsistent.

    Variables that nothing determines are 0.
    """
    table = []
    for row, value in zip(rows, right, strict=True):
        common = math.lcm(*(entry.denominator for entry in (*row, value)))
        table.append([int(entry * common) for entry in (*row, value)])
    n = len(rows[0])
    used, pivots, previous = 0, [], 1
    for column in range(n):
        choice = next((r for r in range(used, len(table)) if table[r][column]), None)
        if choice is None:
            continue
        table[used], table[choice] = table[choice], table[used]
        pivot_row = table[used]
        pivot = pivot_row[column]
        for r, row in enumerate(table):
            if r != used:
                factor = row[column]
                table[r] = [
                    (a * pivot - factor * b) // previous
                    for a, b in zip(row, pivot_row, strict=True)
                ]
        previous = pivot
        pivots.append(column)
        used += 1
    if any(row[n] for row in table[used:]):
        return None
    solution = [Fraction(0)] * n
    for r, column in enumerate(pivots):
        solution[column] = Fraction(table[r][n], table[r][column])
    return solution
