"""Many problems of one shape at once, with the bits of single runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress, reporting
from relubias._threads import one_blas_thread
from relubias._validate import (
    Float,
    as_count,
    as_float_array,
    as_gram_stack,
    as_real,
    as_signs,
    fail,
)
from relubias.dynamics import _codes as code
from relubias.dynamics._counters import growth_mode, new_counters
from relubias.dynamics._recorder import risk
from relubias.dynamics._units import scaled
from relubias.dynamics.descent import gradient_descent
from relubias.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["DescentBatch", "gradient_descent_batch"]

_CHUNK = 256  # problems between two reports of progress


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class DescentBatch:
    """Where gradient descent goes on each of B problems of one shape.

    Attributes
    ----------
    status : ndarray of str, shape (B,)
        Names of `relubias.Status`.
    n_steps, n_switches, last_switch : ndarray of int, shape (B,)
        As in `relubias.Trajectory`; `last_switch` is 0 where there was none.
    primal, dual : ndarray of shape (B, n_neurons, n_samples)
        Limits (CERTIFIED) or last states.
    loss : ndarray of shape (B,)
        Risk at the limit.
    """

    status: NDArray[np.str_]
    n_steps: NDArray[np.int64]
    n_switches: NDArray[np.int64]
    last_switch: NDArray[np.int64]
    primal: Float
    dual: Float
    loss: Float

    def __len__(self) -> int:
        return self.n_steps.size

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row per problem: everything but the limits.

        Returns
        -------
        pandas.DataFrame
            Columns ``status, n_steps, n_switches, last_switch, loss``.
        """
        import pandas as pd

        names = ("status", "n_steps", "n_switches", "last_switch", "loss")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of problems that are settled by each step.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            The solid curve counts certified problems, the dashed one those that switch no more.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.dynamics._plot_summaries import draw_batch

        return draw_batch(self, ax)

    def __repr__(self) -> str:
        names, counts = np.unique(self.status, return_counts=True)
        parts = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
        return f"DescentBatch({len(self)} problems; {parts})"


def gradient_descent_batch(
    grams: Any,
    labels: Any,
    signs: Any,
    starts: Any,
    *,
    step_size: Any,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    progress: Progress = False,
) -> DescentBatch:
    """Run gradient descent on many problems of one shape.

    Parameters
    ----------
    grams : array_like of shape (B, n_samples, n_samples)
        Gram matrices, each symmetric positive semi-definite.
    labels : array_like of shape (B, n_samples)
    signs : array_like of shape (n_neurons,)
        Output signs, the same for all.
    starts : array_like of shape (B, n_neurons, n_samples)
        Dual starts.
    step_size : float or array_like of shape (B,)
        In inverse squared units of the features.
    max_iter, tol
        As in `relubias.gradient_descent`.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    DescentBatch
        Bit-identical to B single runs, in any order and any split into batches.

    Raises
    ------
    InvalidInputError
        If shapes disagree or an entry is unusable; the message names the problem.

    Notes
    -----
    The compiled kernels run each problem until their own test proves its limit; the few that need
    more thought (long jumps, singular or unstable patterns, switches without end) go to
    `relubias.gradient_descent`.
    The certificates of the others are those of the kernels' test alone.

    Examples
    --------
    >>> import numpy as np
    >>> import relubias as rb
    >>> rb.gradient_descent_batch(
    ...     [4 * np.eye(2)] * 3, [[1, -1]] * 3, [1], [[[0.025, 0.025]]] * 3, step_size=0.15
    ... )
    DescentBatch(3 problems; CERTIFIED: 3)
    """
    G = as_float_array("grams", grams, ndim=3, shape="(B, n_samples, n_samples)")
    y = as_float_array("labels", labels, ndim=2, shape="(B, n_samples)")
    s = as_signs("signs", signs)
    beta = as_float_array("starts", starts, ndim=3, shape="(B, n_neurons, n_samples)")
    B, n = y.shape
    for name, array, shape in (("grams", G, (B, n, n)), ("starts", beta, (B, s.size, n))):
        if array.shape != shape:
            raise fail(name, f"has shape {array.shape}", f"expected {shape} to match labels")
    if np.ndim(step_size) == 0:
        eta = np.full(B, as_real("step_size", step_size, minimum=0.0, strict=True))
    else:
        eta = as_float_array("step_size", step_size, ndim=1, shape="a number or (B,)")
        if eta.shape != (B,) or not (eta > 0).all():
            raise fail("step_size", f"has shape {eta.shape}", f"pass {B} positive numbers")
    budget = as_count("max_iter", max_iter)
    tolerance = as_real("tol", tol, minimum=0.0, strict=True)
    with one_blas_thread(n), reporting(progress, "gradient descent") as report:
        G = as_gram_stack("grams", G)
        return _run(_Jobs(G, y, s, beta, eta, budget, tolerance), report)


