"""Gradient descent to its certified limit."""

from __future__ import annotations

import numpy as np

import relubias as rb

from .common import gaussian_problem, require_certified


class Descent:
    """One neuron from an all-positive start."""

    param_names = ("n_samples", "aspect", "kappa")
    params = ([10, 100, 1000], [5.0, 50.0], [0.5, 0.005])

    def setup(self, n_samples, aspect, kappa):
        self.problem = gaussian_problem(n_samples, aspect)
        self.start = rb.starts.all_positive(self.problem, 1e-3)
        self.step_size = kappa / self.problem.scale
        self.run = require_certified(self.solve())  # also warms caches

    def solve(self):
        return rb.gradient_descent(self.problem, self.start, step_size=self.step_size)

    def time_solve(self, n_samples, aspect, kappa):
        self.solve()

    def track_residual_on_active_samples(self, n_samples, aspect, kappa):
        limit, labels = self.run.limit.primal[0], self.problem.labels
        on = limit > 0
        return float(np.abs(limit[on] - labels[on]).max() / np.abs(labels).max())

    def track_margin_over_rounding(self, n_samples, aspect, kappa):
        certificate = self.run.certificate
        return certificate.margin / max(certificate.rounding_error, 1e-300)


class FewSwitchesInManySteps:
    """A last switch that comes after up to 1e14 steps."""

    param_names = ("step_size",)
    params = ([1e-10, 1e-13, 1e-16, 1e-18],)

    def setup(self, step_size):
        rng = np.random.default_rng(1)
        X, y = rng.standard_normal((10, 2000)), 0.3 + np.abs(rng.standard_normal(10))
        self.problem = rb.Problem.from_features(X, y)
        primal = 0.1 * np.abs(rng.standard_normal(10))
        primal[:3] = -0.01 * np.abs(rng.standard_normal(3))
        self.start = np.linalg.solve(self.problem.gram, primal)[None]
        self.run = require_certified(self.solve(step_size))

    def solve(self, step_size):
        return rb.gradient_descent(self.problem, self.start, step_size=step_size)

    def time_solve(self, step_size):
        self.solve(step_size)

    def track_last_switch(self, step_size):
        return self.run.last_switch

    def track_computed_steps(self, step_size):
        return self.run.n_iter


class Chatter:
    """Two neurons of opposite signs that switch for ever: a fixed number of steps."""

    n_steps = 100_000

    def setup(self):
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((10, 50)), rng.standard_normal(10)
        self.problem = rb.Problem.from_features(X, y, [1, -1])
        self.start = rb.starts.gaussian(self.problem, 1e-3, 0)
        if self.solve().n_iter != self.n_steps:
            raise RuntimeError("the run ends before its budget")

    def solve(self):
        return rb.gradient_descent(self.problem, self.start, step_size=1e-6, max_iter=self.n_steps)

    def time_steps(self):
        self.solve()

    def track_switches(self):
        return self.solve().n_switches


class Batch:
    """Thousands of small problems in one call."""

    n_problems = 5000

    def setup(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.n_problems, 8, 32))
        self.grams = X @ X.transpose(0, 2, 1)
        self.labels = rng.standard_normal((self.n_problems, 8))
        self.starts = np.full((self.n_problems, 1, 8), 1e-3 / 32)
        if self.track_certified_fraction() < 0.99:
            raise RuntimeError("refusing to time uncertified answers")

    def solve(self):
        return rb.gradient_descent_batch(
            self.grams, self.labels, [1], self.starts, step_size=0.3 / 32
        )

    def time_solve(self):
        self.solve()

    def track_certified_fraction(self):
        return float((self.solve().status == "CERTIFIED").mean())
