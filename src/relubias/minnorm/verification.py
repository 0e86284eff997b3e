"""Verification of minimum-norm answers by code that shares nothing with the solvers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from relubias._threads import one_blas_thread
from relubias._validate import as_real, fail, shown
from relubias.minnorm.solution import MinimumNorm
from relubias.problem import Problem, require_problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Check", "Verification", "verify"]


class Check(NamedTuple):
    """One claim and what became of it."""

    claim: str
    """One of fits, norm, lower bound, optimal, infeasible, conflict."""
    holds: bool | None
    """Whether the claim was verified; None if it could be neither verified nor refuted."""
    margin: float
    """Distance of the claim from failing, dimensionless; negative where it fails."""
    rounding_error: float
    """Bound on what rounding did to the margin, which is already taken off."""
    sentence: str
    """What was found, in words."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Verification:
    """What was found out about a minimum-norm answer.

    Attributes
    ----------
    holds : bool or None
        True if every claim was verified, False if one was refuted, None if it cannot be told:
        then `on_trust` says what.
    kind : str
        Kind of the certificate.
    checks : tuple of Check
        Every claim, with its margin and rounding error.
    norm : float
        Norm of the network, recomputed; nan without one.
    norm_error : float
        Bound on the rounding error of `norm`.
    misfit : float
        Largest difference of output and label, over the largest label; nan without a network.
    distance_to_fit : float
        A network that fits exactly has weights within this distance; infinite if that is not
        known, as for dependent samples.
    lower_bound : float
        Lower bound of the norm of every network that fits, recomputed and padded for rounding. If
        nothing fits, it is as large as the rounding of the data allows to prove.
    rel_gap : float
        ``1 - lower_bound / norm``, with the norm rounded up; nan without a network.
    exact_data : str
        ``"gram"`` or ``"features"``: which of them was taken as exact.
    n_leaves : int
        Leaves of the search tree that were verified.
    """

    kind: str
    checks: tuple[Check, ...]
    norm: float
    norm_error: float
    misfit: float
    distance_to_fit: float
    lower_bound: float
    rel_gap: float
    exact_data: str
    n_leaves: int
    holds: bool | None = field(init=False)

    def __post_init__(self) -> None:
        answers = [check.holds for check in self.checks]
        verdict = False if False in answers else None if None in answers else True
        object.__setattr__(self, "holds", verdict)

    @property
    def checked(self) -> tuple[str, ...]:
        """What was verified."""
        return self._sentences(True)

    @property
    def refuted(self) -> tuple[str, ...]:
        """What is wrong."""
        return self._sentences(False)

    @property
    def on_trust(self) -> tuple[str, ...]:
        """What could be neither verified nor refuted."""
        return self._sentences(None)

    def _sentences(self, holds: bool | None) -> tuple[str, ...]:
        return tuple(check.sentence for check in self.checks if check.holds is holds)

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        verdict = {True: "VERIFIED", False: "REFUTED", None: "NOT VERIFIED"}[self.holds]
        lines = [f"{verdict} ({self.kind}; the {self.exact_data} taken as exact)"]
        for title, sentences in (
            ("refuted", self.refuted),
            ("checked", self.checked),
            ("on trust", self.on_trust),
        ):
            lines += [f"  {title:<9} {sentence}" for sentence in sentences]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per claim.

        Returns
        -------
        pandas.DataFrame
            Columns ``claim, holds, margin, rounding_error, sentence``.
        """
        import pandas as pd

        return pd.DataFrame(list(self.checks), columns=list(Check._fields))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the margin of every claim.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Dots are verified, crosses refuted, squares on trust; bars are rounding errors.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot_proofs import draw_verification

        return draw_verification(self, ax)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Verification(holds={self.holds}, kind={self.kind!r}, rel_gap={self.rel_gap:.2g})"


def verify(
    problem: Any,
    solution: Any,
    *,
    leaves: bool = False,
    rtol: float = 1e-8,
    time_limit: float | None = None,
) -> Verification:
    """Check an answer of `minimum_norm` without its solvers and without a search.

    Parameters
    ----------
    problem : Problem
        Gram matrix, labels and signs, the source of truth.
    solution : MinimumNorm
        The answer, just computed or loaded from a file.
    leaves : bool, default=False
        Whether to prove the bound of a search tree again, leaf by leaf. Without it, the bound of
        a tree stays on trust.
    rtol : float, default=1e-8
        Relative difference of norms and bounds that counts as none, dimensionless.
    time_limit : float, optional
        Seconds after which leaves that are left stay on trust; no limit if omitted.

    Returns
    -------
    Verification
        ``holds``, ``checked``, ``on_trust``, ``refuted``, margins with rounding errors.

    Raises
    ------
    InvalidInputError
        If the answer has other shapes than the problem, or an argument is unusable.

    See Also
    --------
    load : Read an answer from a file.

    Notes
    -----
    Duals, norm and certificate kind are read from the solution; predictions, residuals, lower
    bounds and infeasibility proofs are computed anew with NumPy and LAPACK in O(n^3), every
    residual with a bound on its rounding error. The lower bound is a dual value, valid for
    whatever multipliers the network suggests. Where the features are known and the Gram matrix
    proves too little, they are taken as the exact data.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (5), (7), (8), (45).

    Examples
    --------
    >>> from relubias import Problem, minimum_norm
    >>> problem = Problem([[4.0, 1.0], [1.0, 4.0]], [2.0, -1.0], (1, -1))
    >>> verify(problem, minimum_norm(problem)).holds
    True
    """
    from relubias.minnorm._checks.claims import examine

    problem = require_problem(problem)
    answer = _require_solution(problem, solution)
    if str(leaves) not in ("True", "False"):
        raise fail("leaves", f"is {shown(leaves)}", "pass True or False")
    tolerance = as_real("rtol", rtol, minimum=0.0)
    seconds = math.inf if time_limit is None else as_real("time_limit", time_limit, minimum=0.0)
    with one_blas_thread(problem.n_samples):
        return examine(problem, answer, bool(leaves), tolerance, seconds)


def _require_solution(problem: Problem, solution: Any) -> MinimumNorm:
    if not isinstance(solution, MinimumNorm):
        raise fail(
            "solution",
            f"is a {type(solution).__name__}",
            "pass a MinimumNorm, from minimum_norm or minnorm.load",
        )
    shape = (problem.n_neurons, problem.n_samples)
    if solution.dual.shape != shape:
        raise fail(
            "solution",
            f"has duals of shape {solution.dual.shape}",
            f"the problem asks for (n_neurons, n_samples) = {shape}",
        )
    return solution
