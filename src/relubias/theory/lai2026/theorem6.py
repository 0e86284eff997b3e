"""Theorem 6: how far several neurons end from the shortest network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float
from relubias.dynamics import Status
from relubias.minnorm import MinimumNormStatus
from relubias.theory._constants import check_constants
from relubias.theory.lai2026._gaps import (
    concluded,
    error_of_gap,
    error_of_limit,
    nothing_to_compare,
)
from relubias.theory.lai2026._parts import ratio
from relubias.theory.lai2026.assignment import shares_of, why_not_several_neurons
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Verdict

__all__ = ["Theorem6", "leading_law"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem6(Statement):
    r"""The limit of several neurons is within :math:`C y_{max}\sqrt{m^q n/L}` of the shortest.

    .. math:: \|\Theta^{(\infty)} - \Theta^*\| \le 2 \|\Theta^{(\infty)}\|
              \le C\,y_{max} \sqrt{m^q\, n / L}, \qquad
              \|\Theta\|^2 = \sum_k \|w_k\|^2 .

    Parameters
    ----------
    constant : float, default=4.6
        C; twice the constant of Lemma 12 d, with room for the Gram matrix.
    power : float, default=1
        The power q of m, which the paper leaves open.
    sharp : float, default=0.1
        Relative deviation from the law that counts as none.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    The prose is the paper's, the formulas were derived again from it; its constant and its power of
    m are ours. Conditions: ``lai2026.theorem6.twice``, ``lai2026.theorem6`` and, new,
    ``lai2026.theorem6.sharp``: to leading order in the dimension the shortest network gives each
    sample an equal part of every neuron of its sign, the limit all of it to the owner. With
    :math:`p` neurons of the sign of :math:`y_i` and :math:`\beta^{(1)}` after the first step on
    orthogonal data, the squared distance times L is

    .. math:: \sum_i \Bigl[\bigl(1-\tfrac1p\bigr)^2 y_i^2
              + \!\!\sum_{k \text{ of its sign, not the owner}}\!\!
              \bigl(L\beta^{(1)}_{k,i} - \tfrac1p |y_i|\bigr)^2
              + \!\!\sum_{k \text{ of the other sign}}\!\! (L\beta^{(1)}_{k,i})^2 \Bigr],

    which for small starts and m/2 neurons of either sign is
    :math:`\|y\|^2 (1 - 2/m + \kappa^2 m/2)`: the rate of Theorem 6 is sharp, and for m > 2 the
    limit stays far from the shortest network even as kappa goes to zero.

    Where the shortest network is not proved, its distance from the limit is known to be between
    the difference and the sum of their norms.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 6, eq. (54).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(3), [1.0, 1.0, -1.0], signs=(1, 1, -1))
    >>> start = starts.disjoint(problem, [0, 1, 2], 0.01)
    >>> for verdict in Theorem6().check(problem, start, step_size=0.2):
    ...     print(verdict.condition, verdict.outcome, round(verdict.margin, 4))
    lai2026.theorem6.twice holds 0.5657
    lai2026.theorem6 holds 3.9086
    lai2026.theorem6.sharp holds 0.1
    """

    name: ClassVar[str] = "lai2026.theorem6"
    title: ClassVar[str] = "distance of several neurons from the shortest network"

    constant: float = 4.6
    power: float = 1.0
    sharp: float = 0.1

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_several_neurons(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return the two bounds and the sharp form."""
        reason = nothing_to_compare(setting)
        if reason:
            names = (f"{self.name}.twice", self.name, f"{self.name}.sharp")
            return [concluded(name, math.nan, math.inf, reason) for name in names]
        distance, norm, error = _distance(setting)
        unit = setting.y_max * math.sqrt(setting.m**self.power * setting.n / setting.trace)
        law = leading_law(setting)
        about = f"The limit is {distance:.6g} from the shortest network"
        if error > 0.01 * distance:
            about = f"The limit has norm {norm:.6g}; the shortest network is not known well enough"
        detail = f"{about}: {distance / unit:.4g} y_max sqrt(m^{self.power:g} n/L)"
        twice, off = ratio(distance, 2.0 * norm), ratio(distance, law)
        return [
            concluded(
                f"{self.name}.twice", 1.0 - twice, ratio(error, 2.0 * norm),
                f"{about}, {twice:.4g} of twice its own norm (margin: 1 - this)."
                if norm > 0.0 else "The limit is zero, and so is the bound.",
            ),
            concluded(
                self.name, self.constant - distance / unit, error / unit,
                f"{detail} (margin in this unit).",
                {"constant": self.constant, "power": self.power},
            ),
            concluded(
                f"{self.name}.sharp", self.sharp - abs(off - 1.0), ratio(error, law),
                f"{about}; the leading law is {law:.6g}, their ratio {off:.4g} (margin: sharp - "
                "|1 - ratio|)." if law > 0.0 else "The leading law is zero.",
                {"sharp": self.sharp},
            ),
        ]  # fmt: skip


def leading_law(setting: Setting) -> float:
    """Return the distance of the disjoint limit from the shortest network, to leading order."""
    initial, signs, y = setting.initial, setting.signs, setting.labels
    residual = signs @ np.maximum(initial, 0.0) - y
    pushed = initial - setting.kappa * signs[:, None] * np.where(initial > 0.0, residual, 0.0)
    limit: Float = np.where(shares_of(setting).own, np.abs(y), pushed)
    shortest = np.where(setting.agrees, np.abs(y) / setting.agrees.sum(axis=0), 0.0)
    return math.sqrt(float(((limit - shortest) ** 2).sum()) / setting.trace)


def _distance(setting: Setting) -> tuple[float, float, float]:
    """Return the distance from the shortest network, the norm of the limit, and an error."""
    gap = setting.gap
    if setting.trajectory.status is not Status.CERTIFIED:
        return gap.distance, gap.first_norm, math.inf
    if setting.shortest.status is MinimumNormStatus.OPTIMAL:
        return gap.distance, gap.first_norm, error_of_gap(setting)
    # both ends of the triangle inequality
    return gap.first_norm, gap.first_norm, gap.second_norm + error_of_limit(setting)
