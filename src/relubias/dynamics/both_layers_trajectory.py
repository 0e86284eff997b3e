"""A run on both layers: output weights and balancedness beside what every trajectory has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relubias._validate import Float, as_count
from relubias.dynamics.both_layers_certificate import BothLayersCertificate
from relubias.dynamics.trajectory import Records, State, Status, Trajectory

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["BothLayersRecords", "BothLayersState", "BothLayersTrajectory", "squared_norms"]


def squared_norms(dual: Float, primal: Float, orthogonal_norm: Float) -> Float:
    """Return ``||w_k||**2`` of the span part and the part that no sample sees together."""
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverged
        return np.maximum((dual * primal).sum(axis=-1), 0.0) + orthogonal_norm**2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BothLayersState(State):
    """A point of the trajectory: both layers, seen through the data.

    Attributes
    ----------
    primal : ndarray of shape (n_neurons, n_samples)
        Preactivations: ``primal[k, i]`` is ``w_k @ x_i``.
    dual : ndarray of shape (n_neurons, n_samples)
        ``w_k = X.T @ dual[k]`` plus a part orthogonal to the data.
    outer : ndarray of shape (n_neurons,)
        Output weights.
    orthogonal_norm : ndarray of shape (n_neurons,)
        Norm of the part of ``w_k`` orthogonal to the data; it never moves.
    """

    outer: Float
    orthogonal_norm: Float

    @property
    def outputs(self) -> Float:
        """What the network says on the samples, (n_samples,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.outer @ np.maximum(self.primal, 0.0)

    @property
    def balancedness(self) -> Float:
        """Return ``a_k**2 - ||w_k||**2``, (n_neurons,): constant under gradient flow."""
        squares = squared_norms(self.dual, self.primal, self.orthogonal_norm)
        with np.errstate(over="ignore", invalid="ignore"):
            return self.outer**2 - squares

    @property
    def half_squared_norm(self) -> float:
        """Half of the sum of all squared weights of both layers, ``0.5 * ||theta||**2``."""
        squares = squared_norms(self.dual, self.primal, self.orthogonal_norm)
        with np.errstate(over="ignore", invalid="ignore"):
            return 0.5 * float((self.outer**2 + squares).sum())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BothLayersRecords(Records):
    """States at chosen steps.

    Attributes
    ----------
    time : ndarray of shape (n_records,)
        Numbers of steps.
    primal, dual : ndarray of shape (n_records, n_neurons, n_samples)
    loss : ndarray of shape (n_records,)
        ``0.5 * ||f(X) - y||**2``.
    outer : ndarray of shape (n_records, n_neurons)
        Output weights.
    balancedness : ndarray of shape (n_records, n_neurons)
        ``a_k**2 - ||w_k||**2``.
    """

    outer: Float
    balancedness: Float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class BothLayersTrajectory(Trajectory):
    r"""A run of full-batch gradient descent on both layers, from its start to its limit.

    Attributes
    ----------
    problem : Problem
    start : ndarray of shape (n_neurons, n_samples)
        Dual start of the first layer.
    outer : ndarray of shape (n_neurons,)
        Output weights at the start.
    orthogonal_norm : ndarray of shape (n_neurons,)
        Norm of the part of each weight vector that no sample sees.
    step_size : float
        Of both layers.
    status : Status
        Why the run ended.
    limit : BothLayersState
        The last state; the limit is within ``certificate.radius`` of it (CERTIFIED).
    certificate : BothLayersCertificate or None
        Recomputed from `limit`; only where the status is CERTIFIED.
    switches : structured ndarray of shape (n_recorded,)
        Fields ``time, neuron, sample, mode``; ordered by time, neuron, sample.
    n_switches : int
        All switches; more than ``switches.size`` where `switches_truncated`.
    n_steps : int
        Steps until the status was known.
    last_switch : int
        Step of the last switch; 0 if there was none.
    loss : float
        Risk at `limit`, ``0.5 * ||f(X) - y||**2``.
    sign_margin : float
        Smallest primal value on the way for the size of its terms,
        ``abs(u_ki) / sum_j abs(beta_kj * G_ji)``, at most 1. Steps are plain double precision:
        a margin not far above 1e-16 says that rounding may have decided a sign. Steps so large
        that errors grow from step to step need more.
    records : BothLayersRecords
        States at the steps asked for; steps beyond an uncertified end are missing.
    max_iter : int
        Steps that were allowed.
    tol : float
        Relative tolerance that was asked for.
    """

    outer: Float
    orthogonal_norm: Float
    step_size: float
    limit: BothLayersState
    certificate: BothLayersCertificate | None
    n_steps: int
    last_switch: int
    sign_margin: float
    records: BothLayersRecords
    max_iter: int

    @property
    def end_time(self) -> int:
        """Steps until the status was known: `n_steps`."""
        return self.n_steps

    @property
    def initial(self) -> BothLayersState:
        """State at step 0."""
        return self.at(0)

    @property
    def explanation(self) -> str:
        """The status as one sentence, with the numbers of this run."""
        if self.certificate is not None:
            return (
                "no activation switches ever again, and the limit is within "
                f"{self.certificate.radius:.1e} of `limit` in the space of all weights"
            )
        if self.status is Status.MAX_ITER:
            return "no limit was reached; raise `max_iter`"
        if self.status is Status.DIVERGED:
            return "the residual left the range of numbers; lower `step_size`"
        return self.status.sentence

    def at(self, time: int) -> BothLayersState:
        """Return the state after `time` steps.

        Parameters
        ----------
        time : int
            Number of steps; beyond `n_steps`, up to `max_iter`, only if the run is CERTIFIED.

        Returns
        -------
        BothLayersState
            Computed again from the start.

        Raises
        ------
        InvalidInputError
            If `time` is negative, not whole, or beyond the end.
        """
        from relubias.dynamics.both_layers import replay

        is_certified = self.status is Status.CERTIFIED
        last = max(self.n_steps, self.max_iter) if is_certified else self.n_steps
        return replay(self, as_count("time", time, maximum=last))

    def summary(self) -> str:
        """Return the run as a few lines of text."""
        with np.errstate(invalid="ignore"):  # of a run that diverged
            drift = self.limit.balancedness - self.initial.balancedness
        truncated = f", first {self.switches.size} kept" if self.switches_truncated else ""
        lines = [
            f"Gradient descent on both layers: {self.status}",
            f"  {self.explanation}",
            f"  step size {self.step_size:.6g}, {self.n_steps} steps",
            f"  {self.n_switches} switches{truncated}, the last after step {self.last_switch}; "
            f"smallest sign margin {self.sign_margin:.2g}",
            f"  loss at the limit {self.loss:.6g}, "
            f"{int(self.limit.active.sum())} of {self.limit.primal.size} pairs active",
            f"  half the squared norm of all weights {self.limit.half_squared_norm:.8g}",
            f"  a^2 - |w|^2 moved by at most {np.abs(drift).max():.3g}",
        ]
        if self.certificate is not None:
            lines.append(f"  {self.certificate}")
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the records as a tidy table.

        Returns
        -------
        pandas.DataFrame
            Columns ``time, neuron, sample, primal, dual, loss, outer, balancedness``; a row per
            record, neuron and sample. Without records, one block at the limit.
        """
        frame = Trajectory.to_frame(self)
        outer, balancedness = self.records.outer, self.records.balancedness
        if not len(self.records):
            outer, balancedness = self.limit.outer[None], self.limit.balancedness[None]
        n = self.start.shape[1]
        frame["outer"] = np.repeat(outer.ravel(), n)
        frame["balancedness"] = np.repeat(balancedness.ravel(), n)
        return frame

    def _draw(self, ax: Axes | None) -> Axes:
        from relubias.dynamics._plot_both_layers import draw_both_layers

        return draw_both_layers(self, ax)

    def __repr__(self) -> str:
        return (
            f"BothLayersTrajectory({self.status}, n_steps={self.n_steps}, "
            f"n_switches={self.n_switches}, last_switch={self.last_switch}, "
            f"loss={self.loss:.6g}, half_squared_norm={self.limit.half_squared_norm:.6g})"
        )
