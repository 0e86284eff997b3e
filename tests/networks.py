"""Random minimum-norm problems of networks, and everything that an answer must satisfy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import relubias as rb
from tests.oracles import faces, patterns
from tests.tolerances import EPS, condition, rounding

__all__ = [
    "HARD",
    "SAME",
    "SIGN_COUNTS",
    "Instance",
    "check_answer",
    "check_network",
    "check_scales",
    "hard_instance",
    "many_instance",
    "optimum",
    "two_instance",
]

SAME = 1e-9
"""Agreement of norms with the oracles, relative."""

RATIOS = (1.0, 1.2, 2.0, 5.0, 20.0, 100.0)

SIGN_COUNTS = {
    (2, 1): 5, (1, 2): 5, (3, 0): 5, (2, 2): 5, (3, 1): 5, (4, 0): 5, (3, 3): 4, (6, 0): 5,
    (5, 5): 3, (6, 4): 3, (10, 0): 5, (0, 3): 5,
}  # fmt: skip
"""Numbers of positive and negative neurons, and the most samples that the oracle can enumerate."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One problem and how it came about."""

    name: str
    problem: rb.Problem

    @property
    def signs(self) -> tuple[int, ...]:
        """Output signs as whole numbers."""
        return tuple(int(s) for s in self.problem.signs)


def two_instance(seed: int, *, max_samples: int = 10) -> Instance:
    """Return a problem of one neuron of each sign; every fourth has zero labels."""
    rng = np.random.default_rng([seed, 2])
    n = int(rng.integers(1, max_samples + 1))
    d = max(n, round(float(rng.choice(RATIOS)) * n))
    y = _labels(rng, n)
    if seed % 4 == 0:
        y[rng.permutation(n)[: int(rng.integers(1, 4))]] = 0.0
    signs = (1, -1) if rng.random() < 0.5 else (-1, 1)
    X = rng.standard_normal((n, d))
    return Instance(f"two {seed}: n={n}, d={d}", rb.Problem(X @ X.T, y, signs))


def many_instance(seed: int) -> Instance:
    """Return a problem of one of the combinations of `SIGN_COUNTS`; every fifth has zero labels."""
    counts = list(SIGN_COUNTS)[seed % len(SIGN_COUNTS)]
    rng = np.random.default_rng([seed, 10])
    n = int(rng.integers(1, SIGN_COUNTS[counts] + 1))
    d = max(n, round(float(rng.choice(RATIOS)) * n))
    y = _labels(rng, n)
    if rng.random() < 0.2:
        y[rng.integers(n)] = 0.0
    signs = rng.permutation([1] * counts[0] + [-1] * counts[1])
    X = rng.standard_normal((n, d))
    return Instance(f"many {seed}: {counts}, n={n}, d={d}", rb.Problem(X @ X.T, y, signs))


def hard_instance(seed: int, *, max_samples: int = 6) -> Instance:
    """Return data made to break solvers: ties, near-duplicates, dependent rows, mixed scales."""
    rng = np.random.default_rng([seed, 77])
    kinds = list(HARD)
    kind = kinds[seed % len(kinds)]
    n = int(rng.integers(1, max_samples + 1))
    X, y = HARD[kind](rng, n)
    many = [c for c in SIGN_COUNTS if SIGN_COUNTS[c] >= y.size and sum(c) <= 4]
    if rng.random() < 0.6 or not many or y.size > 5:
        signs = np.array([1, -1]) if rng.random() < 0.5 else np.array([-1, 1])
    else:
        plus, minus = many[int(rng.integers(len(many)))]
        signs = rng.permutation([1] * plus + [-1] * minus)
    name = f"hard {seed}: {kind}, n={y.size}, signs {signs.tolist()}"
    return Instance(name, rb.Problem(X @ X.T, y, signs))


def _integers(rng: Any, n: int, d: int) -> Any:
    X = rng.integers(-2, 3, (n, d)).astype(float)
    X[~X.any(axis=1), 0] = 1.0
    return X


def _dyadic(rng: Any, n: int) -> Any:
    return rng.choice([-1.0, -0.5, -0.25, 0.25, 0.5, 1.0], n)


