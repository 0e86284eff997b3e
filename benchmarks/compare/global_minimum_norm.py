"""Minimum norm of several neurons, proved optimal, against global solvers; and how far it goes.

Gurobi gets the program in the pairs (a, b) of the complementarity formulation; the licence that
comes with it allows 200 quadratic variables, hence n <= 100. SCIP gets the same as a second-order
constraint in Cholesky coordinates. Both get a Gram matrix of unit mean diagonal, one thread, and
special ordered sets for the complementarity. Errors are relative differences of the optimal squared
norm from ours, which is proved.
"""

from __future__ import annotations

import statistics

import numpy as np
from _measure import Row, Timing, available, interleaved, load_kernels, main, seconds, times

import relubias as rb

LIMIT = 60.0  # seconds for the peers on two neurons, and for ours at the largest sizes
SMALL = (10, 20, 30, 50, 100)
RATIOS = (5.0, 2.0, 1.2)
SCIP_UP_TO = 50  # one instance of n = 100 takes it minutes
LARGEST = ((1500, 5.0), (1000, 2.0), (500, 1.2))
MANY = (((2, 1), 10, 50), ((2, 2), 10, 50), ((3, 3), 8, 40))
MANY_LIMIT = 20.0


def instance(n, d, seed, signs=(1, -1)):
    """Return Gaussian data and labels, Gram matrix of unit mean diagonal."""
    rng = np.random.default_rng([n, round(d), seed])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gram = X @ X.T
    return rb.Problem(gram / np.diagonal(gram).mean(), y, signs)


class Model:
    """Minimise ``|A z + c|^2`` over ``z >= 0`` with ``E z = f`` and z_i z_j = 0 on the pairs."""

    def __init__(self, problem):
        G, y, signs = problem.gram, problem.labels, problem.signs
        factor = np.linalg.inv(np.linalg.cholesky(G))  # |w| = |factor @ u|
        n = y.size
        if signs.size == 2:
            # u_own = a + |y|, u_other = a - b: no equality is needed
            own_plus = (y > 0).astype(float)
            plus = np.hstack([np.eye(n), -np.diag(1 - own_plus)])
            minus = np.hstack([np.eye(n), -np.diag(own_plus)])
            self.A = np.vstack([factor @ plus, factor @ minus])
            self.c = np.concatenate([factor @ np.maximum(y, 0), factor @ np.maximum(-y, 0)])
            self.E, self.f = np.zeros((0, 2 * n)), np.zeros(0)
            self.pairs = [(i, n + i) for i in range(n)]
        else:
            # u_k = p_k - q_k, sum of signs times p is y
            m = signs.size
            self.A = np.kron(np.eye(m), np.hstack([factor, -factor]))
            self.c = np.zeros(m * n)
            one = np.hstack([np.eye(n), np.zeros((n, n))])
            self.E, self.f = np.hstack([s * one for s in signs]), y
            self.pairs = [(2 * n * k + i, 2 * n * k + n + i) for k in range(m) for i in range(n)]

    @staticmethod
    def size(problem):
        """Return the number of quadratic variables."""
        m = problem.n_neurons
        return 2 * problem.n_samples * (1 if m == 2 else m)


class Unsolved(Exception):  # noqa: N818
    """The peer ran into its limit."""


def limit(problem):
    """Return the seconds that a peer may take."""
    return LIMIT if problem.n_neurons == 2 else MANY_LIMIT


def by_gurobi(problem):
    """Return the optimal squared norm."""
    import gurobipy as gp

    model = Model(problem)
    with gp.Env(params={"OutputFlag": 0, "Threads": 1}) as env, gp.Model(env=env) as g:
        g.Params.MIPGap, g.Params.TimeLimit = 1e-9, limit(problem)
        z = g.addMVar(model.A.shape[1], lb=0.0)
        if model.f.size:
            g.addConstr(model.E @ z == model.f)
        for pair in model.pairs:
            g.addSOS(gp.GRB.SOS_TYPE1, [z[j].item() for j in pair], [1, 2])
        quadratic, linear = model.A.T @ model.A, 2 * model.A.T @ model.c
        g.setObjective(z @ quadratic @ z + linear @ z + model.c @ model.c)
        g.optimize()
        if g.Status != gp.GRB.OPTIMAL:
            raise Unsolved
        return g.ObjVal


def by_scip(problem):
    """Return the optimal squared norm."""
    import pyscipopt as ps

    model = Model(problem)
    scip = ps.Model()
    scip.hideOutput()
    scip.setParam("limits/time", limit(problem))
    scip.setParam("limits/gap", 1e-6)
    scip.setParam("parallel/maxnthreads", 1)
    z = [scip.addVar(lb=0.0) for _ in range(model.A.shape[1])]
    v = [scip.addVar(lb=None) for _ in range(model.A.shape[0])]
    top = scip.addVar(lb=0.0)
    for row, offset, image in zip(model.A, model.c, v, strict=True):
        used = np.flatnonzero(row)
        scip.addCons(ps.quicksum(float(row[j]) * z[j] for j in used) + float(offset) == image)
    for row, value in zip(model.E, model.f, strict=True):
        used = np.flatnonzero(row)
        scip.addCons(ps.quicksum(float(row[j]) * z[j] for j in used) == float(value))
    scip.addCons(ps.quicksum(x * x for x in v) <= top)
    for pair in model.pairs:
        scip.addConsSOS1([z[j] for j in pair])
    scip.setObjective(top)
    scip.optimize()
    if scip.getStatus() not in ("optimal", "gaplimit"):
        raise Unsolved
    return scip.getObjVal()


