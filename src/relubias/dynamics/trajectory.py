"""What a run of gradient descent leaves behind: limit, switches, status and certificate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_count
from relubias.dynamics.certificate import Certificate
from relubias.errors import NotSolvedError
from relubias.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SWITCH_DTYPE", "Records", "State", "Status", "Tail", "Trajectory"]

SWITCH_DTYPE = np.dtype(
    [("time", np.int64), ("neuron", np.int32), ("sample", np.int32), ("mode", np.int8)]
)
"""One activation switch: the step after which it is first seen, where, and +1 (on) or -1 (off)."""


class _Sentence(StrEnum):
    """A name that carries the sentence people read."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> _Sentence:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class Status(_Sentence):
    """Why a run ended; `sentence` says it with the remedy."""

    CERTIFIED = (
        "CERTIFIED",
        "no activation switches ever again, and the limit is exact",
    )
    TOLERANCE = (
        "TOLERANCE",
        "the residual on active samples, or the part of it that moves any weight, is below `tol`, "
        "but it is not proved that activations have stopped switching; read `limit` as accurate "
        "to about `tol`",
    )
    MAX_ITER = (
        "MAX_ITER",
        "no limit was reached; raise `max_iter`, unless `tail` says that the run repeats itself",
    )
    DIVERGED = (
        "DIVERGED",
        "the residual left the range of numbers; lower `step_size` (see `safe_step_size`)",
    )


class Tail(_Sentence):
    """What the run was doing at its end."""

    SETTLED = ("SETTLED", "the activation pattern never changes again: proved")
    QUIET = ("QUIET", "no recent switch, but no proof that none will come")
    CHATTER = ("CHATTER", "samples still cross their hyperplanes again and again")
    LIMIT_CYCLE = ("LIMIT_CYCLE", "the state repeats itself to rounding, with the period `period`")
    UNDECIDED = (
        "UNDECIDED",
        "a primal value came closer to zero than rounding allows to tell its sign",
    )
    EXPLODED = ("EXPLODED", "the residual grew without bound")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class State:
    """A point of the trajectory, seen through the data.

    Attributes
    ----------
    primal : ndarray of shape (n_neurons, n_samples)
        Preactivations: ``primal[k, i]`` is ``w_k @ x_i``.
    dual : ndarray of shape (n_neurons, n_samples)
        ``w_k = X.T @ dual[k]`` plus a part orthogonal to the data; unique up to the null space
        of the Gram matrix.
    """

    primal: Float
    dual: Float

    @property
    def active(self) -> NDArray[np.bool_]:
        """Activation pattern, (n_neurons, n_samples): closed at exactly zero."""
        return self.primal > 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Records:
    """States at chosen steps.

    Attributes
    ----------
    time : ndarray of shape (n_records,)
        Number of steps.
    primal, dual : ndarray of shape (n_records, n_neurons, n_samples)
    loss : ndarray of shape (n_records,)
        ``0.5 * ||f(X) - y||**2``.
    """

    time: NDArray[np.int64]
    primal: Float
    dual: Float
    loss: Float

    def __len__(self) -> int:
        return self.time.size


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Trajectory:
    r"""A run of full-batch gradient descent, from its start to its limit.

    Attributes
    ----------
    problem : Problem
    start : ndarray of shape (n_neurons, n_samples)
        Dual start.
    step_size : float
        In inverse squared units of the features.
    status : Status
        Why the run ended.
    tail : Tail
        What it was doing then.
    limit : State
        Where descent goes (CERTIFIED), otherwise the last state.
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

    problem: Problem
    start: Float
    step_size: float
    status: Status
    tail: Tail
    limit: State
    certificate: Certificate | None
    switches: NDArray[np.void]
    n_switches: int
    undecided_from: int
    n_steps: int
    n_iter: int
    last_switch: int
    loss: float
    chattering: NDArray[np.intp]
    period: int
    records: Records
    max_iter: int
    tol: float

    @property
    def kappa(self) -> float:
        """Dimensionless step size: `step_size` times the mean of the Gram diagonal."""
        return self.step_size * self.problem.scale

    @property
    def switches_truncated(self) -> bool:
        """Whether there were more switches than `switches` holds."""
        return self.n_switches > self.switches.size

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
            Number of steps; beyond `n_steps` only if the run is CERTIFIED.

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

    def raise_if_failed(self) -> Trajectory:
        """Return the trajectory itself if it is CERTIFIED.

        Raises
        ------
        NotSolvedError
            With the trajectory as `result`, for every other status.
        """
        if self.status is not Status.CERTIFIED:
            raise NotSolvedError(f"{self.status}: {self.explanation}", self)
        return self

    @property
    def explanation(self) -> str:
        """The status and the tail as one sentence, with the numbers of this run."""
        sentence = self.status.sentence
        if self.status is Status.CERTIFIED:
            return sentence
        if self.status is Status.DIVERGED:
            return f"{sentence}; below {self.safe_step_size:.3g} no pattern is unstable"
        detail = self.tail.sentence.replace("`period`", str(self.period))
        if self.tail is Tail.CHATTER:
            detail += f" ({len(self.chattering)} pairs)"
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
        if self.certificate is not None:
            lines.append(f"  {self.certificate}")
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the records as a tidy table.

        Returns
        -------
        pandas.DataFrame
            Columns ``time, neuron, sample, primal, dual, loss``; a row per record, neuron and
            sample. Without records, one block at the limit.
        """
        import pandas as pd

        records = self.records
        if not len(records):
            records = Records(
                time=np.array([self.n_steps]),
                primal=self.limit.primal[None],
                dual=self.limit.dual[None],
                loss=np.array([self.loss]),
            )
        m, n = int(self.start.shape[0]), int(self.start.shape[1])
        return pd.DataFrame(
            {
                "time": np.repeat(records.time, m * n),
                "neuron": np.tile(np.repeat(np.arange(m), n), len(records)),
                "sample": np.tile(np.arange(n), len(records) * m),
                "primal": records.primal.ravel(),
                "dual": records.dual.ravel(),
                "loss": np.repeat(records.loss, m * n),
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the primal values over time: records if there are any, otherwise start and limit.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Samples with positive labels are solid, the others dashed; crosses mark switches.
        """
        from relubias.dynamics._plot import draw_trajectory

        return draw_trajectory(self, ax)

    def __repr__(self) -> str:
        return (
            f"Trajectory({self.status}, n_steps={self.n_steps}, n_switches={self.n_switches}, "
            f"last_switch={self.last_switch}, loss={self.loss:.6g}, kappa={self.kappa:.4g})"
        )
