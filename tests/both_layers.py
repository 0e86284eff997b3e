"""Random networks whose two layers train, with what the package takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import relubias as rb
from relubias.dynamics import train_both_layers
from relubias.dynamics._both_layers.run import Run

__all__ = ["Instance", "continued", "instance"]


@dataclass(frozen=True)
class Instance:
    """Features, labels and both layers, with what the package takes."""

    X: np.ndarray
    y: np.ndarray
    W: np.ndarray
    a: np.ndarray
    step_size: float

    @property
    def problem(self):
        return rb.Problem.from_features(self.X, self.y, np.ones(self.a.size))

    @property
    def start(self):
        return rb.starts.from_weights(self.X, self.W)

    @property
    def orthogonal(self):
        return self.W - self.start @ self.X

    def train(self, **options):
        norms = np.linalg.norm(self.orthogonal, axis=1)
        return train_both_layers(
            self.problem,
            self.start,
            self.a,
            **{"step_size": self.step_size, "orthogonal_norm": norms} | options,
        )


def instance(seed, *, size=None, step=0.05):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 12))
    d = int(rng.integers(n, 8 * n))
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    scale = 10.0 ** rng.uniform(-6, 0) if size is None else size
    W = scale * rng.standard_normal((m, d))
    a = rng.choice([-1.0, 1.0], m) * np.linalg.norm(W, axis=1) * rng.uniform(0.5, 1.5, m)
    return Instance(X, rng.standard_normal(n), W, a, step)


def continued(run, n_steps):
    """Step on from the end of a run; return the switches and the distance covered."""
    gram = run.problem.gram
    more = Run(run.problem, run.limit.dual, run.limit.outer, run.step_size)
    while more.time < n_steps:
        more.advance(n_steps, -1.0)
    dual, outer = more.dual - run.limit.dual, more.outer - run.limit.outer
    return more.n_switches, np.sqrt((dual * (dual @ gram)).sum() + outer @ outer)
