"""Remark 1: what becomes of samples that start inactive."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias.theory._constants import check_constants
from relubias.theory._rounded import exact, norm, relative
from relubias.theory.lai2026._one import OneNeuron, rounded, why_not_one_neuron
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Remark1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark1(Statement):
    r"""A positive label that starts inactive stays inactive, so only a local minimum is reached.

    * ``lai2026.remark1``: every sample with a label of the neuron's sign whose initial prediction
      is not positive keeps it so at every step; margin in units of y_min.
    * ``lai2026.remark1.dual``: our refinement of its hypothesis. The other samples shake such a
      prediction by about :math:`q = \|y_{active}\| / \sqrt{d_2}`, so its dual has to be large
      against that: margin ``min(-L beta_i) / (constant q) - 1``, over the same samples at the
      start; :math:`y_{active}` holds the labels of the neuron's sign that start active.

    Where no such sample starts inactive nothing is claimed.

    Parameters
    ----------
    constant : float, default=3
        Multiple of q. Ours: with Gaussian starts of that size a sample was fitted later in 15% of
        the cases, at a third of it in a third of them, at ten times in 6%, whatever the dimension.

    Raises
    ------
    InvalidInputError
        If the constant is not positive.

    Notes
    -----
    The remark is the paper's, derived again from the prose, which asks for no size of the start.
    For starts as small as the rest of the theory has them about 60% of the samples are fitted
    later after all, though rarely all of them: hence the refinement.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Remark 1.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, -1.0], [-1.0, 4.0]], [1.0, 0.5])
    >>> for verdict in Remark1().check(problem, [[0.1, -0.2]], step_size=0.1, spectrum=16):
    ...     print(verdict.condition, verdict.outcome)
    lai2026.remark1.dual holds
    lai2026.remark1 holds
    """

    name: ClassVar[str] = "lai2026.remark1"
    title: ClassVar[str] = "samples that start inactive"

    constant: float = 3.0

    def __post_init__(self) -> None:
        check_constants(self, positive=("constant",))

    def refusal(self, setting: Setting) -> str:
        """Return why the remark says nothing here; empty if it applies."""
        return why_not_one_neuron(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the claim about every step."""
        one = OneNeuron(setting)
        off, unit = _off(one), setting.y_min
        return [
            Invariant(
                condition=self.name,
                margin=lambda step: -step.primal[0, off] / unit,
                detail="Samples with labels of the neuron's sign that start inactive stay so "
                "(margin in units of y_min).",
                neurons=np.zeros_like(off),
                samples=off,
                rounding_error=setting.state_error / unit,
                first_step=0,
                sensitivity=1.0 / unit,
            )
        ]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer: the refined hypothesis, then what happened."""
        one = OneNeuron(setting)
        off, run = _off(one), setting.trajectory
        seen = setting.monitor.verdict(self.name)
        if not off.size:
            detail = "No sample with a label of the neuron's sign starts inactive."
            return [self._dual(one, off), dataclasses.replace(seen, detail=detail)]
        rescued = int((run.limit.primal[0, off] > 0).sum())
        detail = (
            f"{off.size} of {one.plus.size} samples with labels of the neuron's sign start "
            f"inactive; {rescued} of them are active at the end, where the loss is {run.loss:.4g} "
            "(margin in units of y_min)."
        )
        return [self._dual(one, off), dataclasses.replace(seen, detail=detail)]

    def _dual(self, one: OneNeuron, off: NDArray[np.intp]) -> Verdict:
        margin, q, least = exact(math.inf), math.nan, math.nan
        on = one.plus[one.eps[one.plus] > 0]
        pushes = -one.L * one.setting.start[0, off]
        if off.size and on.size:
            root = rounded(one.setting.d_2).sqrt()
            size, least = norm(one.y[on]), float(pushes.min())
            q = size.value / root.value
            margin = relative(least) * root / (self.constant * size) - 1.0
        return Verdict(
            condition=f"{self.name}.dual",
            role=Role.HYPOTHESIS,
            margin=margin.value,
            rounding_error=margin.error,
            neuron=0 if off.size else -1,
            sample=int(off[pushes.argmin()]) if off.size else -1,
            constants={"constant": self.constant},
            detail=f"The smallest -L beta among them is {least:.3g}, wanted {self.constant:g} q = "
            f"{self.constant * q:.3g}."
            if off.size and on.size
            else "No sample that starts inactive can be pushed by one that starts active.",
        )


def _off(one: OneNeuron) -> NDArray[np.intp]:
    """Return the samples with labels of the neuron's sign that start inactive."""
    return one.plus[one.eps[one.plus] <= 0]
