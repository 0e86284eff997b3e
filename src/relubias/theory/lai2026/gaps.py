"""How far the limit is from the shortest network: Theorems 4 and 6."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float
from relubias.dynamics import Status
from relubias.minnorm import MinimumNormStatus
from relubias.theory._constants import check_constants
from relubias.theory.lai2026._limits import limit_errors
from relubias.theory.lai2026.assignment import shares_of, why_not_several_neurons
from relubias.theory.lai2026.two_neurons import why_not_two_neurons
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Theorem4", "Theorem6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem4(Statement):
    r"""Two neurons end at a distance of order :math:`\sqrt{n/L}` from the shortest network.

    .. math:: c\,\kappa\,y_{min} \sqrt{n_-/L} \le \|w_p^{(\infty)} - w_p^*\|
              \le C\,\kappa\,y_{max} \sqrt{n_-/L},

    and the same for the neuron of sign -1 with :math:`n_+`.

    Parameters
    ----------
    lower, upper : float, default=0.6 and 1.35
        c and C, in units of kappa.
    sharp : float, default=0.1
        Relative deviation from the law that counts as none.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    The prose is the paper's, the formulas were derived again from it; its constants are ours, and
    the factor kappa, which the paper's range of step sizes absorbs, makes them independent of it.
    New is the sharp form, ``.positive.sharp`` and ``.negative.sharp``: as the dimension grows,

    .. math:: \sqrt L\,\|w_p^{(\infty)} - w_p^*\| \to \Bigl(\sum_{y_i<0} \bigl(\kappa(|y_i| +
              \epsilon_{p,i} - \epsilon_{m,i}) - \epsilon_{p,i}\bigr)^2\Bigr)^{1/2}

    for an all-positive start. Margins of the bounds are in units of
    :math:`\kappa y_{min}\sqrt{n_-/L}` and :math:`\kappa y_{max}\sqrt{n_-/L}`; of the sharp
    form ``sharp`` minus the relative deviation.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 4, eqs. (36)-(42).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))
    >>> start = starts.all_positive(problem, 0.01)
    >>> for verdict in Theorem4().check(problem, start, step_size=0.2)[:3]:
    ...     print(verdict.condition, verdict.outcome, round(verdict.margin, 4))
    lai2026.theorem4.positive.lower holds 0.3875
    lai2026.theorem4.positive.upper holds 0.3625
    lai2026.theorem4.positive.sharp holds 0.1
    """

    name: ClassVar[str] = "lai2026.theorem4"
    title: ClassVar[str] = "distance of two neurons from the shortest network"

    lower: float = 0.6
    upper: float = 1.35
    sharp: float = 0.1

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_two_neurons(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return both bounds and the sharp form for either neuron."""
        by_word = {"positive": 1.0, "negative": -1.0}
        return [
            verdict
            for word, sign in by_word.items()
            for verdict in self._of(setting, word, int(np.flatnonzero(setting.signs == sign)[0]))
        ]

    def _of(self, setting: Setting, word: str, k: int) -> list[Verdict]:
        other = ~setting.agrees[k]
        per_root = math.sqrt(int(other.sum()) / setting.trace)
        low = setting.kappa * setting.y_min * per_root
        high = setting.kappa * setting.y_max * per_root
        known = setting.has_gap and setting.trajectory.status is Status.CERTIFIED
        distance = float(setting.gap.per_neuron[k]) if setting.has_gap else math.nan
        error = _gap_error(setting) if known else math.inf
        law = float(setting.gap.predictions[k]) if setting.has_gap else math.nan
        about = f"The {word} neuron ends {distance:.6g} from that of the shortest network"
        if not other.any():
            nothing = f"No label has the other sign, so that nothing is claimed; {about[0].lower()}"
            detail = f"{nothing}{about[1:]}."
            ends = ("lower", math.inf, 0.0), ("upper", math.inf, 0.0), ("sharp", math.inf, 0.0)
            return [self._verdict(f"{word}.{end}", k, m, e, detail) for end, m, e in ends]
        unit = "kappa y_min sqrt(n_other/L)"
        off = math.nan if not law > 0.0 else distance / law
        detail = f"{about}, {off:.4g} times the leading law {law:.6g}"
        if math.isnan(law):
            detail = f"{about}; the leading law is about all-positive starts"
        return [
            self._verdict(
                f"{word}.lower", k, distance / low - self.lower, error / low,
                f"{about}: {distance / low:.4g} {unit} (margin in this unit).",
            ),
            self._verdict(
                f"{word}.upper", k, self.upper - distance / high, error / high,
                f"{about}: {distance / high:.4g} {unit.replace('min', 'max')} (margin in this "
                "unit).",
            ),
            self._verdict(
                f"{word}.sharp", k, self.sharp - abs(off - 1.0),
                math.inf if math.isnan(law) else error / law, f"{detail}.",
            ),
        ]  # fmt: skip

    def _verdict(self, part: str, k: int, margin: float, error: float, detail: str) -> Verdict:
        which = part.rpartition(".")[2]
        return _conclusion(
            f"{self.name}.{part}", margin, error, detail, {which: getattr(self, which)}, neuron=k
        )


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
        distance, norm, error = _distance(setting)
        unit = setting.y_max * math.sqrt(setting.m**self.power * setting.n / setting.trace)
        law = leading_law(setting)
        about = f"The limit is {distance:.6g} from the shortest network"
        if error > 0.01 * distance:
            about = f"The limit has norm {norm:.6g}; the shortest network is not known well enough"
        detail = f"{about}: {distance / unit:.4g} y_max sqrt(m^{self.power:g} n/L)"
        sharp = f"{about}; the leading law is {law:.6g}"
        return [
            _conclusion(
                f"{self.name}.twice", 1.0 - distance / (2.0 * norm), error / (2.0 * norm),
                f"{about}, {distance / (2.0 * norm):.4g} of twice its own norm (margin: 1 - this).",
            ),
            _conclusion(
                self.name, self.constant - distance / unit, error / unit,
                f"{detail} (margin in this unit).",
                {"constant": self.constant, "power": self.power},
            ),
            _conclusion(
                f"{self.name}.sharp", self.sharp - abs(distance / law - 1.0), error / law,
                f"{sharp}, their ratio {distance / law:.4g} (margin: sharp - |1 - ratio|).",
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
    if setting.trajectory.status is Status.DIVERGED or not setting.has_gap:
        return math.nan, math.nan, math.inf
    gap = setting.gap
    if setting.trajectory.status is not Status.CERTIFIED:
        return gap.distance, gap.first_norm, math.inf
    if setting.shortest.status is MinimumNormStatus.OPTIMAL:
        return gap.distance, gap.first_norm, _gap_error(setting)
    # both ends of the triangle inequality
    return gap.first_norm, gap.first_norm, gap.second_norm + _gap_error_of_limit(setting)


def _gap_error(setting: Setting) -> float:
    """Return how far a distance in weight space may be off."""
    if setting.shortest.status is not MinimumNormStatus.OPTIMAL:
        return math.inf
    return setting.gap.rounding_error + _gap_error_of_limit(setting)


def _gap_error_of_limit(setting: Setting) -> float:
    error, dual_error = limit_errors(setting)
    return math.sqrt(setting.m * setting.n * error * dual_error / setting.trace)


def _conclusion(
    condition: str,
    margin: float,
    error: float,
    detail: str,
    constants: Mapping[str, float] | None = None,
    neuron: int = -1,
) -> Verdict:
    return Verdict(
        condition=condition,
        role=Role.CONCLUSION,
        margin=margin,
        rounding_error=error,
        neuron=neuron,
        constants=constants or {},
        detail=detail,
    )
