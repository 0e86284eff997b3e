"""One problem with its start and step size, and every number that the statements ask about it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_dual, as_real, fail
from relubias.bias import BiasGap, bias_gap
from relubias.dynamics import DescentTrajectory, Status
from relubias.ensembles.spectra import Spectrum, as_spectrum
from relubias.minnorm import MinimumNorm, MinimumNormStatus, minimum_norm
from relubias.problem import Problem, require_problem
from relubias.theory._settled import Settled
from relubias.theory.monitor import Monitor, follow

__all__ = ["EPS", "Approximate", "Setting"]

EPS = float(np.finfo(np.float64).eps)


class Approximate(NamedTuple):
    """A number and how far it may be off.

    Attributes
    ----------
    value : float
        The number; nan if it is not known.
    error : float
        Bound on its error, or for a sampled estimate two standard errors.
    """

    value: float
    error: float


class Setting:
    r"""What a statement is checked on.

    Parameters
    ----------
    problem : Problem
    start : array_like of shape (n_neurons, n_samples), optional
        Dual start; needed by every statement about a run.
    step_size : float, optional
        Needed by every statement about a run.
    trace : float, optional
        :math:`L = \|\lambda\|_1`; that of `spectrum`, else the mean of the Gram diagonal.
    spectrum : Spectrum, FeatureLaw or array_like of shape (n_features,), optional
        Eigenvalues of the feature covariance, where they are known.
    n_dense : int, default=200
        Steps up to which invariants look at every one; beyond, at ever fewer.
    max_iter, tol
        As in `relubias.gradient_descent`.
    shortest : MinimumNorm, optional
        Computed if omitted.
    time_limit : float, optional
        Seconds for the minimum norm.
    progress : bool or callable, default=False
        Show progress of the run.
    """

    def __init__(
        self,
        problem: Any,
        start: Any = None,
        *,
        step_size: float | None = None,
        trace: float | None = None,
        spectrum: Any = None,
        n_dense: int = 200,
        max_iter: int = 10_000_000,
        tol: float = 1e-10,
        shortest: MinimumNorm | None = None,
        time_limit: float | None = None,
        progress: Progress = False,
    ) -> None:
        self.problem: Problem = require_problem(problem)
        self.n, self.m = self.problem.n_samples, self.problem.n_neurons
        self._start = None if start is None else as_dual("start", start, self.m, self.n)
        self._step_size = None
        if step_size is not None:
            self._step_size = as_real("step_size", step_size, minimum=0.0, strict=True)
        self.spectrum = _known_spectrum(spectrum)
        self._trace = None if trace is None else as_real("trace", trace, minimum=0.0, strict=True)
        if self._trace is None and self.spectrum is None and self.problem.scale == 0.0:
            got = "has only zero features, whose squared norm L every statement divides by"
            raise fail("problem", got, "pass features that are not all zero, or trace")
        self.max_iter = as_count("max_iter", max_iter, minimum=0)
        self.tol = as_real("tol", tol, minimum=0.0, strict=True)
        if time_limit is not None:
            time_limit = as_real("time_limit", time_limit, minimum=0.0)
        self.time_limit = time_limit
        self.progress = progress
        if shortest is not None and not isinstance(shortest, MinimumNorm):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise fail("shortest", f"is a {type(shortest).__name__}", "pass a MinimumNorm")
        self._shortest = shortest
        self.monitor = Monitor(as_count("n_dense", n_dense))

    # --- labels -------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> Float:
        """Labels, (n_samples,)."""
        return self.problem.labels

    @cached_property
    def signs(self) -> Float:
        """Output signs, (n_neurons,)."""
        return self.problem.signs

    @cached_property
    def positive(self) -> NDArray[np.bool_]:
        """Which labels are positive, (n_samples,)."""
        return self.labels > 0

    @cached_property
    def negative(self) -> NDArray[np.bool_]:
        """Which labels are negative, (n_samples,)."""
        return self.labels < 0

    @cached_property
    def agrees(self) -> NDArray[np.bool_]:
        """Which samples have the sign of the neuron, (n_neurons, n_samples)."""
        return self.signs[:, None] * self.labels > 0

    @cached_property
    def y_min(self) -> float:
        """Smallest absolute label."""
        return float(np.abs(self.labels).min())

    @cached_property
    def y_max(self) -> float:
        """Largest absolute label."""
        return float(np.abs(self.labels).max())

    @property
    def label_ratio(self) -> float:
        """``y_max / y_min``; infinite if a label is zero."""
        return self.y_max / self.y_min if self.y_min > 0 else math.inf

    @property
    def n_positive(self) -> int:
        """Number of positive labels."""
        return int(self.positive.sum())

    @property
    def n_negative(self) -> int:
        """Number of negative labels."""
        return int(self.negative.sum())

    # --- features -----------------------------------------------------------------------------

    @cached_property
    def trace(self) -> float:
        r"""The L of the paper: :math:`\|\lambda\|_1`, as given, known or estimated."""
        if self._trace is not None:
            return self._trace
        return self.problem.scale if self.spectrum is None else self.spectrum.trace

    @property
    def trace_source(self) -> str:
        """Where `trace` comes from, for people."""
        if self._trace is not None:
            return "given"
        return "mean of the Gram diagonal" if self.spectrum is None else "trace of the spectrum"

    @cached_property
    def deviation(self) -> Float:
        """The matrix ``E = G / L - I``, (n_samples, n_samples)."""
        E = self.problem.gram / self.trace
        E[np.diag_indices(self.n)] -= 1.0
        return E

    @cached_property
    def eigenvalues(self) -> Float:
        """Eigenvalues of ``G / L``, increasing, (n_samples,); see `eigenvalue_error`."""
        with one_blas_thread(self.n):
            return np.linalg.eigvalsh(self.problem.gram / self.trace).astype(np.float64, copy=False)

    @property
    def eigenvalue_error(self) -> float:
        """How far any eigenvalue of ``G / L`` may be off."""
        return 4.0 * self.n * EPS * max(float(self.eigenvalues[-1]), 1.0)

    @property
    def delta(self) -> Approximate:
        r"""Operator norm :math:`\delta = \|G/L - I\|`."""
        mu = self.eigenvalues
        return Approximate(
            max(abs(float(mu[0]) - 1.0), abs(float(mu[-1]) - 1.0)), self.eigenvalue_error
        )

    @property
    def delta_star(self) -> Approximate:
        r"""The number that everything depends on, :math:`\delta\sqrt n\,y_{max}/y_{min}`."""
        factor = math.sqrt(self.n) * self.label_ratio
        value = self.delta.value * factor
        return Approximate(value, self.delta.error * factor + 4.0 * EPS * value)

    @cached_property
    def condition(self) -> Approximate:
        r"""The constant :math:`C_g = \max(\mu_1/L, L/\mu_n)` of Lemma 7, measured.

        Infinite where G is singular to rounding.
        """
        smallest, largest = float(self.eigenvalues[0]), float(self.eigenvalues[-1])
        error = self.eigenvalue_error
        if smallest <= 4.0 * error:
            return Approximate(math.inf, 0.0)
        value = max(largest, 1.0 / smallest)
        return Approximate(value, error * max(1.0, 2.0 * value * value))

    @cached_property
    def d_2(self) -> Approximate:
        r"""Effective dimension :math:`\|\lambda\|_1^2/\|\lambda\|_2^2`.

        Without the spectrum it is estimated from the Gram matrix: entries off the diagonal have
        mean square :math:`\|\lambda\|_2^2`. The standard error of its logarithm, by leaving samples
        out one at a time, counts twice. It is at least 1 and at most the number of features,
        where that is known; nan where the samples are orthogonal, which shows nothing else.
        """
        if self.spectrum is not None:
            return Approximate(self.spectrum.d_2, 8.0 * EPS * self.spectrum.d_2)
        squares = self.deviation**2
        np.fill_diagonal(squares, 0.0)
        mean, error = _mean_of_pairs(squares)
        if mean == 0.0:
            return _between(1.0, self._n_features)
        factor = math.exp(2.0 * error / mean)
        high = max(min(factor / mean, self._n_features), 1.0)
        return _between(max(min(1.0 / mean, high) / factor, 1.0), high)

    @cached_property
    def d_inf(self) -> Approximate:
        r"""Effective dimension :math:`\|\lambda\|_1/\|\lambda\|_\infty`.

        Without the spectrum all that is known is :math:`\sqrt{d_2} \le d_\infty \le d_2`.
        """
        if self.spectrum is None:
            low, high = self.d_2.value - self.d_2.error, self.d_2.value + self.d_2.error
            return _between(math.sqrt(max(low, 1.0)), high)
        return Approximate(self.spectrum.d_inf, 8.0 * EPS * self.spectrum.d_inf)

    @property
    def _n_features(self) -> float:
        features = self.problem.features
        return math.inf if features is None else float(features.shape[1])

    # --- start and step -----------------------------------------------------------------------

    @property
    def has_run(self) -> bool:
        """Whether start and step size are given."""
        return self._start is not None and self._step_size is not None

    @property
    def start(self) -> Float:
        """Dual start, (n_neurons, n_samples).

        Raises
        ------
        InvalidInputError
            If none was given.
        """
        if self._start is None:
            raise fail("start", "is missing", "this statement is about a run; see relubias.starts")
        return self._start

    @property
    def step_size(self) -> float:
        """Step size.

        Raises
        ------
        InvalidInputError
            If none was given.
        """
        if self._step_size is None:
            raise fail("step_size", "is missing", "this statement is about a run; pass kappa / L")
        return self._step_size

    @property
    def kappa(self) -> float:
        """Dimensionless step, `step_size` times `trace`."""
        return self.step_size * self.trace

    @cached_property
    def initial(self) -> Float:
        """Primal values at the start, (n_neurons, n_samples)."""
        return self.start @ self.problem.gram

    @property
    def initial_error(self) -> float:
        """Bound on the rounding of `initial`."""
        sizes = np.abs(self.start) @ np.abs(self.problem.gram)
        return (self.n + 2) * EPS * float(sizes.max())

    @property
    def rho(self) -> float:
        """Largest initial primal value over `y_min`; infinite if a label is zero."""
        return float(self.initial.max()) / self.y_min if self.y_min > 0 else math.inf

    @cached_property
    def state_error(self) -> float:
        r"""Bound on the rounding of what a run shows: primal values, and L times duals.

        In units of the labels. Steps are computed in twice the working precision until the
        pattern is frozen, then in closed form on the modes of G that are not null.
        """
        mu = self.eigenvalues
        moving = mu[mu > 4.0 * self.eigenvalue_error]
        if moving.size == 0:
            return 0.0
        largest = float(moving[-1])
        amplification = max(largest, 1.0) / min(float(moving[0]), 1.0)
        start = float(np.abs(self.initial).max())
        labels = float(np.linalg.norm(self.labels))
        size = start + (1.0 + self.kappa * largest) * (labels + self.m * math.sqrt(self.n) * start)
        return 16.0 * self.n * EPS * amplification * size

    # --- the run and the shortest network -----------------------------------------------------

    @cached_property
    def trajectory(self) -> DescentTrajectory:
        """The run, followed once; `monitor` sees its steps."""
        return follow(
            self.problem, self.start, self.step_size, self.monitor,
            max_iter=self.max_iter, tol=self.tol, progress=self.progress,
        )  # fmt: skip

    @cached_property
    def settled(self) -> Settled:
        """Where the run took its last pattern; ask for it before the run begins."""
        settled = Settled()
        self.monitor.listen(settled.see)
        return settled

    @cached_property
    def shortest(self) -> MinimumNorm:
        """The minimum-norm network."""
        if self._shortest is not None:
            return self._shortest
        return minimum_norm(self.problem, time_limit=self.time_limit)

    @property
    def has_gap(self) -> bool:
        """Whether there are two networks to compare."""
        exists = self.shortest.status in (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
        return exists and self.trajectory.status is not Status.DIVERGED

    @cached_property
    def gap(self) -> BiasGap:
        """Distance of the limit of the run from the minimum norm."""
        return bias_gap(self.problem, self.trajectory, self.shortest, trace=self.trace)


def _mean_of_pairs(values: Float) -> tuple[float, float]:
    """Return the mean over pairs of different samples and its standard error.

    The larger of the jackknife's and that of independent squares of Gaussians.
    """
    n = values.shape[0]
    if n < 2:
        return 0.0, 0.0
    of_each = values.sum(axis=0) / (n - 1)
    mean = float(of_each.mean())
    spread = float(np.linalg.norm(of_each - mean))
    jackknife = 2.0 * math.sqrt((n - 1) / n) / (n - 2) * spread if n > 2 else 0.0
    return mean, max(jackknife, mean * math.sqrt(4.0 / (n * (n - 1))))


def _between(low: float, high: float) -> Approximate:
    """Return a number that lies in an interval; nan if there is no upper end."""
    if not math.isfinite(high):
        return Approximate(math.nan, math.inf)
    return Approximate(0.5 * (low + high), 0.5 * (high - low))


def _known_spectrum(value: Any) -> Spectrum | None:
    if value is None:
        return None
    own = getattr(value, "spectrum", value)
    return as_spectrum("spectrum", own)
