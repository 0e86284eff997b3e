"""From a trained model and its samples to everything that is known about its bias."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from relubias._progress import Progress, Report, reporting
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_features, as_labels, as_real, fail, shown
from relubias.diagnosis._data import Data, data_of
from relubias.diagnosis._findings import findings_of
from relubias.diagnosis.activity import activity_of
from relubias.diagnosis.agreement import agreement
from relubias.diagnosis.comparison import (
    fitting,
    linear_on_active,
    linear_on_all,
    to_closest_fit,
    to_limit,
)
from relubias.diagnosis.curvature import curvature_of
from relubias.diagnosis.descent_limit import LimitStatus, descent_limit
from relubias.diagnosis.diagnosis import Diagnosis
from relubias.diagnosis.held_out import TestError, held_out_errors, ridge_of
from relubias.diagnosis.network import Network
from relubias.diagnosis.optimum import optimum_of, targets_of
from relubias.diagnosis.reading import read_network
from relubias.diagnosis.selection import selection_of
from relubias.diagnosis.span import span_of
from relubias.errors import InvalidInputError
from relubias.minnorm import MinimumNorm, minimum_norm

__all__ = ["diagnose"]

_MOST_SEARCHED = 300
"""Samples up to which networks of three and more neurons are searched for the shortest."""


def diagnose(
    model: Any,
    X: Any,
    y: Any,
    *,
    held_out: Any = None,
    start: Any = None,
    step_size: float | None = None,
    kappa: float | None = None,
    hidden: str | None = None,
    output: str | None = None,
    ridge: float | None = None,
    tol: float | None = None,
    time_limit: float = 10.0,
    progress: Progress = False,
) -> Diagnosis:
    r"""Say what bias a trained network with one hidden relu layer shows.

    The network is read, its outer weights are folded into the neurons (`Network`), and what was
    read is held against the model's own output first. Then: where training left it, how far it is
    from the minimum norm and from linear interpolation, which samples each neuron ignores and
    whether it can ever see them again, and how all these predict held-out samples.

    Parameters
    ----------
    model : torch.nn.Module, mapping, tuple, estimator or Network
        Anything that `read_network` takes: a module, a state dict, a fitted ``MLPRegressor``, or
        plain arrays ``(W, b, a, c)``.
    X : array_like of shape (n_samples, n_features)
        The samples it was trained on, as the model sees them.
    y : array_like of shape (n_samples,)
        Their labels.
    held_out : pair of array_like of shape (n_test, n_features) and (n_test,), optional
        Samples and labels that were not trained on, for test errors.
    start : model, optional
        The model before training, in any of the forms of `model`.
    step_size : float, optional
        Step of gradient descent on ``0.5 * ||f(X) - y||**2`` by the folded first layer, in inverse
        squared units of the features; half the largest that is stable under every pattern if
        omitted. Torch's mean squared error with learning rate ``lr`` and outer weights of 1 has
        ``step_size = 2 * lr / n_samples``.
    kappa : float, optional
        The same times the mean squared length of the samples, the constant feature included.
    hidden, output : str, optional
        Names of the layers, where they cannot be guessed.
    ridge : float, optional
        Penalty of ridge regression beside the sum of squared errors; the one with the smallest
        leave-one-out error on the training samples if omitted.
    tol : float, optional
        Part of the labels', or of the weights', size that counts as none; 1e-8 for weights in
        double precision, 1e-4 in single, 1e-2 in half if omitted.
    time_limit : float, default=10.0
        Seconds for the minimum norm of two and more neurons, and again for gradient descent.
    progress : bool or callable, default=False
        True, or a callable that takes the fraction done and a sentence.

    Returns
    -------
    Diagnosis
        Prints as one screen; `Diagnosis.findings`, `Diagnosis.to_html`, `Diagnosis.plot`.

    Raises
    ------
    InvalidInputError
        If the model cannot be read, differs from what was read, or an argument is unusable.

    See Also
    --------
    relubias.diagnosis.read_network : What can be read, and how.
    relubias.check : Every statement of the paper on a problem.

    Notes
    -----
    Biases count as the weight of a constant feature 1; the output bias is subtracted from the
    labels. Gradient descent is that of the theory: full batch, on the first layer, every neuron
    with the same step after folding. A network that was trained otherwise (mini-batches, Adam,
    weight decay, both layers) is held against it all the same; that it differs is a finding.

    The cost is that of a few eigendecompositions, cubic in the number of samples, besides the
    limits of time.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemmas 1, 2, 3 and 6.

    Examples
    --------
    >>> import relubias as rb
    >>> X, y = [[2.0, 0.0], [0.0, 1.0]], [1.0, -1.0]
    >>> found = rb.diagnose(([[0.5, -0.3]], None, [1.0], None), X, y)
    >>> found.optimum.rest
    <Rest.GLOBAL_MINIMUM: 'GLOBAL_MINIMUM'>
    >>> round(found["minimum norm"].distance, 12)
    0.3
    """
    asked = _asked(X, y, held_out, step_size, kappa, ridge, tol, time_limit)
    network = read_network(model, hidden=hidden, output=output)
    initial = None if start is None else read_network(
        start, hidden=hidden, output=output, name="start"
    )  # fmt: skip
    origin = None if initial is None else _vectors_of_start(initial, network)
    data = data_of(network, asked.X, asked.y, asked.tol)
    if asked.X_test is not None and asked.X_test.shape[1] != network.n_features:
        got = f"has {asked.X_test.shape[1]} columns, but the model takes {network.n_features}"
        raise fail("held_out", got, "pass the same features as in X")
    agrees = agreement(network, model, asked.X, hidden=hidden, output=output)
    with reporting(progress, "diagnosis") as report, one_blas_thread(data.problem.n_samples):
        return _diagnosed(data, asked, initial, origin, agrees, report, progress is not False)


class _Asked(NamedTuple):
    """Checked arguments."""

    X: Float
    y: Float
    X_test: Float | None
    y_test: Float | None
    step_size: float | None
    kappa: float | None
    ridge: float | None
    tol: float | None
    seconds: float


def _asked(
    X: Any, y: Any, held_out: Any, step_size: Any, kappa: Any, ridge: Any, tol: Any, seconds: Any
) -> _Asked:
    features = as_features("X", X)
    labels = as_labels("y", y, features.shape[0])
    if step_size is not None and kappa is not None:
        raise fail("kappa", "is given beside step_size", "pass one of them")
    X_test, y_test = None, None
    if held_out is not None:
        if isinstance(held_out, (str, bytes)) or not hasattr(held_out, "__len__"):
            raise fail("held_out", f"is {shown(held_out)}", "pass (X_test, y_test)")
        if len(held_out) != 2:
            raise fail("held_out", f"has {len(held_out)} parts", "pass (X_test, y_test)")
        X_test = as_features("held_out", held_out[0])
        y_test = as_labels("held_out", held_out[1], X_test.shape[0])
    if tol is not None and as_real("tol", tol, minimum=0.0, strict=True) >= 1.0:
        raise fail("tol", f"is {tol:g}", "pass a number below 1")
    return _Asked(
        X=features,
        y=labels,
        X_test=X_test,
        y_test=y_test,
        step_size=None if step_size is None else _positive("step_size", step_size),
        kappa=None if kappa is None else _positive("kappa", kappa),
        ridge=None if ridge is None else as_real("ridge", ridge, minimum=0.0),
        tol=None if tol is None else float(tol),
        seconds=as_real("time_limit", seconds, minimum=0.0),
    )


def _positive(name: str, value: Any) -> float:
    return as_real(name, value, minimum=0.0, strict=True)


def _n_flipped(initial: Network | None, network: Network) -> int:
    """Return the number of neurons whose outer weight had another sign at the start."""
    return 0 if initial is None else int((np.sign(initial.outer) != np.sign(network.outer)).sum())


def _vectors_of_start(initial: Network, network: Network) -> Float | None:
    """Return the folded initial weights; None if folding gives them other signs."""
    one, other = initial.raw_weights.shape, network.raw_weights.shape
    if one != other or initial.has_bias != network.has_bias:
        bias = ("without", "with")
        got = f"has weights of shape {one}, {bias[initial.has_bias]} biases"
        wanted = f"the model has {other}, {bias[network.has_bias]} biases"
        raise fail("start", got, f"{wanted}; pass the same model before training")
    if _n_flipped(initial, network):
        return None
    return initial.vectors


def _diagnosed(
    data: Data,
    asked: _Asked,
    initial: Network | None,
    origin: Float | None,
    agrees: Any,
    report: Report,
    shows: bool,
) -> Diagnosis:
    report(0.0, "samples and weights")
    step = asked.step_size
    if asked.kappa is not None:
        step = asked.kappa / data.problem.scale if data.problem.scale > 0 else asked.kappa
    curvature, span = curvature_of(data, step), span_of(data)
    activity = activity_of(data, curvature, span)
    report(0.2, "minimum norm")
    sought = _shortest(data, span.rank, asked.seconds, _part(report, 0.2, shows))
    report(0.6, "gradient descent")
    limit = descent_limit(
        data,
        data.vectors if origin is None else origin,
        curvature.step_size,
        asked.seconds,
        _part(report, 0.6, shows) or report,
        from_start=origin is not None,
    )
    report(0.95, "comparisons")
    comparisons = fitting(data, sought.solution, sought.shared)
    fits = bool(comparisons)
    if not fits and data.problem.n_neurons == 1:
        comparisons.append(to_closest_fit(data))
    comparisons.append(linear_on_active(data, curvature))
    comparisons.append(linear_on_all(data))
    if limit.status is not LimitStatus.DIVERGED:
        comparisons.append(to_limit(data, limit))
    penalty = ridge_of(asked.X, asked.y, asked.ridge)
    errors: tuple[TestError, ...] = ()
    if asked.X_test is not None and asked.y_test is not None:
        found = comparisons[0] if comparisons[0].name == "minimum norm" else None
        errors = held_out_errors(data, asked.X, asked.X_test, asked.y_test, found, limit, penalty)
    diagnosis = Diagnosis(
        network=data.network,
        problem=data.problem,
        agreement=agrees,
        tolerance=data.tolerance,
        step_size=curvature.step_size,
        primal=data.primal,
        residual=data.residual,
        optimum=optimum_of(data, curvature, activity, can_be_fitted=fits),
        comparisons=tuple(comparisons),
        shortest=sought.solution,
        why_no_shortest=sought.why_not,
        span=span,
        activity=activity,
        selection=selection_of(data, curvature, span, origin),
        curvature=curvature,
        limit=limit,
        ridge=penalty,
        test_errors=errors,
        n_test=0 if asked.y_test is None else asked.y_test.size,
        start=initial,
        n_flipped=_n_flipped(initial, data.network),
        findings=(),
    )
    report(1.0, "done")
    return dataclasses.replace(diagnosis, findings=findings_of(diagnosis))


def _part(report: Report, first: float, shows: bool) -> Callable[[float, str], Any] | None:
    """Return the report of a part of the work that begins at a fraction of it."""
    if not shows:
        return None
    return lambda fraction, message: report(first + 0.35 * fraction, message)


class _Sought(NamedTuple):
    """What is known of the minimum norm."""

    solution: MinimumNorm | None
    why_not: str
    """Why there is no solution."""
    shared: Float | None
    """Weights of a network that fits, where no solution was sought."""


def _shortest(
    data: Data, rank: int, seconds: float, report: Callable[[float, str], Any] | None
) -> _Sought:
    """Return the minimum norm as far as time allows, or what is known instead."""
    m, n = data.primal.shape
    misfit = float(np.abs(data.outputs - targets_of(data)).max())
    if m > 1 and n > m * rank and misfit > data.tolerance * data.size:
        why = (
            f"{n} labels are more than the {m} x {rank} weights that the samples see, and the "
            "model does not fit them; no network that does was sought"
        )
        return _Sought(None, why, None)
    signs = np.unique(data.signs)[::-1]
    is_large = m > 2 and n > _MOST_SEARCHED
    problem = data.problem.with_signs(signs) if is_large else data.problem
    try:
        found = minimum_norm(problem, time_limit=seconds, progress=report or False)
    except InvalidInputError as error:
        return _Sought(None, str(error), None)
    if not is_large:
        return _Sought(found, "", None)
    why = f"{m} neurons on {n} samples are too many to search all networks"
    if not math.isfinite(found.norm):
        return _Sought(None, why, None)
    shares = [(data.signs == sign).sum() for sign in signs]
    dual = found.dual / np.array(shares, dtype=np.float64)[:, None]
    return _Sought(None, why, dual[np.where(data.signs == signs[0], 0, -1)] @ data.features)
