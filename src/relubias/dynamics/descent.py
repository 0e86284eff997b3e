"""Gradient descent to its limit: step, test, look ahead, jump."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress, Report, reporting
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_dual, as_real, as_steps
from relubias.dynamics import _codes as code
from relubias.dynamics._frozen import Frozen, safe_steps
from relubias.dynamics._run import Run
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.descent_trajectory import DescentTrajectory
from relubias.dynamics.trajectory import Records, State, Status, Tail
from relubias.problem import Problem, require_problem

__all__ = ["gradient_descent"]

_FLOOR = 1e-24  # residual below which no switch is waited for: double-double ends at 1e-31
_FAR = 20  # quiet stretches that a jump has to cover to be worth looking for the next one soon
_STATIONARY = 1e-8  # of the tolerance: a chattering state that moves less has reached its limit


def gradient_descent(
    problem: Problem,
    start: Any,
    *,
    step_size: float,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    record: Any = None,
    progress: Progress = False,
) -> DescentTrajectory:
    r"""Run full-batch gradient descent from a dual start to its limit.

    Each step is, with :math:`u = \beta G`, :math:`A = 1\{u > 0\}` and
    :math:`r = s^\top \mathrm{relu}(u) - y`,

    .. math:: \beta_k \leftarrow \beta_k - \eta\, s_k\, A_k \circ r .

    States are carried in double-double arithmetic, so every recorded switch is that of exact
    gradient descent on the given float64 numbers.

    Parameters
    ----------
    problem : Problem
    start : array_like of shape (n_neurons, n_samples)
        Dual start; see `relubias.starts`.
    step_size : float
        In inverse squared units of the features; ``kappa / problem.scale`` for a dimensionless
        step `kappa`. Any positive number: large steps switch neurons off rather than diverge.
    max_iter : int, default=10_000_000
        Iterations to compute; a jump over any number of steps counts as one.
    tol : float, default=1e-10
        Residual on active samples, relative to the largest label, below which an uncertified run
        ends with status TOLERANCE.
    record : array_like of int, optional
        Steps at which to keep the state.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    DescentTrajectory
        With `status` CERTIFIED where the pattern provably never changes again.

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
    covers it, so that a last switch after 10**13 steps is found exactly and at once.

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
    budget = as_count("max_iter", max_iter, minimum=0)
    tolerance = as_real("tol", tol, minimum=0.0, strict=True)
    times = as_steps("record", record)
    with one_blas_thread(problem.n_samples), reporting(progress, "gradient descent") as report:
        run = Run(problem, beta, eta)
        recorder = _Recorder(times, run)
        status, tail, certificate = _Descent(run, recorder, budget, tolerance, report).follow()
        if run.is_trusted and status is not Status.DIVERGED:
            tail = Tail.UNDECIDED
    return _as_trajectory(
        problem, beta, eta, run, recorder, status, tail, certificate, budget, tolerance
    )


