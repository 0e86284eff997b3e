"""Table 1 as a picture: a shaded cell is claimed, a tick or a cross is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relubias.experiments import _style as style
from relubias.experiments import _table1_runs as runs
from relubias.experiments.registry import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CLAIMS", "SHORTEST", "draw_cells"]

_LINE = 0.138  # inches between lines
_PAD = 0.07
_LEFT = (0.0, 1.28, 2.62, 3.98, 5.28)  # inches, of the columns
_HEADS = ("training", "orthogonal", "high-dimensional", "worst case", "assumptions broken")
_DATA = ("orthogonal", "high_dimensional", "worst_case", "outside")
_TINT, _PLAIN, _OUTSIDE = "#d9e8f5", "#ffffff", "#f1f1f1"
_YES, _NO = "\N{CHECK MARK}", "\N{BALLOT X}"
SHORTEST = 1e-4
"""Relative distance below which a limit counts as the shortest solution."""

Line = tuple[str, str]
"""A mark and a text."""

_TRAINING = {
    "boursier": (
        "Boursier et al. 2022", "both layers, flow from", "a small balanced start",
        r"bias: excess of $\|\theta\|^2$",
    ),
    "dana": (
        "Dana et al. 2025", "both layers, flow,", r"$|a_k| \geq \|w_k\|$",
        r"bias: excess of $\|\theta\|^2$",
    ),
    "vardi_shamir": (
        "Vardi, Shamir 2021", "one neuron, flow", "from zero", r"bias: distance / $\|w^\star\|$",
    ),
    "lai2026": (
        "this paper", "first layer, descent,", "positive start",
        r"bias: distance / $\|w^\star\|$",
    ),
}  # fmt: skip
CLAIMS = {
    ("boursier", "orthogonal"): "zero loss, shortest",
    ("dana", "orthogonal"): "zero loss",
    ("dana", "high_dimensional"): "zero loss",
    ("vardi_shamir", "worst_case"): "not the shortest",
    ("lai2026", "high_dimensional"): "least loss, a gap",
}


def draw_cells(measured: Mapping[str, Measured]) -> Figure:
    """Draw the table from the measured figures, under the style that is set."""
    cells = _cells(measured)
    heights = [
        _LINE * max(len(words), *(len(cells[name, data]) for data in _DATA)) + 2 * _PAD
        for name, words in _TRAINING.items()
    ]
    head, foot = _LINE + 2 * _PAD, 2 * _LINE + 2 * _PAD
    height = head + sum(heights) + foot
    figure = style.new_figure(height)
    figure.set_layout_engine("none")
    ax: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set_xlim(0.0, style.WIDE)
    ax.set_ylim(height, 0.0)
    ax.set_axis_off()
    edges = (*_LEFT, style.WIDE)
    for left, text in zip(_LEFT, _HEADS, strict=True):
        ax.text(left + _PAD, _PAD, text, va="top", weight="bold")
    top = head
    for name, tall in zip(_TRAINING, heights, strict=True):
        _write(ax, 0.0, top, [("", text) for text in _TRAINING[name]], bold_first=True)
        for j, data in enumerate(_DATA):
            tint = _TINT if (name, data) in CLAIMS else _OUTSIDE if data == "outside" else _PLAIN
            width = edges[j + 2] - edges[j + 1]
            ax.add_patch(_rectangle(edges[j + 1], top, width, tall, tint))
            _write(ax, edges[j + 1], top, cells[name, data], bold_first=False)
        ax.plot([0.0, style.WIDE], [top, top], color=style.GREY, linewidth=0.6)
        top += tall
    ax.plot([0.0, style.WIDE], [top, top], color=style.GREY, linewidth=0.6)
    _write(
        ax, 0.0, top,
        [
            ("", "Shaded: claimed. Measured: share of runs that reach the loss "
             f"({_YES} all), median bias ({_YES} below $10^{{-4}}$)."),
            ("", r"This paper: $\kappa = 0.9$ unless said; the loss is that of two neurons. It "
             "claims a bias, as do Vardi and Shamir."),
        ], bold_first=False,
    )  # fmt: skip
    return figure


def _rectangle(left: float, top: float, width: float, height: float, color: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, facecolor=color, edgecolor="#c8c8c8",
                     linewidth=0.4, zorder=0)  # fmt: skip


def _write(ax: Any, left: float, top: float, lines: list[Line], *, bold_first: bool) -> None:
    colors = {_YES: style.BLUE, _NO: style.VERMILLION}
    for k, (mark, text) in enumerate(lines):
        y = top + _PAD + (k + 0.5) * _LINE
        x = left + _PAD
        if mark in colors:
            ax.text(x, y, mark, va="center", color=colors[mark], fontsize=7.5)
            x += 0.13
        weight = "bold" if bold_first and k == 0 else "normal"
        color = style.GREY if mark == "note" else style.BLACK
        ax.text(x, y, text, va="center", fontsize=7, weight=weight, color=color)


def _cells(measured: Mapping[str, Measured]) -> dict[tuple[str, str], list[Line]]:
    """Return the lines of every cell."""
    value = {name: m.value for name, m in measured.items()}

    def loss(key: str, what: str = "zero loss") -> Line:
        share = value[f"least_loss_{key}"]
        return (_YES if share == 1 else _NO), f"{what}: {_percent(share)}"

    def bias(key: str, what: str = "") -> Line:
        size = value[f"bias_{key}"]
        mark = _YES if abs(size) < SHORTEST else _NO
        return mark, f"bias{what}: {_small(size)}"

    def claim(name: str, data: str) -> Line:
        text = CLAIMS.get((name, data))
        return "note", f"claims {text}" if text else "no claim"

    cells: dict[tuple[str, str], list[Line]] = {}
    for name in ("boursier", "dana", "vardi_shamir"):
        what = "least loss" if name == "vardi_shamir" else "zero loss"
        for data in ("orthogonal", "high_dimensional", "worst_case"):
            key = f"{name}_{data}"
            cells[name, data] = [claim(name, data), loss(key, what), bias(key)]
    dependent = value["fraction_dependent_vardi_shamir_high_dimensional"]
    largest = value["largest_bias_vardi_shamir_high_dimensional"]
    cells["vardi_shamir", "high_dimensional"] += [
        ("note", f"off in {_percent(dependent)} of the data,"),
        ("note", f"by {_small(largest)} at most"),
    ]
    cells["vardi_shamir", "worst_case"].append(
        ("note", rf"$s = {value['s_vardi_shamir_worst_case']:.5f}$, $\gamma = {runs.GAMMA:g}$")
    )
    for data in ("orthogonal", "high_dimensional", "worst_case"):
        one, two = f"lai2026_{data}_one_neuron", f"lai2026_{data}_two_neurons"
        lines = [claim("lai2026", data), loss(two), bias(one), bias(two, ", two neurons")]
        ratio = value.get(f"ratio_to_law_{one}")
        if ratio is not None:
            lines.append(("note", f"gap / sharp law: {ratio:.3f}"))
        cells["lai2026", data] = lines
    cells["boursier", "outside"] = [
        ("note", "no neuron sees a whole sign"), loss("boursier_outside_uncovered"),
        bias("boursier_outside_uncovered"), ("note", r"start $\lambda = 1$"),
        bias("boursier_outside_large_start"),
    ]  # fmt: skip
    cells["dana", "outside"] = [
        ("note", f"{runs.FEW} neurons, not covered"), loss("dana_outside_uncovered"),
        ("note", "$d = n = 50$, covered"), loss("dana_outside_correlated"),
        ("note", f"pair lost: {_percent(value['lost_dana_outside_correlated'])}"),
    ]  # fmt: skip
    key = "vardi_shamir_outside_gamma_0"
    cells["vardi_shamir", "outside"] = [
        ("note", r"$\gamma = 0$"), loss(key, "least loss"), bias(key)
    ]  # fmt: skip
    low = "lai2026_outside_low_dimension_two_neurons"
    cells["lai2026", "outside"] = [
        ("note", f"$d = {runs.LOW_DIMENSION}$: settled {_percent(value[f'settled_{low}'])}"),
        loss(low), bias("lai2026_outside_low_dimension_one_neuron"),
        ("note", rf"$\kappa = {runs.SMALL_KAPPA:g}$"), bias("lai2026_outside_small_step"),
    ]  # fmt: skip
    return cells


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _small(size: float) -> str:
    """Return a relative size with one or two digits; 0 where it is rounding."""
    if abs(size) < 1e-14:
        return "0"
    if abs(size) < 1e-3:
        mantissa, exponent = f"{size:.0e}".split("e")
        return rf"${mantissa}\cdot 10^{{{int(exponent)}}}$"
    return f"{size:.2g}" if abs(size) < 10 else f"{size:.0f}"
