"""Theorem 1: where gradient descent of one neuron goes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import Status
from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded, exact, least
from relubias.theory.lai2026._one import OneNeuron, c_g, why_not_one_neuron
from relubias.theory.lai2026._one_active_neuron import parts_of_certificate
from relubias.theory.lai2026._parts import conjunction
from relubias.theory.lai2026._shares import Shares
from relubias.theory.lai2026._weights import Projection, closeness
from relubias.theory.lai2026.explicit import all_active, certify_setting, explicit_hypotheses
from relubias.theory.lai2026.one_neuron import PATTERN, pattern_invariant
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Theorem1", "step_size_verdicts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem1(Statement):
    r"""One neuron fits its labels after one decisive step, and its limit is a projection.

    From a start with every prediction in :math:`0 < \epsilon_i \le y_{min}/C_1` and with a step
    size in :math:`[1/(C_2 C_g L), 1/(C_g L)]`, the active samples are those with positive labels
    after every step t >= 1, and

    .. math:: w^{(\infty)} = \arg\min \{\|w - w^{(1)}\| : X_+ w = y_+\}, \qquad
              X_- w^{(\infty)} < 0 .

    A neuron of sign -1 does the same on negated labels.

    Conditions: ``.start``, ``.step_size.lower`` and ``.step_size.upper`` are the hypotheses;
    ``.explicit``, ``.certificate`` and ``.one_step`` are guarantees, each sharper than the one
    before, known before the run; the theorem's own name is its conclusion, measured on this run
    whatever the hypotheses say.

    Parameters
    ----------
    start_constant : float, default=20
        :math:`C_1`. With the default step range it implies rho <= kappa / 4, which the explicit
        version asks for.
    step_constant : float, default=4
        :math:`C_2`; that of `relubias.step_size_bounds`.
    tolerance : float, default=1e-8
        Distance of limit and projection in weight space, relative to the norm of the projection,
        that counts as equal.

    Raises
    ------
    InvalidInputError
        If a constant is not positive.

    Notes
    -----
    The statement is the paper's, its formulas derived again from the prose; the constants are
    ours. ``.explicit`` asks for kappa (1 + delta) <= 1, rho <= kappa / 4, delta <= 1/16 and
    delta sqrt(n) y_max / y_min <= kappa / 16, for which the conclusion is proved without any
    assumption on the law of the data; ``.certificate`` needs norms alone and is described at
    `relubias.theory.lai2026.certificate`; ``.one_step`` takes the first step in closed form, from
    any start, and bounds all others by it. They are new, and sufficient only.

    Margins: of ``.start`` the smaller of min / max prediction and ``1 - C_1 rho``; of the step
    size ``1 - lower / kappa`` and ``1 - kappa C_g``; of the conclusion the smaller of that of
    ``lai2026.lemma9.f`` and of
    ``(tolerance - x) / (tolerance + x)`` for the relative distance x of limit and projection.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 1, eqs. (18)-(19).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0])
    >>> start = rb.starts.all_positive(problem, 0.01)
    >>> for verdict in Theorem1().check(problem, start, step_size=0.15):
    ...     print(verdict.condition, verdict.outcome)
    lai2026.theorem1.start holds
    lai2026.theorem1.step_size.lower holds
    lai2026.theorem1.step_size.upper holds
    lai2026.theorem1.explicit holds
    lai2026.theorem1.certificate holds
    lai2026.theorem1.one_step holds
    lai2026.theorem1 holds
    """

    name: ClassVar[str] = "lai2026.theorem1"
    title: ClassVar[str] = "limit of one neuron"

    start_constant: float = 20.0
    step_constant: float = 4.0
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("start_constant", "step_constant", "tolerance"))

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_one_neuron(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the claim about the pattern, shared with Lemma 9."""
        return [pattern_invariant(setting)]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer: hypotheses, guarantees, conclusion."""
        one = OneNeuron(setting)
        return [
            self._start(one),
            *step_size_verdicts(self.name, one, self.step_constant),
            self._explicit(one),
            self._certificate(one),
            self._one_step(setting),
            self._conclusion(one),
        ]

    def _start(self, one: OneNeuron) -> Verdict:
        largest = Rounded(float(one.eps.max()), one.eps_error)
        rho = largest / one.setting.y_min
        worst = least([all_active(one), 1.0 - self.start_constant * rho])
        return Verdict(
            condition=f"{self.name}.start",
            role=Role.HYPOTHESIS,
            margin=worst.value,
            rounding_error=worst.error,
            sample=int(one.eps.argmin() if (one.eps <= 0).any() else one.eps.argmax()),
            constants={"C_1": self.start_constant},
            detail=f"Initial predictions lie between {float(one.eps.min()):.3g} and "
            f"{float(one.eps.max()):.3g}; wanted above 0 and at most y_min / "
            f"{self.start_constant:g} = {one.setting.y_min / self.start_constant:.3g}.",
        )

    def _explicit(self, one: OneNeuron) -> Verdict:
        parts = explicit_hypotheses(one)
        worst = least(parts.values())
        decisive = next(name for name, part in parts.items() if part is worst)
        setting = one.setting
        return Verdict(
            condition=f"{self.name}.explicit",
            role=Role.GUARANTEE,
            margin=worst.value,
            rounding_error=worst.error,
            constants={"rho / kappa": 0.25, "delta": 1 / 16, "delta_star / kappa": 1 / 16},
            detail=f"Proved with explicit constants: kappa (1 + delta) <= 1, rho <= kappa / 4, "
            f"delta <= 1/16, delta_star <= kappa / 16. Here kappa = {one.kappa.value:.4g}, rho = "
            f"{setting.rho:.3g}, delta = {setting.delta.value:.3g}, delta_star = "
            f"{setting.delta_star.value:.3g}; {decisive} decides (margin relative to its bound).",
        )

    def _certificate(self, one: OneNeuron) -> Verdict:
        found = certify_setting(one)
        return Verdict(
            condition=f"{self.name}.certificate",
            role=Role.GUARANTEE,
            margin=found.margin,
            rounding_error=found.rounding_error,
            detail=_certified_detail(found.margins, found.decided_by, found.holds),
        )

    def _one_step(self, setting: Setting) -> Verdict:
        parts = parts_of_certificate(setting, Shares(setting, setting.agrees))
        verdict = conjunction(f"{self.name}.one_step", Role.GUARANTEE, parts, "")
        head = {
            True: "Guaranteed from one step in closed form and norms for all others",
            False: "The bounds from one step in closed form do not show the conclusion",
            None: "Rounding decides the bounds from one step in closed form",
        }[verdict.holds]
        unit = "margin in units of kappa y_min" if setting.delta.value < 1.0 else "delta decides"
        detail = f"{head}; delta = {setting.delta.value:.3g} ({unit})."
        return dataclasses.replace(verdict, detail=detail)

    def _conclusion(self, one: OneNeuron) -> Verdict:
        setting = one.setting
        run = setting.trajectory
        pattern = setting.monitor.verdict(PATTERN)
        limit = limit_after_one_step(one)
        near = Rounded(math.nan, math.inf)
        away = "the limit is not known"
        if run.status is Status.CERTIFIED:
            near, distance = closeness(one, run.limit.dual[0], limit, self.tolerance)
            away = "an unknown part" if math.isnan(distance) else f"{distance:.1e}"
            away = f"the limit differs from the projection of w(1) by {away} of its norm"
        seen = Rounded(pattern.margin, pattern.rounding_error)
        worst = least([seen, near]) if run.status is Status.CERTIFIED else seen
        least_off = float(run.limit.primal[0, one.minus].max(initial=-math.inf))
        what = {
            True: "was that of the labels' signs from the first step on",
            False: f"departs from the labels' signs ({pattern.first_violation or 'at the limit'})",
            None: "is not known to its end",
        }[seen.holds]
        ends = (
            f"; the largest prediction on the other labels ends at {least_off:.3g}"
            if one.minus.size and run.status is Status.CERTIFIED
            else ""
        )
        return Verdict(
            condition=self.name,
            role=Role.CONCLUSION,
            margin=worst.value,
            rounding_error=worst.error,
            step=pattern.step,
            neuron=pattern.neuron,
            sample=pattern.sample,
            first_violation=pattern.first_violation,
            constants={"tolerance": self.tolerance},
            detail=f"The pattern {what}; {away}{ends}.",
        )


def step_size_verdicts(name: str, one: OneNeuron, constant: float) -> list[Verdict]:
    """Return whether kappa lies in ``[1 / (constant * C_g), 1 / C_g]``, C_g as measured."""
    kappa, measured = one.kappa, c_g(one.setting)
    constants = {"C_2": constant, "C_g": measured.value}
    if math.isinf(measured.value):
        above, below = exact(1.0), Rounded(-math.inf, 0.0)
        low = high = 0.0
    else:
        low, high = 1.0 / (constant * measured.value), 1.0 / measured.value
        above, below = 1.0 - 1.0 / (constant * measured * kappa), 1.0 - kappa * measured
    ends = {"lower": (above, low), "upper": (below, high)}
    return [
        Verdict(
            condition=f"{name}.step_size.{end}",
            role=Role.HYPOTHESIS,
            margin=margin.value,
            rounding_error=margin.error,
            constants=constants,
            detail=_step_detail(kappa.value, end, bound),
        )
        for end, (margin, bound) in ends.items()
    ]


def _step_detail(kappa: float, end: str, bound: float) -> str:
    if bound == 0.0:
        return (
            f"kappa = {kappa:.4g}; the Gram matrix is singular to working precision, C_g infinite."
        )
    return f"kappa = {kappa:.4g} is {kappa / bound:.4g} times the {end} end {bound:.4g}."


def _certified_detail(margins: Mapping[str, float], decided_by: str, holds: bool | None) -> str:
    head = {
        True: "The conclusion is guaranteed for this data set before a step is taken",
        False: f"The bounds do not show the conclusion, since {decided_by!r} fails",
        None: f"Rounding decides {decided_by!r}",
    }[holds]
    return f"{head}: {', '.join(f'{name} {value:.3g}' for name, value in margins.items())}."


def limit_after_one_step(one: OneNeuron) -> Projection:
    """Return the projection of the weights after one step on the interpolators of y_+."""
    setting = one.setting
    dual: Float = setting.start[0].copy()
    on = np.flatnonzero(one.eps > 0)
    dual[on] -= setting.step_size * (one.eps[on] - one.y[on])
    with one_blas_thread(one.n):
        return Projection.of(setting.problem.gram, dual, one.plus, one.y)
