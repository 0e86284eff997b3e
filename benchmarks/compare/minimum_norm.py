"""Minimum norm of one neuron, against quadratic-programming codes.

The peers get the Gram matrix with unit mean diagonal; where said, also our reduction to the samples
without a positive label, which favours them. Ours includes the certificate, which no peer gives.
Errors are relative distances of weights from the certified answer.
"""

from __future__ import annotations

import numpy as np
from _measure import (
    Row,
    available,
    interleaved,
    load_kernels,
    main,
    require_certified,
    seconds,
    times,
)

import relubias as rb
from relubias.minnorm.one_neuron import solve_one_neuron

N_BATCH = 2000


class Reduced:
    """The program over the samples without a positive label: min 0.5 x'Mx - c'x, x >= 0."""

    def __init__(self, gram, y):
        from scipy.linalg import cholesky, solve_triangular

        self.gram, self.y = gram, y
        self.positive, self.rest = np.flatnonzero(y > 0), np.flatnonzero(y <= 0)
        self.factor = cholesky(gram[np.ix_(self.positive, self.positive)], lower=True)
        self.cross = solve_triangular(
            self.factor, gram[np.ix_(self.positive, self.rest)], lower=True
        )
        self.right = solve_triangular(self.factor, y[self.positive], lower=True)
        self.M = gram[np.ix_(self.rest, self.rest)] - self.cross.T @ self.cross
        self.c = self.cross.T @ self.right

    def dual(self, x):
        """Return the dual of the whole problem."""
        from scipy.linalg import solve_triangular

        beta = np.zeros(self.y.size)
        beta[self.rest] = -x
        right = self.right + self.cross @ x
        beta[self.positive] = solve_triangular(self.factor, right, lower=True, trans=1)
        return beta


def by_nnls(gram, y):
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    reduced = Reduced(gram, y)
    upper = cholesky(reduced.M)
    return reduced.dual(nnls(upper, solve_triangular(upper, reduced.c, trans=1))[0])


def by_quadprog(gram, y):
    import quadprog

    reduced = Reduced(gram, y)
    n = reduced.rest.size
    return reduced.dual(quadprog.solve_qp(reduced.M, reduced.c, np.eye(n), np.zeros(n))[0])


def by_quadprog_whole(gram, y):
    import quadprog

    rest = np.flatnonzero(y <= 0)
    linear = np.where(y > 0, y, 0.0)
    bounds = np.zeros((y.size, rest.size))
    bounds[rest, np.arange(rest.size)] = -1.0
    return quadprog.solve_qp(gram, linear, bounds, np.zeros(rest.size))[0]


def by_clarabel(gram, y):
    import clarabel
    from scipy import sparse

    rest = np.flatnonzero(y <= 0)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    settings.max_threads = 1
    upper = sparse.csc_matrix(np.triu(gram))
    bounds = sparse.eye(y.size, format="csr")[rest].tocsc()
    solver = clarabel.DefaultSolver(
        upper, -np.maximum(y, 0.0), bounds, np.zeros(rest.size),
        [clarabel.NonnegativeConeT(rest.size)], settings,
    )  # fmt: skip
    return np.array(solver.solve().x)


def by_proxqp(gram, y):
    import proxsuite

    solver = proxsuite.proxqp.dense.QP(y.size, 0, 0, True)
    solver.settings.eps_abs = 1e-10
    solver.settings.eps_rel = 0.0
    upper = np.where(y > 0, 1e20, 0.0)
    lower = np.full(y.size, -1e20)
    solver.init(gram, -np.maximum(y, 0.0), None, None, None, None, None, lower, upper)
    solver.solve()
    return solver.results.x


def distance(gram, dual, exact, norm):
    """Return the relative distance in weight space."""
    step = dual - exact
    return float(np.sqrt(max(step @ gram @ step, 0.0)) / norm)


