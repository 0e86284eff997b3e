"""The run-time certificate of THEORY 5.4 in mpmath: what it says with no rounding to speak of."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from tests.oracles.theory_run import Instance
from tests.oracles.theory_spectrum import delta_in_long_double, delta_in_mpmath

__all__ = ["certificate", "one_step_certificate"]

MPMATH_UP_TO = 5  # samples; beyond, delta comes from long double, right to 1e-18


def certificate(case: Instance, *, digits: int = 40) -> dict[str, mpmath.mpf]:
    """Return the margins of all conditions; the conclusion is guaranteed if all are positive.

    One neuron, or one of each sign: after the first step these no longer touch each other, so the
    conditions are those of one neuron with ``f(0) = sum_k s_k eps_k`` in the first step. Steps
    with kappa above one are let in: ``1 - kappa`` then takes from what is active, in the first
    step at most ``(kappa - 1) eps_i`` of its own, later at most ``(kappa - 1) r1``.
    """
    with mpmath.workdps(digits):
        delta, margins = _delta(case), {}
        y = [mpmath.mpf(float(v)) for v in case.labels]
        n = len(y)
        kappa = mpmath.mpf(case.step_size) * mpmath.mpf(case.trace)
        eps = _initial(case)
        outputs = [sum(s * e[i] for s, e in zip(case.signs, eps, strict=True)) for i in range(n)]
        r = [f - v for f, v in zip(outputs, y, strict=True)]
        g = _norm(r)
        margins["start"] = min(min(e) for e in eps)
        margins["contraction"] = 2 - kappa * (1 + delta)
        over = max(kappa - 1, mpmath.mpf(0))
        for k, s in enumerate(int(v) for v in case.signs):
            own = [i for i in range(n) if s * y[i] > 0]
            off = [i for i in range(n) if s * y[i] < 0]
            first = [eps[k][i] - kappa * s * r[i] for i in range(n)]  # as if orthogonal
            slip = delta / (1 - delta) * _norm(eps[k])
            r1 = _norm([first[i] - s * y[i] for i in own]) + kappa * delta * g
            for i in own:
                grown = (
                    first[i] - kappa * delta * g if kappa > 1 else kappa * (s * y[i] - delta * g)
                )
                _keep(margins, f"first step {k}", grown)
                _keep(margins, f"own {k}", kappa * (s * y[i] - delta * r1) - over * (s * y[i] + r1))
            if not off:
                continue
            low = min(-first[i] for i in off) - slip
            high = _norm([first[i] for i in off]) + slip
            fitted = (_norm([y[i] for i in own]) + r1 + delta * high) / (1 - delta)
            margins[f"frozen {k}"] = low
            margins[f"off {k}"] = low - delta * mpmath.sqrt(fitted**2 + high**2)
        return margins


def _keep(margins: dict[str, mpmath.mpf], name: str, value: mpmath.mpf) -> None:
    margins[name] = min(margins.get(name, value), value)


def _delta(case: Instance) -> mpmath.mpf:
    if len(case.labels) <= MPMATH_UP_TO:
        return delta_in_mpmath(case.gram, case.trace)
    value = delta_in_long_double(case.gram, case.trace)
    head = float(value)
    return mpmath.mpf(head) + mpmath.mpf(float(value - np.longdouble(head)))


def _initial(case: Instance) -> list[list[Any]]:
    """Return the exact primal start."""
    G = [[mpmath.mpf(v) for v in row] for row in case.gram.tolist()]
    return [
        [mpmath.fdot(zip(map(mpmath.mpf, dual), column, strict=True)) for column in G]
        for dual in case.start.tolist()
    ]


def _norm(values: list[Any]) -> Any:
    return mpmath.sqrt(mpmath.fsum(v * v for v in values))


def one_step_certificate(case: Instance, own: NDArray[np.bool_]) -> dict[str, float]:
    """Return the margins of the sharper certificate, from the first step in closed form.

    For any number of neurons, each to fit what it owns (P), in long double. After the first step
    the misfit ``rho = alpha_P - |y_P|`` contracts and everything else is frozen, so with
    ``E = G/L - I``, ``z = |y|`` on P and ``L beta`` elsewhere, and ``v = E z``:

    * on P: ``alpha_i' = (1 - kappa) alpha_i + kappa |y_i| - kappa (E rho)_i``;
    * elsewhere: ``alpha_i = z_i + v_i + E_iP x`` with ``(I + E_PP) x = rho - v_P``.
    """
    L, G = np.longdouble(case.trace), case.gram.astype(np.longdouble)
    E = G / L - np.eye(len(G), dtype=np.longdouble)
    delta, kappa = delta_in_long_double(case.gram, case.trace), np.longdouble(case.step_size) * L
    margins = {"delta": float(1 - delta), "contraction": float(2 - kappa * (1 + delta))}
    if min(margins.values()) <= 0:
        return margins
    y, start = np.abs(case.labels.astype(np.longdouble)), case.start.astype(np.longdouble)
    initial, unit = start @ G, kappa * y.min()
    r = (case.signs[:, None] * np.maximum(initial, 0)).sum(axis=0) - case.labels
    dual = L * start - kappa * case.signs[:, None] * np.where(initial > 0, r, 0)
    primal = dual @ G / L
    margins["first step"] = float(np.where(own, primal, -primal).min() / unit)
    worst = np.longdouble(np.inf)
    for k, P in enumerate(own):
        away = np.sqrt((np.where(P, primal[k] - y, 0) ** 2).sum())
        rows = np.sqrt((E[:, P] ** 2).sum(axis=1))
        z = np.where(P, y, dual[k])
        v = E @ z
        most = (away + np.sqrt((v[P] ** 2).sum())) / (1 - delta)
        active = y - (abs(1 - kappa) + kappa * rows) * away
        if kappa <= 1:
            active = np.maximum(active, kappa * (y - rows * away))
        worst = min(worst, np.where(P, active, -z - v - rows * most).min() / unit)
    return margins | {"ever after": float(worst)}
