"""Gradient descent on both layers, in Gram form."""

from __future__ import annotations

from typing import Any

import numpy as np

from relubias._progress import Progress, Report, reporting
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_dual, as_real, as_steps, fail, is_scalar
from relubias.dynamics._both_layers import codes as code
from relubias.dynamics._both_layers.run import Run
from relubias.dynamics.both_layers_certificate import (
    BothLayersCertificate,
    as_outer,
    certify_both_layers,
)
from relubias.dynamics.both_layers_trajectory import (
    BothLayersRecords,
    BothLayersState,
    BothLayersTrajectory,
    squared_norms,
)
from relubias.dynamics.trajectory import Status
from relubias.problem import Problem, require_problem

__all__ = ["train_both_layers"]

_FLOOR, _FURTHER = 1e-14, 1e-2  # relative residuals tried for the sake of a certificate
_FIRST_LOOK = 1000  # steps before the first test for a state that rests with a residual


def train_both_layers(
    problem: Problem,
    start: Any,
    outer: Any,
    *,
    step_size: float,
    orthogonal_norm: Any = 0.0,
    max_iter: int = 1_000_000,
    tol: float = 1e-10,
    record: Any = None,
    progress: Progress = False,
) -> BothLayersTrajectory:
    r"""Train input and output weights of a ReLU network by full-batch gradient descent.

    The network is :math:`f(x) = \sum_k a_k\,\mathrm{relu}(w_k^\top x)`, its risk
    :math:`\tfrac12 \|f(X) - y\|^2`. Both layers step at the same time: with
    :math:`u = \beta G`, :math:`A = 1\{u > 0\}` and :math:`r = a^\top \mathrm{relu}(u) - y`,

    .. math::

        \beta_k \leftarrow \beta_k - \eta\, a_k\, A_k \circ r, \qquad
        a_k \leftarrow a_k - \eta\, \mathrm{relu}(u_k)^\top r .

    Parameters
    ----------
    problem : Problem
        Data. Its signs give the number of neurons and nothing else: `outer` takes their place.
    start : array_like of shape (n_neurons, n_samples)
        Dual start of the first layer; see `relubias.starts`.
    outer : array_like of shape (n_neurons,)
        Output weights at the start, any real numbers; ``problem.signs * norms`` with the norms
        of the weight vectors is the balanced start.
    step_size : float
        Of both layers, positive.
    orthogonal_norm : float or array_like of shape (n_neurons,), default=0
        Norm of the part of each weight vector that is orthogonal to all samples. No gradient
        moves it; it counts in norms and in the balancedness.
    max_iter : int, default=1_000_000
        Steps to take.
    tol : float, default=1e-10
        Residual on samples that some neuron sees, relative to the largest label, at which the
        run ends, or goes on for a while if that may bring a certificate; also the relative
        speed, in units of the labels' pull, below which a state with a residual is at rest.
    record : array_like of int, optional
        Steps at which to keep the state.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    BothLayersTrajectory
        With `status` CERTIFIED where the run provably converges without a further switch,
        and `limit.balancedness`, ``a_k**2 - ||w_k||**2``, which the flow keeps constant.

    Raises
    ------
    InvalidInputError
        If an argument is unusable. Running out of steps is a status.

    See Also
    --------
    relubias.dynamics.both_layers_flow : The limit of small steps, with an error estimate.
    relubias.gradient_descent : The first layer alone, followed exactly.

    Notes
    -----
    A step costs ``n_neurons * n_samples**2``, whatever the number of features. Steps are plain
    double precision, so that signs of values within rounding of zero are those of the floats;
    `sign_margin` says how close the run came. Starts of any size down to 1e-150 work.

    Other conventions are a change of units. The mean risk ``1/(2n) ||f - y||**2`` takes
    ``step_size / n``. A network ``(1/p) sum_k a_k relu(w_k @ x)`` whose risk is the mean one and
    whose gradients are multiplied by ``p`` is this one with
    ``step_size / n`` and both layers divided by ``sqrt(p)``.

    References
    ----------
    .. [1] E. Boursier, L. Pillaud-Vivien, N. Flammarion, NeurIPS 2022.
    .. [2] L. Dana, F. Bach, L. Pillaud-Vivien, 2025.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = [[1e-3, -1e-3], [-1e-3, 1e-3]]
    >>> run = rb.train_both_layers(problem, start, [3e-3, -3e-3], step_size=0.05)
    >>> run.status
    <Status.CERTIFIED: 'CERTIFIED'>
    >>> print(f"{run.limit.half_squared_norm:.3f}")
    1.000
    """
    require_problem(problem)
    beta = as_dual("start", start, problem.n_neurons, problem.n_samples)
    a = as_outer("outer", outer, problem.n_neurons)
    eta = as_real("step_size", step_size, minimum=0.0, strict=True)
    aside = _as_orthogonal(orthogonal_norm, problem.n_neurons)
    budget = as_count("max_iter", max_iter, minimum=0)
    tolerance = as_real("tol", tol, minimum=0.0, strict=True)
    times = as_steps("record", record)
    with one_blas_thread(problem.n_samples), reporting(progress, "both layers") as report:
        run = Run(problem, beta, a, eta)
        recorder = _Recorder(times, run, aside)
        status, certificate = _follow(run, recorder, budget, tolerance, report)
        limit, n_steps = _state(run, aside), run.time
        n_switches, last_switch, switches = run.n_switches, run.last_switch, run.switches()
        sign_margin = run.margin
        records = recorder.finish(budget if status is Status.CERTIFIED else 0)
    for array in (beta, a, aside, limit.primal, limit.dual, limit.outer, switches):
        array.flags.writeable = False
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverged
        loss = 0.5 * float(((limit.outputs - problem.labels) ** 2).sum())
    return BothLayersTrajectory(
        problem=problem,
        start=beta,
        outer=a,
        orthogonal_norm=aside,
        step_size=eta,
        status=status,
        limit=limit,
        certificate=certificate,
        switches=switches,
        n_switches=n_switches,
        n_steps=n_steps,
        last_switch=last_switch,
        loss=loss,
        sign_margin=sign_margin,
        records=records,
        max_iter=budget,
        tol=tolerance,
    )


