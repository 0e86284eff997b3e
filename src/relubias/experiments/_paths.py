"""Predictions of one neuron against the step: recorded, and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias.experiments import _style as style
from relubias.experiments._one_neuron import Case
from relubias.experiments._table import DataFrame, groups, values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_paths", "log_steps", "path_rows"]


def log_steps(last: int, n_points: int = 160) -> NDArray[np.int64]:
    """Return step counts from 0 to `last`, dense in the logarithm."""
    spread = np.geomspace(1, last, n_points).round().astype(np.int64)
    return np.unique(np.append(0, spread))


def path_rows(case: Case, n_steps: int) -> list[dict[str, Any]]:
    """Run one case and return the recorded predictions, one row per step and example."""
    records = rb.gradient_descent(
        case.problem, case.start, step_size=case.step_size, record=log_steps(n_steps)
    ).records
    about = case.about | {"part": "path"}
    return [
        about
        | {
            "time": int(records.time[r]),
            "sample": i,
            "label": float(case.problem.labels[i]),
            "primal": float(records.primal[r, 0, i]),
        }
        for r, i in np.ndindex(records.primal.shape[0], records.primal.shape[2])
    ]


def draw_paths(ax: Axes, part: DataFrame, *, numbered: bool = False) -> list[Any]:
    """Draw the predictions of one run; return handles for a legend."""
    from matplotlib.transforms import blended_transform_factory

    beside = blended_transform_factory(ax.transAxes, ax.transData)
    handles: dict[str, Any] = {}
    marks: list[tuple[float, int]] = []
    name: str
    look: dict[str, Any]
    last = float(values(part, "time").max())
    for _, path in groups(part, "sample"):
        time, primal = values(path, "time"), values(path, "primal")
        label = float(path["label"].iloc[0])
        if label > 0 and primal[0] > 0:
            name, look = "y > 0, starts active", {"color": style.BLUE, "linestyle": "-"}
        elif label > 0:
            name, look = "y > 0, starts inactive", {"color": style.ORANGE, "linestyle": "-."}
        else:
            name, look = "y < 0", {"color": style.VERMILLION, "linestyle": (0, (3, 1.5))}
        (handles[name],) = ax.plot(np.maximum(time, 0.7), primal, **look, linewidth=1, label=name)
        if label > 0:
            (handles["label"],) = ax.plot(
                [1.03], [label], "o", markerfacecolor="white", clip_on=False,
                color=look["color"], markersize=4, label="label y", transform=beside,
            )  # fmt: skip
            marks.append((label, int(path["sample"].iloc[0]) + 1))
    ax.axhline(0, color=style.BLACK, linewidth=0.6)
    ax.set_xscale("log")
    ax.set_xlim(0.7, last)
    style.plain_decades(ax.xaxis, 1, last)
    ax.minorticks_off()
    if numbered:
        _number(ax, marks, beside)
    order = ("y > 0, starts active", "y > 0, starts inactive", "y < 0", "label")
    return [handles[name] for name in order if name in handles]


def _number(ax: Axes, marks: list[tuple[float, int]], beside: Any) -> None:
    """Write the number of each example beside its label, pushed apart where they would touch."""
    low, high = ax.get_ylim()
    lowest = -np.inf
    for label, number in sorted(marks):
        height = max(label, lowest)
        lowest = height + 0.055 * (high - low)
        ax.text(1.07, height, str(number), va="center", transform=beside, clip_on=False)
