"""How proofs of minimum norm look: claims with their margins, and search trees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._margins import ROUNDING, draw_rows
from relubias._palette import BLUE, GREY, VERMILLION
from relubias._style import counted, legend_beside, number, picture, title

if TYPE_CHECKING:
    from relubias.minnorm.search_tree import SearchTree
    from relubias.minnorm.verification import Verification

__all__ = ["draw_tree", "draw_verification"]

_VERDICTS = {True: "verified", False: "refuted", None: "neither verified nor refuted"}


@picture(height=lambda found: 1.5 + 0.3 * max(len(found.checks), 2))
def draw_verification(found: Verification, axes: Any) -> None:
    """Draw the margin of every claim on a line of its own."""
    words = {True: "verified", False: "refuted", None: "on trust"}
    rows = [(c.claim, c.margin, c.rounding_error, words[c.holds]) for c in found.checks]
    draw_rows(axes, rows, ROUNDING)
    axes.set_xlabel("relative margin: right of 0 the claim holds")
    n_verified = len(found.checked)
    claims = f"{n_verified} of {counted(len(found.checks), 'claim')} verified"
    title(axes, f"the answer is {_VERDICTS[found.holds]}: {claims}")


@picture()
def draw_tree(tree: SearchTree, axes: Any) -> None:
    """Draw the bound of every node against its depth; leaves are filled."""
    depth = np.zeros(tree.parent.size, dtype=int)
    for node in range(1, depth.size):  # parents precede children
        depth[node] = depth[tree.parent[node]] + 1
    is_leaf = np.isin(np.arange(depth.size), tree.leaves)
    is_known = np.isfinite(tree.bound)
    for node in np.flatnonzero(tree.parent >= 0) if depth.size <= 2000 else ():
        ends = [int(tree.parent[node]), int(node)]
        if is_known[ends].all():
            axes.plot(depth[ends], tree.bound[ends], "-", color=GREY, lw=0.5, alpha=0.6, zorder=1)
    handles: list[Any] = []
    look = {"ls": "none", "zorder": 3}
    for part, style, name in (
        (~is_leaf & is_known, {"marker": "o", "color": VERMILLION, "mfc": "white", "ms": 4},
         "split further"),
        (is_leaf & is_known, {"marker": "s", "color": BLUE, "ms": 4}, "leaf: closed by its bound"),
    ):  # fmt: skip
        if part.any():
            handles += axes.plot(depth[part], tree.bound[part], label=name, **look, **style)
    if (is_leaf & ~is_known).any():
        top = float(tree.bound[is_known].max(initial=0.0)) or 1.0
        empty = depth[is_leaf & ~is_known]
        style = {"marker": "X", "color": GREY, "ms": 5}
        places = np.full(empty.size, 1.05 * top)
        handles += axes.plot(empty, places, label="leaf: nothing fits", **look, **style)
    axes.set_xlabel("depth: samples decided")
    axes.set_ylabel("no network below the node is shorter")
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend_beside(axes, handles)
    closed = tree.bound[is_leaf & is_known]
    least = float(closed.min(initial=math.inf))
    if math.isinf(least):
        found = "nothing fits"
    else:
        found = f"no network is shorter than {number(least, 4)}"
    nodes = counted(depth.size, "node")
    title(axes, f"{found}: proved by {nodes}, {counted(int(is_leaf.sum()), 'leaf', 'leaves')}")
