"""From the convex relaxation to a network: decide samples, then change them one at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest, gram_null_test
from relubias.minnorm.infeasible import features_null_test
from relubias.minnorm.pool import OFF, SHARED, SOLE, UNDECIDED, Pool, build_pool, own_and_other
from relubias.minnorm.program import ProgramSolution, solve_program
from relubias.minnorm.search import Search

__all__ = ["Dive", "Leaf"]

Branch = NDArray[np.int_]

_EPS = float(np.finfo(np.float64).eps)
_MAX_BACKTRACKS = 200
_MISFIT = 1e-12  # of the largest label
_IMPROVEMENT_WORK = 2e10  # floating-point operations


class Leaf(NamedTuple):
    """A relaxation with some samples decided, solved."""

    branch: Branch
    pool: Pool
    solution: ProgramSolution

    @property
    def value(self) -> float:
        """Half the objective: multipliers and slacks are complementary."""
        return float(self.pool.right @ self.solution.multipliers) / 2

    @property
    def norm(self) -> float:
        """Square root of the objective."""
        return math.sqrt(max(2.0 * self.value, 0.0))


class Dive:
    """Search of one network for one problem of two neurons, in unit scale."""

    def __init__(
        self,
        gram: Float,
        labels: Float,
        weights: tuple[float, float],
        features: Float | None = None,
        row: Float | None = None,
        search: Search | None = None,
    ) -> None:
        self.gram, self.labels, self.weights = gram, labels, weights
        self.features, self.row = features, row
        self.search = Search() if search is None else search
        self.n_nodes = 0

    def solve(self, branch: Branch, start: NDArray[np.bool_] | None = None) -> Leaf:
        """Solve the relaxation with samples decided as in `branch`."""
        self.n_nodes += 1
        pool = build_pool(self.gram, self.labels, self.weights, branch)
        if start is not None and start.size != pool.free.size:
            start = None
        solution = solve_program(
            pool.hessian, pool.right, pool.free, start=start, null_test=lambda: self.null_test(pool)
        )
        return Leaf(branch, pool, solution)

    def null_test(self, pool: Pool) -> NullTest:
        """Return the test of vanishing combinations of rows."""
        if self.features is None or self.row is None:
            return gram_null_test(pool.hessian)
        rows = self.features[pool.sample] * self.row[pool.sample, None]
        plus, minus = np.sqrt(1 / np.array(pool.weights))
        return features_null_test(
            np.hstack((rows * (plus * pool.plus)[:, None], rows * (minus * pool.minus)[:, None]))
        )

    def run(self, hull: Leaf) -> Leaf | None:
        """Decide samples until the relaxation is a network; None if none was found.

        Half of the undecided samples that the relaxation leaves unfitted are decided at once, the
        clearest first. If that ends where nothing is feasible, or time is up, all of them; then
        one by one with backtracking.
        """
        for share in (2, 1):
            leaf: Leaf | None = hull
            while leaf is not None:
                doubtful, choice = self._unfitted(leaf)
                if doubtful.size == 0:
                    return leaf
                chosen = doubtful[: (doubtful.size + 1) // (1 if self.search.stops() else share)]
                leaf = self._decided(leaf, chosen, choice[: chosen.size])
        return self._backtracking(hull)

    def _decided(self, leaf: Leaf, samples: NDArray[np.intp], choice: Branch) -> Leaf | None:
        branch = leaf.branch.copy()
        branch[samples] = choice
        child = self.solve(branch, leaf.solution.active)
        return child if child.solution.fits else None

    def _backtracking(self, hull: Leaf) -> Leaf | None:
        stack, budget = [hull], self.n_nodes + _MAX_BACKTRACKS
        while stack and self.n_nodes < budget and not self.search.stops():
            leaf = stack.pop()
            doubtful, choice = self._unfitted(leaf)
            if doubtful.size == 0:
                return leaf
            for side in (SOLE + SHARED - choice[:1], choice[:1]):  # the better one on top
                child = self._decided(leaf, doubtful[:1], side)
                if child is not None:
                    stack.append(child)
        return None

    def misfits(self, leaf: Leaf) -> tuple[NDArray[np.intp], Float, Float]:
        """Return the undecided samples that the network misfits, and how far from each side."""
        labels, n = self.labels, self.labels.size
        dual = leaf.pool.duals(leaf.solution.multipliers, n)
        u = dual @ self.gram
        noise = 64 * _EPS * np.sqrt(n) * (1.0 + (np.abs(dual) @ np.abs(self.gram)).max())
        own, other = own_and_other(labels, u)
        a, zero = own - np.abs(labels), labels == 0
        b = a - other
        sole_cost, shared_cost = a**2, b**2 / 2
        sole_cost[zero] = (np.maximum(u[:, zero], 0.0) ** 2).sum(axis=0)
        shared_cost[zero] = (u[0] - u[1])[zero] ** 2 / 2
        misfit = (np.minimum(a, b) > noise) & ~zero
        misfit |= zero & (u > noise).any(axis=0)
        misfit &= leaf.branch == UNDECIDED
        samples = np.flatnonzero(misfit)
        return samples, sole_cost[samples], shared_cost[samples]

    def outputs_labels(self, leaf: Leaf) -> bool:
        """Whether the network outputs all labels, to rounding; a check of what solvers claim."""
        dual = leaf.pool.duals(leaf.solution.multipliers, self.labels.size)
        output = np.maximum(dual @ self.gram, 0.0)
        terms = float((np.abs(dual) @ np.abs(self.gram)).max())
        misfit = float(np.abs(output[0] - output[1] - self.labels).max())
        return misfit <= _MISFIT + 64 * _EPS * terms

    def _unfitted(self, leaf: Leaf) -> tuple[NDArray[np.intp], Branch]:
        """Return the misfits, clearest decision first, and decisions."""
        samples, sole_cost, shared_cost = self.misfits(leaf)
        difference = sole_cost - shared_cost
        order = np.argsort(-np.abs(difference), kind="stable")
        return samples[order], np.where(difference[order] <= 0, SOLE, SHARED)

    def improve(self, leaf: Leaf) -> Leaf:
        """Change decisions whose multiplier asks for it, one at a time, while it helps."""
        leaf = self.settled(leaf)
        work = 2.0 * leaf.pool.right.size**3
        trials = int(_IMPROVEMENT_WORK / work)
        improved = True
        while improved and trials > 0:
            improved = False
            for sample in self._candidates(leaf):
                if trials <= 0 or self.search.stops():
                    return leaf
                trials -= 1
                branch = leaf.branch.copy()
                branch[sample] = SOLE + SHARED - branch[sample]
                other = self.solve(branch)
                if other.solution.fits and other.value < leaf.value * (1 - 1e-12):
                    leaf = self.settled(other)
                    improved = True
                    break
        return leaf

    def settled(self, leaf: Leaf) -> Leaf:
        """Decide every sample the way the network fits it already."""
        labels, multipliers = self.labels, leaf.solution.multipliers
        k = int((labels != 0).sum())
        branch = leaf.branch.copy()
        nonzero = np.flatnonzero(labels != 0)
        open_ones = branch[nonzero] == UNDECIDED
        shared = multipliers[k : 2 * k] > multipliers[:k]
        branch[nonzero[open_ones & shared]] = SHARED
        branch[nonzero[open_ones & ~shared]] = SOLE
        branch[(labels == 0) & (branch == UNDECIDED)] = OFF
        if (branch == leaf.branch).all():
            return leaf
        decided = self.solve(branch)
        return decided if decided.solution.fits else leaf

    def _candidates(self, leaf: Leaf) -> NDArray[np.intp]:
        """Return the samples whose equality has a negative multiplier, and decided zero labels."""
        held = leaf.pool.free & (leaf.solution.multipliers < 0)
        order = np.argsort(leaf.solution.multipliers[held], kind="stable")
        zero = np.flatnonzero((self.labels == 0) & (leaf.branch != UNDECIDED))
        pressed = np.unique(leaf.pool.sample[(leaf.solution.multipliers != 0)])
        return np.concatenate((leaf.pool.sample[held][order], zero[np.isin(zero, pressed)]))