def unit_problem(seed, n, d):
    rng = np.random.default_rng(seed)
    if d <= 20 * n:
        X = rng.standard_normal((n, d))
        gram = X @ X.T
    else:
        gram = rb.ensembles.Gaussian(rb.ensembles.isotropic(d)).sample_gram(n, seed)
    y = rng.standard_normal(n)
    y[0], y[-1] = np.abs(y[0]), -np.abs(y[-1])  # some codes refuse problems without constraints
    return gram / np.diagonal(gram).mean(), y


def small(runs):
    grams, labels = map(
        np.array, zip(*(unit_problem(s, 10, 50) for s in range(N_BATCH)), strict=True)
    )
    peers = {"quadprog, whole dual": by_quadprog_whole} if available("quadprog") else {}
    calls = {"relubias, batch": lambda: rb.minimum_norm_batch(grams, labels)}
    few = slice(0, 200)

    def loop(solve):
        return lambda: [solve(G, y) for G, y in zip(grams[few], labels[few], strict=True)]

    for name, solve in {**peers, "scipy nnls, reduced": by_nnls}.items():
        calls[name] = loop(solve)
    timings, answers = interleaved(calls, runs=runs)
    batch = answers["relubias, batch"]
    if not (batch.status == "OPTIMAL").all():
        raise RuntimeError("refusing to time an uncertified answer")
    for name, timing in timings.items():
        size = N_BATCH if "batch" in name else 200
        timing.cpu, timing.wall = timing.cpu / size, timing.wall / size
        if "batch" not in name:
            timing.error = max(
                distance(grams[i], x, batch.dual[i], batch.norm[i])
                for i, x in enumerate(answers[name])
                if batch.norm[i] > 0
            )
    mine = timings.pop("relubias, batch")
    mine.error = float((batch.error_bound / np.maximum(batch.norm, 1e-300)).max())
    mine.note = "the error is the certified bound"
    return Row(
        subject=f"Minimum norm of one neuron, n=10, d=50, each of a batch of {N_BATCH:,}",
        ours=mine,
        peers=list(timings.values()),
        figure="below 10 \u00b5s",
        reached=mine.cpu < 10e-6,
        measured=seconds(mine.cpu),
    )


def large(n, d, runs):
    gram, y = unit_problem(0, n, d)
    problem = rb.Problem(gram, y)
    peers = {"scipy nnls, reduced": by_nnls}
    if available("proxsuite"):
        peers["ProxQP 1e-10, whole dual"] = by_proxqp
    if available("clarabel"):
        peers["Clarabel 1e-10, whole dual"] = by_clarabel
    if available("quadprog"):
        peers["quadprog, reduced"] = by_quadprog
    calls = {
        "relubias": lambda: rb.minimum_norm(problem),
        "relubias, without certificate": lambda: solve_one_neuron(gram, y).dual,
    }
    calls |= {name: lambda solve=solve: solve(gram, y) for name, solve in peers.items()}
    timings, answers = interleaved(calls, runs=runs)
    result = answers["relubias"]
    require_certified(result)
    mine = timings.pop("relubias")
    mine.error = result.certificate.error_bound / result.norm
    mine.note = "the error is the certified bound"
    ratios = {}
    for name, timing in timings.items():
        timing.error = distance(gram, answers[name], result.dual[0], result.norm)
        if not name.startswith("relubias"):
            ratios[name.split(",")[0]] = timing.cpu / mine.cpu
    wanted = {"scipy nnls": 2.0, "ProxQP 1e-10": 5.0, "Clarabel 1e-10": 25.0}
    is_fast = all(ratios[name] >= bar for name, bar in wanted.items() if name in ratios)
    return Row(
        subject=f"The same, n={n}, d={d:,}",
        ours=mine,
        peers=list(timings.values()),
        figure="2 times faster than scipy's nnls, 5 than ProxQP, 25 than Clarabel, error < 1e-14",
        reached=is_fast and mine.error < 1e-14,
        measured=", ".join(f"{times(r)} faster than {name}" for name, r in ratios.items()),
    )


def rows(runs):
    load_kernels()
    return [small(runs), large(1000, 2000, runs), large(1000, 10_000, runs)]


if __name__ == "__main__":
    main(rows)
