"""What holds for every gradient flow, checked on a fine grid between its switches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from tests.problems import Case

__all__ = ["grid_failures", "stretches"]

Float = NDArray[np.float64]
Modes = NDArray[np.int8]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_FIT = 1e-6  # of the scale: what the bounded least-squares fit is trusted with
_AFTER = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 40)])


def stretches(trajectory: Any) -> list[tuple[float, float, Modes]]:
    """Return (begin, end, modes) of every stretch without a switch, from the switches alone."""
    switches = trajectory.switches
    modes = np.array(trajectory.modes, dtype=np.int8)
    primal = trajectory.at(0.0).primal
    for row in switches[::-1]:  # the first switch of a pair comes last and decides
        k, i, time = int(row["neuron"]), int(row["sample"]), float(row["time"])
        early = primal if primal[k, i] != 0 or time == 0 else trajectory.at(time / 2).primal
        modes[k, i] = np.sign(early[k, i])
    found = []
    for begin, end in pairwise([0.0, *np.unique(switches["time"][switches["time"] > 0]), np.inf]):
        for row in switches[switches["time"] == begin]:
            modes[row["neuron"], row["sample"]] = row["mode"]
        found.append((float(begin), float(end), modes.copy()))
    return found


def grid_failures(
    case: Case, trajectory: Any, n_points: int = 24, tol: float = 1e-10, every: int = 1
) -> list[str]:
    """Return what is wrong on a fine grid of every stretch between switches.

    Active values are not negative, inactive ones not positive, sliding ones zero; the pull of a
    sliding sample lies between nothing and its whole force; the primal value moves by the
    integral of the velocity (Gauss's rule with four nodes, on one in `every` of the grid's
    intervals); the loss never grows.
    """
    check = _Check(case, trajectory, tol)
    largest = float(np.linalg.eigvalsh(case.gram)[-1]) or 1.0
    for begin, end, modes in stretches(trajectory):
        if np.isfinite(end):
            grid = begin + (end - begin) * (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, n_points + 1)))
            grid[-1] = end
        else:
            grid = begin + _AFTER / largest
        check.begin(modes, f"in [{begin!r}, {end!r}]")
        for t in grid:
            check.state(float(t))
        for a, b in list(pairwise(grid))[::every]:
            if b - a <= 0.5 / largest:
                check.motion(float(a), float(b), largest)
        if len(check.failures) > 5:
            break
    return check.failures[:5]


class _Check:
    """The checks at one time and between two, under given modes."""

    def __init__(self, case: Case, trajectory: Any, tol: float) -> None:
        self.case, self.trajectory = case, trajectory
        self.tol = tol * case.size
        self.failures: list[str] = []
        self.loss = np.inf

    def begin(self, modes: Modes, where: str) -> None:
        self.modes, self.where = modes, where
        self.pulls = np.stack([_pull(self.case, row) for row in modes])

    def residual(self, primal: Float) -> Float:
        return self.case.signs @ np.maximum(primal, 0) - self.case.labels

    def require(self, excess: float, what: str, tol: float | None = None) -> None:
        if not excess <= (self.tol if tol is None else tol):
            self.failures.append(f"{what}, by {excess:.1e}, {self.where}")

    def state(self, time: float) -> None:
        primal = self.trajectory.at(time).primal
        s = self.case.signs[:, None]
        for mode, wrong in ((1, -primal), (-1, primal), (0, np.abs(primal))):
            excess = float(wrong[self.modes == mode].max(initial=-np.inf))
            self.require(excess, f"mode {mode} has the wrong primal value at {time!r}")
        r = self.residual(primal)
        force = s * (self.pulls @ r)
        for k in range(s.size):
            sliding = self.modes[k] == 0
            outside = _outside(self.case.gram, force[k], s[k] * r, sliding, self.case.size)
            self.require(outside, f"a pull of neuron {k} leaves its range at {time!r}")
        loss = 0.5 * float(r @ r)
        self.require((loss - self.loss) / self.case.size, f"the loss grows at {time!r}")
        self.loss = loss

    def motion(self, begin: float, end: float, largest: float) -> None:
        half, middle = (end - begin) / 2, (end + begin) / 2
        integral = np.zeros(self.case.labels.size)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            integral = integral + half * weight * self.residual(
                self.trajectory.at(middle + half * node).primal
            )
        first, last = self.trajectory.at(begin), self.trajectory.at(end)
        forces = -self.case.signs[:, None] * (self.pulls @ integral)
        missing = np.abs(last.primal - first.primal - forces @ self.case.gram).max()
        bound = self.tol + self.case.size * (2 * half * largest) ** 9 / 1e7
        self.require(float(missing), f"the velocity is missed from {begin!r} to {end!r}", bound)
        missing = np.abs((last.dual - first.dual) @ self.case.gram - last.primal + first.primal)
        self.require(float(missing.max()), f"dual and primal part from {begin!r} to {end!r}", bound)


def _outside(
    gram: Float, force: Float, cap: Float, sliding: NDArray[np.bool_], size: float
) -> float:
    """Return by how much the pulls of the sliding samples miss [0, cap].

    Where their rows are linearly dependent the pulls are not unique: then by how much the force
    that holds them misses what pulls in that range can do.
    """
    on = np.flatnonzero(sliding)
    if not on.size:
        return -np.inf
    inner = gram[np.ix_(on, on)]
    values, vectors = np.linalg.eigh(inner)
    if values[0] > 1e-6 * values[-1]:
        return float(np.maximum(-force, force - cap)[on].max())
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    slack = 1e-13 * float(np.abs(force).max() + np.abs(cap).max())
    bounds = (np.minimum(cap[on], 0) - slack, np.maximum(cap[on], 0) + slack)
    fit = lsq_linear(root, root @ force[on], bounds, tol=1e-14)
    missed = float(np.sqrt(2 * fit.cost / values[-1]))
    return missed if missed > _FIT * size else -np.inf


def _pull(case: Case, modes: Modes) -> Float:
    """Return the matrix from the residual to the forces on one neuron: active and sliding."""
    matrix = np.diag((modes == 1).astype(float))
    on = np.flatnonzero(modes == 0)
    if on.size:
        right = -(case.gram @ matrix)[on]
        matrix[on] = np.linalg.lstsq(case.gram[np.ix_(on, on)], right, rcond=None)[0]
    return matrix
