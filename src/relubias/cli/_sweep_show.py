"""`relubias sweep show`: the numbers of a sweep as tables, and its pictures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter

from relubias._validate import Float
from relubias.cli._output import emit, number, results_folder, strict_json
from relubias.cli._sweep_options import conditions, errors_name_options, value_of
from relubias.errors import InvalidInputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from relubias.sweep import PowerLawFit, SweepResult

__all__ = ["show"]

_FLAG = Parameter(negative=(), show_default=False)
_PICTURES = (".png", ".pdf", ".svg")
_MOST_FAILURES = 10


def show(
    folder: Path,
    /,
    *,
    x: str | None = None,
    y: str | None = None,
    by: str | None = None,
    value: str | None = None,
    equals: str | None = None,
    where: Annotated[Sequence[str], Parameter(negative=(), show_default=False)] = (),
    middle: Literal["median", "mean"] = "median",
    fit: Annotated[bool, _FLAG] = False,
    log: Literal["x", "y", "xy", "none"] | None = None,
    out: Path | None = None,
    json: Annotated[bool, _FLAG] = False,
) -> int:
    """Show what a sweep found: everything in short, a curve, or a phase map.

    With --x and --y the middle and the band of y along x; with --value as well, its share or median
    over x and y.

    Parameters
    ----------
    folder : Path
        Folder of a sweep.
    x : str, optional
        Column along the axis.
    y : str, optional
        Column to average; with --value the column along the other axis.
    by : str, optional
        Column with up to 12 values; a curve for each.
    value : str, optional
        Column to average over x and y.
    equals : str, optional
        Show the share of rows with this value; needed for columns of text.
    where : sequence of str
        Only some rows, such as --where n=8 or --where kappa=0.3,0.9; may be repeated.
    middle : str
        What the curve is: the median and 5% to 95%, or the mean and its 95% interval.
    fit : bool
        Fit power laws, with 95% intervals.
    log : str, optional
        Logarithmic axes; chosen by the data if omitted.
    out : Path, optional
        File for the picture (.png, .pdf, .svg) or the table (.csv).
    json : bool
        Print JSON instead of a table.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.sweep import load

    kind = _kind(x, y, value, out)
    chosen: dict[str, Any] = {"where": conditions(where) or None}
    chosen["equals"] = None if equals is None else value_of(equals)
    with errors_name_options():
        result = load(folder)
        facts: dict[str, Any] = {"command": "sweep show", "folder": result.folder}
        law: PowerLawFit | None = None
        if kind == "summary":
            table = overview(result)
        elif kind == "map":
            table = result.cells(str(x), str(y), str(value), **chosen)
        else:
            table = result.bands(str(x), str(y), by, middle=middle, **chosen)
            if fit:
                law = result.fit_exponent(str(x), str(y), by, where=chosen["where"])
                facts["fit"] = law.to_frame().to_dict("list")
        facts["table"] = table.reset_index().to_dict("list") if kind == "map" else _columns(table)
        if out is not None:
            axes = None if log is None else log.replace("none", "")
            look = {"by": by, "middle": middle, "fit": fit} if kind == "curve" else {}
            names = (x, y, value) if kind == "map" else (x, y)
            _write(result, table, out, names, chosen | look | {"log": axes}, kind == "map")
    if json:
        emit(strict_json(facts))
        return 0
    text = [result.summary(), "", *_lines(table, has_index=kind == "map")]
    if law is not None:
        text += ["", repr(law)]
    emit("\n".join([*text, *_failures(result, kind)]) + "\n")
    return 0


def _kind(x: str | None, y: str | None, value: str | None, out: Path | None) -> str:
    """Return what is asked for, or say which option is missing."""
    if out is not None and out.suffix.lower() not in (*_PICTURES, ".csv"):
        raise InvalidInputError(f"--out: is {str(out)!r}; end it with .png, .pdf, .svg or .csv")
    if x is None and y is None and value is None:
        if out is not None and out.suffix.lower() != ".csv":
            raise InvalidInputError("--out: has nothing to draw; pass --x and --y")
        return "summary"
    if x is None or y is None:
        missing = "--x" if x is None else "--y"
        raise InvalidInputError(f"{missing}: is missing; pass both --x and --y")
    return "curve" if value is None else "map"


def overview(result: SweepResult) -> DataFrame:
    """Return a row per measured column: median and quantiles, shares, or the commonest text."""
    import numpy as np
    import pandas as pd

    names = result.columns[result.columns.index("seed") + 1 : -2]
    rows: list[dict[str, Any]] = []
    frame = result.to_pandas([*names, "status"])
    done = frame[frame["status"] == "done"]
    for name in names:
        column: Any = done[name].to_numpy()
        row: dict[str, Any] = {"column": name, "n_rows": column.size}
        if column.dtype.kind in "if":
            known: Float = column[np.isfinite(column.astype(np.float64))]
            row["n_rows"] = known.size
            if known.size:
                low, middle, high = np.quantile(known, (0.05, 0.5, 0.95))
                row |= {"low": low, "median": middle, "high": high}
        elif column.size and isinstance(column[0], (bool, np.bool_)):
            row["share"] = float(column.astype(np.float64).mean())
        else:
            counts = pd.Series(column).value_counts()
            row["values"] = ", ".join(f"{v or '(empty)'} {n}" for v, n in counts.head(4).items())
        rows.append(row)
    known_columns = ("column", "n_rows", "low", "median", "high", "share", "values")
    used = [name for name in known_columns if any(name in row for row in rows)]
    return pd.DataFrame(rows, columns=used)


def _columns(table: DataFrame) -> dict[str, Any]:
    return {str(name): table[name].tolist() for name in table.columns}


def _lines(table: DataFrame, *, has_index: bool) -> list[str]:
    """Return a table as aligned text."""
    plain = table.reset_index() if has_index else table
    head = [str(name) for name in plain.columns]
    if has_index:
        head[0] = f"{table.index.name} \\ {table.columns.name}"
    body = [[_cell(value) for value in row] for row in plain.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rows = [head, *body]
    return [
        "  " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 5)
    return "-" if value is None else str(value)


def _failures(result: SweepResult, kind: str) -> list[str]:
    """Return the errors of failed tasks, where everything is shown."""
    if kind != "summary" or not result.n_failed:
        return []
    failed = result.failures.head(_MOST_FAILURES)
    listed = zip(failed["task"], failed["status"], failed["error"], strict=True)
    lines = [f"  task {task} {status}: {error}" for task, status, error in listed]
    more = result.n_failed - len(lines)
    return ["", "failed", *lines, *([f"  and {more:,} more"] if more else [])]


def _write(
    result: SweepResult,
    table: DataFrame,
    out: Path,
    names: Sequence[str | None],
    options: dict[str, Any],
    is_map: bool,
) -> None:
    """Write the picture, or the table behind it."""
    suffix = out.suffix.lower()
    with results_folder(out.parent) as files:
        if suffix == ".csv":
            text = table.to_csv(index=is_map, lineterminator="\n")
            files.add(out.name, lambda file: file.write(text.encode()))
            return
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        draw: Any = result.phase_map if is_map else result.plot
        draw(*names, ax=figure.subplots(), **options)
        save = cast("Any", figure).savefig
        files.add(out.name, lambda file: save(file, format=suffix[1:], dpi=200))
