"""A run of gradient descent: steps, tail and step size beside what every trajectory has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relubias._style import counted
from relubias._validate import as_count
from relubias.dynamics.certificate import Certificate
from relubias.dynamics.trajectory import State, Status, Tail, Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DescentTrajectory"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class DescentTrajectory(Trajectory):
    r"""A run of gradient descent, from its start to its limit.

    Attributes
    ----------
    problem : Problem
    start : ndarray of shape (n_neurons, n_samples)
        Dual start.
    step_size : float
        In inverse squared units of the features.
    momentum : float
        Factor by which the last increment is repeated; 0 for plain descent.
    batches : tuple of ndarray of int, or None
        Samples of each mini-batch; step t takes batch ``t % len(batches)``. None: all samples.
    status : Status
        Why the run ended.
    tail : Tail
        What it was doing then.
    limit : State
        Where descent goes (CERTIFIED), otherwise the last state. Where some pairs switch for ever
        (`tail` is CHATTER) it lies on their hyperplanes, known to ``certificate.radius``.
    limit_estimate : State or None
        Of a run that ends with TOLERANCE and chatters: the point at which every chattering pair
        lies on its hyperplane and every other active sample is fitted. Not proved to be the
        limit, and None where signs or pushes contradict it.
    certificate : Certificate or None
        Recomputed from the inputs; only where the status is CERTIFIED.
    switches : structured ndarray of shape (n_recorded,)
        Fields ``time, neuron, sample, mode``; ordered by time, neuron, sample. Exact: those
        from `undecided_from` on are left out.
    n_switches : int
        All switches; more than ``switches.size`` where `switches_truncated`.
    undecided_from : int
        Step of the first sign that even exact arithmetic could not decide within its limits of
        bits and work; 0 if there was none.
    n_steps : int
        Steps until the status was known.
    n_iter : int
        Iterations computed: a jump over any number of steps counts as one.
    last_switch : int
        Step of the last switch; 0 if there was none.
    loss : float
        Risk at `limit`, ``0.5 * ||f(X) - y||**2``.
    chattering : ndarray of shape (n_pairs, 2)
        Pairs (neuron, sample) that switched during the last tenth of an unsettled run.
    period : int
        Steps per period of a limit cycle, otherwise 0.
    records : Records
        States at the steps asked for; steps beyond an uncertified end are missing.
    max_iter : int
        Iterations that were allowed.
    tol : float
        Relative tolerance that was asked for.
    """

    step_size: float
    momentum: float
    batches: tuple[NDArray[np.intp], ...] | None
    tail: Tail
    limit_estimate: State | None
    certificate: Certificate | None
    undecided_from: int
    n_steps: int
    n_iter: int
    last_switch: int
    chattering: NDArray[np.intp]
    period: int
    max_iter: int

    @property
    def kappa(self) -> float:
        """Dimensionless step size: `step_size` times the mean of the Gram diagonal."""
        return self.step_size * self.problem.scale

    @property
    def end_time(self) -> int:
        """Steps until the status was known: `n_steps`."""
        return self.n_steps

    @property
    def safe_step_size(self) -> float:
        """Step size below which no activation pattern is unstable: ``2 / (m lambda_max(G))``."""
        largest = float(np.linalg.eigvalsh(self.problem.gram)[-1])
        return float("inf") if largest <= 0 else 2.0 / (self.problem.n_neurons * largest)

    def at(self, time: int) -> State:
        """Return the state after `time` steps.

        Parameters
        ----------
        time : int
            Number of steps; beyond `n_steps` only if the run is CERTIFIED. There a run whose
            tail is CHATTER is at its limit, to ``certificate.radius``.

        Returns
        -------
        State
            Computed again from the start, jumps included, hence exact at any time.

        Raises
        ------
        InvalidInputError
            If `time` is negative, not whole, or beyond the end of an uncertified run.
        """
        from relubias.dynamics.descent import replay

        certified = self.status is Status.CERTIFIED
        return replay(self, as_count("time", time, maximum=2**61 if certified else self.n_steps))

    @property
    def explanation(self) -> str:
        """The status and the tail as one sentence, with the numbers of this run."""
        sentence = self.status.sentence
        if self.status is Status.CERTIFIED:
            if self.tail is not Tail.CHATTER:
                return sentence
            return (
                f"{counted(len(self.chattering), 'pair')} may switch for ever, on the way to a "
                "hyperplane; no other pair ever switches, and the limit is exact to "
                f"{self.certificate.radius if self.certificate else 0.0:.1g}"
            )
        if self.status is Status.DIVERGED:
            return f"{sentence}; below {self.safe_step_size:.3g} no pattern is unstable"
        detail = self.tail.sentence.replace("`period`", str(self.period))
        if self.tail is Tail.CHATTER:
            detail += f" ({counted(len(self.chattering), 'pair')})"
        return f"{sentence}; {detail}"

    def summary(self) -> str:
        """Return the run as a few lines of text."""
        truncated = f", first {self.switches.size} kept" if self.switches_truncated else ""
        lines = [
            f"Gradient descent: {self.status}",
            f"  {self.explanation}",
            f"  step size {self.step_size:.6g} (kappa = {self.kappa:.4g}), "
            f"{self.n_steps} steps, {self.n_iter} computed",
            f"  {self.n_switches} switches{truncated}, the last after step {self.last_switch}",
            f"  loss at the limit {self.loss:.6g}, "
            f"{int(self.limit.active.sum())} of {self.limit.primal.size} pairs active",
        ]
        if self.momentum:
            lines.insert(3, f"  momentum {self.momentum:.6g}")
        if self.batches is not None:
            lines.insert(3, f"  {len(self.batches)} mini-batches, in turn")
        if self.certificate is not None:
            lines.append(f"  {self.certificate}")
        if self.limit_estimate is not None:
            lines.append("  limit_estimate: fits with the chattering pairs at zero, not proved")
        return "\n".join(lines)

    def _draw(self, ax: Axes | None) -> Axes:
        from relubias.dynamics._plot import draw_trajectory

        return draw_trajectory(self, ax)

    def __repr__(self) -> str:
        return (
            f"DescentTrajectory({self.status}, n_steps={self.n_steps}, "
            f"n_switches={self.n_switches}, last_switch={self.last_switch}, "
            f"loss={self.loss:.6g}, kappa={self.kappa:.4g})"
        )
