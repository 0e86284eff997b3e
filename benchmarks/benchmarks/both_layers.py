"""Gradient descent on both layers, to its certified end."""

from __future__ import annotations

import numpy as np

import relubias as rb

from .common import gaussian_problem, require_certified


class BothLayers:
    """Small balanced neurons of both signs."""

    param_names = ("n_samples", "n_neurons")
    params = ([10, 50], [4, 24])

    def setup(self, n_samples, n_neurons):
        signs = np.where(np.arange(n_neurons) % 2, -1.0, 1.0)
        self.problem = gaussian_problem(n_samples, 40.0, signs=signs)
        self.start = rb.starts.gaussian(self.problem, 0.1 / np.sqrt(self.problem.scale), 1)
        squares = ((self.start @ self.problem.gram) * self.start).sum(axis=1)
        self.outer = 2.0 * signs * np.sqrt(squares)
        self.run = require_certified(self.solve())  # also warms caches

    def solve(self):
        size = np.linalg.norm(self.problem.labels) * np.sqrt(self.problem.scale)
        return rb.train_both_layers(self.problem, self.start, self.outer, step_size=0.05 / size)

    def time_solve(self, n_samples, n_neurons):
        self.solve()

    def track_radius(self, n_samples, n_neurons):
        return self.run.certificate.radius