class _Descent:
    """One run from start to end: the decisions between the kernels' calls."""

    def __init__(
        self, run: Run, recorder: _Recorder, max_iter: int, tol: float, report: Report
    ) -> None:
        self.run = run
        self.recorder = recorder
        self.max_iter = max_iter
        # the tolerance is relative to the labels; without labels, to the start
        size = float(np.abs(run.labels).max())
        self.tol = tol * (size if size > 0 else 1.0)
        self.report = report
        self.patience = code.QUIET_STRETCH  # switch-free iterations before the next look ahead
        self.quiet_since = 0  # iteration of the last switch, jump or look
        self.seen_switches = 0
        self.look_until_switch = -1  # ignore the tolerance while this is the number of switches

    def follow(self, until: int = 2**62) -> tuple[Status, Tail, Certificate | None]:
        """Advance until a status is known, or to the step `until`."""
        run = self.run
        while True:
            self.recorder.observe()
            if run.time >= until:
                return Status.MAX_ITER, Tail.QUIET, None
            left = self.max_iter - run.n_iter
            if left <= 0:
                return self._out_of_iterations()
            tol = _FLOOR if run.n_switches == self.look_until_switch else self.tol
            why = run.advance(min(run.time + left, self.recorder.next_time), tol)
            self.report(min(1.0, run.n_iter / max(self.max_iter, 1)), f"{run.time} steps")
            if why == code.DIVERGED:
                return Status.DIVERGED, Tail.EXPLODED, None
            if why == code.UNDECIDED and self._is_stationary_on_hyperplanes():
                return Status.TOLERANCE, Tail.CHATTER, None
            if why == code.CYCLE:
                return Status.MAX_ITER, Tail.LIMIT_CYCLE, None
            if why in (code.ATTEMPT, code.SMALL_RESIDUAL):
                ending = self._decide(is_small=why == code.SMALL_RESIDUAL)
                if ending is not None:
                    return ending

    def _is_stationary_on_hyperplanes(self) -> bool:
        """Settle a sign that double-double leaves open, unless the run has reached its limit."""
        run = self.run
        moving = run.moving_residual()
        is_over = moving <= _STATIONARY * self.tol
        if is_over or not run.resolve():
            run.leave_open()
            is_over = is_over or moving <= self.tol
            if not is_over:
                run.trust()
        return is_over

    def _decide(self, *, is_small: bool) -> tuple[Status, Tail, Certificate | None] | None:
        """Test the pattern for good; otherwise look ahead and jump where that is cheaper."""
        run = self.run
        found = run.freeze_test()
        if found == code.FROZEN:
            return self._certified()
        if is_small and not run.is_quiet:
            return Status.TOLERANCE, Tail.CHATTER, None
        if is_small and run.n_switches == self.look_until_switch:
            return Status.TOLERANCE, Tail.QUIET, None
        if run.n_switches != self.seen_switches:
            self.seen_switches = run.n_switches
            self.quiet_since = max(self.quiet_since, run.n_iter - (run.time - run.last_switch))
        is_due = run.n_iter - self.quiet_since >= self.patience
        if found != code.NEEDS_EIGENBASIS and not is_small and not is_due:
            return None
        return self._look_ahead(is_small=is_small, switch_comes=found == code.SWITCH_COMES)

    def _look_ahead(
        self, *, is_small: bool, switch_comes: bool
    ) -> tuple[Status, Tail, Certificate | None] | None:
        """Bound the time to the next switch in the eigenbasis; jump where that is cheaper."""
        run = self.run
        frozen = run.motion()
        steps, is_forever = safe_steps(frozen)
        until_record = min(self.recorder.next_time - run.time, int(min(frozen.lifetime, 2.0**62)))
        if is_forever and steps <= until_record:
            if steps:
                run.jump(steps)
                run.renew_residual()
            run.settle(frozen)
            ending = self._certified()
            if ending is None and frozen.residual <= self.tol:
                return Status.TOLERANCE, Tail.QUIET, None
            distance = min(self._time_scale(frozen), until_record)
            if ending is None and distance > 0:  # too close to a hyperplane to certify: move on
                run.jump(distance)
            return ending
        is_small = is_small or (frozen.is_stable and frozen.residual <= self.tol)
        if is_small and not switch_comes:
            return Status.TOLERANCE, Tail.QUIET, None
        steps = min(steps, until_record)
        if self._is_worth_a_jump(steps):
            run.jump(steps)
        is_far = steps > _FAR * code.QUIET_STRETCH  # else looking costs more than it saves
        self.patience = code.QUIET_STRETCH if is_far else 2 * self.patience
        self.quiet_since = run.n_iter
        if is_small:
            self.look_until_switch = run.n_switches
        return None

    def _time_scale(self, frozen: Frozen) -> int:
        """Return the steps in which the slowest mode decays by a factor e."""
        return int(min(1.0 / (self.run.step_size * float(frozen.basis.mu[0])) + 1.0, 2.0**60))

    def _is_worth_a_jump(self, n_steps: int) -> bool:
        """Whether repeated squaring costs less than stepping."""
        order = int(self.run.active.any(axis=0).sum())
        cost_of_step = self.run.high.size
        return n_steps * cost_of_step > 5 * max(n_steps, 1).bit_length() * order * order

    def _certified(self) -> tuple[Status, Tail, Certificate | None] | None:
        """Confirm by the independent certificate, from the state in the user's numbers."""
        run = self.run
        if run.undecided_from:  # the past of this pattern is not certain
            return (Status.TOLERANCE, Tail.UNDECIDED, None) if self._is_small() else None
        step_size = run.step_size / run.gram_unit
        certificate = certify(run.problem, run.state().dual, step_size=step_size)
        if certificate.holds is not True:
            return (Status.TOLERANCE, Tail.QUIET, None) if self._is_small() else None
        return Status.CERTIFIED, Tail.SETTLED, certificate

    def _is_small(self) -> bool:
        on = self.run.active.any(axis=0)
        return float(np.abs(self.run.residual_high[on]).max(initial=0.0)) <= self.tol

    def _out_of_iterations(self) -> tuple[Status, Tail, Certificate | None]:
        self.run.renew_residual()
        if self.run.freeze_test() == code.FROZEN:
            ending = self._certified()
            if ending is not None:
                return ending
        if self._is_small():
            return Status.TOLERANCE, Tail.QUIET if self.run.is_quiet else Tail.CHATTER, None
        return Status.MAX_ITER, Tail.QUIET if self.run.is_quiet else Tail.CHATTER, None


