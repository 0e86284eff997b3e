"""
Diabetes in random Fourier features
===================================

Where gradient descent goes on real data, at three step sizes.

The data ship with scikit-learn (``pip install scikit-learn``): ten measurements of a patient,
and how far the disease progressed within a year. 200 patients in 20,000 random features are
fitted exactly by one neuron wherever progression is above average. Writes the data as
``diabetes_fourier.npz``, so that the command line can be tried on them::

    python examples/diabetes_fourier.py
    relubias run diabetes_fourier.npz --kappa 0.1
    relubias minnorm diabetes_fourier.npz
"""

# sphinx_gallery_thumbnail_path = "images/stepsize.png"

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes

import relubias as rb

N_PATIENTS, N_FEATURES, BANDWIDTH = 200, 20_000, 0.7


def fourier_features(seed=0):
    """Return features of shape (N_PATIENTS, N_FEATURES) and centred labels."""
    rng = np.random.default_rng(seed)
    X, y = load_diabetes(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (y - y.mean()) / y.std()
    chosen = rng.permutation(len(y))[:N_PATIENTS]
    frequencies = rng.standard_normal((X.shape[1], N_FEATURES)) / BANDWIDTH
    phases = rng.uniform(0.0, 2.0 * np.pi, N_FEATURES)
    return np.sqrt(2.0 / N_FEATURES) * np.cos(X[chosen] @ frequencies + phases), y[chosen]


def main():
    """Compare the limit of gradient descent with the minimum norm at three step sizes."""
    features, labels = fourier_features()
    np.savez("diabetes_fourier.npz", features=features, labels=labels)

    problem = rb.Problem.from_features(features, labels)
    shortest = rb.minimum_norm(problem)
    print(f"{problem}\nshortest network: norm {shortest.norm:.6f}, {shortest.status}")
    start = rb.starts.all_positive(problem, 0.01 * np.abs(labels).min())
    for kappa in (0.9, 0.3, 0.1):
        run = rb.gradient_descent(problem, start, step_size=kappa / problem.scale)
        gap = rb.bias_gap(problem, run, shortest)
        print(
            f"kappa {kappa}: {run.status} after {run.n_steps} steps and {run.n_switches} switches, "
            f"{gap.relative:.3f} of the norm away (law: {gap.prediction / shortest.norm:.3f})"
        )


if __name__ == "__main__":
    main()
