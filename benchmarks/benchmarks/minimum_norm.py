"""Minimum norm, with its certificate."""

from __future__ import annotations

import numpy as np

import relubias as rb

from .common import gaussian_problem, require_certified


class OneNeuron:
    param_names = ("n_samples", "aspect")
    params = ([10, 100, 1000], [1.2, 20.0])

    def setup(self, n_samples, aspect):
        self.problem = gaussian_problem(n_samples, aspect)
        self.solution = require_certified(rb.minimum_norm(self.problem))

    def time_solve(self, n_samples, aspect):
        rb.minimum_norm(self.problem)

    def track_relative_error_bound(self, n_samples, aspect):
        return self.solution.certificate.error_bound / self.solution.norm


class TwoNeurons:
    """The relaxation; asv shows no time where it proves nothing."""

    param_names = ("n_samples", "aspect")
    params = ([20, 100], [20.0])

    def setup(self, n_samples, aspect):
        self.problem = gaussian_problem(n_samples, aspect, signs=(1, -1))
        try:
            self.solution = require_certified(rb.minimum_norm(self.problem))
        except RuntimeError as error:
            raise NotImplementedError(str(error)) from error

    def time_solve(self, n_samples, aspect):
        rb.minimum_norm(self.problem)

    def track_relative_gap(self, n_samples, aspect):
        return self.solution.rel_gap


class Batch:
    n_problems = 2000

    def setup(self):
        problems = [gaussian_problem(10, 5.0, seed) for seed in range(self.n_problems)]
        self.grams = np.array([problem.gram for problem in problems])
        self.labels = np.array([problem.labels for problem in problems])
        if not (self.solve().status == "OPTIMAL").all():
            raise RuntimeError("refusing to time an uncertified answer")

    def solve(self):
        return rb.minimum_norm_batch(self.grams, self.labels)

    def time_solve(self):
        self.solve()

    def track_largest_relative_error_bound(self):
        batch = self.solve()
        return float((batch.error_bound / np.maximum(batch.norm, 1e-300)).max())


class Gap:
    """Distance between a limit and the minimum norm."""

    param_names = ("n_samples",)
    params = ([10, 100, 1000],)

    def setup(self, n_samples):
        self.problem = gaussian_problem(n_samples, 50.0)
        start = rb.starts.all_positive(self.problem, 1e-3)
        step_size = 0.5 / self.problem.scale
        self.run = rb.gradient_descent(self.problem, start, step_size=step_size)
        self.solution = rb.minimum_norm(self.problem)
        require_certified(self.run)
        require_certified(self.solution)

    def time_bias_gap(self, n_samples):
        rb.bias_gap(self.problem, self.run, self.solution)

    def track_relative_rounding_error(self, n_samples):
        gap = rb.bias_gap(self.problem, self.run, self.solution)
        return gap.rounding_error / gap.distance
