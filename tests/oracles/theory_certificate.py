"""The run-time certificate of THEORY 5.4 in mpmath: what it says with no rounding to speak of."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from tests.oracles.theory_run import Instance
from tests.oracles.theory_spectrum import delta_in_long_double, delta_in_mpmath

__all__ = ["certificate"]

MPMATH_UP_TO = 12  # samples; beyond, delta comes from long double


def certificate(case: Instance, *, digits: int = 40) -> dict[str, mpmath.mpf]:
    """Return the margins of all conditions; the conclusion is guaranteed if all are positive.

    One neuron, or one of each sign: after the first step these no longer touch each other, so the
    conditions are those of one neuron with ``f(0) = sum_k s_k eps_k`` in the first step.
    """
    with mpmath.workdps(digits):
        delta, margins = _delta(case), {}
        y = [mpmath.mpf(float(v)) for v in case.labels]
        n, least = len(y), min(abs(v) for v in y)
        kappa = mpmath.mpf(case.step_size) * mpmath.mpf(case.trace)
        eps = _initial(case)
        outputs = [sum(s * e[i] for s, e in zip(case.signs, eps, strict=True)) for i in range(n)]
        r = [f - v for f, v in zip(outputs, y, strict=True)]
        g = _norm(r)
        margins["start"] = min(min(e) for e in eps)
        margins["kappa"] = 1 - kappa
        margins["contraction"] = 2 - kappa * (1 + delta)
        margins["first step"] = least - delta * g
        for k, s in enumerate(int(v) for v in case.signs):
            own = [i for i in range(n) if s * y[i] > 0]
            off = [i for i in range(n) if s * y[i] < 0]
            first = [eps[k][i] - kappa * s * r[i] for i in range(n)]  # as if orthogonal
            slip = delta / (1 - delta) * _norm(eps[k])
            r1 = _norm([first[i] - s * y[i] for i in own]) + kappa * delta * g
            margins[f"own {k}"] = least - delta * r1
            if not off:
                continue
            low = min(-first[i] for i in off) - slip
            high = _norm([first[i] for i in off]) + slip
            fitted = (_norm([y[i] for i in own]) + r1 + delta * high) / (1 - delta)
            margins[f"frozen {k}"] = low
            margins[f"off {k}"] = low - delta * mpmath.sqrt(fitted**2 + high**2)
        return margins


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
