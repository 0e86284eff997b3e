"""How figures that examples draw themselves look; pictures of results bring their own style."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

LOOK = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.dpi": 110,
    "font.size": 9.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "savefig.dpi": 110,
}


def apply(gallery_conf: dict[str, Any], name: str) -> None:
    """Set it, before every example."""
    del gallery_conf, name
    mpl.rcParams.update(LOOK)
