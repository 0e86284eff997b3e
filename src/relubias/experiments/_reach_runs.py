"""Where each version of Theorem 1 begins to hold, for one draw at every dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias._validate import Float
from relubias.experiments._gram_path import GramPath
from relubias.theory.lai2026._one import OneNeuron
from relubias.theory.lai2026.explicit import certify_setting, explicit_hypotheses

__all__ = ["START", "concludes", "conclusion", "conditions", "labels_of"]

START = 0.01
SHORT, LONG = 12, 1000  # steps: most runs show in a few that they fail; the others run on

Condition = Callable[[Float], NDArray[np.bool_]]
"""Takes a dimension for each replicate, and says where it is enough."""


def conditions(
    paths: Sequence[GramPath], few: int, kappa: float
) -> dict[str, tuple[int, Condition]]:
    """Return the number of replicates and the condition; the two guarantees take few."""
    return {
        "explicit": (few, _every(_is_explicit, paths[:few], kappa)),
        "certificate": (few, _every(_is_certified, paths[:few], kappa)),
        "conclusion": (len(paths), conclusion(paths, kappa)),
    }


def conclusion(paths: Sequence[GramPath], kappa: float) -> Condition:
    """Return whether the pattern is right from the first step on, for each path."""
    return lambda d: concludes(paths, d, kappa)


def labels_of(n: int) -> Float:
    """Return labels of size one, the second half negative."""
    return np.where(np.arange(n) < n // 2, 1.0, -1.0)


def _every(
    holds: Callable[[OneNeuron], bool], paths: Sequence[GramPath], kappa: float
) -> Condition:

    def at(d: Float) -> NDArray[np.bool_]:
        return np.array([holds(_one(p, float(x), kappa)) for p, x in zip(paths, d, strict=True)])

    return at


def _one(path: GramPath, d: float, kappa: float) -> OneNeuron:
    problem = rb.Problem(path.at(d), labels_of(path.n))
    start = rb.starts.all_positive(problem, START)
    return OneNeuron(rb.theory.Setting(problem, start, step_size=kappa / d, trace=d))


def _is_explicit(one: OneNeuron) -> bool:
    return min(margin.value for margin in explicit_hypotheses(one).values()) > 0


def _is_certified(one: OneNeuron) -> bool:
    return certify_setting(one).holds is True


def concludes(paths: Sequence[GramPath], d: Float, kappa: float) -> NDArray[np.bool_]:
    """Return whether the pattern is that of the labels after every step t >= 1, run by run.

    The first step is taken here. From then on a run with the right pattern must switch no more,
    and be proved to; a step too large for the samples that stay active has no limit.
    """
    n, y = paths[0].n, labels_of(paths[0].n)
    grams = np.stack([path.at(float(x)) for path, x in zip(paths, d, strict=True)])
    step = kappa / d
    rest = np.linalg.solve(grams, np.full((len(paths), n, 1), START))[..., 0]
    dual = rest - step[:, None] * (START - y)
    primal = np.einsum("bij,bj->bi", grams, dual)
    positive = np.flatnonzero(y > 0)
    steepest = np.linalg.eigvalsh(grams[:, positive[:, None], positive])[:, -1]
    holds = ((primal > 0) == (y > 0)).all(axis=1) & (step * steepest < 2.0)
    left = np.flatnonzero(holds)
    for max_iter in (SHORT, LONG):
        if left.size == 0:
            break
        batch = rb.gradient_descent_batch(
            grams[left], np.tile(y, (left.size, 1)), [1], dual[left, None], step_size=step[left],
            max_iter=max_iter,
        )  # fmt: skip
        calm, proved = batch.n_switches == 0, batch.status == "CERTIFIED"
        holds[left] = calm & (proved | (max_iter == SHORT))
        left = left[calm & ~proved]
    return holds
