"""Data that are valid and unfriendly: singular, huge, tiny, contradictory; starts of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import relubias as rb
from relubias.theory import Setting, lai2026
from relubias.theory.statement import evaluate

__all__ = ["Hostile", "complaints", "hostile"]


class Hostile(NamedTuple):
    """A problem and the arguments of its setting."""

    problem: rb.Problem
    start: Any
    options: dict[str, Any]


def hostile(seed: int) -> Hostile | None:
    """Return a problem; None if its pieces are refused, which they may be."""
    rng = np.random.default_rng([66, seed])
    n, m = int(rng.integers(1, 7)), int(rng.choice([1, 1, 2, 2, 3, 4]))
    gram, y = _gram(rng, n), _labels(rng, n)
    size = float(np.abs(gram).max()) or 1.0
    scale = float(rng.choice([0.0, 1e-9, 0.1, 1.0, 1e100]))
    try:
        problem = rb.Problem(gram, y, rng.choice([1.0, -1.0], m))
        if rng.random() < 0.4:
            with np.errstate(all="ignore"):
                start = rb.starts.all_positive(problem, max(scale, 1e-12))
        else:
            start = scale * rng.standard_normal((m, n)) / math.sqrt(size)
    except rb.InvalidInputError:
        return None
    options = {
        "step_size": float(rng.choice([0.1, 0.9, 1.9, 3.0, 1e-6, 1e6])) / size,
        "trace": None if rng.random() < 0.5 else size * 10.0 ** rng.uniform(-2, 2),
        "spectrum": None
        if rng.random() < 0.5
        else rb.ensembles.isotropic(int(10.0 ** rng.integers(0, 9))),
        "max_iter": int(rng.choice([0, 3, 500])),
        "time_limit": 1.0,
    }
    return Hostile(problem, start, options)


def _gram(rng: np.random.Generator, n: int) -> Any:
    kind = rng.integers(8)
    if kind == 0:
        return np.eye(n) * 10.0 ** rng.integers(-8, 8)
    if kind == 1:
        return np.full((n, n), float(rng.integers(2)))
    d = [max(1, n - 2), n + 1, 3 * n, 50 * n, n + 2, n + 3][kind - 2]
    X = rng.standard_normal((n, d))
    if kind == 3:
        X *= 10.0 ** rng.integers(-120, 120)
    elif kind == 4:
        X[0] = 0.0
    elif kind == 6:
        X = np.round(X)
    elif kind == 7:
        X[:, 0] *= 1e4
    gram = X @ X.T
    return gram / 2 + gram.T / 2


def _labels(rng: np.random.Generator, n: int) -> Any:
    kinds = [
        rng.standard_normal(n),
        np.ones(n),
        -np.ones(n),
        np.zeros(n),
        rng.choice([1e-300, 1.0, -1e-5], n),
        rng.choice([0.0, 1.0, -1.0], n),
        1e140 * rng.standard_normal(n),
    ]
    return kinds[int(rng.integers(len(kinds)))]


def complaints(case: Hostile) -> Iterator[str]:
    """Yield what is wrong with the answers: exceptions, warnings as errors, numbers, sentences."""
    for statement in lai2026.STATEMENTS:
        try:
            setting = Setting(case.problem, case.start, **case.options)
            found = evaluate([statement()], setting)
        except rb.InvalidInputError:
            continue  # a refusal with a name
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
            yield f"{statement.__name__}: {error!r}"
            continue
        for verdict in found:
            if not verdict.rounding_error >= 0.0:
                yield f"{verdict.condition}: rounding error {verdict.rounding_error}"
            if math.isnan(verdict.margin) and verdict.holds is not None:
                yield f"{verdict.condition}: decided without a margin"
            if "nan" in verdict.detail.lower().replace(",", " ").split():
                yield f"{verdict.condition}: {verdict.detail}"