def _as_orthogonal(value: Any, n_neurons: int) -> Float:
    """Return non-negative norms, one per neuron, from a number or a vector."""
    if is_scalar(value):
        return np.full(n_neurons, as_real("orthogonal_norm", value, minimum=0.0))
    norms = as_outer("orthogonal_norm", value, n_neurons)
    if (norms < 0.0).any():
        raise fail("orthogonal_norm", f"has the entry {norms.min():g}", "pass norms >= 0")
    return norms


def _follow(
    run: Run, recorder: _Recorder, max_iter: int, tol: float, report: Report
) -> tuple[Status, BothLayersCertificate | None]:
    """Step until a status is known."""
    look, small = _FIRST_LOOK, tol
    while True:
        recorder.observe()
        if run.time >= max_iter:
            return _ending(run) if run.moving_rate() <= tol else (Status.MAX_ITER, None)
        if run.time >= look:
            if run.moving_rate() <= small:
                return _ending(run)
            look = run.time + run.time // 4
        why = run.advance(min(max_iter, look, recorder.next_time), small * run.size)
        report(min(1.0, run.time / max(max_iter, 1)), f"{run.time} steps")
        if why == code.DIVERGED:
            return Status.DIVERGED, None
        if why == code.SMALL_RESIDUAL:
            ending = _ending(run)
            is_quiet = run.time - run.last_switch > run.time // 10
            if ending[1] or not is_quiet or small <= _FLOOR:
                return ending
            small *= _FURTHER  # close to a hyperplane: a smaller residual moves less


def _ending(run: Run) -> tuple[Status, BothLayersCertificate | None]:
    """Certify a state at rest, or say that it is one."""
    certificate = certify_both_layers(run.problem, run.dual, run.outer, step_size=run.step_size)
    if certificate.holds:
        return Status.CERTIFIED, certificate
    return Status.TOLERANCE, None


class _Recorder:
    """Keeps the state at chosen steps."""

    def __init__(self, times: list[int], run: Run, orthogonal_norm: Float) -> None:
        self.run = run
        self.orthogonal_norm = orthogonal_norm
        self.waiting = times[::-1]
        self.times: list[int] = []
        self.kept: list[BothLayersState] = []

    @property
    def next_time(self) -> int:
        """Step of the next record."""
        return self.waiting[-1] if self.waiting else 2**62

    def observe(self) -> None:
        """Keep the present state if it was asked for."""
        if self.run.time == self.next_time:
            self.times.append(self.waiting.pop())
            self.kept.append(_state(self.run, self.orthogonal_norm))

    def finish(self, until: int) -> BothLayersRecords:
        """Step on through what is still asked for up to a step, and return all records."""
        self.observe()
        while self.next_time <= until:
            self.run.advance(self.next_time, -1.0)
            self.observe()
        m, n = self.run.primal.shape
        primal = np.array([s.primal for s in self.kept]).reshape(-1, m, n)
        dual = np.array([s.dual for s in self.kept]).reshape(-1, m, n)
        outer = np.array([s.outer for s in self.kept]).reshape(-1, m)
        with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverged
            outputs = np.einsum("tk,tki->ti", outer, np.maximum(primal, 0.0))
            loss = 0.5 * ((outputs - self.run.labels) ** 2).sum(axis=1)
            balancedness = outer**2 - squared_norms(dual, primal, self.orthogonal_norm)
        records = BothLayersRecords(
            time=np.array(self.times, dtype=np.int64),
            primal=primal,
            dual=dual,
            loss=loss,
            outer=outer,
            balancedness=balancedness,
        )
        for array in (primal, dual, outer, records.time, records.loss, records.balancedness):
            array.flags.writeable = False
        return records


def _state(run: Run, orthogonal_norm: Float) -> BothLayersState:
    return BothLayersState(
        primal=run.primal.copy(),
        dual=run.dual.copy(),
        outer=run.outer.copy(),
        orthogonal_norm=orthogonal_norm,
    )


def replay(trajectory: BothLayersTrajectory, time: int) -> BothLayersState:
    """Run a trajectory again up to the state after `time` steps."""
    problem = trajectory.problem
    with one_blas_thread(problem.n_samples):
        run = Run(problem, trajectory.start, trajectory.outer, trajectory.step_size)
        while run.time < time and run.advance(time, -1.0) != code.DIVERGED:
            pass
    return _state(run, trajectory.orthogonal_norm)