class _Recorder:
    """Keeps the state at chosen steps."""

    def __init__(self, times: list[int], run: Run) -> None:
        self.run = run
        self.waiting = times[::-1]
        self.kept: list[tuple[int, State]] = []

    @property
    def next_time(self) -> int:
        """Step of the next record."""
        return self.waiting[-1] if self.waiting else 2**62

    def observe(self) -> None:
        """Keep the present state if it was asked for."""
        if self.run.time == self.next_time:
            self.kept.append((self.waiting.pop(), self.run.state()))

    def finish(self, *, is_certified: bool) -> Records:
        """Follow a settled run in jumps through the steps still asked for."""
        self.observe()
        while is_certified and self.waiting:
            self.run.renew_residual()
            if self.next_time > self.run.time:
                self.run.jump(self.next_time - self.run.time)
            self.observe()
        problem = self.run.problem
        shape = (0, problem.n_neurons, problem.n_samples)
        primal = np.array([s.primal for _, s in self.kept]).reshape(-1, *shape[1:])
        return Records(
            time=np.array([t for t, _ in self.kept], dtype=np.int64),
            primal=primal,
            dual=np.array([s.dual for _, s in self.kept]).reshape(-1, *shape[1:]),
            loss=np.array([risk(problem.labels, problem.signs, u) for u in primal]),
        )


def risk(labels: Float, signs: Float, primal: Float) -> float:
    """Return ``0.5 * ||signs @ relu(primal) - labels||**2``."""
    residual = signs @ np.maximum(primal, 0.0) - labels
    return 0.5 * float(residual @ residual)


def _as_trajectory(
    problem: Problem,
    start: Float,
    step_size: float,
    run: Run,
    recorder: _Recorder,
    status: Status,
    tail: Tail,
    certificate: Certificate | None,
    max_iter: int,
    tol: float,
) -> DescentTrajectory:
    n_steps = run.time
    certified = status is Status.CERTIFIED
    limit = run.limit() if certified else run.state()
    chattering: NDArray[np.intp] = np.zeros((0, 2), np.intp)
    if tail in (Tail.CHATTER, Tail.LIMIT_CYCLE):
        chattering = run.chattering()
    n_iter, n_switches, last_switch = run.n_iter, run.n_switches, run.last_switch
    switches = run.switches()
    records = recorder.finish(is_certified=certified)
    for array in (start, limit.primal, limit.dual, switches, *_arrays(records)):
        array.flags.writeable = False
    return DescentTrajectory(
        problem=problem,
        start=start,
        step_size=step_size,
        status=status,
        tail=tail,
        limit=limit,
        certificate=certificate,
        switches=switches,
        n_switches=n_switches,
        undecided_from=run.undecided_from,
        n_steps=n_steps,
        n_iter=n_iter,
        last_switch=last_switch,
        loss=risk(problem.labels, problem.signs, limit.primal),
        chattering=chattering,
        period=int(run.counters[code.PERIOD]) if tail is Tail.LIMIT_CYCLE else 0,
        records=records,
        max_iter=max_iter,
        tol=tol,
    )


def _arrays(records: Records) -> tuple[NDArray[Any], ...]:
    return records.time, records.primal, records.dual, records.loss


def replay(trajectory: DescentTrajectory, time: int) -> State:
    """Run a trajectory again up to the state after `time` steps."""
    problem = trajectory.problem
    with one_blas_thread(problem.n_samples):
        run = Run(problem, trajectory.start, trajectory.step_size)
        recorder = _Recorder([time], run)
        descent = _Descent(run, recorder, trajectory.max_iter, trajectory.tol, _silent)
        status = descent.follow(until=time)[0]
        recorder.finish(is_certified=status is Status.CERTIFIED)
    return recorder.kept[0][1]


def _silent(fraction: float, message: str) -> None:
    del fraction, message
