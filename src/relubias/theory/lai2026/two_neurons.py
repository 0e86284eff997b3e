"""Two neurons of opposite signs: the invariants of a run and its limit (Lemma 10, Theorem 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias.theory._constants import check_constants
from relubias.theory.lai2026._limits import conclusions, pattern_of, positive_start
from relubias.theory.lai2026._one import zero_label
from relubias.theory.lai2026._one_active_neuron import parts_of_certificate
from relubias.theory.lai2026._parts import Part, conjunction, smallest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.lai2026._steps import step_size_lower, step_size_upper, watched
from relubias.theory.monitor import Invariant
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma10", "Theorem3", "why_not_two_neurons"]


def why_not_two_neurons(setting: Setting) -> str:
    """Return why statements about two neurons say nothing here; empty if they do."""
    if setting.m != 2 or setting.signs.sum() != 0.0:
        signs = "".join("+" if s > 0 else "-" for s in setting.signs)
        return f"is about two neurons of opposite signs, and the network has {signs}"
    return zero_label(setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma10(Statement):
    r"""Eight invariants of two neurons: if they hold at a step t >= 1, they hold ever after.

    With p the neuron of sign +1 and m that of sign -1, in either order:

    =====  ==================================================================================
    a, b   :math:`\alpha_{p,i} \ge c_a\,\kappa\,y_{min}` for :math:`y_i > 0`, and
           :math:`\alpha_{m,i}` for :math:`y_i < 0`
    c, d   :math:`c_b\,\kappa\,y_{min} \le -L\beta_{p,i} \le C_b\,\kappa\,y_{max}` for
           :math:`y_i < 0`, and :math:`\beta_{m,i}` for :math:`y_i > 0`
    e      :math:`\|\alpha_{p,+} - y_+\| \le C_c \sqrt{n_+}\,y_{max}` and
           :math:`\|\alpha_{m,-} + y_-\| \le C_c \sqrt{n_-}\,y_{max}`
    f      :math:`L\,\|\beta_p\|,\ L\,\|\beta_m\| \le C_d \sqrt n\,y_{max}`
    g, h   :math:`\alpha_{p,i} \le -c_e\,\kappa\,y_{min}` for :math:`y_i < 0`, and
           :math:`\alpha_{m,i}` for :math:`y_i > 0`
    =====  ==================================================================================

    Margins are the distance of the left and right side after division by the unit of the bound.

    Parameters
    ----------
    active : float, default=0.9
        :math:`c_a`; the paper's invariant is that of 0.
    frozen_least, frozen_most : float, default=0.7 and 1.3
        :math:`c_b` and :math:`C_b`.
    misfit : float, default=1.0
        :math:`C_c`.
    dual : float, default=2.2
        :math:`C_d`.
    inactive : float, default=0.56
        :math:`c_e`; the paper's invariant is that of 0.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    The invariants are the paper's, their formulas derived again from its prose (e with
    :math:`\sqrt n` there). The constants are ours: with these defaults all eight are proved for
    every run that meets ``lai2026.theorem3.explicit`` (see `Theorem3`). Elsewhere a to h may fail
    with these constants while the pattern is right.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 10.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = rb.starts.all_positive(problem, 0.0625)
    >>> verdicts = Lemma10().check(problem, start, step_size=0.125)
    >>> [round(verdict.margin, 4) for verdict in verdicts]
    [0.225, 0.225, 0.175, 0.175, 0.5625, 1.4282, 0.315, 0.315]
    """

    name: ClassVar[str] = "lai2026.lemma10"
    title: ClassVar[str] = "eight invariants of two neurons"

    active: float = 0.9
    frozen_least: float = 0.7
    frozen_most: float = 1.3
    misfit: float = 1.0
    dual: float = 2.2
    inactive: float = 0.56

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return why_not_two_neurons(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the eight claims about every step t >= 1."""
        shares = Shares(setting, setting.agrees)
        kappa = setting.kappa
        units = kappa * setting.y_min, kappa * setting.y_max
        order = np.argsort(-setting.signs)  # the positive neuron first

        def each(kind: str, parts: str) -> list[Invariant]:
            return [
                self._claim(shares, f"{self.name}.{part}", kind, int(k), units)
                for part, k in zip(parts, order, strict=True)
            ]

        return [
            *each("active", "ab"),
            *each("frozen", "cd"),
            shares.misfit(f"{self.name}.e", self.misfit),
            shares.bounded(f"{self.name}.f", self.dual),
            *each("inactive", "gh"),
        ]

    def _claim(
        self, shares: Shares, condition: str, kind: str, neuron: int, units: tuple[float, float]
    ) -> Invariant:
        both = ("positive", "negative")
        word, others = both if shares.setting.signs[neuron] > 0 else both[::-1]
        if kind == "active":
            detail = f"Samples with {word} labels stay active on the {word} neuron"
            return shares.active(condition, self.active, detail, [neuron])
        if kind == "inactive":
            detail = f"Samples with {others} labels are inactive on the {word} neuron"
            return shares.inactive(condition, self.inactive, detail, [neuron])
        return shares.frozen(
            condition, (self.frozen_least, self.frozen_most), units,
            f"The {word} neuron's duals of samples with {others} labels are pushed below zero: "
            f"-L beta between {self.frozen_least:g} kappa y_min and {self.frozen_most:g} kappa "
            "y_max (margin in these units).",
            [neuron],
        )  # fmt: skip

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the whole run, its limit included."""
        own = setting.agrees

        def contradicts(late: np.ndarray) -> np.ndarray:
            return own[late["neuron"], late["sample"]] == (late["mode"] < 0)

        return [
            watched(setting, claim, contradicts if claim.condition[-1] in "abgh" else None)
            for claim in self.invariants(setting)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem3(Statement):
    r"""Two neurons reach a global minimum: each fits the labels of its sign, and no others.

    From :math:`w_k^{(0)} = X^\top (XX^\top)^{-1} \epsilon_k` with small positive predictions, and
    with a step size between :math:`1/(C C_g L)` and :math:`1/(C_g L)`,

    .. math:: w_p^{(\infty)} = \arg\min \{\|w - w_p^{(1)}\| : X_+ w = y_+\}, \qquad
              X_- w_p^{(\infty)} < 0,

    the same for the neuron of sign -1 with :math:`X_- w = -y_-`, and the training loss is zero.

    Parameters
    ----------
    start : float, default=8.0
        Initial predictions are to be at most ``kappa * y_min / start``.
    step_size : float, default=4.0
        The C of the lower bound of the step size.
    closeness : float, default=1e-8
        How well the limit has to be the one of the theorem, in units of `y_max`: predictions on own
        samples, and L times the duals of all others.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number, or zero where it divides.

    Notes
    -----
    The prose of the statement is the paper's; formulas were derived again from it, and its
    constants are ours. Conditions:

    * ``.start``, ``.step_size.lower``, ``.step_size.upper`` (hypotheses).
    * ``.explicit`` (guarantee, new): :math:`\kappa(1+\delta) \le 1`,
      :math:`\rho \le \kappa/8`, :math:`\delta \le 1/16` and
      :math:`\delta\sqrt n\,y_{max}/y_{min} \le \kappa/16`; then Lemma 10 holds with its default
      constants, and the theorem with it. *Proof.* Let :math:`q = y + \epsilon_m - \epsilon_p`, so
      that :math:`\|q\| \le (1+\rho)\sqrt n\,y_{max}` and :math:`\delta\|q\| \le 0.071\,\kappa
      y_{min}`. The first step of a neuron of sign s is :math:`\alpha = \epsilon + \kappa s (I+E)q`
      and :math:`L\beta = (I+E)^{-1}\epsilon + \kappa s q`. On an own sample, with
      :math:`\epsilon'` of the other neuron, :math:`\alpha_i = (1-\kappa)\epsilon_i +
      \kappa(|y_i| + \epsilon'_i) + \kappa s(Eq)_i \ge 0.92\,\kappa y_{min}`. On another,
      :math:`-L\beta_i = \kappa|y_i| - (1-\kappa)\epsilon_i - \kappa\epsilon'_i + \ldots`, where
      the dots are at most :math:`\frac{16}{15}\delta\|\epsilon\| \le 0.009\,\kappa y_{min}`:
      between :math:`0.86\,\kappa y_{min}` and :math:`1.14\,\kappa y_{max}`. The misfit on own
      samples is at most :math:`(1 - \kappa + \kappa\rho + 0.071\kappa) \sqrt{n_k}\,y_{max}` and
      contracts. From there the neurons do not see each other, and the proof for one neuron
      (Lemma 9) goes through with these numbers: a with :math:`\kappa(y_{min} - \delta r)`, d
      with :math:`\frac{16}{15}(2\sqrt{n_k} + \ldots) \le 2.2 \sqrt n`, e with
      :math:`-0.86 + 2.2/16 < -0.56`.
    * ``.certificate`` (guarantee, new): sufficient for this data set, start and step size,
      from one step in closed form; see the proof in `relubias.theory.lai2026` of its module
      ``_one_active_neuron``. It needs no bound on labels, start or the step size but
      :math:`\kappa(1+\delta) < 2`, and is far weaker than the hypotheses.
    * ``.limit`` (conclusion): the displayed limit alone.
    * ``lai2026.theorem3`` (conclusion): that, and the pattern from the first step on, as in
      Theorem 1 and in the proof.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 3, eqs. (26)-(33).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = rb.starts.all_positive(problem, 0.05)
    >>> verdicts = Theorem3().check(problem, start, step_size=0.15)
    >>> [verdict.condition.removeprefix("lai2026.theorem3") for verdict in verdicts]
    ['.start', '.step_size.lower', '.step_size.upper', '.explicit', '.certificate', '.limit', '']
    >>> all(verdict.holds for verdict in verdicts)
    True
    """

    name: ClassVar[str] = "lai2026.theorem3"
    title: ClassVar[str] = "two neurons reach a global minimum, each on the labels of its sign"

    start: float = 8.0
    step_size: float = 4.0
    closeness: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("start", "step_size", "closeness"))

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_two_neurons(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the claim about the pattern."""
        return [pattern_of(Shares(setting, setting.agrees), self.name)]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return hypotheses, guarantees and conclusions."""
        shares = Shares(setting, setting.agrees)
        return [
            self._start(setting),
            step_size_lower(setting, f"{self.name}.step_size.lower", self.step_size),
            step_size_upper(setting, f"{self.name}.step_size.upper"),
            self._explicit(setting),
            conjunction(
                f"{self.name}.certificate", Role.GUARANTEE, parts_of_certificate(setting, shares),
                "Sufficient for the theorem's conclusion, from one step in closed form and norms "
                f"(delta = {setting.delta.value:.4g}; margin in units of kappa y_min).",
            ),
            *conclusions(setting, shares, self.name, self.closeness),
        ]  # fmt: skip

    def _start(self, setting: Setting) -> Verdict:
        ratio = self.start * setting.rho / setting.kappa
        return conjunction(
            f"{self.name}.start", Role.HYPOTHESIS,
            [positive_start(setting, setting.kappa * setting.y_min),
             _small_start(setting, self.start)],
            f"Initial predictions are to be positive and at most kappa y_min / {self.start:g}; the "
            f"largest is {ratio:.4g} times that (margin: 1 - this).",
            {"start": self.start},
        )  # fmt: skip

    def _explicit(self, setting: Setting) -> Verdict:
        kappa, delta, star = setting.kappa, setting.delta, setting.delta_star
        parts = [
            positive_start(setting, kappa * setting.y_min),
            Part(1.0 - kappa * (1.0 + delta.value), kappa * (delta.error + 4.0 * EPS)),
            _small_start(setting, 8.0),
            Part(1.0 - 16.0 * delta.value, 16.0 * delta.error),
            Part(1.0 - 16.0 * star.value / kappa, 16.0 * star.error / kappa),
        ]
        return conjunction(
            f"{self.name}.explicit", Role.GUARANTEE, parts,
            f"Sufficient with explicit constants: kappa (1 + delta) = "
            f"{kappa * (1.0 + delta.value):.4g} <= 1, rho / kappa = {setting.rho / kappa:.4g} <= "
            f"1/8, delta = {delta.value:.4g} <= 1/16, delta_star / kappa = "
            f"{star.value / kappa:.4g} <= 1/16.",
        )  # fmt: skip


def _small_start(setting: Setting, constant: float) -> Part:
    """Return ``1 - constant * eps / (kappa * y_min)`` where it is smallest."""
    per = constant / (setting.kappa * setting.y_min)
    return smallest(1.0 - per * setting.initial, per * setting.initial_error + 4.0 * EPS)