def _with_copy(rng: Any, n: int, eps: float, sign: float) -> Any:
    X, y = rng.standard_normal((n, n + 3)), rng.standard_normal(n)
    i = int(rng.integers(n))
    copy = sign * X[i] + eps * rng.standard_normal(n + 3)
    return np.vstack([X, copy]), np.append(y, y[i] if sign > 0 else rng.standard_normal())


HARD = {
    "square": lambda rng, n: (rng.standard_normal((n, n)), rng.standard_normal(n)),
    "ties": lambda rng, n: (_integers(rng, n, n + 2), _dyadic(rng, n)),
    "dependent integers": lambda rng, n: (_integers(rng, n, max(1, n - 1)), _dyadic(rng, n)),
    "realisable, dependent": lambda rng, n: _realisable(rng, n),
    "near copy 1e-3": lambda rng, n: _with_copy(rng, min(n, 5), 1e-3, 1.0),
    "near copy 1e-6": lambda rng, n: _with_copy(rng, min(n, 5), 1e-6, 1.0),
    "near opposite 1e-3": lambda rng, n: _with_copy(rng, min(n, 5), 1e-3, -1.0),
    "copy": lambda rng, n: _with_copy(rng, min(n, 5), 0.0, 1.0),
    "opposite": lambda rng, n: _with_copy(rng, min(n, 5), 0.0, -1.0),
    "orthogonal": lambda rng, n: (np.diag(2.0 ** rng.integers(-3, 4, n)), _dyadic(rng, n)),
    "orthogonal with zeros": lambda rng, n: (np.eye(n), rng.choice([-1.0, 0.0, 1.0], n)),
    "ties with zeros": lambda rng, n: (
        _integers(rng, n, n + 1), rng.choice([-1.0, 0.0, 0.0, 0.5], n)
    ),
    "tiny labels": lambda rng, n: (
        rng.standard_normal((n, n + 2)), rng.standard_normal(n) * 10.0 ** rng.integers(-9, 1, n)
    ),
    "mixed lengths": lambda rng, n: (
        rng.standard_normal((n, n + 2)) * 10.0 ** rng.integers(-6, 7, (n, 1)),
        rng.standard_normal(n),
    ),
    "one direction": lambda rng, n: (
        np.ones((n, 1)) + 1e-2 * rng.standard_normal((n, n + 1)), rng.standard_normal(n)
    ),
    "simplex": lambda rng, n: (np.eye(n + 1)[:n] - 1.0 / 8.0, _dyadic(rng, n)),
}  # fmt: skip
"""Kinds of data by name: each takes a generator and n, and returns features and labels."""


def _realisable(rng: Any, n: int) -> Any:
    X, w = _integers(rng, n, max(1, n - 1)), rng.integers(-2, 3, (2, max(1, n - 1)))
    return X, np.maximum(X @ w[0], 0.0) - np.maximum(X @ w[1], 0.0)


def _labels(rng: Any, n: int) -> Any:
    kind = rng.integers(4)
    if kind == 0:
        return rng.uniform(0.5, 1.0, n) * rng.choice([-1.0, 1.0], n)
    if kind == 1:
        return rng.standard_normal(n) * 10.0 ** rng.uniform(-3, 0, n)
    return rng.standard_normal(n)


def optimum(instance: Instance, *, max_nodes: int = 20_000) -> Any:
    """Return the optimal network from an oracle, with exact ``square``; None if nothing fits."""
    p = instance.problem
    if len(instance.signs) == 2 and sum(instance.signs) == 0:
        return faces.two_neurons(p.gram, p.labels)
    return patterns.search(p.gram, p.labels, instance.signs, max_nodes=max_nodes)


