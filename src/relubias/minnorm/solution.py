"""What a minimum-norm solve leaves behind: the network, its status and its certificate."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.errors import NotSolvedError
from relubias.minnorm.certificate import MinimumNormCertificate
from relubias.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "ILL_CONDITIONED",
    "MinimumNorm",
    "MinimumNormStatus",
    "fitted_labels",
    "ill_conditioned",
]

_MOST_MISFIT = 1e-6
"""Share of the largest label by which a network that fits may miss one."""

ILL_CONDITIONED = 1e10
"""Condition number of the Gram matrix from which a result says so."""


class MinimumNormStatus(enum.StrEnum):
    """How a minimum-norm solve ended; `sentence` is what people read."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"
    UNDECIDED = "UNDECIDED"

    @property
    def sentence(self) -> str:
        """The status in words, with its remedy."""
        return _SENTENCES[self]


_SENTENCES = {
    MinimumNormStatus.OPTIMAL: "the network fits and no network of smaller norm does",
    MinimumNormStatus.FEASIBLE: (
        "the network fits, but a smaller one is not excluded; `lower_bound` and `rel_gap` say how "
        "much smaller it could be"
    ),
    MinimumNormStatus.INFEASIBLE: (
        "no network with these signs fits the labels; drop or correct the samples in `conflict` "
        "(if samples nearly repeat, build the problem with Problem.from_features)"
    ),
    MinimumNormStatus.UNDECIDED: (
        "no network that fits was found and none was excluded, which happens only if samples are "
        "linearly dependent; drop dependent samples, add neurons, or use Problem.from_features"
    ),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MinimumNorm:
    """The network of smallest norm that fits the labels, as far as it is known.

    Attributes
    ----------
    problem : Problem
        What was solved.
    dual : ndarray of shape (n_neurons, n_samples)
        ``w_k = X.T @ dual[k]``; zero without a network.
    primal : ndarray of shape (n_neurons, n_samples)
        ``w_k @ x_i``, set to the exact value on `support`; zero without a network.
    norm : float
        Square root of the sum of squared norms; nan without a network.
    lower_bound : float
        No network that fits has a smaller norm; nan if none fits.
    status : MinimumNormStatus
        ``OPTIMAL``, ``FEASIBLE``, ``INFEASIBLE`` or ``UNDECIDED``.
    rel_gap : float
        ``1 - lower_bound / norm``; nan without a network.
    pattern : ndarray of bool, shape (n_neurons, n_samples)
        Where ``primal > 0``.
    support : ndarray of bool, shape (n_neurons, n_samples)
        Where a constraint of the neuron alone fixes its prediction; the dual vanishes elsewhere,
        except on samples in `coupled`.
    coupled : ndarray of int
        Samples on which neurons of both signs are active.
    certificate : MinimumNormCertificate
        What is proved, with bounds that include rounding.
    n_nodes : int
        Nodes searched.
    conflict : ndarray of int
        Samples that contradict each other, if ``INFEASIBLE``.
    """

    problem: Problem
    dual: Float
    primal: Float
    norm: float
    lower_bound: float
    status: MinimumNormStatus
    rel_gap: float
    pattern: NDArray[np.bool_]
    support: NDArray[np.bool_]
    coupled: NDArray[np.intp]
    certificate: MinimumNormCertificate
    n_nodes: int
    conflict: NDArray[np.intp]

    @property
    def weights(self) -> Float | None:
        """Weights of shape (n_neurons, n_features), where the features are known."""
        return None if self.problem.features is None else self.dual @ self.problem.features

    @property
    def condition(self) -> float:
        """Condition number of the Gram matrix of the samples in use, each of unit length.

        An estimate, dimensionless; infinite where the matrix is singular to working precision, nan
        without such samples. Duals lose about as many digits as it has.
        """
        from scipy.linalg.lapack import dpocon, dpotrf

        rows = np.flatnonzero(self.dual.any(axis=0))
        if rows.size == 0:
            return math.nan
        block = self.problem.gram[np.ix_(rows, rows)]
        length = np.sqrt(np.diagonal(block))
        block = block / length / length[:, None]
        factor, info = dpotrf(block, lower=1)
        if info != 0:
            return math.inf
        reciprocal = float(dpocon(factor, np.abs(block).sum(axis=0).max(), uplo="L")[0])
        return 1.0 / reciprocal if reciprocal > 0 else math.inf

    def save(self, path: Any) -> None:
        """Write the answer to an .npz file, for `minnorm.load` and `minnorm.verify`.

        Parameters
        ----------
        path : str or path-like
            The file; it is replaced if it exists.

        Raises
        ------
        InvalidInputError
            If the file cannot be written.
        """
        from relubias.minnorm.files import save

        save(self, path)

    def raise_if_failed(self) -> MinimumNorm:
        """Return the result, or raise if it holds no network.

        Returns
        -------
        MinimumNorm
            The result itself.

        Raises
        ------
        NotSolvedError
            If the status is ``INFEASIBLE`` or ``UNDECIDED``; it carries the result.
        """
        if self.status in (MinimumNormStatus.INFEASIBLE, MinimumNormStatus.UNDECIDED):
            raise NotSolvedError(f"minimum_norm: {self._sentence()}", self)
        return self

    def _sentence(self) -> str:
        if self.conflict.size == 0:
            return self.status.sentence
        shown = ", ".join(str(i) for i in self.conflict[:20])
        more = f" and {self.conflict.size - 20} more" if self.conflict.size > 20 else ""
        return f"{self.status.sentence}; samples in conflict: {shown}{more}"

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        lines = [f"{self.status}: {self._sentence()}"]
        if math.isfinite(self.norm):
            lines += [
                f"  norm         {self.norm:.15g}",
                f"  lower bound  {self.lower_bound:.15g} (relative gap {self.rel_gap:.2g})",
                f"  distance to the optimum at most {self.certificate.error_bound:.2g} "
                f"({self.certificate.kind})",
                f"  active       {', '.join(str(k) for k in self.pattern.sum(axis=1))} "
                f"of {self.problem.n_samples} samples, by neuron",
            ]
            if (condition := self.condition) > ILL_CONDITIONED:
                lines.append(ill_conditioned(condition, self.problem.features is not None))
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per neuron and sample.

        Returns
        -------
        pandas.DataFrame
            Columns ``neuron, sample, sign, label, primal, dual, active, support``.
        """
        import pandas as pd

        m, n = self.problem.n_neurons, self.problem.n_samples
        return pd.DataFrame(
            {
                "neuron": np.repeat(np.arange(m), n),
                "sample": np.tile(np.arange(n), m),
                "sign": np.repeat(self.problem.signs, n).astype(int),
                "label": np.tile(self.problem.labels, m),
                "primal": self.primal.ravel(),
                "dual": self.dual.ravel(),
                "active": self.pattern.ravel(),
                "support": self.support.ravel(),
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the prediction of every neuron against the label.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Ignored samples are hollow. Without a network: the labels, with crosses at `conflict`.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot import draw_minimum_norm

        return draw_minimum_norm(self, ax)

    def __repr__(self) -> str:
        return (
            f"MinimumNorm({self.status}, norm={self.norm:.6g}, "
            f"error_bound={self.certificate.error_bound:.2g}, n_nodes={self.n_nodes})"
        )


def ill_conditioned(condition: float, has_features: bool) -> str:
    """Return the sentence about a badly conditioned Gram matrix."""
    remedy = (
        "the features, which are known, were used where that helps"
        if has_features
        else "build the problem with Problem.from_features if the features are known"
    )
    return (
        f"  condition    {condition:.1e}: samples in use nearly repeat, so a small residual proves "
        f"little; {remedy}"
    )


def with_network(
    problem: Problem,
    dual: Float,
    primal: Float,
    norm: float,
    support: NDArray[np.bool_],
    certificate: MinimumNormCertificate,
    *,
    optimal: bool,
    coupled: NDArray[np.intp] | None = None,
    n_nodes: int = 1,
) -> MinimumNorm:
    """Assemble the result for a network that fits.

    One that misses a label by more than a small share, as rounding makes it on near-copies of
    samples, is no answer.
    """
    if _misfit(problem, primal) > _MOST_MISFIT:
        return without_network(problem, None, np.zeros(0, dtype=np.intp))
    lower = min(max(certificate.lower_bound, norm - certificate.error_bound, 0.0), norm)
    return MinimumNorm(
        problem=problem,
        dual=dual,
        primal=primal,
        norm=norm,
        lower_bound=lower,
        status=MinimumNormStatus.OPTIMAL if optimal else MinimumNormStatus.FEASIBLE,
        rel_gap=1.0 - lower / norm if norm > 0 else 0.0,
        pattern=primal > 0,
        support=support,
        coupled=np.zeros(0, dtype=np.intp) if coupled is None else coupled,
        certificate=certificate,
        n_nodes=n_nodes,
        conflict=np.zeros(0, dtype=np.intp),
    )


def fitted_labels(problem: Problem) -> Float:
    """Return what the network has to output: labels of a sign that it has not count as 0."""
    low = 0.0 if (problem.signs > 0).all() else -math.inf
    high = 0.0 if (problem.signs < 0).all() else math.inf
    return np.clip(problem.labels, low, high)


def _misfit(problem: Problem, primal: Float) -> float:
    """Return the largest difference of output and label, relative to the largest label."""
    labels = fitted_labels(problem)
    size = float(np.abs(labels).max(initial=0.0))
    missed = np.abs(problem.signs @ np.maximum(primal, 0.0) - labels).max(initial=0.0)
    return float(missed) / size if size > 0.0 else 0.0


def without_network(
    problem: Problem, farkas: Float | None, conflict: NDArray[np.intp]
) -> MinimumNorm:
    """Assemble the result for data that nothing fits, or that nothing was found to fit."""
    shape = (problem.n_neurons, problem.n_samples)
    decided = conflict.size > 0
    return MinimumNorm(
        problem=problem,
        dual=np.zeros(shape),
        primal=np.zeros(shape),
        norm=math.nan,
        lower_bound=math.nan if decided else 0.0,
        status=MinimumNormStatus.INFEASIBLE if decided else MinimumNormStatus.UNDECIDED,
        rel_gap=math.nan,
        pattern=np.zeros(shape, dtype=np.bool_),
        support=np.zeros(shape, dtype=np.bool_),
        coupled=np.zeros(0, dtype=np.intp),
        certificate=MinimumNormCertificate(
            kind="infeasible" if decided else "bound only",
            error_bound=math.inf,
            duality_gap=math.inf,
            lower_bound=math.inf if decided else 0.0,
            farkas=farkas,
        ),
        n_nodes=1,
        conflict=conflict,
    )