def peers(problem):
    """Return the global solvers that are installed and take a problem of this size."""
    answer = {}
    if available("gurobipy") and Model.size(problem) <= 200:
        answer["Gurobi"] = by_gurobi
    if available("pyscipopt") and problem.n_samples <= SCIP_UP_TO:
        answer["SCIP"] = by_scip
    return answer


def missing():
    """Say which peers cannot be asked."""
    names = {"gurobipy": "Gurobi", "pyscipopt": "SCIP"}
    absent = [f"{name} (pip install {module})" for module, name in names.items()
              if not available(module)]  # fmt: skip
    return f"Not installed, hence not compared: {', '.join(absent)}." if absent else ""


def proved(problem):
    """Return the minimum norm, or refuse."""
    found = rb.minimum_norm(problem, time_limit=10 * LIMIT)
    if found.status != "OPTIMAL":
        raise RuntimeError(f"refusing to time an unproved answer: {found!r}")
    return found


def compared(subject, problems, runs):
    """Time ours and the peers on the same instances; medians over instances."""
    cpu, wall, error, unsolved = {}, {}, {}, {}
    for problem in problems:
        mine, answers = interleaved({"relubias": lambda p=problem: proved(p)}, runs=runs)
        square = answers["relubias"].norm ** 2
        record(cpu, wall, "relubias", mine["relubias"])
        for name, solve in peers(problem).items():
            try:
                timing, value = interleaved(
                    {name: lambda p=problem, s=solve: s(p)}, runs=1, warm=False
                )
            except Unsolved:
                unsolved[name] = unsolved.get(name, 0) + 1
                record(
                    cpu,
                    wall,
                    name,
                    Timing(name=name, cpu=limit(problem), wall=limit(problem), runs=1),
                )
                continue
            record(cpu, wall, name, timing[name])
            error[name] = max(error.get(name, 0.0), abs(value[name] / square - 1))
    timings = {
        name: Timing(
            name=name,
            cpu=statistics.median(cpu[name]),
            wall=statistics.median(wall[name]),
            runs=runs if name == "relubias" else 1,
            error=error.get(name),
            note=f"{unsolved[name]} of {len(problems)} unsolved in {limit(problems[0]):.0f} s"
            if name in unsolved
            else "",
        )
        for name in cpu
    }
    mine = timings.pop("relubias")
    wanted = {"Gurobi": 5.0, "SCIP": 100.0}
    ratios = {
        name: statistics.median(a / b for a, b in zip(cpu[name], cpu["relubias"], strict=True))
        for name in timings
    }
    return Row(
        subject=f"{subject}, proved optimal, {len(problems)} instances",
        ours=mine,
        peers=list(timings.values()),
        figure="5 times faster than Gurobi, 100 times than SCIP",
        reached=all(ratios[name] >= wanted[name] for name in ratios) if ratios else None,
        measured=", ".join(f"{times(r)} faster than {name}" for name, r in ratios.items())
        or "no peer is installed",
        note=missing(),
    )


def record(cpu, wall, name, timing):
    """Keep one timing."""
    cpu.setdefault(name, []).append(timing.cpu)
    wall.setdefault(name, []).append(timing.wall)


def largest(n, ratio):
    """Prove one large instance; the limit is of CPU seconds, whatever else the machine does."""
    import time

    problem = instance(n, round(ratio * n), 0)
    before, began = time.process_time(), time.perf_counter()
    found = rb.minimum_norm(problem, time_limit=10 * LIMIT)
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    gap = f"relative gap {found.rel_gap:.1e}, {found.n_nodes} nodes, {found.certificate.kind}"
    return Row(
        subject=f"Minimum norm of two neurons, n={n}, d={ratio:g}n",
        ours=Timing(name="relubias", cpu=cpu, wall=wall, runs=1, note=gap),
        figure="proved optimal within 60 s",
        reached=found.status == "OPTIMAL" and cpu <= LIMIT,
        measured=f"{found.status} after {seconds(cpu)} CPU, {seconds(wall)} wall; {gap}",
    )


def rows(runs):
    """Return the comparisons, then the largest sizes."""
    load_kernels()
    proved(instance(30, 36, 0))
    answer = []
    for n in SMALL:
        for ratio in RATIOS:
            problems = [instance(n, round(ratio * n), seed) for seed in range(4)]
            subject = f"Minimum norm of two neurons, n={n}, d={ratio:g}n"
            answer.append(compared(subject, problems, min(runs, 3)))
    for (plus, minus), n, d in MANY:
        signs = (1,) * plus + (-1,) * minus
        problems = [instance(n, d, seed, signs) for seed in range(2)]
        subject = f"Minimum norm of {plus} + {minus} neurons, n={n}, d={d}"
        answer.append(compared(subject, problems, 1))
    return answer + [largest(n, ratio) for n, ratio in LARGEST]


if __name__ == "__main__":
    main(rows)
