"""Minimum norm by trying everything. Imports nothing from relubias.

One neuron: every set of active constraints, each solved as a linear system. Two neurons: every
pattern of decisions, each a least-distance program solved by Lawson and Hanson's reduction to
non-negative least squares. Many neurons: every pattern of every neuron.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np


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


def least_distance(A, b, E, f):
    """Minimise ``norm(x)`` subject to ``A @ x >= b`` and ``E @ x == f``; None if impossible.

    The equalities are eliminated by their singular value decomposition; the rest is the reduction
    of Lawson and Hanson (1974, chapter 23). All data of about unit size.
    """
    if E.shape[0]:
        U, s, Vt = np.linalg.svd(E)
        rank = int((s > 1e-10 * s[0]).sum()) if s[0] > 0 else 0
        x0 = Vt[:rank].T @ ((U.T @ f)[:rank] / s[:rank])
        if np.abs(E @ x0 - f).max() > 1e-9:
            return None
        Z = Vt[rank:].T
    else:
        x0, Z = np.zeros(A.shape[1]), np.eye(A.shape[1])
    C, c = A @ Z, b - A @ x0
    if (c <= 1e-12).all():
        return x0
    if C.shape[1] == 0:
        return None
    M = np.vstack([C.T, c[None, :]])
    g = np.zeros(M.shape[0])
    g[-1] = 1.0
    u = nonnegative_least_squares(M, g)
    r = M @ u - g
    if np.linalg.norm(r) < 1e-5:  # of the order of 1 / norm(t)
        return None
    t = -r[:-1] / r[-1]
    assert (C @ t - c).min() >= -1e-8 * max(1.0, np.linalg.norm(t))
    return x0 + Z @ t


def nonnegative_least_squares(A, b):
    """Lawson and Hanson's method, with a fresh least-squares solve at every step.

    SciPy's is faster, but version 1.17 returns wrong answers for some dependent columns.
    """
    n = A.shape[1]
    x, passive = np.zeros(n), np.zeros(n, dtype=bool)
    for _ in range(100 * n + 100):
        gradient = np.where(passive, -np.inf, A.T @ (b - A @ x))
        j = int(np.argmax(gradient))
        if gradient[j] <= 1e-11:
            return x
        passive[j] = True
        while True:
            z = np.zeros(n)
            z[passive] = np.linalg.lstsq(A[:, passive], b, rcond=1e-12)[0]
            low = passive & (z <= 0)
            if not low.any():
                break
            ratio = np.where(low, x / np.maximum(x - z, 1e-300), np.inf)
            x = x + ratio.min() * (z - x)
            passive &= x > 1e-14
            x[~passive] = 0.0
        x = z
    raise ArithmeticError("non-negative least squares cycles")


def enumerate_patterns(gram, labels, signs):
    """Return the least norm of a network, over all activation patterns; None if nothing fits.

    Closed half-spaces: an active neuron has a prediction >= 0, an inactive one <= 0.
    """
    n, m = labels.size, len(signs)
    target = np.array([y if (np.sign(y) in signs or y == 0) else 0.0 for y in labels], dtype=float)
    size, length = np.abs(target).max(), np.sqrt(np.diagonal(gram).max())
    if size == 0:
        return 0.0
    if length == 0:
        return None
    values, vectors = np.linalg.eigh(gram / length**2)
    values = np.where(values > 1e-13 * values[-1], values, 0.0)
    rows = vectors * np.sqrt(values)  # features up to rotation
    best = None
    for choice in itertools.product(*sample_patterns(target, signs)):
        active = np.array(choice, dtype=bool)  # (n, m)
        A, E, f = np.zeros((n * m, m, n)), [], []
        for i, k in itertools.product(range(n), range(m)):
            A[i * m + k, k] = rows[i] if active[i, k] else -rows[i]
        for i in np.flatnonzero(active.any(axis=1)):
            E.append((np.where(active[i], signs, 0.0)[:, None] * rows[i]).ravel())
            f.append(target[i] / size)
        x = least_distance(
            A.reshape(n * m, m * n), np.zeros(n * m), np.array(E).reshape(-1, m * n), np.array(f)
        )
        if x is not None:
            norm = float(np.linalg.norm(x)) * size / length
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
