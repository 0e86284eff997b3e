"""What a sweep found: one row a problem, read from its folder as far as it is there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relubias._files import printable
from relubias._html import escape, tag
from relubias._validate import fail, shown
from relubias.errors import MissingExtraError
from relubias.sweep._analysis import as_column
from relubias.sweep._folder import plan_folder, read_plan
from relubias.sweep._parts import require_arrow
from relubias.sweep._pictures import Pictures
from relubias.sweep._reading import Damage, Piece, Scan, empty_table, pieces_of, readable, scan
from relubias.sweep.grid import AXES

if TYPE_CHECKING:
    import pandas as pd

    from relubias.sweep.plan import Plan

__all__ = ["SweepResult", "load"]

_OWN = ("status", "error")
"""Columns that every sweep has at its end."""

_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SweepResult(Pictures):
    """The rows of a sweep, one a task, sorted by task; read when they are asked for.

    It speaks the Arrow protocol: ``polars.DataFrame(result)``, ``pyarrow.table(result)`` and
    ``duckdb.sql("select ... from result")`` take it as it is.

    Attributes
    ----------
    plan : Plan
        What was asked for.
    folder : Path
        Where the rows are.

    Notes
    -----
    Columns are ``task``, the parameters of the plan, ``seed``, what is measured, ``status``
    (``done``, ``failed``, ``killed`` or ``timeout``) and ``error``. In a row that is not done what
    is measured is null. Everything is verified whenever it is read; what is damaged is left out
    and listed in `damaged`. Rows written after the result was loaded are not seen.

    Examples
    --------
    >>> import tempfile
    >>> import relubias as rb
    >>> plan = rb.sweep.Plan(n=[4, 8], d=100, kappa=0.5, replicates=50, measure="gap")
    >>> with tempfile.TemporaryDirectory() as store:
    ...     result = rb.sweep.run(plan, store, workers=0, progress=False)
    ...     frame = result.to_pandas()
    >>> len(frame)
    100
    """

    plan: Plan
    folder: Path
    _pieces: tuple[Piece, ...]
    _broken: tuple[Damage, ...] = ()
    _known: dict[str, Any] = field(default_factory=dict[str, Any])

    # The rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        return tuple(self._empty().column_names)

    def to_arrow(self, columns: Sequence[str] | None = None) -> Any:
        """Return the rows as an Arrow table.

        Parameters
        ----------
        columns : sequence of str, optional
            Names of the columns wanted; all of them if omitted.

        Returns
        -------
        pyarrow.Table
            Sorted by task.

        Raises
        ------
        InvalidInputError
            If there is no such column.
        """
        wanted = self._wanted(columns)
        empty = self._empty().select(wanted)
        tables = [table.select(wanted) for table in self._tables()]
        return require_arrow().concat_tables([empty, *tables])

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows as a pandas data frame.

        Parameters
        ----------
        columns : sequence of str, optional
            Names of the columns wanted; all of them if omitted.

        Returns
        -------
        pandas.DataFrame
            Sorted by task.
        """
        return self.to_arrow(columns).to_pandas()

    def to_polars(self, columns: Sequence[str] | None = None) -> Any:
        """Return the rows as a polars data frame.

        Parameters
        ----------
        columns : sequence of str, optional
            Names of the columns wanted; all of them if omitted.

        Returns
        -------
        polars.DataFrame
            Sorted by task.

        Raises
        ------
        MissingExtraError
            If polars is not installed.
        """
        try:
            polars: Any = importlib.import_module("polars")
        except ImportError as error:
            raise MissingExtraError("returning polars frames", "polars") from error
        return polars.from_arrow(self.to_arrow(columns))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Export the rows as an Arrow stream, a piece at a time."""
        batches = (batch for table in self._tables() for batch in table.to_batches())
        reader = require_arrow().RecordBatchReader.from_batches(self._empty().schema, batches)
        return reader.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return sum(self._scan().statuses.values())

    # What is there and what is not

    @property
    def failures(self) -> pd.DataFrame:
        """Rows whose status is not ``done``, with their errors."""
        return self._scan().failures.to_pandas()

    @property
    def n_failed(self) -> int:
        """How many rows are not ``done``."""
        return self._scan().failures.num_rows

    @property
    def n_missing(self) -> int:
        """How many tasks have no readable row."""
        return self.plan.n_tasks - len(self)

    @property
    def damaged(self) -> tuple[str, ...]:
        """A sentence for everything that cannot be read, naming the file."""
        return tuple(damage.reason for damage in (*self._broken, *self._scan().damaged))

    def summary(self) -> str:
        """Return what is there as text.

        Returns
        -------
        str
            A few lines.
        """
        return "\n".join([self._head(), *(f"  {name}: {text}" for name, text in self._facts())])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        rows = [
            tag("tr", tag("th", name) + tag("td", escape(text))) for name, text in self._facts()
        ]
        return tag("p", escape(self._head())) + tag("table", "".join(rows))

    def _head(self) -> str:
        found, wanted = len(self), self.plan.n_tasks
        share = "all" if found == wanted else f"{found:,} of"
        return f"SweepResult {self.plan.name!r}: {share} {wanted:,} tasks"

    def _facts(self) -> list[tuple[str, str]]:
        measured = self.columns[self.columns.index("seed") + 1 : -len(_OWN)]
        varied = [name for name in AXES if len(getattr(self.plan, name) or ()) > 1]
        varied += ["replicate"] if self.plan.replicates > 1 else []
        facts = [("varies", ", ".join(varied) or "nothing")]
        facts += [("measures", ", ".join(measured) or "nothing known yet")]
        if self.n_failed:
            counts = self._scan().statuses.items()
            listed = ", ".join(f"{n:,} {status}" for status, n in sorted(counts))
            facts.append(("status", f"{listed}; see .failures"))
        if self.n_missing:
            facts.append(("missing", f"{self.n_missing:,}; run the plan again to compute them"))
        facts += [("damaged", reason) for reason in self.damaged[:_MOST_SHOWN]]
        if len(self.damaged) > _MOST_SHOWN:
            facts.append(("damaged", f"and {len(self.damaged) - _MOST_SHOWN} more"))
        facts.append(("folder", printable(self.folder)))
        return facts

    # Reading

    def _empty(self) -> Any:
        """Return a table without rows that has all columns."""
        if "empty" not in self._known:
            found = next((table for table in self._tables()), None)
            no_rows = empty_table(self.plan) if found is None else found.slice(0, 0)
            self._known["empty"] = no_rows
        return self._known["empty"]

    def _tables(self) -> Iterator[Any]:
        for _, found in readable(self._pieces, self.plan.digest):
            if not isinstance(found, Damage):
                yield found

    def _scan(self) -> Scan:
        if "scan" not in self._known:
            self._known["scan"] = scan(self._pieces, self.plan.digest, self._empty())
        return self._known["scan"]

    def _wanted(self, columns: Any) -> list[str]:
        if columns is None:
            return list(self.columns)
        if isinstance(columns, str) or not isinstance(columns, Sequence):
            raise fail("columns", f"is {shown(columns)}", "pass a list of names of columns")
        return [as_column("columns", name, self.columns) for name in columns]  # pyright: ignore[reportUnknownVariableType]

    def _selected(self, names: Sequence[str]) -> Any:
        return self.to_arrow(names)


def load(folder: str | Path) -> SweepResult:
    """Open the results of a sweep, finished or not, running or not.

    Nothing is read yet but the names of the files, and no code that a plan names is imported.

    Parameters
    ----------
    folder : str or path-like
        Folder of the sweep, or a folder that holds no other one.

    Returns
    -------
    SweepResult
        The rows, to be read when they are asked for.

    Raises
    ------
    InvalidInputError
        If there is no sweep, or several; the message names them.
    StoreError
        If the folder cannot be read, or is of a newer format.
    MissingExtraError
        If pyarrow is not installed.

    See Also
    --------
    run : Compute what is missing.
    compact : Merge the files.
    """
    require_arrow()
    path = plan_folder(folder)
    plan = read_plan(path)
    pieces, broken = pieces_of(path, plan.digest)
    return SweepResult(plan=plan, folder=path, _pieces=tuple(pieces), _broken=tuple(broken))
