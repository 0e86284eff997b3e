"""Lemmas 9, 10, 12 and Theorems 1-5 with explicit constants, written once more in long double.

Every claim is a number in the natural unit of THEORY 5.4; `CLAIMED` has the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from tests.oracles.theory_run import Extended, Instance, Seen, limit, solve
from tests.oracles.theory_spectrum import delta_in_long_double

__all__ = ["CLAIMED", "Extremes", "conclusions", "extremes_of", "gaps", "hypotheses", "owners"]

CLAIMED = {
    "a": (">=", 0.9),  # alpha_i / (kappa y_min) where the neuron owns the sample
    "b lo": (">=", 0.7),  # -L beta_i / (kappa y_min) elsewhere
    "b hi": ("<=", 1.3),  # -L beta_i / (kappa y_max) elsewhere
    "b moves": ("<=", 0.0),  # change of these duals from step to step
    "c": ("<=", 1.0),  # norm(alpha - s y) over sqrt(number owned) y_max
    "c grows": ("<=", 0.0),  # growth of that norm from step to step
    "d": ("<=", 2.2),  # L norm(beta) / (sqrt(n) y_max)
    "e": ("<=", -0.56),  # alpha_i / (kappa y_min) elsewhere
    "f": (">=", 0.0),  # distance from the wrong side of zero, in units of kappa y_min
    "flips": ("<=", 0.0),  # signs that are not those of the owners after the first step
    "gap lo": (">=", 0.6),  # gap / (kappa y_min sqrt(n_elsewhere / L))
    "gap hi": ("<=", 1.35),  # gap / (kappa y_max sqrt(n_elsewhere / L))
}


class Extremes(NamedTuple):
    """The worst value of every claim, and the step where it was seen (-1 for the limit)."""

    worst: dict[str, float]
    at: dict[str, int]


def owners(case: Instance) -> NDArray[np.bool_]:
    """Return who fits what: each neuron the labels of its sign (one neuron, or one of each)."""
    return case.signs[:, None] * case.labels > 0


def hypotheses(case: Instance, *, part: float = 0.25) -> dict[str, float]:
    """Return the margins of THEORY 5.4, all positive inside; `part` is rho's share of kappa."""
    y, L = np.abs(case.labels.astype(np.longdouble)), np.longdouble(case.trace)
    kappa = np.longdouble(case.step_size) * L
    delta = delta_in_long_double(case.gram, case.trace)
    initial = case.start.astype(np.longdouble) @ case.gram.astype(np.longdouble)
    star = delta * np.sqrt(np.longdouble(len(y))) * y.max() / y.min()
    return {
        "start is positive": float(initial.min() / y.min()),
        "start is small": float(part * kappa - initial.max() / y.min()),
        "step": float(1 / (1 + delta) - kappa),
        "delta": float(np.longdouble(1) / 16 - delta),
        "delta star": float(kappa / 16 - star),
    }


def extremes_of(
    case: Instance, seen: Sequence[Seen], own: NDArray[np.bool_], *, neuron: int | None = None
) -> Extremes:
    """Return the worst values of all claims about steps 1, 2, ... and the limit.

    Of one neuron, if it is named.
    """
    if neuron is not None:
        part = slice(neuron, neuron + 1)
        case, own = case._replace(signs=case.signs[part]), own[part]
        seen = [s._replace(primal=s.primal[part], dual=s.dual[part]) for s in seen]
    later = [state for state in seen if state.time != 0]
    primal, dual = (np.stack([getattr(s, name) for s in later]) for name in ("primal", "dual"))
    y, L = case.labels.astype(np.longdouble), np.longdouble(case.trace)
    kappa, n = np.longdouble(case.step_size) * L, len(case.labels)
    low, high = np.abs(y).min(), np.abs(y).max()
    misfit = np.where(own, primal - case.signs[:, None] * y, 0)
    norms, share = np.sqrt((misfit**2).sum(axis=2)), own.sum(axis=1)
    pushed = -L * dual[:, ~own]
    values = {
        "a": primal[:, own] / (kappa * low),
        "b lo": pushed / (kappa * low),
        "b hi": pushed / (kappa * high),
        "b moves": np.abs(np.diff(pushed, axis=0)),
        "c": norms[:, share > 0] / (np.sqrt(share[share > 0]) * high),
        "c grows": np.diff(norms, axis=0),
        "d": L * np.sqrt((dual**2).sum(axis=2)) / (np.sqrt(np.longdouble(n)) * high),
        "e": primal[:, ~own] / (kappa * low),
        "f": np.where(own, primal, -primal).reshape(len(later), -1) / (kappa * low),
        "flips": ((primal > 0) != own).sum(axis=(1, 2))[:, None],
    }
    result = Extremes({}, {})
    for name, found in values.items():
        if found.size:
            each = found.min(axis=1) if CLAIMED[name][0] == ">=" else found.max(axis=1)
            where = int(each.argmin() if CLAIMED[name][0] == ">=" else each.argmax())
            result.worst[name] = float(each[where])
            result.at[name] = later[where + len(later) - len(each)].time
    return result


