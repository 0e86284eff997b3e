"""What `relubias.diagnose` found: numbers, and what they mean in plain sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, fail, shown
from relubias.diagnosis.activity import Activity
from relubias.diagnosis.agreement import Agreement
from relubias.diagnosis.comparison import Comparison
from relubias.diagnosis.curvature import Curvature
from relubias.diagnosis.descent_limit import DescentLimit
from relubias.diagnosis.held_out import Ridge, TestError
from relubias.diagnosis.network import Network
from relubias.diagnosis.optimum import Optimum
from relubias.diagnosis.selection import Selection
from relubias.diagnosis.span import Span
from relubias.minnorm import MinimumNorm
from relubias.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Diagnosis"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Diagnosis:
    """What bias a trained network shows.

    Attributes
    ----------
    network : Network
        What was read, outer weights folded.
    problem : Problem
        Samples with the constant feature if there are biases, labels less the output bias, signs.
    agreement : Agreement
        The network beside the model's own output.
    tolerance : float
        Part of the labels', or of the weights', size that counts as none.
    step_size : float
        Step of gradient descent in question, in inverse squared units of the features.
    primal : ndarray of shape (n_neurons, n_samples)
        Preactivations of the folded network.
    residual : ndarray of shape (n_samples,)
        Output less label.
    optimum : Optimum
        Where training left the network.
    comparisons : tuple of Comparison
        Distances; also by name, as in ``diagnosis["minimum norm"]``.
    shortest : MinimumNorm or None
        The minimum norm; None where it was not sought.
    why_no_shortest : str
        Why not.
    span : Span
        How much of the weights the samples see.
    activity : Activity
        What each neuron ignores, and for how long.
    selection : Selection
        Which samples are in use.
    curvature : Curvature
        The matrix H and what is left to move.
    limit : DescentLimit
        Where gradient descent goes, from the start if it is known, else from here.
    ridge : Ridge
        Ridge regression on the same samples.
    test_errors : tuple of TestError
        The model first; empty without held-out samples.
    n_test : int
        Number of held-out samples.
    start : Network or None
        The model before training.
    n_flipped : int
        Neurons whose outer weight has another sign, or is 0, at the start; if there are any, the
        start is not held against the network.
    findings : tuple of str
        Plain sentences, the most important first.
    """

    network: Network
    problem: Problem
    agreement: Agreement
    tolerance: float
    step_size: float
    primal: Float
    residual: Float
    optimum: Optimum
    comparisons: tuple[Comparison, ...]
    shortest: MinimumNorm | None
    why_no_shortest: str
    span: Span
    activity: Activity
    selection: Selection
    curvature: Curvature
    limit: DescentLimit
    ridge: Ridge
    test_errors: tuple[TestError, ...]
    n_test: int
    start: Network | None
    n_flipped: int
    findings: tuple[str, ...]

    @property
    def norm(self) -> float:
        """Norm of all folded first-layer weights, biases included."""
        return float(np.linalg.norm(self.network.vectors))

    def __getitem__(self, name: str) -> Comparison:
        """Return the comparison of one name.

        Raises
        ------
        InvalidInputError
            If there is no such comparison.
        """
        if (found := self.find(name)) is not None:
            return found
        names = ", ".join(comparison.name for comparison in self.comparisons)
        raise fail("name", f"is {shown(name)}", f"choose from {names}")

    def find(self, name: str) -> Comparison | None:
        """Return the comparison of one name, or None.

        Parameters
        ----------
        name : str
            Such as ``"minimum norm"``.

        Returns
        -------
        Comparison or None
            None where there is no such comparison.
        """
        return next((c for c in self.comparisons if c.name == name), None)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per neuron.

        Returns
        -------
        pandas.DataFrame
            Columns ``neuron`` (its number in the model), ``sign, norm, share_in_span, n_active,
            n_ignored, n_frozen, smallest_cosine`` (how near a sample comes to its hyperplane,
            signed), and for each comparison ``distance_to_...``, ``cosine_to_...``.
        """
        import pandas as pd

        a, vectors = self.activity, self.network.vectors
        nearest = np.abs(a.cosine).argmin(axis=1)
        columns: dict[str, Any] = {
            "neuron": self.network.kept,
            "sign": self.problem.signs.astype(int),
            "norm": np.linalg.norm(vectors, axis=1),
            "share_in_span": self.span.share,
            "n_active": (a.sign > 0).sum(axis=1),
            "n_ignored": a.n_ignored,
            "n_frozen": (a.frozen > 0).sum(axis=1),
            "smallest_cosine": np.take_along_axis(a.cosine, nearest[:, None], axis=1)[:, 0],
        }
        for c in self.comparisons:
            name = c.name.replace(",", "").replace(" ", "_")
            columns[f"distance_to_{name}"] = c.per_neuron
            columns[f"cosine_to_{name}"] = c.cosines
        return pd.DataFrame(columns)

    def examples(self) -> pd.DataFrame:
        """Return a row per pair of a neuron and a sample.

        Returns
        -------
        pandas.DataFrame
            Columns ``neuron, sample, sign, label`` (output bias subtracted), ``residual, primal,
            state`` ("active", "ignored" or "undecided"), ``cosine, slack, next_primal, headroom``
            (see `Activity`), ``frozen`` (True, False, or None where it is not known or the sample
            is not ignored).
        """
        import pandas as pd

        a = self.activity
        m, n = a.sign.shape
        states = np.array(["undecided", "active", "ignored"])
        answers: list[bool | None] = [None, True, False]
        samples: NDArray[np.intp] = np.arange(n, dtype=np.intp)
        return pd.DataFrame(
            {
                "neuron": np.repeat(self.network.kept, n),
                "sample": np.tile(samples, m),
                "sign": np.repeat(self.problem.signs.astype(int), n),
                "label": np.tile(self.problem.labels, m),
                "residual": np.tile(self.residual, m),
                "primal": self.primal.ravel(),
                "state": states[a.sign.ravel()],
                "cosine": a.cosine.ravel(),
                "slack": a.slack.ravel(),
                "next_primal": a.next_primal.ravel(),
                "headroom": a.headroom.ravel(),
                "frozen": pd.Series([answers[known] for known in a.frozen.ravel()], dtype=object),
            }
        )

    def summary(self) -> str:
        """Return the diagnosis as text: one screen of at most 45 lines of 100 characters."""
        from relubias.diagnosis._text import screen

        return screen(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw which samples each neuron sees, ignores for now, or ignores for ever.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            A row per neuron, a column per sample, in the order of the labels.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.diagnosis._plot import draw_activity

        return draw_activity(self, ax)

    def plot_distances(self, ax: Axes | None = None) -> Axes:
        """Draw the distances to the other networks.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            A bar per comparison, hollow where the other network is not known exactly.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.diagnosis._plot import draw_distances

        return draw_distances(self, ax)

    def plot_errors(self, ax: Axes | None = None) -> Axes:
        """Draw the errors on held-out samples beside those on the training samples.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Dots are held-out errors, circles training errors.

        Raises
        ------
        InvalidInputError
            If there are no held-out samples, or `ax` is no rectangular Axes.
        """
        from relubias.diagnosis._plot import draw_errors

        if not self.test_errors:
            raise fail("held_out", "was not given", "call diagnose(..., held_out=(X, y))")
        return draw_errors(self, ax)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the diagnosis as a page of its own, pictures included.

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
        from relubias.diagnosis._page import diagnosis_page

        text = diagnosis_page(self)
        if path is not None:
            try:
                Path(path).write_text(text, encoding="utf-8")
            except (OSError, ValueError, TypeError) as error:
                reason = getattr(error, "strerror", None) or "not a valid path"
                got = f"{shown(path)} cannot be written ({reason})"
                raise fail("path", got, "choose another place") from error
        return text

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        parts = [f"{self.optimum.rest}", f"loss={self.optimum.loss:.4g}"]
        other = self.find("minimum norm")
        if other is not None and math.isfinite(other.relative):
            parts.append(f"{other.relative:.3g} from the minimum norm")
        parts.append(f"{self.problem.n_neurons} neurons, {self.problem.n_samples} samples")
        return f"Diagnosis({', '.join(parts)})"

    def _repr_html_(self) -> str:
        from relubias.diagnosis._page import diagnosis_body

        return diagnosis_body(self)
