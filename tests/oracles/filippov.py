"""Gradient flow on ReLU neurons in long double: tiny steps, sliding by Filippov's convention.

With ``A_k`` the active samples of neuron k, ``r`` the residual and ``x`` the pull of the samples
on their hyperplanes, the flow is

    u_k' = -s_k G (A_k r + x_k),   0 <= s_k x_ki <= s_k r_i where u_ki = 0,   x_ki = 0 elsewhere,

and where several pulls are possible it takes the one of the slowest motion, found by trying every
face of the box. Each mode is a linear system; its propagator over a step is a Taylor series, over
twice the step its square. Steps are a fixed fraction of the time since the last event; after
each one every sign is looked at, and a step that breaks one is cut in half until 2**-70 of it is
left. Nothing is solved for, nothing is bounded: what happens between two samples goes unseen,
which is why `per_doubling` is large.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FlowPath", "flow"]

Long = NDArray[np.longdouble]
_HALVINGS = 70
_TAYLOR = 24
_NOISE = 1e-18  # parts that have died out are rounding of this relative size
_ACTIVE, _SLIDING, _INACTIVE = 1, 0, -1


class FlowPath(NamedTuple):
    """What the flow did: `events` of the kind (time, neuron, sample, mode, size), states, the end.

    The size of an event is that of the force then, relative to the largest one; where it is
    1e-12 double precision can't time the event. `primal`, `dual` and `modes` have one entry per
    time asked for; the `end_` ones belong to the time at which the motion had died out.
    """

    events: list[tuple[float, int, int, int, float]]
    primal: Long
    dual: Long
    modes: NDArray[np.int8]
    end_time: float
    end_primal: Long
    end_dual: Long
    end_modes: NDArray[np.int8]
    end_residual: float


def flow(
    gram: Any,
    labels: Any,
    signs: Any,
    start: Any,
    *,
    times: Sequence[float] = (),
    at_zero: str = "closed",
    until: float = 1e-15,
    per_doubling: int = 64,
    max_events: int = 10_000,
    to_the_end: bool = True,
) -> FlowPath:
    """Follow the flow until the force is below `until` of its largest, or to the last time."""
    path = _Path(gram, labels, signs, start, at_zero)
    kept: list[tuple[Long, Long, NDArray[np.int8]]] = []
    wanted = sorted(float(t) for t in times)
    largest = path.force()
    while True:
        piece = _Piece(path)
        goal = until * largest
        while True:
            stop = wanted[len(kept)] if len(kept) < len(wanted) else np.inf
            met = piece.advance(path, stop, goal, per_doubling)
            if met != "time":
                break
            kept.append((path.u.copy(), path.dual.copy(), path.modes.copy()))
            if len(kept) == len(wanted) and not to_the_end:
                break
        if met != "event":
            break
        path.switch(*piece.violation, largest)
        largest = max(largest, path.force())
        if len(path.events) > max_events:
            raise RuntimeError(f"more than {max_events} events")
    while len(kept) < len(wanted):
        kept.append((path.u.copy(), path.dual.copy(), path.modes.copy()))
    shape = (len(kept), *path.u.shape)
    columns = [np.array([row[j] for row in kept]).reshape(shape) for j in range(3)]
    return FlowPath(
        path.events, *columns, float(path.time), path.u, path.dual, path.modes,
        float(np.abs(path.r[path.is_active().any(axis=0)]).max(initial=0.0)),
    )  # fmt: skip


class _Path:
    """The state: primal and dual variables, residual and mode of each pair."""

    def __init__(self, gram: Any, labels: Any, signs: Any, start: Any, at_zero: str) -> None:
        self.G: Long = np.asarray(gram, dtype=np.longdouble)
        self.y: Long = np.asarray(labels, dtype=np.longdouble)
        self.s: Long = np.asarray(signs, dtype=np.longdouble)
        self.dual: Long = np.array(start, dtype=np.longdouble)
        self.u: Long = self.dual @ self.G
        self.u[:, np.diagonal(self.G) == 0] = 0
        self.r: Long = self.s @ np.maximum(self.u, 0) - self.y
        self.time = np.longdouble(0)
        size = max(np.abs(self.u).max(), np.abs(self.r).max())
        self.noise = _NOISE * size, _NOISE * np.abs(self.r).max()
        self.events: list[tuple[float, int, int, int, float]] = []
        self.modes = np.where(self.u > 0, _ACTIVE, _INACTIVE).astype(np.int8)
        self.live = np.diagonal(self.G) > 0
        zero = (self.u == 0) & self.live
        if at_zero == "open":
            self.modes[zero] = _ACTIVE
        for k in range(self.s.size):
            self._settle(k, np.flatnonzero(zero[k]))

    def is_active(self) -> NDArray[np.bool_]:
        return self.modes == _ACTIVE

    def pulls(self, k: int) -> Long:
        """Return the matrix that takes the residual to ``A_k r + x_k``."""
        matrix = np.diag((self.modes[k] == _ACTIVE).astype(np.longdouble))
        on = np.flatnonzero(self.modes[k] == _SLIDING)
        if on.size:
            matrix[on] = -_solve(self.G[np.ix_(on, on)], (self.G @ matrix)[on])
        return matrix

    def force(self) -> float:
        """Return the largest of the forces ``A_k r + x_k``."""
        return max(float(np.abs(self.pulls(k) @ self.r).max()) for k in range(self.s.size))

    def switch(self, k: int, i: int, largest: float) -> None:
        """Give pair (k, i), whose present mode came to its end, the next one."""
        before, size = self.modes[k].copy(), self.force() / (largest or 1.0)
        if before[i] == _SLIDING:
            pull = self.s[k] * (self.pulls(k) @ self.r)[i]
            is_at_top = pull > 0.5 * self.s[k] * self.r[i]
            self.modes[k, i] = _ACTIVE if is_at_top else _INACTIVE
        else:
            self.u[k, i] = 0
            if self.s[k] * self.r[i] <= 0:
                self.modes[k, i] = -before[i]
            on = np.flatnonzero(self.modes[k] == _SLIDING)
            self._settle(k, np.append(on, i) if self.s[k] * self.r[i] > 0 else on)
        for j in np.flatnonzero(self.modes[k] != before):
            self.events.append((float(self.time), k, int(j), int(self.modes[k, j]), size))

    def _settle(self, k: int, zero: NDArray[np.intp]) -> None:
        """Choose the modes of the samples on their hyperplanes: slowest motion on convex kinks."""
        for _ in range(2 * zero.size + 1):
            cap = self.s[k] * self.r[zero]
            on = zero[cap > 0]
            self.modes[k, on] = _slowest(self.G, self.s[k] * self.r, self.modes[k] == _ACTIVE, on)
            velocity = -self.s[k] * (self.G @ (self.pulls(k) @ self.r))
            for i in zero[cap <= 0]:
                if self.modes[k, i] * velocity[i] < 0:
                    self.modes[k, i] *= -1
                    break
            else:
                return


class _Piece:
    """The linear motion between two events, and how far it has got."""

    def __init__(self, path: _Path) -> None:
        m, n = path.u.shape
        self.pull = np.stack([path.s[k] * path.pulls(k) for k in range(m)])
        self.drive = np.stack([path.G @ p for p in self.pull])
        active = path.is_active()
        self.H: Long = np.zeros((n, n), dtype=np.longdouble)
        for k in range(m):
            self.H += path.s[k] * active[k][:, None] * self.drive[k]
        size = float(np.abs(self.H).sum(axis=1).max())
        self.h0 = np.longdouble(2.0) ** -(6 + int(np.ceil(np.log2(size)))) if size else None
        self.ladder: dict[int, tuple[Long, Long]] = {}
        self.u0, self.dual0 = path.u.copy(), path.dual.copy()
        self.modes = path.modes
        self.s, self.live = path.s, path.live
        self.v: Long = np.zeros(n, dtype=np.longdouble)
        self.age = np.longdouble(0)
        self.violation = (-1, -1)

    def advance(self, path: _Path, stop: float, goal: float, per_doubling: int) -> str:
        """Move `path` to the next event, to time `stop`, or to the end of all motion."""
        while True:
            if self.h0 is None or np.abs(self.pull @ path.r).max() <= goal:
                return "end"
            level = 0
            while self.h0 * 2 ** (level + 1) * per_doubling <= self.age:
                level += 1
            if self._try(path, level, stop) is None:
                continue
            found = self.violation
            for lower in range(level - 1, -_HALVINGS, -1):
                if self._try(path, lower, stop) is not None:
                    found = self.violation
            self.violation = found
            if found == (-1, -1):
                path.time = np.longdouble(stop)
                return "time"
            return "event"

    def _try(self, path: _Path, level: int, stop: float) -> str | None:
        """Take one step if it breaks nothing; otherwise note the first pair it breaks."""
        assert self.h0 is not None
        h = np.ldexp(self.h0, level)
        E, phi = self._propagator(level)
        v = self.v + phi @ path.r
        r = E @ path.r
        u = self.u0 - self.drive @ v
        force = self.pull @ r
        cap = self.s[:, None] * r
        deep, hard = path.noise
        broken = ((self.modes == _ACTIVE) & (u < -deep)) | ((self.modes == _INACTIVE) & (u > deep))
        broken |= (self.modes == _SLIDING) & ((force < -hard) | (force > cap + hard))
        broken &= self.live
        if broken.any():
            k, i = np.argwhere(broken)[0]
            self.violation = (int(k), int(i))
            return "event"
        if path.time + h > stop:
            self.violation = (-1, -1)
            return "time"
        self.v, self.age = v, self.age + h
        path.time, path.r = path.time + h, r
        path.u = np.where(self.modes == _SLIDING, 0, u)
        path.dual = self.dual0 - self.pull @ v
        return None

    def _propagator(self, level: int) -> tuple[Long, Long]:
        """Return ``exp(-H h)`` and its integral over the step of a level."""
        if level not in self.ladder:
            if level > 0:
                E, phi = self._propagator(level - 1)
                self.ladder[level] = (E @ E, phi + phi @ E)
            else:
                h = np.ldexp(self.h0, level)
                term = np.eye(len(self.H), dtype=np.longdouble)
                E, phi = term.copy(), h * term
                for order in range(1, _TAYLOR):
                    term = term @ self.H * (-h / order)
                    E = E + term
                    phi = phi + term * (h / (order + 1))
                self.ladder[level] = (E, phi)
        return self.ladder[level]


def _slowest(G: Long, force: Long, active: NDArray[np.bool_], on: NDArray[np.intp]) -> list[int]:
    """Return the mode of each sample in `on` that makes ``|X.T (A f + x)|`` least, 0 <= x <= f."""
    rest = active.copy()
    rest[on] = False
    for modes in product((_SLIDING, _INACTIVE, _ACTIVE), repeat=on.size):
        choice = np.array(modes, dtype=np.int8)
        x = np.where(rest, force, 0)
        x[on[choice == _ACTIVE]] = force[on[choice == _ACTIVE]]
        inner = on[choice == _SLIDING]
        if inner.size:
            x[inner] = -_solve(G[np.ix_(inner, inner)], (G @ x)[inner])
        gradient = (G @ x)[on]
        is_inside = ((x[inner] > 0) & (x[inner] < force[inner])).all()
        holds = np.where(choice == _INACTIVE, gradient >= 0, gradient <= 0)
        if is_inside and holds[choice != _SLIDING].all():
            return [int(c) for c in choice]
    raise RuntimeError("no face of the box holds the slowest motion")


def _solve(matrix: Long, right: Long) -> Long:
    """Solve a small positive definite system in long double."""
    a, b = matrix.copy(), right.copy()
    n = len(a)
    for j in range(n):
        if a[j, j] <= 1e-16 * matrix[j, j]:
            raise RuntimeError("samples on their hyperplanes are linearly dependent")
        for i in range(j + 1, n):
            factor = a[i, j] / a[j, j]
            a[i] -= factor * a[j]
            b[i] -= factor * b[j]
    for j in range(n - 1, -1, -1):
        b[j] = (b[j] - a[j, j + 1 :] @ b[j + 1 :]) / a[j, j]
    return b
