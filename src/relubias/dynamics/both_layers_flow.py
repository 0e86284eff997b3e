"""Gradient flow on both layers: descent with smaller and smaller steps, and what is left to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from relubias._progress import Progress, reporting
from relubias._validate import Float, as_count, as_real
from relubias.dynamics.both_layers import train_both_layers
from relubias.dynamics.both_layers_trajectory import BothLayersState, BothLayersTrajectory
from relubias.dynamics.trajectory import Status
from relubias.errors import NotSolvedError
from relubias.problem import Problem, require_problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["BothLayersFlow", "HalvingStatus", "both_layers_flow"]

_SMOOTH = (1.7, 2.4)  # ratios of successive changes that allow to extrapolate
_SHRINKS = 1.25  # ratio below which changes do not count as shrinking
_CONSIDERED = 5  # runs whose ends enter the estimate of the error
_CAUTION = 2.0  # a switch seen late in one run and early in the next can hide half of the error


class HalvingStatus(StrEnum):
    """What halving the step size has shown; `sentence` says it with the remedy."""

    CONVERGED = "CONVERGED"
    INACCURATE = "INACCURATE"
    OTHER_BASIN = "OTHER_BASIN"
    FAILED = "FAILED"

    @property
    def sentence(self) -> str:
        """The status as people read it."""
        return _SENTENCES[self]


_SENTENCES = {
    HalvingStatus.CONVERGED: (
        "the ends of the runs approach each other, and the estimated error is below `rel_error`"
    ),
    HalvingStatus.INACCURATE: (
        "the ends of the runs approach each other, but the estimated error is above `rel_error`; "
        "raise `max_halvings` or lower `step_size`"
    ),
    HalvingStatus.OTHER_BASIN: (
        "halving the step does not bring the runs closer, as if they went to different basins; "
        "raise `max_halvings` or lower `step_size`"
    ),
    HalvingStatus.FAILED: (
        "fewer than three runs reached their end; raise `max_iter`, or lower `step_size` if they "
        "diverged"
    ),
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class BothLayersFlow:
    """The limit of gradient descent on both layers as its step goes to zero, estimated.

    Attributes
    ----------
    problem : Problem
    status : HalvingStatus
        What the halvings have shown.
    time : float
        Time of the flow at which `limit` is, in units where ``d(theta)/dt = -gradient``;
        infinite for its limit.
    limit : BothLayersState
        Extrapolated from the two finest runs where no activation switches, otherwise the end
        of the finest run.
    error : float
        Estimated distance of `limit` from the flow in the space of all weights; an estimate,
        not a bound. Infinite where nothing converged.
    ratio : float
        Of the last two changes from run to run: 2 for a smooth path, irregular after switches.
    runs : tuple of BothLayersTrajectory
        Those that reached their end, from the largest step to the smallest.
    rel_error : float
        Relative error that was asked for.
    """

    problem: Problem
    status: HalvingStatus
    time: float
    limit: BothLayersState
    error: float
    ratio: float
    runs: tuple[BothLayersTrajectory, ...]
    rel_error: float

    @property
    def loss(self) -> float:
        """Risk at `limit`, ``0.5 * ||f(X) - y||**2``."""
        residual = self.limit.outputs - self.problem.labels
        return 0.5 * float(residual @ residual)

    def raise_if_failed(self) -> Self:
        """Return the result itself if it is CONVERGED.

        Raises
        ------
        NotSolvedError
            With this object as `result`, for every other status.
        """
        if self.status is not HalvingStatus.CONVERGED:
            raise NotSolvedError(f"{self.status}: {self.status.sentence}", self)
        return self

    def summary(self) -> str:
        """Return the estimate as a few lines of text."""
        steps = ", ".join(f"{run.step_size:.3g}" for run in self.runs)
        where = "at its limit" if math.isinf(self.time) else f"at time {self.time:.6g}"
        return "\n".join(
            [
                f"Gradient flow on both layers {where}: {self.status}",
                f"  {self.status.sentence}",
                f"  step sizes {steps}",
                f"  last two changes in the ratio {self.ratio:.3f}, error about {self.error:.2g}",
                f"  loss {self.loss:.6g}, half the squared norm of all weights "
                f"{self.limit.half_squared_norm:.8g}",
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the runs as a table.

        Returns
        -------
        pandas.DataFrame
            Columns ``step_size, status, n_steps, n_switches, loss, half_squared_norm, change``;
            `change` is the distance from the end of the run before.
        """
        import pandas as pd

        changes = [math.nan, *_differences(self.problem.gram, [run.limit for run in self.runs])]
        return pd.DataFrame(
            [
                {
                    "step_size": run.step_size,
                    "status": str(run.status),
                    "n_steps": run.n_steps,
                    "n_switches": run.n_switches,
                    "loss": run.loss,
                    "half_squared_norm": run.limit.half_squared_norm,
                    "change": change,
                }
                for run, change in zip(self.runs, changes, strict=False)
            ]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how far apart the ends of successive runs are, against the step size.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Both logarithmic; a dashed line has the slope of a first-order method.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.dynamics._plot_both_layers import draw_halvings

        return draw_halvings(self, ax)

    def __repr__(self) -> str:
        return (
            f"BothLayersFlow({self.status}, error={self.error:.2g}, ratio={self.ratio:.3f}, "
            f"half_squared_norm={self.limit.half_squared_norm:.6g})"
        )


def both_layers_flow(
    problem: Problem,
    start: Any,
    outer: Any,
    *,
    step_size: float,
    time: float | None = None,
    orthogonal_norm: Any = 0.0,
    rel_error: float = 1e-3,
    max_halvings: int = 8,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    progress: Progress = False,
) -> BothLayersFlow:
    r"""Estimate gradient flow on both layers from descent with halved steps.

    Runs `train_both_layers` with ``step_size``, half of it, and so on, until the ends of the runs
    approach each other as those of a first-order method do, and are close enough.

    Parameters
    ----------
    problem : Problem
        Data. Its signs give the number of neurons and nothing else.
    start : array_like of shape (n_neurons, n_samples)
        Dual start of the first layer.
    outer : array_like of shape (n_neurons,)
        Output weights at the start.
    step_size : float
        Largest step.
    time : float, optional
        Time of the flow, in units where ``d(theta)/dt = -gradient``; its limit if omitted.
    orthogonal_norm : float or array_like of shape (n_neurons,), default=0
        Norm of the part of each weight vector that no sample sees.
    rel_error : float, default=1e-3
        Estimated error, relative to the norm of all weights, at which to stop.
    max_halvings : int, default=8
        Halvings of the step.
    max_iter : int, default=10_000_000
        Steps of one run.
    tol : float, default=1e-10
        Relative residual at which a run ends.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    BothLayersFlow
        With `limit`, an estimate of its `error`, and a `status` that says whether the runs
        approach each other at all.

    Raises
    ------
    InvalidInputError
        If an argument is unusable.

    See Also
    --------
    relubias.train_both_layers : One run.
    relubias.gradient_flow : The flow of the first layer alone, followed exactly.

    Notes
    -----
    Along a path without switches the error is a power series in the step: the ends of three
    runs differ in the ratio 2, and :math:`2\theta_{\eta/4} - \theta_{\eta/2}` removes the
    leading term. Each activation switch is seen up to one step late, which leaves an error of
    first order with an irregular factor. Then at least five runs are made, `limit` is the end
    of the finest one, and the error is estimated from the largest of the changes, each scaled to
    the finest step. Changes that do not shrink say that the runs go to different places.

    Examples
    --------
    >>> problem = Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = [[0.1, -0.1], [-0.1, 0.1]]
    >>> flow = both_layers_flow(problem, start, [0.3, -0.3], step_size=0.05)
    >>> flow.status
    <HalvingStatus.CONVERGED: 'CONVERGED'>
    >>> drift = flow.limit.balancedness - (0.3**2 - 8 * 0.1**2)
    >>> bool(abs(drift).max() < 1e-4)
    True
    """
    require_problem(problem)
    eta = as_real("step_size", step_size, minimum=0.0, strict=True)
    horizon = math.inf if time is None else as_real("time", time, minimum=0.0, strict=True)
    accuracy = as_real("rel_error", rel_error, minimum=0.0, strict=True)
    halvings = as_count("max_halvings", max_halvings, minimum=2, maximum=60)
    budget = as_count("max_iter", max_iter)
    first = 0 if time is None else max(1, math.ceil(horizon / eta))
    runs: list[BothLayersTrajectory] = []
    tried: list[BothLayersTrajectory] = []
    verdict: _Verdict | None = None
    with reporting(progress, "both layers, smaller steps") as report:
        for j in range(halvings + 1):
            report(j / (halvings + 1), f"step size {eta / 2**j:.3g}")
            n_steps = first * 2**j
            run = train_both_layers(
                problem,
                start,
                outer,
                step_size=horizon / n_steps if n_steps else eta / 2**j,
                orthogonal_norm=orthogonal_norm,
                max_iter=min(n_steps, budget) if n_steps else budget,
                tol=tol,
            )
            tried.append(run)
            if run.status is Status.DIVERGED:
                runs.clear()
                continue
            if run.status is Status.MAX_ITER and not 0 < n_steps <= budget:
                break
            runs.append(run)
            if len(runs) >= 3:
                verdict = _judge(runs, accuracy)
                if verdict.status is HalvingStatus.CONVERGED:
                    break
    if verdict is None:
        limit = (runs or tried)[-1].limit
        verdict = _Verdict(HalvingStatus.FAILED, limit, math.inf, math.nan)
    return BothLayersFlow(
        problem=problem,
        status=verdict.status,
        time=horizon,
        limit=verdict.limit,
        error=verdict.error,
        ratio=verdict.ratio,
        runs=tuple(runs),
        rel_error=accuracy,
    )


class _Verdict(NamedTuple):
    status: HalvingStatus
    limit: BothLayersState
    error: float
    ratio: float


def _judge(runs: Sequence[BothLayersTrajectory], rel_error: float) -> _Verdict:
    """Read the ends of three runs or more, from the largest step to the smallest."""
    gram = runs[-1].problem.gram
    ends = [run.limit for run in runs[-_CONSIDERED:]]
    limit, size = ends[-1], math.sqrt(2.0 * ends[-1].half_squared_norm)
    changes = _differences(gram, ends)
    fine = changes[-1]
    ratio = changes[-2] / fine if fine > 0.0 else math.inf
    if max(changes[-2:]) <= 100.0 * runs[-1].tol * size:  # nothing but where the runs stopped
        ratio, error = math.nan, fine
    elif _SMOOTH[0] <= ratio <= _SMOOTH[1] and not any(run.n_switches for run in runs[-3:]):
        coarse, limit = (_extrapolated(gram, *ends[-3:-1]), _extrapolated(gram, *ends[-2:]))
        error = _differences(gram, (coarse, limit))[0]
    elif not _is_shrinking(changes):
        return _Verdict(HalvingStatus.OTHER_BASIN, limit, math.inf, ratio)
    else:  # the largest of the changes, each scaled to the finest step
        error = _CAUTION * max(c / 2.0**j for j, c in enumerate(reversed(changes)))
    has_evidence = len(changes) > 3 or not any(run.n_switches for run in runs)
    is_accurate = has_evidence and error <= rel_error * size
    status = HalvingStatus.CONVERGED if is_accurate else HalvingStatus.INACCURATE
    return _Verdict(status, limit, error, ratio)


def _is_shrinking(changes: Sequence[float]) -> bool:
    """Say whether later changes are smaller than earlier ones; one alone may be so by chance."""
    width = 2 if len(changes) >= 4 else 1
    return max(changes[-width:]) * _SHRINKS < max(changes[-2 * width : -width])


def _differences(gram: Float, states: Sequence[BothLayersState]) -> list[float]:
    """Return the distances between successive states in the space of all weights."""
    distances: list[float] = []
    for before, after in pairwise(states):
        dual, outer = after.dual - before.dual, after.outer - before.outer
        square = float((dual * (dual @ gram)).sum()) + float(outer @ outer)
        distances.append(math.sqrt(max(square, 0.0)))
    return distances


def _extrapolated(gram: Float, coarse: BothLayersState, fine: BothLayersState) -> BothLayersState:
    """Remove the leading error of two states whose step sizes have the ratio two."""
    dual = 2.0 * fine.dual - coarse.dual
    return BothLayersState(
        primal=dual @ gram,
        dual=dual,
        outer=2.0 * fine.outer - coarse.outer,
        orthogonal_norm=fine.orthogonal_norm,
    )
