"""Networks of known pattern and their distances in rational arithmetic. Imports nothing of ours."""

from __future__ import annotations

from fractions import Fraction

from tests.oracles.planted import exact_root

__all__ = ["distance_by_neuron", "least_norm_of_pattern", "solve_exactly"]


def solve_exactly(matrix, right):
    """Solve a regular linear system of fractions by elimination."""
    n = len(right)
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, right, strict=True)]
    for p in range(n):
        q = max(range(p, n), key=lambda r: abs(rows[r][p]))
        rows[p], rows[q] = rows[q], rows[p]
        inverse = 1 / rows[p][p]
        rows[p] = [v * inverse for v in rows[p]]
        for r in range(n):
            if r != p and rows[r][p]:
                factor = rows[r][p]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[p], strict=True)]
    return [row[n] for row in rows]


def least_norm_of_pattern(gram, labels, signs, active, held):
    """Return the duals of the shortest weights with these outputs and these predictions zero.

    `active` and `held` are (n_neurons, n_samples): outputs add up to the label on samples with
    active neurons, and predictions are zero where held.
    """
    G = [[Fraction(float(v)) for v in row] for row in gram]
    m, n = len(signs), len(labels)
    rows = []
    for i in range(n):
        on = {k: Fraction(int(signs[k])) for k in range(m) if active[k][i]}
        if on:
            rows.append((i, on, Fraction(float(labels[i]))))
        rows += [(i, {k: Fraction(1)}, Fraction(0)) for k in range(m) if held[k][i]]
    matrix = [
        [sum((c * d.get(k, 0) for k, c in on.items()), Fraction(0)) * G[i][j] for j, d, _ in rows]
        for i, on, _ in rows
    ]
    multipliers = solve_exactly(matrix, [t for _, _, t in rows])
    dual = [[Fraction(0)] * n for _ in range(m)]
    for (i, on, _), value in zip(rows, multipliers, strict=True):
        for k, c in on.items():
            dual[k][i] += c * value
    return dual


def distance_by_neuron(gram, first, second):
    """Return the distances of neurons with these duals, each rounded once."""
    G = [[Fraction(float(v)) for v in row] for row in gram]
    distances = []
    for a, b in zip(first, second, strict=True):
        delta = [Fraction(v) - Fraction(w) for v, w in zip(a, b, strict=True)]
        square = sum(
            (d * e * g for d, row in zip(delta, G, strict=True)
             for e, g in zip(delta, row, strict=True)),
            Fraction(0),
        )  # fmt: skip
        distances.append(exact_root(square))
    return distances
