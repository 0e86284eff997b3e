"""Several neurons: what disjoint samples mean, and the invariants of a run (Lemmas 11 and 12)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float, as_count, as_real
from relubias.dynamics import Status, Tail
from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded
from relubias.theory.lai2026._limits import limit_errors
from relubias.theory.lai2026._parts import Part, conjunction, unusable, watched
from relubias.theory.lai2026._weights import within
from relubias.theory.lai2026.assignment import shares_of, why_not_several_neurons
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma11", "Lemma12"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma11(Statement):
    r"""Neurons whose active sets are disjoint and fixed run linear regression each.

    If from step :math:`t_0` on the sets :math:`S_k = \{i : x_i^\top w_k > 0\}` are pairwise
    disjoint and constant, then neuron k follows gradient descent of linear regression on
    :math:`(X_{S_k}, s_k y_{S_k})` from :math:`w_k^{(t_0)}`, eq. (46), and so tends to the
    projection of :math:`w_k^{(t_0)}` on :math:`\{X_{S_k} w = s_k y_{S_k}\}`: its duals off
    :math:`S_k` stay, its predictions on :math:`S_k` become the labels.

    Parameters
    ----------
    tolerance : float, default=1e-8
        How well the limit has to be that projection, in units of `y_max`: predictions on
        :math:`S_k`, and L times the duals of all others.
    since : int, optional
        The step :math:`t_0` from which the sets are claimed to be fixed; that of the last switch if
        omitted.

    Raises
    ------
    InvalidInputError
        If `tolerance` is not positive or `since` is no number of steps.

    Notes
    -----
    The prose is the paper's, the formulas were derived again from it. Conditions:
    ``lai2026.lemma11.disjoint`` (hypothesis; margin: minus the second largest prediction of any
    sample in the limit, in units of `y_min`) and ``lai2026.lemma11`` (conclusion; margin
    ``(tolerance - x) / (tolerance + x)`` for the distance x). Where the sets are not disjoint
    nothing is claimed.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 11, eq. (46).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))
    >>> start = starts.all_positive(problem, 0.01)
    >>> for verdict in Lemma11().check(problem, start, step_size=0.2):
    ...     print(verdict.condition, verdict.outcome, round(verdict.margin, 3))
    lai2026.lemma11.disjoint holds 0.79
    lai2026.lemma11 holds 1.0
    """

    name: ClassVar[str] = "lai2026.lemma11"
    title: ClassVar[str] = "disjoint active sets make linear regressions"

    tolerance: float = 1e-8
    since: int | None = None

    def __post_init__(self) -> None:
        tolerance = as_real("tolerance", self.tolerance, minimum=0.0, strict=True)
        object.__setattr__(self, "tolerance", tolerance)
        if self.since is not None:
            object.__setattr__(self, "since", as_count("since", self.since))

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Nothing to watch but where the last pattern begins."""
        _ = setting.settled
        return []

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        if setting.m < 2:
            return "is about several neurons, and the network has 1"
        return unusable(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return hypothesis and conclusion."""
        run = setting.trajectory
        settled = run.status is Status.CERTIFIED and run.tail is Tail.SETTLED
        second = np.sort(run.limit.primal, axis=0)[-2] / setting.y_min
        i = int(second.argmax())
        k = int(np.argsort(run.limit.primal[:, i])[-2])
        margin = -float(second[i]) if run.status is not Status.DIVERGED else math.nan
        disjoint = Verdict(
            condition=f"{self.name}.disjoint",
            role=Role.HYPOTHESIS,
            margin=margin,
            rounding_error=setting.state_error / setting.y_min if settled else math.inf,
            neuron=k,
            sample=i,
            detail=f"After the last switch, at step {run.last_switch}, no sample is to be active "
            f"on two neurons (margin in units of y_min); the run is {run.status}.",
        )
        return [disjoint, self._limit(setting, is_disjoint=disjoint.holds)]

    def _limit(self, setting: Setting, *, is_disjoint: bool | None) -> Verdict:
        run, size = setting.trajectory, setting.y_max
        constants = {"tolerance": self.tolerance}
        if is_disjoint is not True:
            part = Part(math.inf) if is_disjoint is False else Part(0.0, math.inf)
            detail = "Nothing is claimed, since active sets are not disjoint."
            if is_disjoint is None:
                detail = "It is not known whether active sets end disjoint."
            return conjunction(self.name, Role.CONCLUSION, [part], detail, constants)
        if self.since is None:
            since, dual = run.last_switch, setting.settled.since(run)[0].dual
        else:
            since, dual = self.since, run.at(self.since).dual
        on = run.limit.primal > 0.0
        target = setting.signs[:, None] * setting.labels
        distance: Float = np.where(
            on, run.limit.primal - target, setting.trace * (run.limit.dual - dual)
        )
        k, i = np.unravel_index(int(np.abs(distance).argmax()), distance.shape)
        away = abs(float(distance[k, i])) / size
        error, dual_error = limit_errors(setting)
        margin = within(Rounded(away, max(error, dual_error) / size), self.tolerance)
        return conjunction(
            self.name, Role.CONCLUSION, [Part(margin.value, margin.error, int(k), int(i))],
            f"The limit is within {away:.2g} y_max of the projections of the weights after step "
            f"{since} on what fits their active samples.",
            constants,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma12(Statement):
    r"""Five invariants of several neurons: if they hold at a step t >= 1, they hold ever after.

    With :math:`S_k` the samples that neuron k owns (`Assumption3`), for every neuron:

    =====  ==================================================================================
    a      :math:`\alpha_{k,i} \ge c_a\,\kappa\,y_{min}` on :math:`S_k`
    b      :math:`c_b\,y_{min} \le -L\beta_{k,i} \le C_b\,y_{max}` off :math:`S_k`
    c      :math:`\|\alpha_{k,S_k} - s_k y_{S_k}\| \le C_c \sqrt{|S_k|}\,y_{max}`
    d      :math:`L\,\|\beta_k\| \le C_d \sqrt n\,y_{max}`
    e      :math:`\alpha_{k,i} \le -c_e\,\kappa\,y_{min}` off :math:`S_k`
    =====  ==================================================================================

    Margins are the distance of the left and right side after division by the unit of the bound.

    Parameters
    ----------
    active : float, default=0
        :math:`c_a`.
    frozen_least, frozen_most : float, default=0.05 and 1.5
        :math:`c_b` and :math:`C_b`; not in units of kappa, because duals of parked samples are
        those of the start.
    misfit : float, default=1.0
        :math:`C_c`.
    dual : float, default=2.2
        :math:`C_d`.
    inactive : float, default=0
        :math:`c_e`.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    The invariants are the paper's, their formulas derived again from its prose (c with
    :math:`\sqrt n` there); the constants are ours and not proved for several neurons.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 12.

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(3), [1.0, 1.0, -1.0], signs=(1, 1, -1))
    >>> start = starts.disjoint(problem, [0, 1, 2], 0.01)
    >>> verdicts = Lemma12().check(problem, start, step_size=0.2)
    >>> [(verdict.condition[-1], round(verdict.margin, 3)) for verdict in verdicts]
    [('a', 1.012), ('b', 0.25), ('c', 0.81), ('d', 1.334), ('e', 0.375)]
    """

    name: ClassVar[str] = "lai2026.lemma12"
    title: ClassVar[str] = "five invariants of several neurons"

    active: float = 0.0
    frozen_least: float = 0.05
    frozen_most: float = 1.5
    misfit: float = 1.0
    dual: float = 2.2
    inactive: float = 0.0

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return why_not_several_neurons(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the five claims about every step t >= 1."""
        shares = shares_of(setting)
        return [
            shares.active(
                f"{self.name}.a", self.active, "Samples stay active on the neuron that owns them"
            ),
            shares.frozen(
                f"{self.name}.b",
                (self.frozen_least, self.frozen_most),
                (setting.y_min, setting.y_max),
                "Duals of samples that a neuron does not own are below zero: -L beta between "
                f"{self.frozen_least:g} y_min and {self.frozen_most:g} y_max (margin in these "
                "units).",
            ),
            shares.misfit(f"{self.name}.c", self.misfit),
            shares.bounded(f"{self.name}.d", self.dual),
            shares.inactive(
                f"{self.name}.e", self.inactive, "Samples are inactive on all other neurons"
            ),
        ]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the whole run, its limit included."""
        return watched(setting, *(f"{self.name}.{part}" for part in "abcde"))
