"""Theorem 4: how far two neurons end from the shortest network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias.dynamics import Status
from relubias.theory._constants import check_constants
from relubias.theory.lai2026._gaps import concluded, error_of_gap, nothing_to_compare
from relubias.theory.lai2026._parts import ratio
from relubias.theory.lai2026.two_neurons import why_not_two_neurons
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Verdict

__all__ = ["Theorem4"]


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

    for an all-positive start. With the default constants both bounds are proved for every run that
    meets ``lai2026.theorem3.explicit``. *Proof.* The shortest pair weighs at most
    :math:`n\,y_{max}^2/(L(1-\delta))`, so :math:`L\|\beta_k^*\| \le \frac{16}{15}\sqrt n\,y_{max}`.
    On a sample that both neurons share, :math:`\beta_p^* = -\beta_m^*` (Lemma 4), so that the
    prediction of the neuron of the other sign is at most
    :math:`-\frac12|y_i| + 1.83\,\delta\sqrt n\,y_{max} < 0`, a contradiction: none is shared, and
    on the other sign's samples :math:`\beta^*_i = 0` or :math:`\alpha^*_i = 0`, hence
    :math:`0 \le -L\beta^*_i \le 1.07\,\delta\sqrt n\,y_{max} \le 0.07\,\kappa y_{min}`. There
    :math:`-L\beta^{(\infty)}_i` is between :math:`0.86\,\kappa y_{min}` and
    :math:`1.15\,\kappa y_{max}`, and elsewhere both neurons fit the same labels. The squared
    distance is a quadratic form of the difference of these duals, with the eigenvalues of a Schur
    complement of G, between :math:`(1-\delta)L` and :math:`(1+\delta)L`.

    Margins of the bounds are in units of
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
        reason = nothing_to_compare(setting)
        if reason:
            ends = ("lower", "upper", "sharp")
            return [self._verdict(f"{word}.{end}", k, math.nan, math.inf, reason) for end in ends]
        other = ~setting.agrees[k]
        per_root = math.sqrt(int(other.sum()) / setting.trace)
        low = setting.kappa * setting.y_min * per_root
        high = setting.kappa * setting.y_max * per_root
        known = setting.trajectory.status is Status.CERTIFIED
        error = error_of_gap(setting) if known else math.inf
        distance, law = float(setting.gap.per_neuron[k]), float(setting.gap.predictions[k])
        about = f"The {word} neuron ends {distance:.6g} from that of the shortest network"
        if not other.any():
            nothing = f"No label has the other sign, so that nothing is claimed; {about[0].lower()}"
            detail = f"{nothing}{about[1:]}."
            ends = ("lower", math.inf, 0.0), ("upper", math.inf, 0.0), ("sharp", math.inf, 0.0)
            return [self._verdict(f"{word}.{end}", k, m, e, detail) for end, m, e in ends]
        unit = "kappa y_min sqrt(n_other/L)"
        off = ratio(distance, law)
        detail = f"{about}, {off:.4g} times the leading law {law:.6g}"
        if math.isnan(off):
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
                ratio(error, law), f"{detail}.",
            ),
        ]  # fmt: skip

    def _verdict(self, part: str, k: int, margin: float, error: float, detail: str) -> Verdict:
        which = part.rpartition(".")[2]
        return concluded(
            f"{self.name}.{part}", margin, error, detail, {which: getattr(self, which)}, neuron=k
        )
