r"""What is proved about one neuron with every constant known, before a single step is taken.

With :math:`E = G/L - I`, :math:`\delta = \|E\|` and every sample active at the start, the first
step leads to :math:`\alpha^{(1)} = \epsilon - \kappa (I + E)(\epsilon - y)` and
:math:`L\beta^{(1)} = (I+E)^{-1}\epsilon - \kappa(\epsilon - y)`. From there everything follows from
norms; the bounds below are ours, and so are their constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relubias._validate import Float, fail
from relubias.theory._rounded import Rounded, exact, least, norm
from relubias.theory.lai2026._one import OneNeuron, rounded, why_not_one_neuron
from relubias.theory.setting import EPS, Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RunCertificate", "all_active", "certificate", "certify_setting", "explicit_hypotheses"]


def explicit_hypotheses(one: OneNeuron) -> dict[str, Rounded]:
    r"""Return by how much the hypotheses with explicit constants are met, each dimensionless.

    They are :math:`\epsilon > 0`, :math:`\kappa (1 + \delta) \le 1`, :math:`\rho \le \kappa / 4`,
    :math:`\delta \le 1/16` and
    :math:`\delta \sqrt n\, y_{max} / y_{min} \le \kappa / 16`.
    """
    setting, kappa = one.setting, one.kappa
    delta, y_min = rounded(setting.delta), setting.y_min
    largest = Rounded(float(one.eps.max()), one.eps_error)
    return {
        "start": all_active(one),
        "step size": 1.0 - kappa * (1.0 + delta),
        "rho": 1.0 - 4.0 * largest / y_min / kappa,
        "delta": 1.0 - 16.0 * delta,
        "delta_star": 1.0 - 16.0 * rounded(setting.delta_star) / kappa,
    }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class RunCertificate:
    """Whether Theorem 1's conclusion is guaranteed for one data set, start and step size.

    Attributes
    ----------
    kappa : float
        Step size times trace.
    delta : float
        ``||G / L - I||``, dimensionless.
    initial_residual : float
        g: norm of initial predictions minus labels, in units of the labels.
    first_misfit : float
        r1: bound on the misfit on the neuron's labels after the first step.
    frozen_least : float
        b_lo: every L beta of the other samples is below ``-frozen_least`` from the first step on;
        infinite where there are none. This and the next two are nan where delta is not below 1.
    frozen_most : float
        b_hi: bound on their norm.
    dual_bound : float
        B: bound on ``L ||beta||`` at every later step.
    margins : mapping of str to float
        By how much each sufficient condition is met, dimensionless: ``start`` (every sample active:
        smallest over largest prediction), ``step size`` (contraction), ``first step`` and
        ``active`` (the neuron's samples stay active, in units of kappa y_min), ``frozen`` and
        ``inactive`` (the other samples' duals and predictions stay negative, in the same units).
        Where delta is not below 1 the last four give way to ``delta``, and nothing is shown.
    rounding_errors : mapping of str to float
        Bounds on their rounding errors, that of the eigenvalues of G included.
    margin, rounding_error : float
        Those of the condition that decides.
    decided_by : str
        Its name.
    """

    kappa: float
    delta: float
    initial_residual: float
    first_misfit: float
    frozen_least: float
    frozen_most: float
    dual_bound: float
    margins: Mapping[str, float]
    rounding_errors: Mapping[str, float]
    margin: float
    rounding_error: float
    decided_by: str

    @property
    def holds(self) -> bool | None:
        """True if guaranteed, False if these bounds do not show it, None if rounding decides.

        False is no statement about the run: the conditions are sufficient, not necessary.
        """
        return Rounded(self.margin, self.rounding_error).holds

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        head = {
            True: "guaranteed: the pattern is that of the labels' signs from the first step on",
            False: f"not guaranteed by these bounds: {self.decided_by!r} fails",
            None: f"undecided: {self.decided_by!r} is within its rounding error",
        }[self.holds]
        lines = [f"{name:<11} {margin:+.4g}" for name, margin in self.margins.items()]
        return "\n".join([head, f"kappa {self.kappa:.6g}, delta {self.delta:.4g}", *lines])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the margin of every sufficient condition.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Dots hold, diamonds are not met, squares are undecided; bars are rounding errors.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.theory._plot import draw_certificate

        return draw_certificate(self, ax)

    def __repr__(self) -> str:
        word = {True: "guaranteed", False: "not guaranteed", None: "undecided"}[self.holds]
        return f"RunCertificate({word}, margin={self.margin:.4g}, delta={self.delta:.4g})"


def certificate(
    problem: Any, start: Any, *, step_size: float, trace: float | None = None
) -> RunCertificate:
    r"""Prove Theorem 1's conclusion for one data set from norms alone, before a step is taken.

    Where the answer is True, gradient descent of this one neuron has exactly the samples with
    labels of its sign active after every step t >= 1, converges to the projection of
    :math:`w^{(1)}` on their interpolators, and the predictions on all other samples are negative
    in the limit. Nothing is assumed about where the data come from.

    Parameters
    ----------
    problem : Problem
        One neuron of either sign; no label zero.
    start : array_like of shape (1, n_samples)
        Dual start (see `relubias.starts`).
    step_size : float
        In inverse squared units of the features.
    trace : float, optional
        The L of the bounds; the mean of the Gram diagonal if omitted. Any value gives a valid
        certificate; the one that makes :math:`\|G/L - I\|` small gives the sharpest.

    Returns
    -------
    RunCertificate
        ``holds`` is True only if it does with all rounding taken against it.

    Raises
    ------
    InvalidInputError
        If an argument is unusable, a label is zero or there are several neurons.

    See Also
    --------
    relubias.dynamics.certify : Prove from any later state that no switch will come.

    Notes
    -----
    The bounds and their constants are ours, not the paper's. With
    :math:`\bar\kappa = \max(\kappa, 1)`, g the norm of :math:`\epsilon - y`, and the labels of the
    neuron's sign marked +,

    .. math::

       r_1 &= |1-\kappa|\,\|(\epsilon - y)_+\| + \kappa \delta g, \\
       b_{lo} &= \min_{y_i<0} \bigl(\kappa(\epsilon_i + |y_i|) - \epsilon_i\bigr)
                 - \tfrac{\delta}{1-\delta} \|\epsilon\|, \\
       B^2 &= \Bigl(\tfrac{\|y_+\| + r_1 + \delta b_{hi}}{1-\delta}\Bigr)^2 + b_{hi}^2,

    and sufficient are :math:`\kappa(1+\delta) < 2`,
    :math:`\min y_+ > \delta g + (1 - 1/\bar\kappa) \max \epsilon_+`,
    :math:`\min y_+ / \bar\kappa > (\delta + 1 - 1/\bar\kappa)\, r_1` and
    :math:`b_{lo} > \delta B`. The cost is that of the eigenvalues of G.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 1 and Lemma 9.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0])
    >>> certificate(problem, rb.starts.all_positive(problem, 0.1), step_size=0.15)
    RunCertificate(guaranteed, margin=0.6925, delta=0.025)
    """
    setting = Setting(problem, start, step_size=step_size, trace=trace)
    reason = why_not_one_neuron(setting)
    if reason:
        raise fail("problem", f"does not fit: Theorem 1 {reason}", "pass one neuron and its data")
    return certify_setting(OneNeuron(setting))


def certify_setting(one: OneNeuron) -> RunCertificate:
    """Evaluate the bounds; see `certificate`."""
    kappa, delta, y_min = one.kappa, rounded(one.setting.delta), one.setting.y_min
    numbers, margins = _numbers(one), {"start": all_active(one)}
    over, e = numbers.over, one.eps_error
    margins["step size"] = 1.0 - 0.5 * kappa * (1.0 + delta)
    if not delta.value < 1.0:
        margins["delta"] = 1.0 - delta
    elif one.plus.size:
        smallest = float(one.y[one.plus].min())
        largest = Rounded(float(one.eps[one.plus].max()), e)
        first = smallest - delta * numbers.g - over * largest
        later = smallest * (1.0 - over) - (delta + over) * numbers.r_1
        margins |= {"first step": first / y_min, "active": later / y_min}
    if delta.value < 1.0 and one.minus.size:
        unit = kappa * y_min
        margins["frozen"] = numbers.b_lo / unit
        margins["inactive"] = (numbers.b_lo - delta * numbers.B) / unit
    worst = least(margins.values())
    return RunCertificate(
        kappa=kappa.value,
        delta=delta.value,
        initial_residual=numbers.g.value,
        first_misfit=numbers.r_1.value,
        frozen_least=numbers.b_lo.value,
        frozen_most=numbers.b_hi.value,
        dual_bound=numbers.B.value,
        margins=MappingProxyType({name: m.value for name, m in margins.items()}),
        rounding_errors=MappingProxyType({name: m.error for name, m in margins.items()}),
        margin=worst.value,
        rounding_error=worst.error,
        decided_by=next(name for name, m in margins.items() if m is worst),
    )


class _Numbers(NamedTuple):
    """The numbers of `certificate`'s formulas; `over` is ``1 - 1 / max(kappa, 1)``."""

    over: Rounded
    g: Rounded
    r_1: Rounded
    b_lo: Rounded
    b_hi: Rounded
    B: Rounded


