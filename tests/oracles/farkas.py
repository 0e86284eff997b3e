r"""Proofs of infeasibility, checked in exact rationals. Imports no solver and nothing of relubias.

The data are the float64 features, taken as the rationals they are. A proof is a combination of
constraints that vanishes and asks for something positive. For one neuron of sign s these are
``x.w = |y|`` where ``s y > 0``, and ``-x.w >= 0`` elsewhere; for one neuron of each sign
``x.w_own >= |y|`` and ``x.(w_own - w_other) >= |y|`` on every label that is not zero (a network
that fits satisfies both). Multipliers of inequalities have to be non-negative.

A float64 combination vanishes to rounding only, so it is repaired first: on its support the
nearest combination that vanishes exactly is found by elimination in fractions, and *that* one is
checked, with no tolerance anywhere. Equal samples, or positive multiples of one, with labels that
disagree contradict each other whatever the network, because networks are positively homogeneous.
"""

from __future__ import annotations

from fractions import Fraction

__all__ = ["null_space", "proves_infeasible"]

Vector = list[Fraction]
NOISE = Fraction(1, 10**11)
"""Multipliers below this share of the largest are left out before the repair."""


def fractions_of(values):
    """Return the exact values of nested sequences of numbers."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    return [fractions_of(v) if isinstance(v, (list, tuple)) else Fraction(v) for v in values]


def null_space(rows):
    """Return a basis of ``{z : sum_i z_i rows_i = 0}``, by elimination."""
    n = len(rows)
    columns = [list(column) for column in zip(*rows, strict=True)]  # equations, n unknowns each
    pivots: list[int] = []
    solved: list[Vector] = []
    for equation in columns:
        for pivot, known in zip(pivots, solved, strict=True):
            if equation[pivot]:
                factor = equation[pivot]
                equation = [a - factor * b for a, b in zip(equation, known, strict=True)]
        lead = next((j for j in range(n) if equation[j]), None)
        if lead is None:
            continue
        equation = [a / equation[lead] for a in equation]
        for k, known in enumerate(solved):
            if known[lead]:
                factor = known[lead]
                solved[k] = [a - factor * b for a, b in zip(known, equation, strict=True)]
        pivots.append(lead)
        solved.append(equation)
    free = [j for j in range(n) if j not in pivots]
    basis = []
    for j in free:
        vector = [Fraction(0)] * n
        vector[j] = Fraction(1)
        for pivot, known in zip(pivots, solved, strict=True):
            vector[pivot] = -known[j]
        basis.append(vector)
    return basis


def solve(matrix, right):
    """Solve a regular system of fractions."""
    n = len(right)
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for p in range(n):
        q = next(r for r in range(p, n) if rows[r][p])
        rows[p], rows[q] = rows[q], rows[p]
        rows[p] = [v / rows[p][p] for v in rows[p]]
        for r in range(n):
            if r != p and rows[r][p]:
                factor = rows[r][p]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[p], strict=True)]
    return [row[n] for row in rows]


def repaired(vectors, multipliers):
    """Return the nearest multipliers on the support that combine to 0; None if there are none."""
    support = [i for i, value in enumerate(multipliers) if value]
    basis = null_space([vectors[i] for i in support]) if support else []
    if not basis:
        return None
    gram = [[dot(a, b) for b in basis] for a in basis]
    weights = solve(gram, [dot(a, [multipliers[i] for i in support]) for a in basis])
    exact = [Fraction(0)] * len(multipliers)
    for k, i in enumerate(support):
        exact[i] = sum((w * b[k] for w, b in zip(weights, basis, strict=True)), Fraction(0))
    return exact


def dot(a, b):
    """Return the exact inner product."""
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def constraints(features, target, signs, z):
    """Return vectors, right-hand sides, which are inequalities, and the multipliers in z."""
    zero = [Fraction(0)] * len(features[0])
    rows = []
    for i, (x, y) in enumerate(zip(features, target, strict=True)):
        minus = [-v for v in x]
        if len(signs) == 1:
            fits = signs[0] * y > 0
            rows.append((x, abs(y), False, z[0][i]) if fits else (minus, 0, True, -z[0][i]))
        elif y:
            plus = signs.index(1 if y > 0 else -1)
            own, other = z[plus][i], z[1 - plus][i]
            rows.append((x + zero, abs(y), True, own + other))
            both = x + minus
            rows.append((both, abs(y), True, -other))
            if y < 0:
                rows[-2:] = [(zero + x, *rows[-2][1:]), (minus + x, *rows[-1][1:])]
        else:
            rows += [(x + zero, 0, False, z[signs.index(1)][i])]  # no constraint: has to be 0
            rows += [(zero + x, 0, False, z[signs.index(-1)][i])]
    return [list(column) for column in zip(*rows, strict=True)]


def contradicts(features, target, signs, z):
    """Whether the constraints combine to ``0 >= something positive``; no tolerance."""
    vectors, right, bound, multipliers = constraints(features, target, signs, z)
    largest = max(abs(value) for value in multipliers)
    kept = [value if abs(value) > largest * NOISE else Fraction(0) for value in multipliers]
    exact = repaired(vectors, kept)
    if exact is None or any(v < 0 for v, b in zip(exact, bound, strict=True) if b):
        return False
    if len(signs) == 2 and any(
        v for v, b, r in zip(exact, bound, right, strict=True) if not b and not r
    ):
        return False
    return dot(exact, right) > 0


def contradicts_as_multiples(features, target, z):
    """Whether two samples, one a positive multiple of the other, or a zero sample, disagree."""
    support = [i for i, value in enumerate(z) if value]
    if len(support) == 1:
        return not any(features[support[0]]) and target[support[0]] != 0
    if len(support) != 2:
        return False
    (a, b), (i, j) = (features[k] for k in support), support
    lead = next((c for c, value in enumerate(a) if value), None)
    if lead is None or not b[lead]:
        return False
    ratio = b[lead] / a[lead]
    same = all(y == ratio * x for x, y in zip(a, b, strict=True))
    return ratio > 0 and same and target[j] != ratio * target[i]


def proves_infeasible(features, labels, signs, z):
    """Whether z, of shape (n_neurons, n_samples), proves in rationals that no network fits."""
    X, y, signs = fractions_of(features), fractions_of(labels), [int(s) for s in signs]
    has_plus, has_minus = 1 in signs, -1 in signs
    target = [v if (has_plus and v > 0) or (has_minus and v < 0) else Fraction(0) for v in y]
    rows = fractions_of(z)
    if contradicts_as_multiples(X, target, rows[0]):
        return True
    if len(signs) > 2 or (len(signs) == 2 and signs[0] == signs[1]):
        return False  # then only samples that are multiples of each other contradict
    return contradicts(X, target, signs, rows)
