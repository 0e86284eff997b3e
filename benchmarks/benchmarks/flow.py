"""Gradient flow to its certified limit."""

from __future__ import annotations

import numpy as np

import relubias as rb

from .common import gaussian_problem, require_certified


class Flow:
    """One and two neurons from a Gaussian start, samples sliding."""

    param_names = ("n_samples", "aspect", "n_neurons")
    params = ([10, 30, 100], [5.0, 50.0], [1, 2])

    def setup(self, n_samples, aspect, n_neurons):
        self.problem = gaussian_problem(n_samples, aspect, signs=(1, -1)[:n_neurons])
        self.start = rb.starts.gaussian(self.problem, 0.3 / np.sqrt(aspect * n_samples), 0)
        self.run = require_certified(self.solve())

    def solve(self):
        return rb.gradient_flow(self.problem, self.start)

    def time_solve(self, n_samples, aspect, n_neurons):
        self.solve()

    def time_one_state(self, n_samples, aspect, n_neurons):
        self.run.at(0.5 * self.run.end_time)

    def track_events_per_pair(self, n_samples, aspect, n_neurons):
        return self.run.n_events / self.run.modes.size
