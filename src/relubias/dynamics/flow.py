"""Gradient flow to its limit, event by event."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress, reporting
from relubias._threads import one_blas_thread
from relubias._validate import as_count, as_dual, as_real, fail
from relubias.dynamics._flow.path import Path
from relubias.dynamics._units import Units, scaled
from relubias.dynamics.descent import risk
from relubias.dynamics.flow_certificate import FlowCertificate, certify_state
from relubias.dynamics.flow_trajectory import FLOW_SWITCH_DTYPE, FlowPath, FlowTrajectory
from relubias.dynamics.trajectory import Records, Status
from relubias.problem import Problem, require_problem

__all__ = ["gradient_flow"]

_CONVENTIONS = ("closed", "open")


def gradient_flow(
    problem: Problem,
    start: Any,
    *,
    max_events: int | None = None,
    tol: float = 1e-10,
    at_zero: str = "closed",
    record: Any = None,
    progress: Progress = False,
) -> FlowTrajectory:
    r"""Solve gradient flow from a dual start exactly, to its limit.

    The flow is :math:`\dot w_k = -\nabla_{w_k} \tfrac12 \|f(X) - y\|^2` in the sense of Filippov:
    where a hyperplane :math:`x_i^\top w_k = 0` attracts from both sides, the neuron slides along
    it, with the part of sample i's force that keeps it there. Between events every neuron and
    sample is active, inactive or sliding, the motion is linear and known in closed form.

    Parameters
    ----------
    problem : Problem
    start : array_like of shape (n_neurons, n_samples)
        Dual start; see `relubias.starts`.
    max_events : int, optional
        Events after which to stop; ``1000 + 100 * n_neurons * n_samples`` if omitted.
    tol : float, default=1e-10
        Residual on active samples, relative to the first, below which a run whose end is not
        proved has status TOLERANCE.
    at_zero : {"closed", "open"}, default="closed"
        Whether a sample with primal value exactly zero at the start is inactive, or active as
        with Vardi and Shamir's :math:`\sigma'(0) = 1`.
    record : array_like of shape (n_records,), optional
        Times at which to keep the state.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    FlowTrajectory
        With `status` CERTIFIED where the modes provably never change again.

    Raises
    ------
    InvalidInputError
        If an argument is unusable. Running out of events is a status.

    See Also
    --------
    gradient_descent : Finite steps; tends to the flow as the step size goes to zero.
    relubias.dynamics.certify_flow : The certificate, for any state.

    Notes
    -----
    Time is in units where ``dw/dt = -gradient``: descent with step size h is at time ``h * t``
    after t steps. The number of events is about the number of pairs of neuron and sample; each
    costs an eigendecomposition of the active samples, or a Krylov space where they are many.
    Crossings are found by bounds over intervals, so that none is missed.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.
    .. [2] A. F. Filippov, Differential Equations with Discontinuous Righthand Sides, 1988.
    .. [3] G. Vardi, O. Shamir, Implicit Regularization in ReLU Networks with the Square Loss,
       COLT 2021.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -1.0])
    >>> flow = rb.gradient_flow(problem, rb.starts.all_positive(problem, 0.1))
    >>> flow.status
    <Status.CERTIFIED: 'CERTIFIED'>
    >>> flow.modes
    array([[1, 0]], dtype=int8)
    >>> flow.limit.primal
    array([[1., 0.]])
    """
    require_problem(problem)
    beta = as_dual("start", start, problem.n_neurons, problem.n_samples)
    budget = 1000 + 100 * beta.size if max_events is None else as_count("max_events", max_events)
    tolerance = as_real("tol", tol, minimum=0.0, strict=True)
    if not isinstance(at_zero, str) or at_zero not in _CONVENTIONS:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("at_zero", f"is {at_zero!r}", 'pass "closed" or "open"')
    times = _as_times(record)
    units = scaled(problem.gram, problem.labels, beta)
    with one_blas_thread(problem.n_samples), reporting(progress, "gradient flow") as report:
        path = Path(
            problem.gram / units.gram,
            problem.labels / units.label,
            problem.signs,
            beta * (units.gram / units.label),
            is_open=at_zero == "open",
        )
        is_over = path.follow(budget, report)
        status, certificate = _judge(problem, units, path, tolerance, is_over=is_over)
        pieces = FlowPath.of(path, beta, units)
        is_unfinished = status is Status.MAX_EVENTS
        end = path.event_time / units.gram
        limit = pieces.at(end if is_unfinished else np.inf)
        kept = [time for time in times if not is_unfinished or time <= end]
        records = _records(problem, pieces, kept)
    switches = _switches(pieces)
    for array in (beta, limit.primal, limit.dual, switches, records.primal, records.dual):
        array.flags.writeable = False
    return FlowTrajectory(
        problem=problem,
        start=beta,
        status=status,
        limit=limit,
        modes=pieces.modes[-1],
        certificate=certificate,
        switches=switches,
        n_switches=switches.size,
        n_events=path.n_events,
        last_switch=float(switches["time"].max(initial=0.0)),
        end_time=end,
        loss=risk(problem.labels, problem.signs, limit.primal),
        path=pieces,
        records=records,
        at_zero=at_zero,
        max_events=budget,
        tol=tolerance,
    )


def _judge(
    problem: Problem, units: Units, path: Path, tol: float, *, is_over: bool
) -> tuple[Status, FlowCertificate | None]:
    """Confirm the end by the independent certificate, or say how far the run came."""
    state = path.settled() if is_over else None
    if state is not None:
        certificate = certify_state(
            problem.gram / units.gram,
            problem.labels / units.label,
            problem.signs,
            path.primal_of_samples(state),
            path.modes_of_samples(state.modes),
            path.residual_of_samples(state),
            is_germ=path.pieces[-1].exponent > 0,
        )
        if certificate.holds:
            return Status.CERTIFIED, certificate
    is_small = is_over or path.moving_residual <= tol * path.size
    return Status.TOLERANCE if is_small else Status.MAX_EVENTS, None


def _records(problem: Problem, pieces: FlowPath, times: list[float]) -> Records:
    states = [pieces.at(time) for time in times]
    shape = (len(states), problem.n_neurons, problem.n_samples)
    return Records(
        time=np.array(times, np.float64),
        primal=np.array([state.primal for state in states]).reshape(shape),
        dual=np.array([state.dual for state in states]).reshape(shape),
        loss=np.array([risk(problem.labels, problem.signs, state.primal) for state in states]),
    )


def _switches(pieces: FlowPath) -> NDArray[np.void]:
    """List every change of mode from piece to piece."""
    piece, neuron, sample = np.nonzero(pieces.modes[1:] != pieces.modes[:-1])
    switches = np.empty(piece.size, FLOW_SWITCH_DTYPE)
    switches["time"] = pieces.times[piece + 1]
    switches["neuron"], switches["sample"] = neuron, sample
    switches["mode"] = pieces.modes[piece + 1, neuron, sample]
    return switches


def _as_times(record: Any) -> list[float]:
    """Return the times to record: sorted, distinct, not negative."""
    if record is None:
        return []
    try:
        entries = np.asarray(record).ravel().tolist()
    except (TypeError, ValueError) as error:
        raise fail("record", "is not a list of times", "pass numbers from 0 on") from error
    return sorted({as_real("record", entry, minimum=0.0) for entry in entries})
