"""Gradient descent to its limit, plain or with momentum and mini-batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress, reporting
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_dual, as_real, as_steps
from relubias.dynamics import _codes as code
from relubias.dynamics._driver import Driver
from relubias.dynamics._options import as_batches, as_momentum
from relubias.dynamics._recorder import (
    Glance,
    Glancing,
    Look,
    Observer,
    Passer,
    Recorder,
    Watching,
    risk,
)
from relubias.dynamics._run import Run
from relubias.dynamics._varying_run import new_run
from relubias.dynamics.descent_trajectory import DescentTrajectory
from relubias.dynamics.trajectory import State, Status, Tail
from relubias.problem import Problem, require_problem

__all__ = ["Glance", "Look", "gradient_descent", "pass_by", "watch"]


def gradient_descent(
    problem: Problem,
    start: Any,
    *,
    step_size: float,
    momentum: float = 0.0,
    batches: Any = None,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    record: Any = None,
    progress: Progress = False,
) -> DescentTrajectory:
    r"""Run gradient descent from a dual start to its limit.

    Each step is, with :math:`u = \beta G`, :math:`A = 1\{u > 0\}` and
    :math:`r = s^\top \mathrm{relu}(u) - y`,

    .. math:: v_k \leftarrow \gamma v_k - \eta\, s_k\, A_k \circ E r , \qquad
              \beta_k \leftarrow \beta_k + v_k ,

    from :math:`v = 0`, with E the samples of the batch whose turn it is. States are carried in
    double-double arithmetic, so every recorded switch is that of exact gradient descent on the
    given float64 numbers.

    Parameters
    ----------
    problem : Problem
    start : array_like of shape (n_neurons, n_samples)
        Dual start; see `relubias.starts`.
    step_size : float
        In inverse squared units of the features; ``kappa / problem.scale`` for a dimensionless
        step `kappa`. Any positive number: large steps switch neurons off rather than diverge.
    momentum : float, default=0.0
        Heavy ball: the part of the last increment that is repeated, in [0, 1).
    batches : int or list of array_like of int, optional
        Cyclic mini-batches: the number of samples of consecutive chunks, or lists of samples, each
        sample in exactly one. Step t takes batch ``t % n_batches``; all samples if omitted.
    max_iter : int, default=10_000_000
        Iterations to compute; a jump over any number of steps counts as one.
    tol : float, default=1e-10
        Residual on active samples, relative to the largest label, below which an uncertified run
        ends with status TOLERANCE. Where samples depend on each other, only the part of the
        residual that still moves the weights has to be below it.
    record : array_like of int, optional
        Steps at which to keep the state.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    DescentTrajectory
        With `status` CERTIFIED where the pattern provably never changes again, or where the pairs
        that switch for ever provably do so on the way to their hyperplanes.

    Raises
    ------
    InvalidInputError
        If an argument is unusable. Running out of iterations is a status.

    See Also
    --------
    relubias.gradient_descent_batch : Many problems of one shape.
    relubias.dynamics.certify : The certificate, for any state.

    Notes
    -----
    A step costs ``n_active * n_samples``, whatever the number of features. The terminal test runs
    on a geometric schedule after switch-free windows. After a long switch-free stretch the
    eigenbasis of the frozen dynamics bounds the time until which no switch can come, and one jump
    covers it, so that a last switch after 10**13 steps is found exactly and at once. With momentum
    or mini-batches every step is computed.

    Rounding errors of plain descent and of mini-batches are bounded. With momentum no norm
    decreases under every sequence of patterns, so they are measured on the same steps in plain
    doubles; a sign is trusted where it is a million times safer than that.

    Mini-batches have a limit only where the labels can be fitted; otherwise they end in a cycle
    (`tail` LIMIT_CYCLE), which is never certified.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (2)-(4), Lemmas 1 and 2.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> run = rb.gradient_descent(problem, [[0.025, 0.025]], step_size=0.15)
    >>> run.status
    <Status.CERTIFIED: 'CERTIFIED'>
    >>> run.limit.dual
    array([[ 0.25, -0.14]])
    """
    require_problem(problem)
    beta = as_dual("start", start, problem.n_neurons, problem.n_samples)
    eta = as_real("step_size", step_size, minimum=0.0, strict=True)
    gamma = as_momentum("momentum", momentum)
    parts = as_batches("batches", batches, problem.n_samples)
    budget = as_count("max_iter", max_iter, minimum=0)
    tolerance = as_real("tol", tol, minimum=0.0, strict=True)
    times = as_steps("record", record)
    plan = _Asked(problem, beta, eta, gamma, parts, budget, tolerance)
    return _descend(plan, lambda run: Recorder(times, run), progress)


def watch(
    problem: Problem,
    start: Any,
    *,
    step_size: float,
    observer: Observer,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    progress: Progress = False,
) -> DescentTrajectory:
    """Run plain gradient descent while an observer sees the states of its own schedule.

    Parameters
    ----------
    problem, start, step_size, max_iter, tol, progress
        As in `gradient_descent`.
    observer : Observer
        Names the next step it wants to see and is shown the state there.

    Returns
    -------
    DescentTrajectory
        The same as without an observer.
    """
    beta = as_dual("start", start, problem.n_neurons, problem.n_samples)
    plan = _Asked(problem, beta, step_size, 0.0, None, max_iter, tol)
    return _descend(plan, lambda run: Watching(observer, run), progress)


def pass_by(
    problem: Problem,
    start: Any,
    *,
    step_size: float,
    passer: Passer,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
) -> DescentTrajectory:
    """Run plain gradient descent past somebody who may end it.

    Parameters
    ----------
    problem, start, step_size, max_iter, tol
        As in `gradient_descent`.
    passer : Passer
        Is shown the state wherever the run pauses, and at the steps that it names.

    Returns
    -------
    DescentTrajectory
        That of `gradient_descent`. Steps that are named divide jumps: they may cost iterations.
    """
    beta = as_dual("start", start, problem.n_neurons, problem.n_samples)
    plan = _Asked(problem, beta, step_size, 0.0, None, max_iter, tol)
    return _descend(plan, lambda run: Glancing(passer, run), False)


class _Asked(NamedTuple):
    """Checked arguments of a run."""

    problem: Problem
    start: Float
    step_size: float
    momentum: float
    batches: tuple[NDArray[np.intp], ...] | None
    max_iter: int
    tol: float


def _descend(
    asked: _Asked, recording: Callable[[Run], Recorder], progress: Progress
) -> DescentTrajectory:
    problem, beta, eta, gamma, parts, budget, tolerance = asked
    with one_blas_thread(problem.n_samples), reporting(progress, "gradient descent") as report:
        run = new_run(problem, beta, eta, gamma, parts)
        driver = Driver(run, recording(run), budget, tolerance, report)
        status, tail, certificate = driver.follow()
        if run.is_trusted and status is not Status.DIVERGED:
            tail = Tail.UNDECIDED
        ended = _Ended(driver, status, tail)
        for array in (beta, *ended.arrays()):
            array.flags.writeable = False
    return DescentTrajectory(
        problem=problem,
        start=beta,
        step_size=eta,
        momentum=gamma,
        batches=parts,
        status=status,
        tail=tail,
        limit=ended.limit,
        limit_estimate=ended.estimate,
        certificate=certificate,
        switches=ended.switches,
        n_switches=ended.n_switches,
        undecided_from=run.undecided_from,
        n_steps=ended.n_steps,
        n_iter=ended.n_iter,
        last_switch=ended.last_switch,
        loss=risk(problem.labels, problem.signs, ended.limit.primal),
        chattering=ended.chattering,
        period=int(run.counters[code.PERIOD]) if tail is Tail.LIMIT_CYCLE else 0,
        records=ended.records,
        max_iter=budget,
        tol=tolerance,
    )


class _Ended:
    """What a run that has ended leaves behind."""

    def __init__(self, driver: Driver, status: Status, tail: Tail) -> None:
        run, is_certified = driver.run, status is Status.CERTIFIED
        self.n_steps, self.n_iter = run.time, run.n_iter
        self.n_switches, self.last_switch = run.n_switches, run.last_switch
        self.switches = run.switches()
        self.chattering: NDArray[np.intp] = np.zeros((0, 2), np.intp)
        if tail in (Tail.CHATTER, Tail.LIMIT_CYCLE):
            self.chattering = run.chattering()
        self.estimate: State | None = None
        if not is_certified:
            self.limit = run.state()
            if tail is Tail.CHATTER and status is Status.TOLERANCE:
                self.estimate = driver.limit_estimate()
        elif driver.proved is not None:
            self.limit, self.chattering = driver.proved.state, np.argwhere(driver.proved.sliding)
        else:
            self.limit = run.limit()
        stays = self.limit if is_certified and tail is Tail.CHATTER else None
        is_settled = is_certified and stays is None
        self.records = driver.recorder.finish(is_settled=is_settled, limit=stays)

    def arrays(self) -> list[NDArray[Any]]:
        """Return every array, for them to be protected."""
        states = [self.limit] if self.estimate is None else [self.limit, self.estimate]
        records = self.records
        kept = [records.time, records.primal, records.dual, records.loss]
        return [self.switches, *kept, *(a for s in states for a in (s.primal, s.dual))]


def replay(trajectory: DescentTrajectory, time: int) -> State:
    """Run a trajectory again up to the state after `time` steps."""
    problem = trajectory.problem
    if trajectory.tail is Tail.CHATTER and time > trajectory.n_steps:
        return trajectory.limit
    with one_blas_thread(problem.n_samples):
        run = new_run(
            problem,
            trajectory.start,
            trajectory.step_size,
            trajectory.momentum,
            trajectory.batches,
        )
        recorder = Recorder([time], run)
        driver = Driver(run, recorder, trajectory.max_iter, trajectory.tol, _silent)
        status = driver.follow(until=time)[0]
        recorder.finish(is_settled=status is Status.CERTIFIED)
    return recorder.kept[0][1]


def _silent(fraction: float, message: str) -> None:
    del fraction, message
