"""What the results of a sweep draw, and the numbers behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relubias._style import own_style
from relubias.sweep import _analysis
from relubias.sweep._curves import draw_bands, say_left_out
from relubias.sweep._maps import draw_map
from relubias.sweep.fits import PowerLawFit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Pictures"]


class Pictures(ABC):
    """Curves, phase maps and power laws of rows that a subclass reads."""

    __slots__ = ()

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""

    @abstractmethod
    def _selected(self, names: Sequence[str]) -> Any:
        """Return columns of all rows as an Arrow table."""

    def bands(
        self,
        x: str,
        y: str,
        by: str | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        equals: Any = None,
        middle: str = "median",
    ) -> pd.DataFrame:
        """Return the middle and the spread of a quantity along a parameter.

        The numbers that `plot` draws. Numbers have a median and the band from the 5% to the 95%
        quantile, or a mean and its 95% interval (Student's); truth values a share and its 95%
        interval (Wilson's). Intervals are as if the rows of a point were independent. Only rows
        that are ``done`` and have a finite value count. If `x` has more than 60 distinct numbers,
        neighbours are pooled into 24 points.

        Parameters
        ----------
        x : str
            Column along the axis.
        y : str
            Column whose middle is wanted.
        by : str, optional
            Column with up to 12 values; a band for each.
        where : mapping of str to value, optional
            Only rows in which these columns have this value, or one of a list of values.
        equals : value, optional
            Count the rows in which `y` is this; needed for text.
        middle : str, default="median"
            ``"median"`` or ``"mean"``.

        Returns
        -------
        pandas.DataFrame
            Columns: `by` if given, `x`, ``n_rows``, ``middle`` (or ``share``), ``low``, ``high``.

        Raises
        ------
        InvalidInputError
            If a column does not exist, or has nothing that could be drawn.
        """
        import pandas as pd

        rows = self._rows(where, x=x, y=y, by=by)
        value = rows.quantity("y", y, equals)
        found = _analysis.bands_of(rows, x, value, by, middle)
        return pd.DataFrame(_analysis.frame_columns(found, x, by, value.is_share))

    def plot(
        self,
        x: str,
        y: str,
        by: str | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        equals: Any = None,
        middle: str = "median",
        fit: bool = False,
        log: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a quantity against a parameter, with bands.

        Parameters
        ----------
        x : str
            Column along the axis.
        y : str
            Column to draw.
        by : str, optional
            Column with up to 12 values; a curve for each, told apart by colour, marker and line.
        where : mapping of str to value, optional
            Only rows in which these columns have this value, or one of a list of values.
        equals : value, optional
            Draw the share of rows in which `y` is this; needed for text.
        middle : str, default="median"
            ``"median"`` with the band from 5% to 95%, or ``"mean"`` with its 95% interval.
        fit : bool, default=False
            Draw the power laws of `fit_exponent`, too.
        log : str, optional
            Logarithmic axes: ``"x"``, ``"y"``, ``"xy"`` or ``""``; chosen by the data if omitted.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Raises
        ------
        InvalidInputError
            If a column does not exist or has nothing that could be drawn, or `ax` is no
            rectangular Axes.
        """
        rows = self._rows(where, x=x, y=y, by=by)
        value = rows.quantity("y", y, equals)
        laws = _analysis.fit_of(rows, x, y, by) if _analysis.as_flag("fit", fit) else None
        found = _analysis.bands_of(rows, x, value, by, middle)
        scales = _analysis.as_log(log)
        with own_style(ax):
            axes = draw_bands(
                found,
                x=x,
                y=value.name,
                by=by,
                is_share=value.is_share,
                middle=middle,
                log=scales,
                fit=laws,
                ax=ax,
            )
            say_left_out(axes, rows.n_failed, value.n_undefined, y)
        return axes

    def cells(
        self,
        x: str,
        y: str,
        value: str,
        *,
        where: Mapping[str, Any] | None = None,
        equals: Any = None,
    ) -> pd.DataFrame:
        """Return a share, or the median of a number, over two parameters.

        The numbers that `phase_map` draws.

        Parameters
        ----------
        x : str
            Parameter of the columns.
        y : str
            Parameter of the rows.
        value : str
            Column to average.
        where : mapping of str to value, optional
            Only rows in which these columns have this value, or one of a list of values.
        equals : value, optional
            Count the rows in which `value` is this; needed for text.

        Returns
        -------
        pandas.DataFrame
            Its index holds `y`, its columns hold `x`; nan where there are no rows.

        Raises
        ------
        InvalidInputError
            If a column does not exist, or no row is ``done``.
        """
        import pandas as pd

        rows = self._rows(where, x=x, y=y, value=value)
        found = _analysis.map_of(rows, x, y, rows.quantity("value", value, equals))
        columns, lines = pd.Index(found[0], name=x), pd.Index(found[1], name=y)
        return pd.DataFrame(found[2], index=lines, columns=columns)

    def phase_map(
        self,
        x: str,
        y: str,
        value: str,
        *,
        where: Mapping[str, Any] | None = None,
        equals: Any = None,
        log: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a share, or the median of a number, over two parameters.

        A line marks where a share is 1/2, interpolated between the cells. Cells without rows are
        hatched.

        Parameters
        ----------
        x : str
            Parameter along the horizontal axis.
        y : str
            Parameter along the vertical axis.
        value : str
            Column to draw.
        where : mapping of str to value, optional
            Only rows in which these columns have this value, or one of a list of values.
        equals : value, optional
            Draw the share of rows in which `value` is this; needed for text.
        log : str, optional
            Logarithmic axes: ``"x"``, ``"y"``, ``"xy"`` or ``""``; chosen by the data if omitted.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Raises
        ------
        InvalidInputError
            If a column does not exist or has nothing that could be drawn, or `ax` is no
            rectangular Axes.
        """
        rows = self._rows(where, x=x, y=y, value=value)
        drawn = rows.quantity("value", value, equals)
        columns, lines, cells = _analysis.map_of(rows, x, y, drawn)
        scales = _analysis.as_log(log)
        with own_style(ax):
            axes = draw_map(
                columns,
                lines,
                cells,
                x=x,
                y=y,
                value=drawn.name,
                is_share=drawn.is_share,
                log=scales,
                ax=ax,
            )
            say_left_out(axes, rows.n_failed, drawn.n_undefined, value)
        return axes

    def fit_exponent(
        self,
        x: str,
        y: str,
        by: str | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> PowerLawFit:
        """Fit a power law, ``y = prefactor * x ** exponent``, with an interval of the exponent.

        Parameters
        ----------
        x : str
            Column of positive numbers.
        y : str
            Column of positive numbers; rows where it is not positive are left out and counted.
        by : str, optional
            Column with up to 12 values; a law for each.
        where : mapping of str to value, optional
            Only rows in which these columns have this value, or one of a list of values.
        level : float, default=0.95
            Confidence of the intervals.
        seed : int, default=0
            Of the resampling.

        Returns
        -------
        PowerLawFit
            Which also says how intervals are found, and how far the data are from a power law.

        Raises
        ------
        InvalidInputError
            If a column does not exist, or there are less than two usable x.
        """
        rows = self._rows(where, x=x, y=y, by=by)
        return _analysis.fit_of(rows, x, y, by, level=level, seed=seed)

    def _rows(self, where: Any, **names: str | None) -> _analysis.Rows:
        """Return the columns that are named, of the rows that are done and meet `where`."""
        known = self.columns
        wanted = {
            _analysis.as_column(argument, name, known)
            for argument, name in names.items()
            if name is not None or argument != "by"
        }
        conditions = _analysis.as_conditions(where, known)
        wanted |= {"status", "seed", *conditions}
        return _analysis.rows_of(self._selected(sorted(wanted)), conditions)
