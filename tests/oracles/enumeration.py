"""Minimum norm by trying everything. Imports nothing from relubias.

One neuron: every set of active constraints, each solved as a linear system. Two neurons: every
pattern of decisions, each a least-distance program solved by Lawson and Hanson's reduction to
non-negative least squares. Many neurons: every pattern of every neuron.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from scipy.optimize import nnls


def enumerate_one_neuron(gram, labels):
    """Return the dual and the norm of the least-norm neuron, or None if nothing fits.

    The active set whose linear system satisfies all optimality conditions best is taken; the
    systems are solved in extended precision by one refinement with exact residuals.
    """
    target = np.maximum(labels, 0.0)
    P, N = np.flatnonzero(labels > 0), np.flatnonzero(labels <= 0)
    best, best_violation = None, np.inf
    for size in range(N.size + 1):
        for chosen in itertools.combinations(N, size):
            A = np.array([*P, *chosen], dtype=int)
            others = np.setdiff1d(N, A)
            for accurate in (False, True):
                dual = solved(gram, target, A, accurate=accurate)
                if dual is None:
                    break
                violation = one_neuron_violation(gram, target, dual, A, N, others)
                if violation > (1e-9 if accurate else 1e-6):
                    break
                if accurate and violation < best_violation:
                    best, best_violation = dual, violation
    if best is None:
        return None
    return best, float(np.sqrt(max(best @ gram @ best, 0.0)))


def solved(gram, target, A, *, accurate):
    """Return the dual with ``gram @ dual = target`` on A, zero elsewhere; None if singular."""
    dual = np.zeros(target.size)
    if A.size:
        block = gram[np.ix_(A, A)]
        try:
            x = np.linalg.solve(block, target[A])
        except np.linalg.LinAlgError:
            return None
        for _ in range(2 if accurate else 0):
            x -= np.linalg.solve(block, exact_residual(block, x, target[A]))
        dual[A] = x
    return dual


def one_neuron_violation(gram, target, dual, A, N, others):
    """Return by how much, relatively, the optimality conditions fail."""
    primal = gram @ dual
    size = max(target.max(), 1e-300)
    return max(
        np.abs(primal[A] - target[A]).max(initial=0.0) / size,
        np.maximum(primal[others], 0.0).max(initial=0.0) / size,
        np.maximum(dual[N], 0.0).max(initial=0.0) / max(np.abs(dual).max(), 1e-300),
    )


def exact_residual(matrix, x, target):
    """Return ``matrix @ x - target`` from rational arithmetic, rounded once."""
    exact_x = [Fraction(float(v)) for v in x]
    return np.array(
        [
            float(
                sum(
                    (Fraction(float(a)) * b for a, b in zip(row, exact_x, strict=True)), Fraction(0)
                )
                - Fraction(float(t))
            )
            for row, t in zip(matrix, target, strict=True)
        ]
    )


def least_distance(A, b):
    """Minimise ``norm(x)`` subject to ``A @ x >= b``; None if that is impossible."""
    E = np.vstack([A.T, b[None, :]])
    f = np.zeros(E.shape[0])
    f[-1] = 1.0
    u, misfit = nnls(E, f, maxiter=100 * E.shape[1] + 1000)
    r = E @ u - f
    if misfit < 1e-9 or abs(r[-1]) < 1e-12:
        return None
    return -r[:-1] / r[-1]


def enumerate_patterns(gram, labels, signs):
    """Return the least norm of a network, over all activation patterns; None if nothing fits.

    Closed half-spaces: an active neuron has a prediction >= 0, an inactive one <= 0.
    """
    n, m = labels.size, len(signs)
    values, vectors = np.linalg.eigh(gram)
    rows = vectors * np.sqrt(np.maximum(values, 0.0))  # features up to rotation
    target = np.array([y if (np.sign(y) in signs or y == 0) else 0.0 for y in labels], dtype=float)
    best = None
    groups = sample_patterns(target, signs)
    for choice in itertools.product(*groups):
        A, b = [], []
        for i, active in enumerate(choice):
            total = np.zeros((m, n))
            for k in range(m):
                row = np.zeros((m, n))
                row[k] = rows[i] if active[k] else -rows[i]
                A.append(row.ravel())
                b.append(0.0)
                if active[k]:
                    total[k] = signs[k] * rows[i]
            if any(active):
                A += [total.ravel(), -total.ravel()]
                b += [target[i], -target[i]]
        x = least_distance(np.array(A), np.array(b))
        if x is not None:
            norm = float(np.linalg.norm(x))
            best = norm if best is None else min(best, norm)
    return best


def sample_patterns(target, signs):
    """Return for every sample the patterns of activity that can output its target."""
    m = len(signs)
    groups = []
    for y in target:
        patterns = []
        for active in itertools.product((0, 1), repeat=m):
            present = {s for s, a in zip(signs, active, strict=True) if a}
            if (y > 0 and 1 not in present) or (y < 0 and -1 not in present):
                continue
            if y == 0 and len(present) == 1:
                continue  # contained in the pattern with all neurons off
            patterns.append(active)
        groups.append(patterns)
    return groups
