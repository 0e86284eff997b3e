"""What `relubias.check` found: verdicts, what happened beside what was predicted, a conclusion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relubias._validate import fail, shown
from relubias.bias import BiasGap
from relubias.dynamics import DescentTrajectory
from relubias.minnorm import MinimumNorm
from relubias.problem import Problem
from relubias.theory._conclusion import conclude
from relubias.theory._predictions import Prediction
from relubias.theory.transitions import Region
from relubias.theory.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Report", "shouted"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Report:
    r"""Every statement of the paper, checked on one problem.

    Attributes
    ----------
    problem : Problem
        The data.
    kappa, rho : float
        Dimensionless step, and the largest initial prediction over the smallest label.
    trace : float
        The L of the paper, in squared units of the features.
    trace_source : str
        Where it comes from.
    delta, delta_star : float
        Deviation :math:`\|G/L - I\|` of the data from orthogonality, and the same times
        :math:`\sqrt n\,y_{max}/y_{min}`.
    d_2, d_inf : float
        Effective dimensions; estimated, or nan, where the spectrum is not known.
    verdicts : tuple of Verdict
        In the order of the paper; `sorted_verdicts` puts the smallest margin first.
    left_out : tuple of (str, str)
        Statements that do not apply, and why.
    trajectory : DescentTrajectory
        The run.
    shortest : MinimumNorm
        The minimum norm.
    gap : BiasGap or None
        Distance between the two; None where one does not exist.
    predictions : tuple of Prediction
        Leading order of the theory beside what happened.
    transitions : ndarray of int, shape (4, 4)
        Counted one-step moves between the regions of the transition diagram, from row to column;
        see `relubias.theory.Region`.
    n_seen : int
        Steps at which invariants were evaluated.
    """

    problem: Problem
    kappa: float
    rho: float
    trace: float
    trace_source: str
    delta: float
    delta_star: float
    d_2: float
    d_inf: float
    verdicts: tuple[Verdict, ...]
    left_out: tuple[tuple[str, str], ...]
    trajectory: DescentTrajectory
    shortest: MinimumNorm
    gap: BiasGap | None
    predictions: tuple[Prediction, ...]
    transitions: NDArray[np.int64]
    n_seen: int

    def __getitem__(self, condition: str) -> Verdict:
        """Return the verdict of one condition.

        Raises
        ------
        InvalidInputError
            If the report has no such condition.
        """
        for verdict in self.verdicts:
            if verdict.condition == condition:
                return verdict
        names = ", ".join(verdict.condition for verdict in self.verdicts)
        raise fail("condition", f"is {shown(condition)}", f"choose from {names}")

    @property
    def conclusion(self) -> str:
        """One plain sentence."""
        return conclude(self.verdicts, self.left_out, self.problem.signs)

    @property
    def sorted_verdicts(self) -> list[Verdict]:
        """Verdicts with the smallest margin first; those without a margin last."""
        return sorted(self.verdicts, key=lambda v: math.inf if math.isnan(v.margin) else v.margin)

    def failing(self) -> list[Verdict]:
        """Return the verdicts that fail, the smallest margin first.

        Returns
        -------
        list of Verdict
            Without guarantees: one that is not met refutes nothing.
        """
        return [verdict for verdict in self.sorted_verdicts if verdict.outcome == "fails"]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per verdict, the smallest margin first.

        Returns
        -------
        pandas.DataFrame
            Columns ``condition, role, holds, outcome, margin, rounding_error, step, neuron, sample,
            first_violation, constants, detail``; `holds` is True, False or None, indices are -1
            where they do not apply.
        """
        import pandas as pd

        rows = [
            {
                "condition": v.condition,
                "role": str(v.role),
                "holds": v.holds,
                "outcome": v.outcome,
                "margin": v.margin,
                "rounding_error": v.rounding_error,
                "step": v.step,
                "neuron": v.neuron,
                "sample": v.sample,
                "first_violation": "" if v.first_violation is None else str(v.first_violation),
                "constants": ", ".join(f"{name}={value:g}" for name, value in v.constants.items()),
                "detail": v.detail,
            }
            for v in self.sorted_verdicts
        ]
        frame = pd.DataFrame(rows)
        frame["holds"] = pd.Series([row["holds"] for row in rows], dtype=object)
        return frame

    def summary(self) -> str:
        """Return the report as text."""
        return "\n".join(
            [
                *self._facts(),
                "",
                *self._table(),
                "",
                *self._beside(),
                "",
                *self._diagram(),
                "",
                self.conclusion,
            ]
        )

    def _facts(self) -> list[str]:
        run, problem = self.trajectory, self.problem
        signs = "".join("+" if s > 0 else "-" for s in problem.signs[:40])
        positive, negative = int((problem.labels > 0).sum()), int((problem.labels < 0).sum())
        return [
            f"{problem.n_samples} samples ({positive} positive, {negative} negative labels), "
            f"{problem.n_neurons} neuron{'s' if problem.n_neurons > 1 else ''} ({signs})",
            f"kappa {self.kappa:.4g}, rho {self.rho:.4g}, delta {self.delta:.4g}, delta* "
            f"{self.delta_star:.4g}, d_2 {self.d_2:.4g}, d_inf {self.d_inf:.4g}",
            f"L = {self.trace:.6g} ({self.trace_source})",
            f"run: {run.status}, {run.n_steps} steps, last switch after step {run.last_switch}; "
            f"invariants looked at {self.n_seen} steps",
        ]

    def _table(self) -> list[str]:
        width = max((len(v.condition) for v in self.verdicts), default=0)
        lines = [f"{'':9}  {'condition':<{width}}  {'margin':>10}  {'error':>7}  where"]
        for v in self.sorted_verdicts:
            where = str(v.place)
            if v.first_violation is not None and v.first_violation != v.place:
                where += f" (first violated at {v.first_violation})"
            error = f"{v.rounding_error:.0e}" if v.rounding_error > 0 else ""
            row = f"{shouted(v):9}  {v.condition:<{width}}  {v.margin:>10.3g}  {error:>7}  {where}"
            lines.append(row.rstrip())
        return lines

    def _beside(self) -> list[str]:
        width = max(len(p.quantity) for p in self.predictions)
        lines = [f"{'':{width}}  {'predicted':>11}  {'measured':>11}  {'ratio':>6}"]
        for p in self.predictions:
            ratio = "" if math.isnan(p.ratio) else f"{p.ratio:6.4f}"
            lines.append(
                f"{p.quantity:<{width}}  {p.predicted:>11.5g}  {p.measured:>11.5g}  {ratio:>6}"
                f"  {p.source}"
            )
        return lines

    def _diagram(self) -> list[str]:
        names = [region.words for region in Region]
        width = max(len(name) for name in names)
        head = "one step, from row to"
        width = max(width, len(head))
        lines = [f"{head:<{width}}  " + "  ".join(f"{name:>20}" for name in names)]
        for name, row in zip(names, self.transitions, strict=True):
            lines.append(f"{name:<{width}}  " + "  ".join(f"{int(count):>20,}" for count in row))
        return lines

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the margin of every verdict, the smallest on top.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Dots hold, crosses fail, diamonds are guarantees that are not met, squares are
            undecided; bars are errors.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.theory._plot import draw_margins

        return draw_margins(self, ax)

    def plot_transitions(self, ax: Axes | None = None) -> Axes:
        """Draw the run's transition diagram: the paper's Figure 1, counted.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Double frames were never left.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.theory._plot import draw_transitions

        return draw_transitions(self, ax)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the report as a page of its own, pictures included.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it, too.

        Returns
        -------
        str
            An HTML document that needs nothing from anywhere.

        Raises
        ------
        InvalidInputError
            If the file cannot be written.
        """
        from relubias.theory._page import report_page

        text = report_page(self)
        if path is not None:
            target = Path(path)
            try:
                target.write_text(text, encoding="utf-8")
            except OSError as error:
                got = f"{shown(path)} cannot be written ({error.strerror})"
                raise fail("path", got, "choose another place") from error
        return text

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        outcomes = [verdict.outcome for verdict in self.verdicts]
        words = {"holds": "hold", "fails": "fail", "not met": "not met", "undecided": "undecided"}
        counts = ", ".join(
            f"{outcomes.count(outcome)} {word}"
            for outcome, word in words.items()
            if outcome in outcomes
        )
        return f"Report({counts}; kappa={self.kappa:.4g}, {self.trajectory.status})"

    def _repr_html_(self) -> str:
        from relubias.theory._page import report_body

        return report_body(self)


def shouted(verdict: Verdict) -> str:
    """Return the outcome as a word, a failure in capitals."""
    return verdict.outcome.upper() if verdict.outcome == "fails" else verdict.outcome
