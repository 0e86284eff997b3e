"""Runs that train both layers, from the starts of the two papers that do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias._validate import Float

__all__ = ["BalancedStart", "DominatedRun", "run_dominated", "shortest_pair", "train_balanced"]


@dataclass(frozen=True, slots=True, eq=False)
class BalancedStart:
    """Boursier et al.: Gaussian neurons whose output weights have the norms of their inputs.

    Attributes
    ----------
    problem : Problem
        The samples, with a sign for each neuron.
    dual, outer, orthogonal : ndarray
        Both layers at size 1, and the norms of what no sample sees.
    is_covered : bool
        Whether a positive neuron sees all positive samples, and a negative one all negative ones.
    """

    problem: rb.Problem
    dual: Float
    outer: Float
    orthogonal: Float
    is_covered: bool

    @classmethod
    def draw(
        cls, features: Float, labels: Float, n_neurons: int, rng: np.random.Generator
    ) -> BalancedStart:
        """Draw the neurons."""
        d = features.shape[1]
        weights = rng.standard_normal((n_neurons, d)) / np.sqrt(d)
        signs = rng.choice([-1.0, 1.0], n_neurons)
        seen = weights @ features.T > 0
        covered = [
            bool(seen[signs == sign][:, labels * sign > 0].all(axis=1).any())
            for sign in (1.0, -1.0)
        ]
        dual = rb.starts.from_weights(features, weights)
        return cls(
            rb.Problem.from_features(features, labels, signs),
            dual,
            signs * np.linalg.norm(weights, axis=1),
            np.linalg.norm(weights - dual @ features, axis=1),
            all(covered),
        )


def train_balanced(start: BalancedStart, size: float, rate: float) -> rb.BothLayersTrajectory:
    """Train both layers from a start of the given size; `rate` is for the mean risk."""
    return rb.train_both_layers(
        start.problem,
        size * start.dual,
        size * start.outer,
        step_size=rate / start.problem.n_samples,
        orthogonal_norm=size * start.orthogonal,
        max_iter=10_000_000,
    )


def shortest_pair(problem: rb.Problem) -> float:
    """Return half the squared norm of the shortest network with one direction for each sign."""
    return sum(
        rb.minimum_norm(rb.Problem(problem.gram, sign * problem.labels)).norm
        for sign in (1.0, -1.0)
        if (sign * problem.labels > 0).any()
    )


@dataclass(frozen=True, slots=True, eq=False)
class DominatedRun:
    """Dana et al.: a run whose output weights start larger than the norms of their inputs.

    Attributes
    ----------
    run : BothLayersTrajectory
    problem : Problem
    correct : ndarray of bool, shape (n_neurons, n_samples)
        Pairs that are active at the start, with the sign of the label.
    lost : ndarray of bool, shape (n_neurons, n_samples)
        Those that are inactive at some later time.
    """

    run: rb.BothLayersTrajectory
    problem: rb.Problem
    correct: NDArray[np.bool_]
    lost: NDArray[np.bool_]

    @property
    def is_covered(self) -> bool:
        """Whether every sample with a label has a correct pair."""
        return bool(np.any(self.correct, axis=0)[self.problem.labels != 0].all())


def run_dominated(
    features: Float, labels: Float, m: int, rng: np.random.Generator, *, rate: float,
    max_iter: int, tol: float,
) -> DominatedRun:  # fmt: skip
    """Draw a start and train both layers; the network is a mean over neurons, as is the risk."""
    n, d = features.shape
    weights = rng.uniform(-1.0, 1.0, (m, d)) / math.sqrt(d)
    signs = rng.choice([-1.0, 1.0], m)
    outer = signs * (np.linalg.norm(weights, axis=1) + rng.exponential(1.0, m))
    problem = rb.Problem.from_features(features, labels, signs)
    start = rb.starts.from_weights(features, weights)
    unit = math.sqrt(m)
    run: Any = rb.train_both_layers(
        problem,
        start / unit,
        outer / unit,
        step_size=rate / n,
        orthogonal_norm=np.linalg.norm(weights - start @ features, axis=1) / unit,
        max_iter=max_iter,
        tol=tol,
    )
    correct = run.initial.active & (signs[:, None] * labels > 0)
    off = run.switches[run.switches["mode"] < 0]
    lost = np.zeros_like(correct)
    lost[off["neuron"], off["sample"]] = True
    return DominatedRun(run, problem, correct, lost & correct)
