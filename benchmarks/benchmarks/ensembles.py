"""Gram matrices from their laws, and from features."""

from __future__ import annotations

import numpy as np

import relubias as rb


class GramLaw:
    param_names = ("n_samples", "n_features")
    params = ([10, 100, 1000], [10**4, 10**12])

    def setup(self, n_samples, n_features):
        self.law = rb.ensembles.Gaussian(rb.ensembles.isotropic(n_features))

    def time_sample_gram(self, n_samples, n_features):
        self.law.sample_gram(n_samples, 0)


class Gram:
    param_names = ("n_samples",)
    params = ([10, 100, 1000],)

    def setup(self, n_samples):
        self.X = np.random.default_rng(0).standard_normal((n_samples, 20_000))
        self.y = np.ones(n_samples)

    def time_bare_product(self, n_samples):
        self.X @ self.X.T

    def time_from_features(self, n_samples):
        rb.Problem.from_features(self.X, self.y)


class Import:
    def timeraw_import(self):
        return "import relubias"