def check_scales(instance: Instance, exponents: Sequence[int]) -> list[str]:
    """Return where labels times a power of ten do not give the network times the same."""
    p, failures = instance.problem, []
    one = rb.minimum_norm(p)
    size = math.sqrt(max(float(np.einsum("ki,ij,kj->", one.dual, p.gram, one.dual)), 0.0))
    for exponent in exponents:
        scale = 10.0**exponent
        other = rb.minimum_norm(rb.Problem(p.gram, p.labels * scale, p.signs))
        where = f"labels times 1e{exponent}"
        if other.status != one.status:
            failures.append(f"{where}: {other.status} instead of {one.status}")
            continue
        delta = other.dual / scale - one.dual
        apart = math.sqrt(max(float(np.einsum("ki,ij,kj->", delta, p.gram, delta)), 0.0))
        if apart > 1e-12 * size:
            failures.append(f"{where}: {apart / size:.1e} apart")
        for name in ("norm", "lower_bound"):
            mine, theirs = getattr(one, name), getattr(other, name) / scale
            if abs(mine - theirs) > 1e-12 * mine:
                failures.append(f"{where}: {name} {theirs!r} instead of {mine!r}")
    return failures


def check_answer(
    instance: Instance, found: Any, norm: float | None, *, strict: bool = True
) -> list[str]:
    """Return what is wrong with an answer, given the least norm (None if nothing fits).

    With `strict` false, an answer may be honest about not being proved.
    """
    if found.status == "UNDECIDED":
        return ["undecided"] if strict else []
    if norm is None:
        return [] if found.status == "INFEASIBLE" else [f"{found!r}, but nothing fits"]
    if found.status == "INFEASIBLE":
        return [f"{found!r}, but the least norm is {norm!r}"]
    failures = check_network(instance, found)
    if not 0 <= found.lower_bound <= found.norm:
        failures.append(f"lower bound {found.lower_bound!r} above the norm {found.norm!r}")
    if found.lower_bound > norm * (1 + 1e-12):
        failures.append(f"lower bound {found.lower_bound / norm - 1:.1e} above the optimum")
    same = max(SAME, rounding(16, condition(instance.problem.gram)))
    if found.norm < norm * (1 - same):
        failures.append(f"norm {found.norm / norm - 1:.1e} below the optimum")
    if found.norm > norm * (1 + same) and (strict or found.status == "OPTIMAL"):
        excess = f"norm {found.norm / norm - 1:.1e} above the optimum"
        failures.append(f"{excess}: {found!r}, {found.certificate!r}")
    if strict and found.status != "OPTIMAL":
        failures.append(f"not proved: {found!r}, bound {1 - found.lower_bound / norm:.1e} below")
    return failures


def check_network(instance: Instance, found: Any) -> list[str]:
    """Return what is wrong with the network, from its duals in rational arithmetic."""
    p, failures = instance.problem, []
    target = patterns.fitted(p.labels, instance.signs)
    size = max(float(np.abs(p.labels).max()), np.finfo(float).tiny)
    gram = [[Fraction(float(v)) for v in row] for row in p.gram]
    dual = [[Fraction(float(v)) for v in row] for row in found.dual]
    primal = [[faces.dot(row, beta) for row in gram] for beta in dual]
    signs = [int(s) for s in p.signs]
    outputs = [
        sum((s * max(u[i], 0) for s, u in zip(signs, primal, strict=True)), Fraction(0))
        for i in range(target.size)
    ]
    misfit = max(abs(float(f - Fraction(y))) for f, y in zip(outputs, target.tolist(), strict=True))
    apart = np.abs(np.array([[float(v) for v in u] for u in primal]) - found.primal).max()
    square = sum((faces.dot(b, u) for b, u in zip(dual, primal, strict=True)), Fraction(0))
    own = math.sqrt(max(float(square), 0.0))
    terms = float((np.abs(found.dual / size) @ np.abs(p.gram)).max())
    allowed = 1e-12 + 64 * EPS * terms  # what one rounding of the duals does
    if not misfit / size <= allowed:
        failures.append(f"misfit {misfit / size:.1e}")
    if not apart / size <= allowed:
        failures.append(f"primal and dual differ by {apart / size:.1e}")
    if abs(found.norm - own) > 1e-9 * own:
        failures.append(f"norm {found.norm!r}, but the network has {own!r}")
    if (found.pattern != (found.primal > 0)).any():
        failures.append("pattern is not where primal is positive")
    return failures
