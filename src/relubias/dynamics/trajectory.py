"""What every run leaves behind: limit, switches, status and records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
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
    MAX_EVENTS = (
        "MAX_EVENTS",
        "no limit was reached; raise `max_events`",
    )
    DIVERGED = (
        "DIVERGED",
        "the residual left the range of numbers; lower `step_size` to `safe_step_size`",
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
    """States at chosen times.

    Attributes
    ----------
    time : ndarray of shape (n_records,)
        Numbers of steps, or times of a flow.
    primal, dual : ndarray of shape (n_records, n_neurons, n_samples)
    loss : ndarray of shape (n_records,)
        ``0.5 * ||f(X) - y||**2``.
    """

    time: NDArray[Any]
    primal: Float
    dual: Float
    loss: Float

    def __len__(self) -> int:
        return self.time.size


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Trajectory(ABC):
    """A run from its start to its limit, whatever the dynamics.

    Attributes
    ----------
    problem : Problem
    start : ndarray of shape (n_neurons, n_samples)
        Dual start.
    status : Status
        Why the run ended.
    limit : State
        Where the run goes (CERTIFIED), otherwise its last state.
    certificate : object or None
        Proof of the limit; only where the status is CERTIFIED.
    switches : structured ndarray of shape (n_recorded,)
        Fields ``time, neuron, sample, mode``; ordered by time, neuron, sample.
    n_switches : int
        All switches; more than ``switches.size`` where `switches_truncated`.
    last_switch : float
        Time of the last switch; 0 if there was none.
    loss : float
        Risk at `limit`, ``0.5 * ||f(X) - y||**2``.
    records : Records
        States at the times asked for; times beyond an uncertified end are missing.
    tol : float
        Relative tolerance that was asked for.
    """

    problem: Problem
    start: Float
    status: Status
    limit: State
    certificate: Any
    switches: NDArray[np.void]
    n_switches: int
    last_switch: float
    loss: float
    records: Records
    tol: float

    @property
    @abstractmethod
    def explanation(self) -> str:
        """The status as one sentence, with the numbers of this run."""

    @property
    @abstractmethod
    def end_time(self) -> float:
        """Time at which the status was known."""

    @abstractmethod
    def at(self, time: Any) -> State:
        """Return the state at a time of the run.

        Parameters
        ----------
        time : int or float
            Number of steps, or time of a flow.

        Returns
        -------
        State
        """

    @abstractmethod
    def summary(self) -> str:
        """Return the run as a few lines of text."""

    @property
    def switches_truncated(self) -> bool:
        """Whether there were more switches than `switches` holds."""
        return self.n_switches > self.switches.size

    def raise_if_failed(self) -> Self:
        """Return the trajectory itself if it is CERTIFIED.

        Raises
        ------
        NotSolvedError
            With the trajectory as `result`, for every other status.
        """
        if self.status is not Status.CERTIFIED:
            raise NotSolvedError(f"{self.status}: {self.explanation}", self)
        return self

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
                time=np.array([self.end_time]),
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
        """Draw the run over time.

        Of a descent or a flow the predictions before the ReLU: solid where the label is positive,
        dashed elsewhere; crosses mark switches, or other marks events and thick lines sliding.
        Of a run on both layers the outputs, and on a new figure the output weights below. Drawn
        are the records, or, if there are none, states that are computed again where that is
        cheap, up to the limit.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            That of the predictions or outputs.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        return self._draw(ax)

    @abstractmethod
    def _draw(self, ax: Axes | None) -> Axes: ...
