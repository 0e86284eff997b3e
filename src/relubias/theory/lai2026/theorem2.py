"""Theorem 2: how far the limit of one neuron is from the shortest neuron."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import Status
from relubias.minnorm import MinimumNormStatus
from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded, exact
from relubias.theory.lai2026._one import OneNeuron, why_not_one_neuron
from relubias.theory.lai2026._weights import within
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Theorem2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem2(Statement):
    r"""The gap of one neuron to the minimum norm, from both sides, and its sharp law.

    .. math:: c\,\kappa\,y_{min} \sqrt{n_-/L} \le \|w^{(\infty)} - w^*\|
              \le C\,\kappa\,y_{max} \sqrt{n_-/L},

    and to leading order in the dimension

    .. math:: \|w^{(\infty)} - w^*\| \approx \frac{1}{\sqrt L}
              \sqrt{\sum_{y_i<0} \bigl(\kappa |y_i| - (1-\kappa)\epsilon_i\bigr)^2}.

    * ``.lower``, ``.upper``: the gap divided by its unit, minus c, and C minus that.
    * ``.sharp``: ``sharp - |ratio - 1|`` for the ratio of gap and law.
    * ``.identity``: the gap squared is :math:`\Delta\beta_-^\top M \Delta\beta_-` with the
      difference of the duals and the Schur complement M of the positive labels; margin
      ``(tolerance - x) / (tolerance + x)`` for the relative difference x of the two sides. It is
      wrong only where the run does not fit the positive labels.

    A neuron of sign -1 is that of sign +1 for the negated labels. Without negative labels nothing
    is claimed.

    Parameters
    ----------
    lower, upper : float, default=0.6 and 1.35
        c and C. Ours: proved wherever ``lai2026.theorem1.explicit`` holds. The paper's bounds
        have no factor kappa, which its step range keeps within constants.
    sharp : float, default=0.1
        Relative deviation from the law that is allowed.
    tolerance : float, default=1e-8
        Of the identity.

    Raises
    ------
    InvalidInputError
        If a constant is negative.

    Notes
    -----
    The two-sided bound is the paper's, derived again from the prose; constants, identity and law
    are ours. Since the law is linear in the step size, the lower bound is about steps of the order
    of 1 / L: it does not survive the limit of small steps.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 2, eqs. (20)-(25).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> start = rb.starts.all_positive(problem, 0.1)
    >>> for verdict in Theorem2().check(problem, start, step_size=0.15):
    ...     print(verdict.condition, round(verdict.margin, 4))
    lai2026.theorem2.lower 0.3333
    lai2026.theorem2.upper 0.4167
    lai2026.theorem2.sharp 0.1
    lai2026.theorem2.identity 1.0
    """

    name: ClassVar[str] = "lai2026.theorem2"
    title: ClassVar[str] = "gap of one neuron to the minimum norm"

    lower: float = 0.6
    upper: float = 1.35
    sharp: float = 0.1
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("tolerance",))

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_one_neuron(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer: bounds, law, identity."""
        one, reason = OneNeuron(setting), _unknown(setting)
        parts = ("lower", "upper", "sharp", "identity")
        if not one.minus.size:
            vacuous = "No label has the other sign, so nothing is claimed."
            return [self._verdict(part, exact(math.inf), vacuous) for part in parts]
        if reason:
            return [self._verdict(part, Rounded(math.nan, math.inf), reason) for part in parts]
        gap = Rounded(setting.gap.distance, setting.gap.rounding_error + _limit_error(one))
        return [*self._bounds(one, gap), self._sharp(one, gap), self._identity(one, gap)]

    def _bounds(self, one: OneNeuron, gap: Rounded) -> list[Verdict]:
        setting, root = one.setting, (exact(float(one.minus.size)) / one.L).sqrt()
        low, high = (gap / (one.kappa * y * root) for y in (setting.y_min, setting.y_max))
        return [
            self._verdict(
                "lower", low - self.lower,
                f"The gap {gap.value:.6g} is {low.value:.4g} times kappa y_min sqrt(n_- / L); "
                f"wanted at least {self.lower:g}.",
            ),
            self._verdict(
                "upper", self.upper - high,
                f"The gap {gap.value:.6g} is {high.value:.4g} times kappa y_max sqrt(n_- / L); "
                f"wanted at most {self.upper:g}.",
            ),
        ]  # fmt: skip

    def _sharp(self, one: OneNeuron, gap: Rounded) -> Verdict:
        law = one.setting.gap.prediction
        if not law > 0.0:
            why = "no start with every prediction positive" if math.isnan(law) else "its value is 0"
            unknown = Rounded(math.nan, math.inf)
            return self._verdict("sharp", unknown, f"The law says nothing here: {why}.")
        sizes = one.kappa.value * np.abs(one.y - one.eps) + np.abs(one.eps)
        each = (1.0 + one.kappa.value) * one.eps_error + 4.0 * EPS * float(sizes.max())
        error = math.sqrt(one.minus.size / one.L) * each + (one.n + 8) * EPS * law
        ratio = gap / Rounded(law, error)
        return self._verdict(
            "sharp", self.sharp - abs(ratio - 1.0),
            f"The gap {gap.value:.6g} is {ratio.value:.4g} times the law {law:.6g}; wanted "
            f"within {self.sharp:g} of 1.{_bound_on_ratio(one, law)}",
        )  # fmt: skip

    def _identity(self, one: OneNeuron, gap: Rounded) -> Verdict:
        setting, plus, minus = one.setting, one.plus, one.minus
        gram = setting.problem.gram
        moved = setting.trajectory.limit.dual[0] - setting.shortest.dual[0]
        with one_blas_thread(one.n):
            pulled: Float = gram[np.ix_(plus, minus)] @ moved[minus]
            block: Float = gram[np.ix_(plus, plus)]
            try:
                back = np.linalg.solve(block, pulled)
            except np.linalg.LinAlgError:
                unknown = Rounded(math.nan, math.inf)
                why = "The Gram matrix of the positive labels is singular."
                return self._verdict("identity", unknown, why)
            square = float(moved[minus] @ gram[np.ix_(minus, minus)] @ moved[minus])
        square -= float(pulled @ back)
        if not math.isfinite(square):
            unknown = Rounded(math.nan, math.inf)
            return self._verdict("identity", unknown, "The duals' squares leave the range.")
        side = math.sqrt(max(square, 0.0))
        size = gap.value or side or 1.0
        apart = abs(gap.value - side) / size
        spread = float(setting.eigenvalues[-1]) / one.mu_min
        noise = 8.0 * one.n * EPS * spread * (1.0 + setting.shortest.norm / size)
        return self._verdict(
            "identity", within(Rounded(apart, noise + gap.error / size), self.tolerance),
            f"The gap {gap.value:.6g} and the root of its quadratic form in the duals off the "
            f"positive labels differ by {apart:.1e} of it.",
        )  # fmt: skip

    def _verdict(self, part: str, margin: Rounded, detail: str) -> Verdict:
        used = "tolerance" if part == "identity" else part
        return Verdict(
            condition=f"{self.name}.{part}",
            role=Role.CONCLUSION,
            margin=margin.value,
            rounding_error=margin.error,
            constants={used: getattr(self, used)},
            detail=detail,
        )


