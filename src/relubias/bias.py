"""The implicit bias in one number: how far gradient descent stops from the minimum norm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_dual, as_real, fail, shown
from relubias.minnorm.distance import Distance, between_duals, dual_norm, to_minimum_norm
from relubias.minnorm.shared_distance import shares_samples, to_shared_network
from relubias.minnorm.solution import MinimumNorm
from relubias.problem import Problem, require_problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["BiasGap", "bias_gap"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BiasGap:
    r"""Distance of two networks in weight space, beside the law that predicts it.

    Attributes
    ----------
    distance : float
        ``sqrt(sum_k ||w_k - v_k||^2)``.
    rounding_error : float
        Bound on what rounding did to `distance`.
    relative : float
        `distance` over `second_norm`; nan if that is 0.
    first_norm, second_norm : float
        Norms of the networks.
    prediction : float
        The asymptotic law; nan unless `first` is a run of plain gradient descent of one neuron, or
        of two of opposite signs, from an all-positive start, and `second` the minimum norm.
    ratio : float
        `distance` over `prediction`.
    kappa : float
        Step size times trace, dimensionless; nan unless `first` is a run.
    rho : float
        Largest initial prediction over smallest absolute label, dimensionless; nan unless
        `first` is a run and no label is zero.
    per_neuron, predictions, ratios : ndarray of shape (n_neurons,)
        The same by neuron of `second`.
    assignment : ndarray of int, shape (n_neurons,)
        Neuron of `first` that is compared with each neuron of `second`.
    """

    distance: float
    rounding_error: float
    relative: float
    first_norm: float
    second_norm: float
    prediction: float
    ratio: float
    kappa: float
    rho: float
    per_neuron: Float
    predictions: Float
    ratios: Float
    assignment: NDArray[np.intp]

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        lines = [
            f"distance  {self.distance:.12g} (rounding at most {self.rounding_error:.1g})",
            f"relative  {self.relative:.6g} of the second norm, {self.second_norm:.12g}",
        ]
        if not math.isnan(self.kappa):
            lines.append(f"kappa     {self.kappa:.6g}, rho {self.rho:.3g}")
        if not math.isnan(self.prediction):
            lines.append(f"law       {self.prediction:.12g}, distance / law {self.ratio:.6g}")
        if (self.assignment != np.arange(self.assignment.size)).any():
            lines.append(f"neurons   {', '.join(str(k) for k in self.assignment)} of the first")
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per neuron.

        Returns
        -------
        pandas.DataFrame
            Columns ``neuron, first_neuron, distance, prediction, ratio``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "neuron": np.arange(self.per_neuron.size),
                "first_neuron": self.assignment,
                "distance": self.per_neuron,
                "prediction": self.predictions,
                "ratio": self.ratios,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the distance beside the law, for every neuron.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Dots are distances, diamonds the law, the grey bar is the norm of the second network.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias._plot_bias import draw_gap

        return draw_gap(self, ax)

    def __repr__(self) -> str:
        law = "" if math.isnan(self.ratio) else f", ratio={self.ratio:.4g}"
        return f"BiasGap(distance={self.distance:.6g}, relative={self.relative:.4g}{law})"


def bias_gap(
    problem: Any,
    first: Any,
    second: Any,
    *,
    trace: float | None = None,
    match_neurons: bool = True,
) -> BiasGap:
    r"""Measure the distance between two networks, such as a limit and the minimum norm.

    For one positive neuron from an all-positive start with predictions :math:`\epsilon`, the gap
    to the minimum norm is to leading order in the dimension

    .. math:: \frac{1}{\sqrt L}
              \sqrt{\sum_{y_i<0} \bigl(\kappa |y_i| - (1-\kappa)\epsilon_i\bigr)^2},
              \qquad \kappa = \eta L,

    and for two neurons of opposite signs the same for each, over the labels of the other sign,
    with :math:`\kappa(|y_i| + \epsilon_i - \epsilon'_i) - \epsilon_i`, where :math:`\epsilon'`
    belongs to the other neuron.

    Parameters
    ----------
    problem : Problem
        What both networks belong to.
    first, second : Trajectory, State, MinimumNorm or array_like of shape (n_neurons, n_samples)
        Networks; arrays are dual variables. To a `MinimumNorm` the distance keeps all its digits
        however small it is.
    trace : float, optional
        The L of the law; the mean Gram diagonal if omitted.
    match_neurons : bool, default=True
        Networks are the same when neurons of equal sign change places, so the distance is the
        least over such permutations (a linear assignment). False compares neuron k with neuron k.

    Returns
    -------
    BiasGap
        ``distance``, ``rounding_error``, ``relative``, ``prediction``, ``ratio``.

    Raises
    ------
    InvalidInputError
        If shapes disagree or an argument is none of the kinds above.
    NotSolvedError
        If a `MinimumNorm` holds no network.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorems 2 and 4.

    Examples
    --------
    >>> from relubias import Problem, minimum_norm
    >>> problem = Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> gap = bias_gap(problem, [[0.25, -0.14]], minimum_norm(problem))
    >>> round(gap.distance, 12)
    0.28
    """
    problem = require_problem(problem)
    first_dual, second_dual = _dual("first", problem, first), _dual("second", problem, second)
    scale = problem.scale if trace is None else as_real("trace", trace, minimum=0.0, strict=True)
    if str(match_neurons) not in ("True", "False"):
        raise fail("match_neurons", f"is {shown(match_neurons)}", "pass True or False")
    with one_blas_thread(problem.n_samples):
        assignment = _assignment(problem, first_dual, second_dual, bool(match_neurons))
        total, parts = _distances(problem, (first_dual, first), (second_dual, second), assignment)
        first_norm = _norm(problem, first, first_dual)
        second_norm = _norm(problem, second, second_dual)
        kappa, rho, predictions = _law(problem, first, second, scale)
    per_neuron = np.array([part.value for part in parts])
    distance, prediction = total.value, math.hypot(*predictions)
    return BiasGap(
        distance=distance,
        rounding_error=total.error,
        relative=distance / second_norm if second_norm > 0 else math.nan,
        first_norm=first_norm,
        second_norm=second_norm,
        prediction=prediction,
        ratio=distance / prediction if prediction > 0 else math.nan,
        kappa=kappa,
        rho=rho,
        per_neuron=per_neuron,
        predictions=predictions,
        ratios=np.divide(
            per_neuron, predictions, out=np.full(per_neuron.size, np.nan), where=predictions > 0
        ),
        assignment=assignment,
    )


def _dual(name: str, problem: Problem, network: Any) -> Float:
    """Return the dual variables of any kind of network."""
    if hasattr(network, "outer"):
        got = f"is a {_kind(network)}, whose output weights differ from the signs"
        raise fail(name, got, "compare networks of one kind")
    if isinstance(network, MinimumNorm):
        network = network.raise_if_failed().dual
    elif hasattr(network, "limit"):
        network = network.limit.dual
    elif hasattr(network, "dual"):
        network = network.dual
    is_mapping = hasattr(network, "keys") and not hasattr(network, "__array__")  # no DataFrame
    if network is None or isinstance(network, (str, bytes)) or is_mapping:
        raise fail(
            name,
            f"is a {_kind(network)}",
            "pass a Trajectory, a State, a MinimumNorm or a dual of shape (n_neurons, n_samples)",
        )
    return as_dual(name, network, problem.n_neurons, problem.n_samples)


def _kind(value: Any) -> str:
    return type(value).__name__


def _assignment(
    problem: Problem, first: Float, second: Float, match_neurons: bool
) -> NDArray[np.intp]:
    """Return the neurons of `first` in the order that brings them nearest to those of `second`."""
    assignment = np.arange(problem.n_neurons, dtype=np.intp)
    for sign in (1.0, -1.0):
        own = np.flatnonzero(problem.signs == sign)
        if own.size < 2 or not match_neurons:
            continue
        from scipy.optimize import linear_sum_assignment

        cost = np.array([_squares(problem.gram, first[own] - second[k]) for k in own])
        chosen = linear_sum_assignment(cost)[1]
        kept, changed = float(np.trace(cost)), float(cost[np.arange(own.size), chosen].sum())
        if changed < kept * (1 - 1e-12):  # equal neurons stay where they are
            assignment[own] = own[chosen]
    return assignment


def _squares(gram: Float, duals: Float) -> Float:
    size = float(np.abs(duals).max()) or 1.0
    duals = duals / size
    return np.maximum(((duals @ gram) * duals).sum(axis=1), 0.0) * size * size


def _distances(
    problem: Problem,
    first: tuple[Float, Any],
    second: tuple[Float, Any],
    assignment: NDArray[np.intp],
) -> tuple[Distance, list[Distance]]:
    """Return the distance of the networks and of their neurons."""
    gram, order = problem.gram, assignment
    if isinstance(second[1], MinimumNorm):
        return _to_solution(gram, first[0][order], second[1])
    if isinstance(first[1], MinimumNorm):
        back = np.argsort(order)
        total, parts = _to_solution(gram, second[0][back], first[1])
        return total, [parts[k] for k in order]
    return _joined([between_duals(gram, first[0][j], second[0][k]) for k, j in enumerate(order)])


def _to_solution(
    gram: Float, duals: Float, solution: MinimumNorm
) -> tuple[Distance, list[Distance]]:
    if shares_samples(solution):
        answer = to_shared_network(gram, duals, solution)
        if answer is not None:
            return answer
    return _joined([to_minimum_norm(gram, dual, solution, k) for k, dual in enumerate(duals)])


def _joined(parts: list[Distance]) -> tuple[Distance, list[Distance]]:
    value = math.hypot(*(part.value for part in parts))
    return Distance(value, math.hypot(*(part.error for part in parts))), parts


def _norm(problem: Problem, network: Any, dual: Float) -> float:
    if isinstance(network, MinimumNorm):
        return network.norm
    return math.hypot(*(dual_norm(problem.gram, row).value for row in dual))


def _law(problem: Problem, first: Any, second: Any, scale: float) -> tuple[float, float, Float]:
    """Return kappa, rho and the law by neuron, nan where they mean nothing."""
    unknown = np.full(problem.n_neurons, math.nan)
    if not (hasattr(first, "start") and hasattr(first, "step_size")):
        return math.nan, math.nan, unknown
    start = as_dual("first", first.start, problem.n_neurons, problem.n_samples) @ problem.gram
    kappa = float(first.step_size) * scale
    smallest = float(np.abs(problem.labels).min())
    rho = float(np.abs(start).max()) / smallest if smallest > 0 else math.nan
    signs = problem.signs
    known = problem.n_neurons == 1 or (problem.n_neurons == 2 and signs[0] != signs[1])
    is_plain = not getattr(first, "momentum", 0.0) and getattr(first, "batches", None) is None
    known &= is_plain and isinstance(second, MinimumNorm)
    if not known or not (start > 0).all():
        return kappa, rho, unknown
    predictions = unknown.copy()
    for k, sign in enumerate(signs):
        other = start[1 - k] if problem.n_neurons == 2 else np.zeros(problem.n_samples)
        kick = kappa * (np.abs(problem.labels) + start[k] - other) - start[k]
        predictions[k] = np.linalg.norm(kick[sign * problem.labels < 0]) / math.sqrt(scale)
    return kappa, rho, predictions
