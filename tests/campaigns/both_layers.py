"""Random networks whose two layers train: steps, certificates and estimated flows.

    python tests/campaigns/both_layers.py --instances 1000 --seed 0 --workers 2

Steps have to equal the textbook loop in weight space and extended precision, a certified run has
to stay in its ball without a switch, and no state before a switch may be certified. How often
the estimated error of a flow covers the distance to far smaller steps is counted. Exit status 1
on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from relubias.dynamics import both_layers_flow, certify_both_layers  # noqa: E402
from tests.both_layers import Instance, continued, instance  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles import both_layers as oracle  # noqa: E402

N_STEPS = 100
ROUNDING = 1e-12  # relative, beside a hundred times that of the same loop in doubles
FLOW_EVERY = 10


def one_network(seed: int) -> Outcome:
    """Check one random network in every way."""
    outcome = Outcome(f"network {seed}")
    rng = np.random.default_rng(seed)
    size = None if seed % 3 else 10.0 ** rng.uniform(-1.0, 0.5)
    case = instance(seed, size=size, step=10.0 ** rng.uniform(-2.5, -0.5))
    _steps(case, outcome)
    _certificate(case, 10.0 ** rng.uniform(-10.0, -0.5), outcome)
    if seed % FLOW_EVERY == 0:
        _flow(case, outcome)
    return outcome


def _count(outcome: Outcome, name: str) -> None:
    outcome.counts[name] = outcome.counts.get(name, 0) + 1


def _steps(case: Instance, outcome: Outcome) -> None:
    run = case.train(max_iter=N_STEPS, tol=1e-300)
    if run.status is rb.Status.DIVERGED or run.sign_margin < ROUNDING:
        _count(outcome, "steps: diverged, or a sign within rounding")
        return
    wide = (v.astype(np.longdouble) for v in (case.X, case.y, case.W, case.a))
    W, a = oracle.weight_space(*wide, np.longdouble(case.step_size), run.n_steps)
    plain = oracle.weight_space(case.X, case.y, case.W, case.a, case.step_size, run.n_steps)
    found = run.limit.dual @ case.X + case.orthogonal, run.limit.outer
    away, typical = (
        max(float(np.abs(v - exact).max()) for v, exact in zip(pair, (W, a), strict=True))
        for pair in (found, plain)
    )
    size = float(max(np.abs(W).max(), np.abs(a).max()))
    if typical > 1e-9 * size:
        _count(outcome, "steps: too large a step, rounding grows")
        return
    _count(outcome, "steps: compared")
    if away > ROUNDING * size + 100.0 * typical:
        outcome.failures.append(f"{N_STEPS} steps are {away / size:.1e} away, relatively")


def _certificate(case: Instance, tol: float, outcome: Outcome) -> None:
    run = case.train(max_iter=20_000, tol=tol)
    _count(outcome, f"status: {run.status}")
    if run.status is rb.Status.CERTIFIED:
        n_switches, distance = continued(run, 3000)
        if n_switches:
            outcome.failures.append(f"{n_switches} switches after a certificate, tol {tol:.1e}")
        if distance > run.certificate.radius * (1 + 1e-9) + 1e-13:
            outcome.failures.append(f"{distance:.3e} away, radius {run.certificate.radius:.3e}")
    if run.n_switches and run.status is not rb.Status.DIVERGED:
        state = run.at(int(run.switches["time"][-1]) - 1)
        step = {"step_size": run.step_size}
        _count(outcome, "states before a switch")
        if certify_both_layers(run.problem, state.dual, state.outer, **step).holds:
            outcome.failures.append("a state before a switch is certified")


def _flow(case: Instance, outcome: Outcome) -> None:
    norms = np.linalg.norm(case.orthogonal, axis=1)
    parts = case.problem, case.start, case.a
    flow = both_layers_flow(*parts, step_size=0.05, time=6.0, orthogonal_norm=norms)
    fine = case.train(step_size=6.0 / 2**19, max_iter=2**19, tol=1e-300)
    dual, outer = flow.limit.dual - fine.limit.dual, flow.limit.outer - fine.limit.outer
    away = np.sqrt((dual * (dual @ case.problem.gram)).sum() + outer @ outer)
    _count(outcome, f"flow: {flow.status}")
    if np.isfinite(flow.error):
        _count(outcome, f"flow: error {'covers' if away <= flow.error else 'misses'} the distance")


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000, help="networks")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("both layers", one_network, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
