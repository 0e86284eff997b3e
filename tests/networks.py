"""Random minimum-norm problems of networks, and everything that an answer must satisfy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import relubias as rb
from tests.oracles import faces, patterns

__all__ = [
    "SAME",
    "SIGN_COUNTS",
    "Instance",
    "check_answer",
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


def check_answer(instance: Instance, found: Any, norm: float | None) -> list[str]:
    """Return what is wrong with an answer, given the least norm (None if nothing fits)."""
    if norm is None:
        return [] if found.status == "INFEASIBLE" else [f"{found!r}, but nothing fits"]
    if found.status in ("INFEASIBLE", "UNDECIDED"):
        return [f"{found!r}, but the least norm is {norm!r}"]
    p, failures = instance.problem, []
    target = patterns.fitted(p.labels, instance.signs)
    size = max(float(np.abs(p.labels).max()), np.finfo(float).tiny)
    misfit = np.abs(p.signs @ np.maximum(found.dual @ p.gram, 0.0) - target).max() / size
    apart = np.abs(found.dual @ p.gram - found.primal).max() / size
    squares = np.einsum("ki,ij,kj->", found.dual / size, p.gram, found.dual / size)
    own = size * math.sqrt(max(float(squares), 0.0))
    terms = float((np.abs(found.dual / size) @ np.abs(p.gram)).max())
    allowed = 1e-12 + 64 * np.finfo(float).eps * terms  # what rounds the products above
    if not misfit <= allowed:
        failures.append(f"misfit {misfit:.1e}")
    if not apart <= allowed:
        failures.append(f"primal and dual differ by {apart:.1e}")
    if abs(found.norm - own) > 1e-9 * own:
        failures.append(f"norm {found.norm!r}, but the network has {own!r}")
    if not 0 <= found.lower_bound <= found.norm:
        failures.append(f"lower bound {found.lower_bound!r} above the norm {found.norm!r}")
    if found.lower_bound > norm * (1 + 1e-12):
        failures.append(f"lower bound {found.lower_bound / norm - 1:.1e} above the optimum")
    if found.norm < norm * (1 - SAME):
        failures.append(f"norm {found.norm / norm - 1:.1e} below the optimum")
    if found.norm > norm * (1 + SAME):
        excess = f"norm {found.norm / norm - 1:.1e} above the optimum"
        failures.append(f"{excess}: {found!r}, {found.certificate!r}")
    if found.status != "OPTIMAL":
        failures.append(f"not proved: {found!r}, bound {1 - found.lower_bound / norm:.1e} below")
    return failures
