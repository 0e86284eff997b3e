"""One ODE solver on one gradient flow, in a process of its own with a limit on its CPU time.

python benchmarks/compare/_flow_peers.py PEER PROBLEM.npz SECONDS

Prints one line of JSON: CPU and wall seconds of the solve, what the solver said, and the state it
reached. The right side is the flow as people write it, in Gram space, with the indicator of
positive values; the switch events of scipy's solvers are recorded and do not stop them.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SCIPY = ("Radau", "LSODA")
DIFFRAX = ("Dopri8", "Kvaerno5")
TOLERANCE = 1e-10
MAX_STEPS = 1_000_000


def scipy_peer(method, gram, y, s, u0, end):
    """Return a call of solve_ivp with an event for every pair."""
    from scipy.integrate import solve_ivp

    m, n = u0.shape
    size = np.abs(y).max()

    def velocity(_, flat):
        u = flat.reshape(m, n)
        r = s @ np.maximum(u, 0) - y
        return (-(s[:, None] * (u > 0) * r) @ gram).ravel()

    def event(j):
        return lambda _, flat: flat[j]

    events = [event(j) for j in range(m * n)]

    def solve():
        run = solve_ivp(
            velocity, (0, end), u0.ravel(), method=method, rtol=TOLERANCE,
            atol=TOLERANCE * size / 100, events=events,
        )  # fmt: skip
        switches = sum(len(t) for t in run.t_events)
        said = f"{switches} sign changes seen, {run.nfev} calls"
        if not run.success:
            said += f", stopped at {run.t[-1] / end:.2g} of the time: {run.message}"
        return run.y[:, -1].reshape(m, n), run.success, said

    return solve


def diffrax_peer(method, gram, y, s, u0, end):
    """Return a jitted call of diffeqsolve without events."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    G, labels, signs = (jnp.asarray(a) for a in (gram, y, s))

    def velocity(_, u, __):
        r = signs @ jnp.maximum(u, 0) - labels
        return -(signs[:, None] * (u > 0) * r) @ G

    @jax.jit
    def run(start):
        solver = getattr(diffrax, method)()
        return diffrax.diffeqsolve(
            diffrax.ODETerm(velocity), solver, 0.0, end, None, start,
            stepsize_controller=diffrax.PIDController(
                rtol=TOLERANCE, atol=TOLERANCE * float(np.abs(y).max()) / 100
            ),
            max_steps=MAX_STEPS, throw=False, saveat=diffrax.SaveAt(t1=True),
        )  # fmt: skip

    def solve():
        solution = run(jnp.asarray(u0))
        state = np.asarray(solution.ys[-1])
        done = bool(solution.result == diffrax.RESULTS.successful)
        steps = int(solution.stats["num_steps"])
        return state, done, f"{steps} steps" if done else f"gave up after {steps} steps"

    return solve


def measure(peer, path):
    """Run in this process: once to compile where that is needed, then once for the figures."""
    data = np.load(path)
    arguments = [data[name] for name in ("gram", "labels", "signs", "primal")]
    make = scipy_peer if peer in SCIPY else diffrax_peer
    solve = make(peer, *arguments, float(data["end"]))
    if peer in DIFFRAX:
        solve()
    cpu, wall = time.process_time(), time.perf_counter()
    state, done, said = solve()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    verdict = "" if done else "**gave up**: "
    return {"cpu": cpu, "wall": wall, "verdict": verdict, "said": said, "primal": state.tolist()}


def run_peer(peer, arrays, limit):
    """Run one peer in a process with `limit` CPU seconds; without a state where that failed."""
    before, began = _children_cpu(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, **arrays)
        command = [sys.executable, __file__, peer, str(path), str(limit)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20 * limit, check=False
        )
    if not done.returncode:
        return json.loads(done.stdout.splitlines()[-1])
    answer = {"cpu": _children_cpu() - before, "wall": time.perf_counter() - began}
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return answer | {"verdict": "**stuck**: ", "said": f"no end in {limit} CPU seconds"}
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return answer | {"verdict": "**gave up**: ", "said": last}


def _children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    most = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
    print(json.dumps(measure(sys.argv[1], sys.argv[2])))
