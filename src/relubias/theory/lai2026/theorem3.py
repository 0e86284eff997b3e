"""Theorem 3: where gradient descent of two neurons goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from relubias.theory._constants import check_constants
from relubias.theory.lai2026._limits import conclusions, pattern_of, positive_start
from relubias.theory.lai2026._one_active_neuron import parts_of_certificate
from relubias.theory.lai2026._parts import Part, conjunction, smallest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.lai2026._steps import step_size_lower, step_size_upper
from relubias.theory.lai2026.two_neurons import why_not_two_neurons
from relubias.theory.monitor import Invariant
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Theorem3"]


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
    start_constant : float, default=40
        Initial predictions are to be at most ``y_min / start_constant``. With the default step
        range this implies rho <= kappa / 8, which the explicit version asks for.
    step_constant : float, default=4
        The C of the lower bound of the step size; that of `relubias.step_size_bounds`.
    tolerance : float, default=1e-8
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
    * ``.certificate`` (guarantee, new): sufficient for this data set, start and step size, known
      before a step is taken; stated and proved below. It needs no bound on labels or start and
      no step size but :math:`\kappa(1+\delta) < 2`.
    * ``.limit`` (conclusion): the displayed limit alone.
    * ``lai2026.theorem3`` (conclusion): that, and the pattern from the first step on, as in
      Theorem 1 and in the proof.

    **The certificate, for any number of neurons.** Let each sample belong to one neuron of its
    sign; for neuron k, P are its own samples and N all others. Let :math:`E = G/L - I`,
    :math:`\delta = \|E\| < 1` and :math:`\kappa(1+\delta) < 2`. The first step, to
    :math:`\alpha` and :math:`\beta`, is known in closed form (eqs. (28)-(29), (49)). Put

    .. math:: r = \|\alpha_P - |y_P|\|, \qquad z_P = |y_P|,\; z_N = L\beta_N, \qquad v = E z .

    *Theorem.* If for every neuron :math:`\alpha > 0` on P and :math:`\alpha < 0` on N, if for
    every :math:`i \in P`, with :math:`e_i = \|E_{iP}\|`, either of

    .. math:: |y_i| > e_i\, r \;\;(\text{where } \kappa \le 1), \qquad
              |y_i| > (|1-\kappa| + \kappa e_i)\, r

    holds, and if :math:`-z_i - v_i > e_i\,(r + \|v_P\|)/(1-\delta)` for every :math:`i \in N`,
    then after every step :math:`t \ge 1` each neuron is active on its own samples alone, and
    gradient descent converges to the projections of the weights after the first step on
    :math:`\{X_P w = |y_P|\}`.

    *Proof.* As long as the pattern is that, the neurons do not see each other: the residual on a
    sample is that of its owner. So :math:`\beta_N` is frozen, and the misfit
    :math:`\varrho = \alpha_P - |y_P|` follows
    :math:`\varrho^+ = (I - \kappa (I + E_{PP}))\varrho`, a contraction, hence
    :math:`\|\varrho\| \le r` for all t. On P,
    :math:`\alpha_i^+ = (1-\kappa)\alpha_i + \kappa|y_i| - \kappa (E_{PP}\varrho)_i`, which is at
    least :math:`\kappa(|y_i| - e_i r)` if :math:`\kappa \le 1` and :math:`\alpha_i > 0`, and at
    least :math:`|y_i| - |1-\kappa| r - \kappa e_i r` always. From :math:`G\beta = \alpha` on P,
    :math:`(I+E_{PP})(L\beta_P - |y_P|) = \varrho - v_P`, so that
    :math:`\|L\beta_P - |y_P|\| \le (r + \|v_P\|)/(1-\delta)`; and on N,
    :math:`\alpha_i = z_i + v_i + E_{iP}(L\beta_P - |y_P|)`. So the pattern is the same after the
    next step; induction ends the proof, with Lemma 2 for the limit.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 3, eqs. (26)-(33).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = rb.starts.all_positive(problem, 0.02)
    >>> verdicts = Theorem3().check(problem, start, step_size=0.15)
    >>> [verdict.condition.removeprefix("lai2026.theorem3") for verdict in verdicts]
    ['.start', '.step_size.lower', '.step_size.upper', '.explicit', '.certificate', '.limit', '']
    >>> all(verdict.holds for verdict in verdicts)
    True
    """

    name: ClassVar[str] = "lai2026.theorem3"
    title: ClassVar[str] = "two neurons reach a global minimum, each on the labels of its sign"

    start_constant: float = 40.0
    step_constant: float = 4.0
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("start_constant", "step_constant", "tolerance"))

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
            step_size_lower(setting, f"{self.name}.step_size.lower", self.step_constant),
            step_size_upper(setting, f"{self.name}.step_size.upper"),
            self._explicit(setting),
            conjunction(
                f"{self.name}.certificate", Role.GUARANTEE, parts_of_certificate(setting, shares),
                "Sufficient for the theorem's conclusion, from one step in closed form and norms "
                f"(delta = {setting.delta.value:.4g}; margin in units of kappa y_min).",
            ),
            *conclusions(setting, shares, self.name, self.tolerance),
        ]  # fmt: skip

    def _start(self, setting: Setting) -> Verdict:
        C, unit = self.start_constant, setting.kappa * setting.y_min
        return conjunction(
            f"{self.name}.start", Role.HYPOTHESIS,
            [positive_start(setting, unit), _small_start(setting, C / setting.y_min)],
            f"Initial predictions are to be positive and at most y_min / {C:g}; the largest is "
            f"{setting.rho:.4g} y_min (margin: 1 - {C:g} times that).",
            {"start_constant": C},
        )  # fmt: skip

    def _explicit(self, setting: Setting) -> Verdict:
        kappa, delta, star = setting.kappa, setting.delta, setting.delta_star
        parts = [
            positive_start(setting, kappa * setting.y_min),
            Part(1.0 - kappa * (1.0 + delta.value), kappa * (delta.error + 4.0 * EPS)),
            _small_start(setting, 8.0 / (kappa * setting.y_min)),
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


def _small_start(setting: Setting, per: float) -> Part:
    """Return ``1 - per * eps`` where it is smallest."""
    return smallest(1.0 - per * setting.initial, per * setting.initial_error + 4.0 * EPS)
