"""Run-time certificates of one case, and cases at the edge of them."""

from __future__ import annotations

import itertools

import numpy as np

import relubias as rb
from relubias.theory.lai2026 import certificate
from tests.oracles.theory_run import Instance, states
from tests.theory.vectors import G0, G1, G4, One, random_one


def certify(case):
    return certificate(case.problem, case.start, step_size=case.step_size, trace=case.trace)


def guaranteed(case):
    """Return whether a run in long double has the pattern that the certificate promises."""
    problem = case.problem
    run = Instance(problem.gram, problem.labels, problem.signs, case.start, case.step_size, 1.0)
    wanted = problem.signs[0] * problem.labels > 0
    return all(
        np.array_equal(seen.primal[0] > 0, wanted) for seen in itertools.islice(states(run), 1, 300)
    )


def at_equality(kappa=0.5):
    """Return a problem where kappa (1 + delta) is 1 to rounding, and one where rho is kappa / 4."""
    n = 4
    G = 4.0 * np.eye(n)
    y = np.array([1.0, 0.75, -1.0, -0.75])
    full = rb.Problem(G, y)
    return (
        One(full, rb.starts.all_positive(full, 0.01), 0.25, 4.0),
        One(full, rb.starts.all_positive(full, kappa / 4 * 0.75), kappa / 4.0, 4.0),
    )


CASES = [
    G0,
    G1,
    G4,
    random_one(0),
    random_one(1, d=10**5, kappa=0.3),
    random_one(2, d=10**5, kappa=1.0),
    random_one(3, d=10**5, kappa=1.4, sign=-1.0),
    random_one(4, d=10**5, n_negative=0),
    random_one(5, d=10**5, n_negative=10),
    random_one(6, d=15),
    random_one(7, d=500, rho=3.0),
]