def conclusions(
    case: Instance, seen: Sequence[Seen], own: NDArray[np.bool_]
) -> dict[str, float | bool]:
    """Return what Theorems 1, 3 and 5 conclude, of a run that was followed to its limit."""
    last, predicted = seen[-1], limit(case, seen[1], own)
    return {
        "pattern": all(bool(((s.primal > 0) == own).all()) for s in seen[1:]),
        "negative elsewhere": bool((last.primal[~own] < 0).all()),
        "off the projection": float(np.abs(last.primal - predicted.primal).max()),
    }


def gaps(case: Instance, end: Seen, own: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return distances from the shortest neurons, in the units of Theorems 2 and 4.

    One entry a neuron: `gap`, `gap lo`, `gap hi`, and `sharp`, the ratio to the law (**) with the
    opponent's share of the start counted in. For two neurons the shortest pair is taken to be the
    two shortest neurons, as it is within the hypotheses.
    """
    y, L = case.labels.astype(np.longdouble), np.longdouble(case.trace)
    kappa = np.longdouble(case.step_size) * L
    initial = case.start.astype(np.longdouble) @ case.gram.astype(np.longdouble)
    outputs = (case.signs[:, None] * np.maximum(initial, 0)).sum(axis=0)
    found = []
    for k, sign in enumerate(case.signs):
        best = shortest(case.gram, sign * case.labels)
        away = end.dual[k] - best
        gap = np.sqrt(away @ (case.gram.astype(np.longdouble) @ away))
        off = ~own[k]
        entry = {"gap": float(gap)}
        if off.any():
            unit = kappa * np.sqrt(off.sum() / L)
            law = initial[k] - kappa * sign * (outputs - y)
            entry |= {
                "gap lo": float(gap / (unit * np.abs(y).min())),
                "gap hi": float(gap / (unit * np.abs(y).max())),
                "sharp": float(gap * np.sqrt(L) / np.sqrt((law[off] ** 2).sum())),
            }
        found.append(entry)
    return found


def shortest(gram: NDArray[np.float64], labels: NDArray[np.float64]) -> Extended:
    """Return the dual of the shortest positive neuron: program (7), exact on its support."""
    plus = labels > 0
    P, M = np.flatnonzero(plus), np.flatnonzero(~plus)
    cross = gram[np.ix_(M, P)]
    solved = np.linalg.solve(gram[np.ix_(P, P)], np.c_[cross.T, labels[P]])
    factor = np.linalg.cholesky(gram[np.ix_(M, M)] - cross @ solved[:, :-1])
    pushed = nnls(factor.T, np.linalg.solve(factor, cross @ solved[:, -1]))[0] if M.size else M
    S = np.sort(np.r_[P, M[pushed > 0]])
    dual = np.zeros(len(gram), dtype=np.longdouble)
    target = np.maximum(labels[S], 0.0).astype(np.longdouble)
    dual[S] = solve(gram[np.ix_(S, S)].astype(np.longdouble), target)
    return dual
