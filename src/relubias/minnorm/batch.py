"""Many problems of one neuron in one call, compiled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_float_array, as_signs, fail
from relubias.minnorm.solution import MinimumNormStatus
from relubias.minnorm.solve import minimum_norm
from relubias.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["MinimumNormBatch", "minimum_norm_batch"]

_LARGEST_COMPILED = 128


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MinimumNormBatch:
    """Least-norm neurons of many problems.

    Attributes
    ----------
    dual, primal : ndarray of shape (n_problems, n_samples)
        ``w = X.T @ dual`` and its predictions; zero where infeasible.
    norm : ndarray of shape (n_problems,)
        Norms of the weights; nan where infeasible.
    error_bound : ndarray of shape (n_problems,)
        Certified bounds on the distance to the optimal weights, rounding included.
    status : ndarray of str, shape (n_problems,)
        Names of `MinimumNormStatus`.
    """

    dual: Float
    primal: Float
    norm: Float
    error_bound: Float
    status: NDArray[np.str_]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per problem.

        Returns
        -------
        pandas.DataFrame
            Columns ``problem, status, norm, error_bound``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "problem": np.arange(self.norm.size),
                "status": self.status,
                "norm": self.norm,
                "error_bound": self.error_bound,
            }
        )

    def summary(self) -> str:
        """Return the result as a line of text."""
        n_optimal = int((self.status == MinimumNormStatus.OPTIMAL).sum())
        return f"{n_optimal} of {self.norm.size} problems solved, the others are infeasible"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of problems whose shortest neuron is below each norm.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            A dot marks the median.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot import draw_batch

        return draw_batch(self, ax)

    def __repr__(self) -> str:
        return f"MinimumNormBatch(n_problems={self.norm.size}, n_samples={self.dual.shape[1]})"


def minimum_norm_batch(grams: Any, labels: Any, sign: int = 1) -> MinimumNormBatch:
    r"""Find the least-norm neuron of many problems of one size.

    Parameters
    ----------
    grams : array_like of shape (n_problems, n_samples, n_samples)
        Gram matrices, symmetric positive semi-definite.
    labels : array_like of shape (n_problems, n_samples)
        Labels; those of the other sign than the neuron's are fitted as 0.
    sign : int, default=1
        Output sign of the neuron, +1 or -1.

    Returns
    -------
    MinimumNormBatch
        ``dual``, ``norm``, ``error_bound``, ``status``; independent of the other problems.

    Raises
    ------
    InvalidInputError
        If shapes disagree, an entry is not finite, or a matrix is no Gram matrix.

    See Also
    --------
    minimum_norm : One problem, any network.

    Notes
    -----
    The first call of a process loads or compiles the kernel, which takes seconds.

    References
    ----------
    .. [1] D. Goldfarb, A. Idnani, Math. Program. 27 (1983), 1-33.

    Examples
    --------
    >>> batch = minimum_norm_batch([[[4.0, 1.0], [1.0, 4.0]]], [[2.0, -1.0]])
    >>> batch.dual.round(12)
    array([[ 0.53333333, -0.13333333]])
    """
    G = as_float_array("grams", grams, ndim=3, shape="(n_problems, n_samples, n_samples)")
    if G.shape[1] == 0 or G.shape[1] != G.shape[2]:
        raise fail("grams", f"has shape {G.shape}", "expected non-empty square matrices")
    y = as_float_array("labels", labels, ndim=2, shape="(n_problems, n_samples)")
    if y.shape != G.shape[:2]:
        raise fail("labels", f"has shape {y.shape}", f"expected {G.shape[:2]}")
    s = float(as_signs("sign", np.atleast_1d(sign))[0]) if np.ndim(sign) == 0 else math.nan
    if math.isnan(s):
        raise fail("sign", f"has shape {np.shape(sign)}", "pass +1 or -1")
    _check_in_bulk(G, y)
    G = G / 2 + G.transpose(0, 2, 1) / 2
    return _solve(G, y, s)


def _check_in_bulk(grams: Float, labels: Float) -> None:
    """Refuse what no kernel may see; definiteness is found out by the factorisation."""
    if labels.size and np.abs(labels).max() > 1e150:
        raise fail("labels", f"has an entry of size {np.abs(labels).max():.3g}", "rescale them")
    scale = np.abs(grams).max(axis=(1, 2), initial=0.0)
    skew = np.abs(grams - grams.transpose(0, 2, 1)).max(axis=(1, 2), initial=0.0)
    wrong = np.flatnonzero(skew > 1e-10 * scale)
    if wrong.size:
        raise fail("grams", f"matrix {wrong[0]} is not symmetric", "pass X @ X.T")
    if scale.size and scale.max() > 1e300:
        raise fail("grams", f"has an entry of size {scale.max():.3g}", "rescale the features")


def _solve(grams: Float, labels: Float, sign: float) -> MinimumNormBatch:
    n_problems, n = labels.shape
    dual, primal = np.zeros((n_problems, n)), np.zeros((n_problems, n))
    norm, bound = np.zeros(n_problems), np.full(n_problems, np.inf)
    flag = np.ones(n_problems, dtype=np.int64)
    status = np.full(n_problems, str(MinimumNormStatus.OPTIMAL), dtype="U10")
    if n <= _LARGEST_COMPILED and n_problems:
        from relubias.minnorm._kernels import solve_batch  # pyright: ignore[reportUnknownVariableType]

        solve_batch(grams, labels, sign, dual, primal, norm, bound, flag)
    for b in np.flatnonzero((flag != 0) | ~np.isfinite(bound) | ~np.isfinite(dual).all(axis=1)):
        try:
            problem = Problem(grams[b], labels[b], np.array([sign]))
        except ValueError as error:
            raise fail("grams", f"matrix {b} is unusable ({error})", "pass X @ X.T") from error
        result = minimum_norm(problem)
        dual[b], primal[b] = result.dual[0], result.primal[0]
        norm[b], bound[b] = result.norm, result.certificate.error_bound
        status[b] = str(result.status)
    return MinimumNormBatch(dual=dual, primal=primal, norm=norm, error_bound=bound, status=status)