class _Jobs(NamedTuple):
    """Checked arguments of one call."""

    grams: Float
    labels: Float
    signs: Float
    starts: Float
    step_sizes: Float
    max_iter: int
    tol: float


def _run(jobs: _Jobs, report: Any) -> DescentBatch:
    B, n = int(jobs.labels.shape[0]), int(jobs.labels.shape[1])
    result = DescentBatch(
        status=np.full(B, "", dtype="<U9"),
        n_steps=np.zeros(B, np.int64),
        n_switches=np.zeros(B, np.int64),
        last_switch=np.zeros(B, np.int64),
        primal=np.zeros_like(jobs.starts),
        dual=np.zeros_like(jobs.starts),
        loss=np.zeros(B),
    )
    for first in range(0, B, _CHUNK):
        part = slice(first, min(first + _CHUNK, B))
        pending: list[int] = list(range(part.start, part.stop))
        if n <= code.COMPILED_TEST_LIMIT:
            pending = _compiled(jobs, part, result)
        for b in pending:
            run = gradient_descent(
                Problem(jobs.grams[b], jobs.labels[b], jobs.signs),
                jobs.starts[b],
                step_size=float(jobs.step_sizes[b]),
                max_iter=jobs.max_iter,
                tol=jobs.tol,
            )
            result.status[b] = run.status.value
            result.n_steps[b], result.n_switches[b] = run.n_steps, run.n_switches
            result.last_switch[b] = run.last_switch
            result.primal[b], result.dual[b] = run.limit.primal, run.limit.dual
        for b in range(part.start, part.stop):
            result.loss[b] = risk(jobs.labels[b], jobs.signs, result.primal[b])
        report(part.stop / B, f"{part.stop} of {B} problems")
    return result


def _compiled(jobs: _Jobs, part: slice, result: DescentBatch) -> list[int]:
    """Run one chunk in the kernels, write what they decide, return what they leave."""
    from relubias.dynamics import _compiled

    grams, labels, signs, starts, step_sizes, max_iter, tol = jobs
    units = [
        scaled(g, y, b) for g, y, b in zip(grams[part], labels[part], starts[part], strict=True)
    ]
    gram_unit = np.array([unit.gram for unit in units])[:, None, None]
    label_unit = np.array([unit.label for unit in units])[:, None, None]
    scaled_grams = grams[part] / gram_unit
    scaled_labels = labels[part] / label_unit[:, 0]
    sizes = np.abs(scaled_labels).max(axis=1)
    duals = starts[part] * (gram_unit / label_unit)
    primals = np.empty_like(duals)
    steps = step_sizes[part] * gram_unit[:, 0, 0]
    counters = np.tile(new_counters(), (primals.shape[0], 1))
    outcome = np.empty(primals.shape[0], np.int64)
    _compiled.descend_batch(
        scaled_grams,
        scaled_labels,
        signs,
        steps,
        np.array([np.diagonal(g).max() for g in scaled_grams]),
        np.array(
            [growth_mode(g, e, signs.size)[1] for g, e in zip(scaled_grams, steps, strict=True)]
        ),
        np.where(sizes > 0, tol * sizes, tol),
        max_iter,
        duals,
        primals,
        outcome,
        counters,
    )
    names = {code.FROZEN: "CERTIFIED", code.EXHAUSTED: "MAX_ITER"}
    done = np.isin(outcome, list(names))
    rows = np.flatnonzero(done) + part.start
    result.status[rows] = [names[int(o)] for o in outcome[done]]
    result.primal[rows] = (primals * label_unit)[done]
    result.dual[rows] = (duals * (label_unit / gram_unit))[done]
    result.n_steps[rows] = counters[done, code.TIME]
    result.n_switches[rows] = counters[done, code.N_SWITCHES]
    result.last_switch[rows] = counters[done, code.LAST_SWITCH]
    return (np.flatnonzero(~done) + part.start).tolist()
