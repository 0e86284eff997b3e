"""Problems of fixed seeds, and the refusal to time what is not proved."""

from __future__ import annotations

import numpy as np

import relubias as rb


def gaussian_problem(n_samples, aspect, seed=0, signs=(1,)):
    """Return Gaussian features in law and Gaussian labels; aspect is n_features / n_samples."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(int(aspect * n_samples)))
    labels = np.random.default_rng(seed).standard_normal(n_samples)
    return rb.Problem(law.sample_gram(n_samples, seed), labels, signs)


def require_certified(result):
    """Return the result, or refuse."""
    if str(result.status) not in ("CERTIFIED", "OPTIMAL"):
        raise RuntimeError(f"refusing to time an uncertified answer: {result!r}")
    return result
