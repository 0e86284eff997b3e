r"""A certificate for any number of neurons: one step in closed form, and norms for all others.

Let each sample belong to one neuron of its sign; for neuron k, P are its own samples and N all
others. Let :math:`E = G/L - I`, :math:`\delta = \|E\| < 1` and :math:`\kappa(1+\delta) < 2`. The
first step, to :math:`\alpha` and :math:`\beta`, is known in closed form (eqs. (28)-(29), (49)). Put

.. math:: r = \|\alpha_P - |y_P|\|, \qquad z_P = |y_P|,\; z_N = L\beta_N, \qquad v = E z .

Theorem (new). If :math:`\alpha > 0` on P and :math:`\alpha < 0` on N for every neuron, and

.. math:: |y_i| &> \|E_{iP}\|\, r \quad (\kappa \le 1) \quad\text{or}\quad
          |y_i| > (|1-\kappa| + \kappa\|E_{iP}\|)\, r & (i \in P), \\
          -z_i - v_i &> \|E_{iP}\|\,\frac{r + \|v_P\|}{1-\delta} & (i \in N),

then after every step :math:`t \ge 1` each neuron is active on its own samples alone, and gradient
descent converges to the projections of the weights after the first step on
:math:`\{X_P w = |y_P|\}`.

Proof. As long as the pattern is that, the neurons do not see each other: the residual on a sample
is that of its owner. So :math:`\beta_N` is frozen, and the misfit
:math:`\varrho = \alpha_P - |y_P|` follows
:math:`\varrho^+ = (I - \kappa (I + E_{PP}))\varrho`, a contraction, hence
:math:`\|\varrho\| \le r` for all t. On P,
:math:`\alpha_i^+ = (1-\kappa)\alpha_i + \kappa|y_i| - \kappa (E_{PP}\varrho)_i`, which is at least
:math:`\kappa(|y_i| - \|E_{iP}\| r)` if :math:`\kappa \le 1` and :math:`\alpha_i > 0`, and at least
:math:`|y_i| - |1-\kappa| r - \kappa \|E_{iP}\| r` always. From :math:`G\beta = \alpha` on P,
:math:`(I+E_{PP})(L\beta_P - |y_P|) = \varrho - v_P`, so that
:math:`\|L\beta_P - |y_P|\| \le (r + \|v_P\|)/(1-\delta)`; and on N,
:math:`\alpha_i = z_i + v_i + E_{iP}(L\beta_P - |y_P|)`. So the pattern is the same after the next
step; induction ends the proof, with Lemma 2 for the limit.
"""

from __future__ import annotations

import math

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.theory.lai2026._parts import Part, smallest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.setting import Setting

__all__ = ["first_step", "parts_of_certificate"]


def first_step(setting: Setting) -> tuple[Float, Float]:
    """Return primal values, and L times the duals, after one step from the start."""
    initial, signs = setting.initial, setting.signs
    residual = signs @ np.maximum(initial, 0.0) - setting.labels
    push = -setting.kappa * signs[:, None] * np.where(initial > 0.0, residual, 0.0)
    return initial + push + push @ setting.deviation, setting.trace * setting.start + push


def parts_of_certificate(setting: Setting, shares: Shares) -> list[Part]:
    r"""Return by how much each condition of the theorem is met, in units of kappa y_min.

    Rounding is part of the errors: that of the first step is bounded by `Setting.state_error`,
    norms and products add as much again for each of their terms.
    """
    kappa, delta = setting.kappa, setting.delta.value + setting.delta.error
    stable = [
        Part(1.0 - 0.5 * kappa * (1.0 + delta), kappa * setting.delta.error),
        Part(1.0 - delta, setting.delta.error),
    ]
    if not delta < 1.0:
        return stable
    own, size = shares.own, np.abs(setting.labels)
    with one_blas_thread(setting.n):
        primal, scaled_dual = first_step(setting)
        rows: Float = np.sqrt((setting.deviation**2) @ own.T).T
        z = np.where(own, size, scaled_dual)
        v = z @ setting.deviation
    misfit: Float = np.sqrt(((primal * own - shares.target) ** 2).sum(axis=1))[:, None]
    own_v: Float = np.sqrt(((v * own) ** 2).sum(axis=1))[:, None]
    later = size - (abs(1.0 - kappa) + kappa * rows) * misfit
    if kappa <= 1.0:
        later = np.maximum(later, kappa * (size - rows * misfit))
    beyond = -z - v - rows * (misfit + own_v) / (1.0 - delta)
    unit = shares.unit
    error = (4.0 + math.sqrt(setting.n)) * setting.state_error / unit
    return [
        *stable,
        smallest(shares.oriented(primal) / unit, error),
        smallest(np.where(own, later, beyond) / unit, error * 2.0 / (1.0 - delta)),
    ]
