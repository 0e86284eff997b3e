"""How a spectrum looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLUE, GREEN, VERMILLION
from relubias._style import legend_beside, number, picture, title

if TYPE_CHECKING:
    from relubias.ensembles.spectra import Spectrum

__all__ = ["draw_spectrum"]

_MOST_STEPS = 2000
_MOST_DECADES = 100


@picture(height=3.6)
def draw_spectrum(spectrum: Spectrum, axes: Any) -> None:
    """Draw eigenvalues in decreasing order, and the effective dimensions among their ranks."""
    last = np.cumsum(spectrum.multiplicities.astype(float))
    chosen = np.arange(spectrum.n_distinct)
    if chosen.size > _MOST_STEPS:
        chosen = np.unique(np.geomspace(1, chosen.size, _MOST_STEPS).round().astype(int)) - 1
    first = np.concatenate([[1.0], last[:-1] + 1.0])
    ranks = np.stack([first[chosen], last[chosen]], axis=1).ravel()
    style = {"color": BLUE, "lw": 1.6, "zorder": 3, "label": "eigenvalues"}
    few = spectrum.n_distinct <= 30
    look = {"marker": "o", "ms": 4} if few else {}
    handles = axes.plot(ranks, np.repeat(spectrum.values[chosen], 2), **style, **look)
    for rank, name, dashes, colour in (
        (spectrum.d_2, "$d_2$", "--", VERMILLION),
        (spectrum.d_inf, "$d_\\infty$", ":", GREEN),
    ):
        label = f"{name} = {number(rank)}"
        handles.append(axes.axvline(rank, color=colour, ls=dashes, lw=1.3, label=label))
    axes.set_xscale("log")
    top, bottom = float(spectrum.values[0]), float(spectrum.values[-1])
    if top > 3 * bottom:
        axes.set_yscale("log")
        axes.set_ylim(bottom / 1.6, top * 1.6)
        if math.log10(top) - math.log10(bottom) > _MOST_DECADES:  # matplotlib's ticks overflow
            ends = [math.ceil(math.log10(bottom)), math.floor(math.log10(top))]
            axes.set_yticks([10.0**k for k in ends], labels=[f"$10^{{{k}}}$" for k in ends])
            axes.set_yticks([], minor=True)
    else:
        axes.set_ylim(0, 1.15 * top)
    axes.set_xlim(0.8, 1.25 * max(last[-1], 2.0))
    axes.set_xlabel("rank of the eigenvalue")
    axes.set_ylabel("variance of the feature")
    legend_beside(axes, handles)
    d = spectrum.n_features
    share = spectrum.d_2 / d
    if d == 1:
        found = f"one feature of variance {number(top)}"
    elif share > 0.999:
        found = f"{number(d)} features of equal variance: the effective dimension is the same"
    else:
        found = f"{number(d)} features act like {number(spectrum.d_2)} of equal variance ($d_2$)"
    title(axes, found)
