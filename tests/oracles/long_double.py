"""Gram-space gradient descent in NumPy's long double, which names the signs it cannot judge."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["HAS_EXTENDED_PRECISION", "LongDoubleRun", "descend"]

HAS_EXTENDED_PRECISION = bool(np.finfo(np.longdouble).eps < 1e-18)


class LongDoubleRun(NamedTuple):
    """What the run saw.

    ``switches`` has rows (time, neuron, sample, mode). ``doubtful`` has rows (time, neuron,
    sample) of the sign decisions whose ``abs(u)`` lay below ``doubt`` times the sum of the
    absolute terms of that product; a double-precision run may decide them the other way.
    """

    switches: NDArray[np.int64]
    doubtful: NDArray[np.int64]
    n_steps: int
    primal: NDArray[np.longdouble]
    dual: NDArray[np.longdouble]
    residual: float

    def first_doubt(self) -> float:
        """Return the time of the first doubtful decision, infinity if there is none."""
        return float(self.doubtful[0, 0]) if len(self.doubtful) else np.inf


def descend(
    gram: Any,
    labels: Any,
    signs: Any,
    start: Any,
    step_size: float,
    *,
    max_steps: int,
    tol: float = 0.0,
    doubt: float = 1e-15,
) -> LongDoubleRun:
    """Step until `max_steps` or until the residual on active samples is below ``tol * max|y|``."""
    G = np.asarray(gram, dtype=np.longdouble)
    y = np.asarray(labels, dtype=np.longdouble)
    s = np.asarray(signs, dtype=np.longdouble)[:, None]
    eta = np.longdouble(step_size)
    beta = np.array(start, dtype=np.longdouble)
    goal = tol * float(np.abs(y).max())
    size = np.abs(np.asarray(gram, dtype=np.float64))
    live = np.diagonal(size) > 0

    U = beta @ G
    active = U > 0
    switches: list[NDArray[np.int64]] = []
    doubtful: list[NDArray[np.int64]] = []
    time, largest_term = 0, 0.0
    while True:
        if time % 64 == 0:
            largest_term = float((np.abs(beta).astype(np.float64) @ size).max())
        slack = np.abs(U[:, live])
        if slack.size and slack.min() <= 16 * doubt * largest_term:
            terms = np.abs(beta).astype(np.float64) @ size
            _append(doubtful, time, (np.abs(U) <= doubt * terms) & live)
        r = (s * np.where(active, U, 0)).sum(axis=0) - y
        reach = float(np.abs(r[active.any(axis=0)]).max(initial=0.0))
        if time == max_steps or reach <= goal:
            break
        beta -= eta * s * np.where(active, r, 0)
        U = beta @ G
        time += 1
        now = U > 0
        changed = now != active
        if changed.any():
            _append(switches, time, changed, np.where(now, 1, -1))
            active = now
        if not np.isfinite(reach) or reach > 1e100 * max(goal, float(np.abs(y).max()), 1e-300):
            break
    return LongDoubleRun(
        _stack(switches, 4), _stack(doubtful, 3), time, U, beta, reach / (np.abs(y).max() or 1.0)
    )


def _append(
    rows: list[NDArray[np.int64]],
    time: int,
    where: NDArray[np.bool_],
    mode: NDArray[np.int64] | None = None,
) -> None:
    k, i = np.nonzero(where)
    columns = [np.full(k.size, time), k, i]
    if mode is not None:
        columns.append(mode[k, i])
    if k.size:
        rows.append(np.stack(columns, axis=1).astype(np.int64))


def _stack(rows: list[NDArray[np.int64]], width: int) -> NDArray[np.int64]:
    return np.concatenate(rows) if rows else np.zeros((0, width), dtype=np.int64)
