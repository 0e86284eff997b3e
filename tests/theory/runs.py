"""Problems with their runs, for statements about steps and about several neurons."""

from __future__ import annotations

import numpy as np

import relubias as rb
from relubias.theory.setting import Setting
from relubias.theory.statement import evaluate
from tests.oracles.theory_run import Instance

__all__ = ["G0", "G1", "LABELS", "asked", "instance", "mixed", "permuted", "scaled", "vector"]

G0 = np.array([[10.0, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]])
G1 = np.array([[4.0, 0, 1, 0, 0], [0, 4, 0, 1, 0], [1, 0, 4, 0, -1], [0, -1, 0, 4, 1]])
LABELS = np.array([1, 0.5, -0.75, -1])


def vector(X, trace, signs=(1, -1), eps=0.02):
    """Return arguments of a check of the test vectors G0 and G1."""
    problem = rb.Problem(X @ X.T, LABELS, signs)
    return {
        "problem": problem,
        "start": rb.starts.all_positive(problem, eps),
        "step_size": 0.5 / trace,
        "trace": trace,
    }


def mixed(seed, *, n=6, d=200, signs=(1, -1), kappa=None, start="positive", scale=0.02, parked=0.3):
    """Return arguments of a check of a random problem, a function of its seed."""
    rng = np.random.default_rng(seed)
    gram = _wishart(rng, n, d)
    y = rng.uniform(0.5, 1.0, n) * np.where(rng.permutation(n) < n // 2, 1.0, -1.0)
    s = np.array(signs, dtype=float)
    problem = rb.Problem(gram, y, s)
    eps = scale * rng.uniform(0.5, 1.0, (s.size, n))
    if start == "anything":
        eps = scale * rng.standard_normal((s.size, n))
    if start == "disjoint":
        owner = [int(rng.choice(np.flatnonzero(s == np.sign(v)))) for v in y]
        dual = rb.starts.disjoint(problem, owner, scale / s.size, parked=parked)
    else:
        dual = np.linalg.solve(problem.gram, eps.T).T
    step = rng.uniform(0.2, 1.0) if kappa is None else kappa
    return {"problem": problem, "start": dual, "step_size": step / d, "trace": float(d)}


def _wishart(rng, n, d):
    """Return the Gram matrix of n standard normal samples of d features: Bartlett's triangle."""
    root = np.tril(rng.standard_normal((n, n)), -1)
    root[np.diag_indices(n)] = np.sqrt(rng.chisquare(d - np.arange(n)))
    gram = root @ root.T
    return (gram + gram.T) / 2


def scaled(arguments, of_labels, of_features):
    """Return the same problem in other units; bit for bit the same for powers of two."""
    problem, u, v = arguments["problem"], of_labels, of_features * of_features
    return {
        "problem": rb.Problem(problem.gram * v, problem.labels * u, problem.signs),
        "start": arguments["start"] * (u / v),
        "step_size": arguments["step_size"] / v,
        "trace": arguments["trace"] * v,
    }


def permuted(arguments, neurons, samples):
    """Return the same problem with its neurons and samples in another order."""
    problem, p, q = arguments["problem"], np.array(neurons), np.array(samples)
    return {
        **arguments,
        "problem": rb.Problem(problem.gram[np.ix_(q, q)], problem.labels[q], problem.signs[p]),
        "start": arguments["start"][np.ix_(p, q)],
    }


def instance(arguments):
    """Return the oracles' form of arguments of a check."""
    problem = arguments["problem"]
    return Instance(
        problem.gram,
        problem.labels,
        problem.signs,
        np.array(arguments["start"], dtype=float),
        arguments["step_size"],
        arguments["trace"],
    )


def asked(statements, arguments, **changes):
    """Return the setting, and its verdicts by condition without the paper's name."""
    given = {**arguments, **changes}
    setting = Setting(given.pop("problem"), given.pop("start", None), **given)
    verdicts = evaluate(statements, setting)
    return setting, {v.condition.removeprefix("lai2026."): v for v in verdicts}
