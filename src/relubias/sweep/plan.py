"""A sweep as a value: which problems, which runs, and what is measured of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from relubias._validate import as_count, fail, shown
from relubias.errors import InvalidInputError
from relubias.sweep import _toml
from relubias.sweep._choices import as_choices, as_counts, as_list, suggestion
from relubias.sweep._chunks import Chunks
from relubias.sweep._fields import (
    as_feature_counts,
    as_fields,
    as_name,
    as_sign_texts,
    as_step_sizes,
    plain,
    reference,
)
from relubias.sweep._measured import as_measures, chunk_size, require_supported
from relubias.sweep.grid import AXES, Cell, Grid

if TYPE_CHECKING:
    from relubias.sweep.case import Case
    from relubias.sweep.estimate import Estimate

__all__ = ["Plan"]

_FORMAT = 1
"""Of the canonical form and of the rule that cuts chunks; both name the folder of the results."""

_MAX_TASKS = 10**10
_LABELS = {"name": "uniform_magnitude", "low": 0.5, "high": 1.0}
_START = {"name": "all_positive", "scale": "0.01*y_min"}
_SHARED = ("algorithm", "eta", "kappa", "signs", "start")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Plan:
    r"""A sweep over random problems: a grid of parameters, and what to measure of every run.

    A field that is given a list takes each of its values in turn; the lists of different fields
    are crossed. So are lists inside a table, as in ``labels={"name": "uniform_magnitude",
    "low": 0.5, "high": 1.0, "n_negative": [1, 2, 4]}``.

    Parameters
    ----------
    n : int or list of int
        Numbers of samples.
    measure : str, callable or list of them
        What becomes the columns of a row; `relubias.sweep.MEASURES` lists the names. A function
        of one's own takes a `relubias.sweep.Case` and returns a number, or a dict if
        `relubias.sweep.columns` declares its keys; it must be defined at the top level of a
        module, and is written as ``"module:name"`` in TOML.
    d : int, str or list, optional
        Numbers of features, or expressions of n such as ``"5*n"``; not with a spectrum given by
        pairs, which has its own.
    spectrum : str, dict, Spectrum or list, default="isotropic"
        ``isotropic`` (value), ``spiked`` (spike, n_spikes, value), ``power_law`` (exponent,
        value) or ``pairs`` (pairs of an eigenvalue and its multiplicity).
    features : str or list, default="gaussian"
        ``gaussian``, ``rademacher``, ``uniform``, ``sphere`` or ``orthogonal``.
    labels : dict, label law or list, optional
        ``uniform_magnitude`` (low, high, n_negative), ``gaussian`` (scale) or ``planted``
        (teacher, noise). Without it magnitudes uniform on [0.5, 1] with fair signs.
    signs : str or list of str, default="+"
        Output signs, such as ``"+"`` or ``"+-"``.
    start : dict or list, optional
        ``all_positive`` (scale), ``proportional`` (scale, times the absolute labels), ``gaussian``
        (scale) or ``disjoint`` (scale, parked), where the neurons of a sign own its samples in
        turn. Scales may be expressions of n, m, d and trace, and of what the task draws:
        lambda_max of the Gram matrix; y_min and y_max, the extreme absolute labels;
        norm_positive and norm_negative of the labels. Without it ``all_positive`` of scale
        ``"0.01*y_min"``.
    kappa : float, str or list, optional
        Step size times the trace of the covariance, dimensionless; numbers or expressions as in
        `start`. Either `kappa` or `eta` is needed for descent.
    eta : float, str or list, optional
        Step size, in inverse squared units of the features, such as
        ``"min(0.5/trace, 1/lambda_max)"``.
    algorithm : str, dict or list, default="descent"
        ``descent`` (max_iter, tol, momentum) or ``flow`` (max_events, tol). A flow has no step
        size and runs once for all of them. Descent stops after 100,000 computed iterations
        unless `max_iter` says otherwise: a jump over any number of steps counts as one, so only
        runs that switch again and again need more.
    replicates : int, default=1
        Tasks of each combination.
    seed : int, default=0
        Root of all seeds.
    shared : list of str, optional
        Parameters across which a replicate keeps its random draws. By default those that are no
        part of the data, ``algorithm, eta, kappa, signs, start``: runs that differ only in them
        see the same data, so they can be compared in pairs. An empty list makes every task
        independent; with ``"d"`` added a replicate keeps its labels in every dimension.
    together : list of list of str, optional
        Fields whose values are paired instead of crossed, such as ``[["n", "d"]]``.
    chunk_size : int, optional
        Tasks that are computed and written together; by default what takes about a second.
    name : str, default="sweep"
        Letters, digits, ``-`` and ``_``; begins the name of the folder of the results.

    Raises
    ------
    InvalidInputError
        If anything is unusable; the message names the field.

    Examples
    --------
    >>> from relubias.sweep import Plan
    >>> plan = Plan(n=[10, 20], d="50*n", kappa=[0.3, 0.9], replicates=100, measure="gap")
    >>> plan
    Plan('sweep', 400 tasks in 2 chunks, measure=gap)
    >>> plan.case(399).parameters["kappa"]
    0.9
    """

    n: Any
    measure: Any
    d: Any = None
    spectrum: Any = "isotropic"
    features: Any = "gaussian"
    labels: Any = None
    signs: Any = "+"
    start: Any = None
    kappa: Any = None
    eta: Any = None
    algorithm: Any = "descent"
    replicates: int = 1
    seed: int = 0
    shared: Any = _SHARED
    together: Any = ()
    chunk_size: int | None = None
    name: str = "sweep"

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "name": as_name(self.name),
            "n": as_counts("n", self.n, maximum=10**6),
            "spectrum": as_choices("spectrum", self.spectrum),
            "features": as_choices("features", self.features),
            "labels": as_choices("labels", _LABELS if self.labels is None else self.labels),
            "signs": as_sign_texts(self.signs),
            "start": as_choices("start", _START if self.start is None else self.start),
            "algorithm": as_choices("algorithm", self.algorithm),
            "replicates": as_count("replicates", self.replicates, minimum=1, maximum=_MAX_TASKS),
            "seed": as_count("seed", self.seed, maximum=2**63 - 1),
            "shared": as_fields("shared", self.shared),
            "measure": as_measures(self.measure),
        }
        checked["d"] = as_feature_counts(self.d, checked["spectrum"])
        checked |= as_step_sizes(self.kappa, self.eta, checked["algorithm"])
        if self.chunk_size is not None:
            checked["chunk_size"] = as_count("chunk_size", self.chunk_size, minimum=1)
        for key, value in checked.items():
            object.__setattr__(self, key, value)
        object.__setattr__(self, "together", self._paired(self.together))
        require_supported(self.measure, {choice.name for choice in self.algorithm})
        if self.n_tasks > _MAX_TASKS:
            raise fail("replicates", f"make {self.n_tasks:g} tasks", f"at most {_MAX_TASKS:g}")
        self._grid.check()

    @classmethod
    def from_toml(cls, source: Any) -> Plan:
        r"""Read a plan from a TOML file, or from its text.

        Parameters
        ----------
        source : str or path-like
            A path; or text, recognised by its ``=``.

        Returns
        -------
        Plan

        Raises
        ------
        InvalidInputError
            If it is not a plan; the message names the file and the field.

        Examples
        --------
        >>> Plan.from_toml('n = 10\nd = "5*n"\nkappa = 0.9\nmeasure = "gap"').n_tasks
        1
        """
        name, table = _toml.read(source)
        known = {field.name for field in fields(cls)}
        try:
            version = table.pop("format", _FORMAT)
            if version != _FORMAT:
                raise fail("format", f"is {shown(version)}", f"this version reads {_FORMAT}")
            for key in table:
                if key not in known:
                    raise fail(key, "is no field of a plan", suggestion(key, known))
            for key in ("n", "measure"):
                if key not in table:
                    raise fail(key, "is missing", "add it")
            return cls(**table)
        except InvalidInputError as error:
            raise InvalidInputError(f"{name}: {error}") from error

    def to_toml(self) -> str:
        """Return the plan as TOML, in one canonical form that `from_toml` reads.

        Returns
        -------
        str
            Every field, defaults included.
        """
        table: dict[str, Any] = {"format": _FORMAT, "name": self.name}
        for key in (*_ORDER, "measure", "replicates", "seed", "shared", "together", "chunk_size"):
            value = getattr(self, key)
            if value is not None:
                table[key] = plain(value) if key in _ORDER else value
        table["measure"] = [reference(entry) for entry in self.measure]
        return _toml.written(table)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()

    @cached_property
    def _grid(self) -> Grid:
        axes = {name: getattr(self, name) for name in AXES}
        given = {name: (None,) if values is None else values for name, values in axes.items()}
        return Grid(given, self.together, self.replicates)

    @property
    def n_tasks(self) -> int:
        """Number of tasks, one row each."""
        return self._grid.n_tasks

    @cached_property
    def chunks(self) -> Chunks:
        """Tasks of each chunk, as ranges: of one shape, and whoever computes them the same."""
        shapes = [block.shape for block in self._grid.blocks]
        sizes = [self.chunk_size or chunk_size(shape, self.measure) for shape in shapes]
        return Chunks(self.blocks, sizes)

    @property
    def blocks(self) -> tuple[range, ...]:
        """Tasks of each shape, in order; chunks never span two of them."""
        starts = [*(block.first for block in self._grid.blocks), self.n_tasks]
        return tuple(range(first, stop) for first, stop in pairwise(starts))

    def estimate(self, *, seconds: float = 2.0) -> Estimate:
        """Say what the sweep will cost, from timing some of its tasks here and now.

        Parameters
        ----------
        seconds : float, default=2.0
            About how long to spend on it.

        Returns
        -------
        Estimate
            Its text is a short table.

        Raises
        ------
        InvalidInputError
            If `seconds` is not positive.
        """
        from relubias.sweep.estimate import estimate

        return estimate(self, seconds)

    def cell(self, task: int) -> tuple[Cell, int]:
        """Return what a task has in common with its replicates, and which of them it is.

        Parameters
        ----------
        task : int
            Its number, below `n_tasks`.

        Returns
        -------
        tuple of Cell and int
        """
        number = as_count("task", task, maximum=self.n_tasks - 1)
        block, cell, replicate = self._grid.locate(number)
        return self._grid.cell(block, cell), replicate

    def case(self, task: int) -> Case:
        """Return the problem, start and step size of one task, as a sweep computes it.

        Parameters
        ----------
        task : int
            Its number, below `n_tasks`.

        Returns
        -------
        Case
            Its run and its minimum norm are computed when they are read.

        Raises
        ------
        InvalidInputError
            If there is no such task.
        """
        from relubias.sweep.case import cases_of

        return cases_of(self, [task])[0]

    def _paired(self, value: Any) -> tuple[tuple[str, ...], ...]:
        given = as_list("together", value)
        if given and all(isinstance(name, str) for name in given):
            given = [given]
        groups = tuple(as_fields("together", group) for group in given)
        names = [name for group in groups for name in group]
        for group in groups:
            lengths = {name: len(getattr(self, name) or (None,)) for name in group}
            if len(set(lengths.values())) > 1 or len(set(names)) < len(names):
                listed = ", ".join(f"{name} ({size} values)" for name, size in lengths.items())
                raise fail("together", f"pairs {listed}", "pass lists of equal lengths, once each")
        return groups

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.to_toml() == other.to_toml()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for key, value in state.items():
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        measured = ", ".join(reference(entry) for entry in self.measure)
        return (
            f"Plan({self.name!r}, {self.n_tasks} tasks in {len(self.chunks)} chunks, "
            f"measure={measured})"
        )


_ORDER = (
    "n", "d", "spectrum", "features", "labels", "signs", "start", "kappa", "eta", "algorithm",
)  # fmt: skip