def _unknown(setting: Setting) -> str:
    """Return why the gap is not known; empty if it is."""
    run = setting.trajectory
    if run.status is not Status.CERTIFIED:
        return f"The run ended with {run.status}, so its limit is not known."
    if setting.shortest.status is not MinimumNormStatus.OPTIMAL:
        return f"The minimum norm is {setting.shortest.status}."
    return ""


def _limit_error(one: OneNeuron) -> float:
    """Bound the distance in weight space of the limit as stored and as defined."""
    spread = math.sqrt(float(one.setting.eigenvalues[-1]) / one.mu_min)
    return 4.0 * one.n * EPS * spread * one.setting.gap.first_norm


def _bound_on_ratio(one: OneNeuron, law: float) -> str:
    """Say between what the ratio lies wherever Theorem 1 does, by delta alone."""
    delta = one.setting.delta.value
    if not delta < 1.0:
        return ""
    norms = float(np.linalg.norm(one.eps) + np.linalg.norm(one.y[one.plus]))
    off = delta / (1.0 - delta) * norms / (law * math.sqrt(one.L))
    low, high = math.sqrt(1.0 - delta) * max(1.0 - off, 0.0), math.sqrt(1.0 + delta) * (1.0 + off)
    return f" Where Theorem 1 holds, delta alone bounds the ratio by {low:.3g} and {high:.3g}."