def _numbers(one: OneNeuron) -> _Numbers:
    kappa, eps, e, delta = one.kappa, one.eps, one.eps_error, rounded(one.setting.delta)
    over = exact(0.0) if kappa.value <= 1.0 - kappa.error else _positive(1.0 - 1.0 / kappa)
    y_plus, unknown = one.y[one.plus], Rounded(math.nan, math.inf)
    away = eps - one.y
    g = norm(away, e + _ulp(away))
    r_1 = abs(1.0 - kappa) * norm(away[one.plus], e + _ulp(away)) + kappa * delta * g
    if not delta.value < 1.0:
        return _Numbers(over, g, r_1, unknown, unknown, unknown)
    b_lo, b_hi = Rounded(math.inf, 0.0), exact(0.0)
    if one.minus.size:
        pushed = kappa.value * (eps - one.y)[one.minus] - eps[one.minus]
        sizes = np.abs(eps[one.minus]) + kappa.value * np.abs(away[one.minus])
        error = (1.0 + kappa.value) * e + 4.0 * _ulp(sizes)
        spread = delta / (1.0 - delta) * norm(eps, e)
        b_lo = Rounded(float(pushed.min()), error) - spread
        b_hi = norm(pushed, error) + spread
    fitted = (norm(y_plus) + r_1 + delta * b_hi) / (1.0 - delta)
    return _Numbers(over, g, r_1, b_lo, b_hi, (fitted * fitted + b_hi * b_hi).sqrt())


def all_active(one: OneNeuron) -> Rounded:
    """Return the smallest initial prediction over the largest absolute one."""
    size = float(np.abs(one.eps).max())
    return Rounded(float(one.eps.min()), one.eps_error) / size if size > 0 else exact(0.0)


def _positive(number: Rounded) -> Rounded:
    """Return a number that is known not to be negative."""
    return Rounded(max(number.value, 0.0), number.error)


def _ulp(values: Float) -> float:
    """Return the rounding of the largest of some sums."""
    return EPS * float(np.abs(values).max(initial=0.0))
