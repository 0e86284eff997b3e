"""The dual program with whatever method its rows allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest, dual_active_set, gram_null_test
from relubias.minnorm.least_squares import MANY_ROWS, least_squares_ray
from relubias.minnorm.pivoting import NearlySingularError, block_pivoting
from relubias.minnorm.scaling import scaled_gram

__all__ = ["ProgramSolution", "solve_program"]


class ProgramSolution(NamedTuple):
    """Multipliers and active rows, or the ray that proves that nothing satisfies the rows."""

    multipliers: Float
    active: NDArray[np.bool_]
    ray: Float | None
    slack: Float
    """``H @ multipliers - e``, in working precision."""
    first_correction: float
    """Size of the first refinement: about condition number times eps; 1 for dependent rows."""
    solved: bool
    """False if dependent rows were too much: then neither an answer nor a proof."""

    @property
    def fits(self) -> bool:
        """Whether the multipliers are an answer."""
        return self.solved and self.ray is None


def solve_program(
    hessian: Float,
    linear: Float,
    free: NDArray[np.bool_],
    *,
    start: NDArray[np.bool_] | None = None,
    scale: Float | None = None,
    null_test: Callable[[], NullTest] | None = None,
) -> ProgramSolution:
    """Solve the program of `pivoting`, by the method of `active_set` if rows are dependent.

    `null_test` makes the test of `active_set`, and is called only if it is needed.
    """
    try:
        solution = block_pivoting(hessian, linear, free, start, scale)
    except NearlySingularError:
        hessian = hessian if scale is None else scaled_gram(hessian, scale)
        test = gram_null_test(hessian) if null_test is None else null_test()
        if linear.size >= MANY_ROWS:
            ray = least_squares_ray(hessian, linear, free, test)
            if ray is not None:
                nothing = np.zeros(linear.size)
                return ProgramSolution(nothing, ray != 0, ray, -linear, 1.0, True)
        result = dual_active_set(hessian, linear, free, test)
        slack = hessian @ result.multipliers - linear
        return ProgramSolution(
            result.multipliers, result.active, result.ray, slack, 1.0, result.solved
        )
    return ProgramSolution(
        solution.multipliers,
        solution.active,
        None,
        solution.slack,
        solution.first_correction,
        True,
    )
