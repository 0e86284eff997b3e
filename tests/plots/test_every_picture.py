"""What holds for every picture: words that fit, looks that need no colour, settings left alone."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

import relubias as rb
from tests.plots.results import PICTURES, RESULTS, result

mpl.use("Agg")

DIAGRAMS = {"transitions"}
"""In which nothing is measured along an axis."""

UNTITLED = {"sweep_bands", "sweep_words"}
"""Several curves, or points side by side, that have no finding in common."""


@pytest.fixture(autouse=True)
def _no_figure_stays():
    yield
    plt.close("all")


def words_of(figure):
    """Return the texts of a figure that are seen, as (text, box in pixels)."""
    renderer = figure.canvas.get_renderer()
    seen = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {t for axes in figure.axes if not axes.axison for t in axes.xaxis.findobj(Text)}
    hidden |= {t for axes in figure.axes if not axes.axison for t in axes.yaxis.findobj(Text)}
    return [(t.get_text(), t.get_window_extent(renderer)) for t in seen if t not in hidden]


def ticks_outside(axes):
    """Return the labels of ticks beyond the ends of their axis, which are not drawn."""
    found = set()
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                found |= {tick.label1.get_text(), tick.label2.get_text()}
    return found


def look_without_colour(handle):
    """Return what is left of the look of a legend's handle in a grey print."""
    if isinstance(handle, Line2D):
        fill = handle.get_markerfacecolor()
        is_hollow = isinstance(fill, str) and fill in ("none", "white")
        dashes = handle.get_linestyle()
        return (handle.get_marker(), dashes, is_hollow, handle.get_linewidth() > 3)
    return (type(handle).__name__, round(handle.get_alpha() or 1, 2), handle.get_hatch())


def lightness(handle):
    colour = handle.get_color() if isinstance(handle, Line2D) else handle.get_facecolor()
    r, g, b, a = to_rgba(np.asarray(colour).ravel()[:4] if not isinstance(colour, str) else colour)
    return 1.0 - a * (1.0 - (0.299 * r + 0.587 * g + 0.114 * b))  # on white paper


@pytest.mark.parametrize("name", PICTURES)
def test_a_new_figure_says_what_it_shows_and_nothing_is_cut_off(name):
    before = dict(mpl.rcParams)
    axes = PICTURES[name]()
    assert dict(mpl.rcParams) == before
    figure = axes.figure
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()
    if name not in UNTITLED:
        assert axes.get_title(loc="left").strip()
    if name not in DIAGRAMS:
        assert figure.axes[-1 if len(figure.axes) == 2 and "both" in name else 0].get_xlabel()
        assert axes.get_ylabel() or axes.get_yticklabels() or not axes.get_yticks().size
    assert_words_fit(figure)
    for part in figure.axes if name not in DIAGRAMS else ():
        assert_ticks_are_apart(part)
    legend = axes.get_legend()
    if legend is not None:
        assert legend.get_window_extent().x0 >= axes.get_window_extent().x1 - 1
        assert_no_colour_is_needed(legend.legend_handles)


def assert_ticks_are_apart(axes):
    """Numbers along the horizontal axis do not run into each other."""
    low, high = sorted(axes.get_xlim())
    shown = [t for t in axes.xaxis.get_major_ticks() if low <= t.get_loc() <= high]
    labels = [t.label1 for t in shown if t.label1.get_visible() and t.label1.get_text()]
    boxes = sorted((t.get_window_extent() for t in labels), key=lambda box: box.x0)
    for left, right in pairwise(boxes):
        assert left.x1 < right.x0


def assert_words_fit(figure):
    left, bottom, right, top = figure.bbox.extents
    unseen = set().union(*(ticks_outside(part) for part in figure.axes))
    for text, box in words_of(figure):
        if text not in unseen:
            assert min(box.x0 - left, right + 1 - box.x1) >= 0, text
            assert min(box.y0 - bottom, top + 1 - box.y1) >= 0, text
        plain = re.sub(r"\$[^$]*\$", "", text)
        assert not re.search(r"(^|[\s(=\[])-[\d.]", plain), text


def assert_no_colour_is_needed(handles):
    """Any two series differ in marker, line or fill, or are far apart in a grey print."""
    looks = [look_without_colour(handle) for handle in handles]
    for a, b in combinations(range(len(handles)), 2):
        if looks[a] == looks[b]:
            assert abs(lightness(handles[a]) - lightness(handles[b])) > 0.08


@pytest.mark.parametrize("name", PICTURES)
def test_given_axes_are_drawn_on_and_nothing_else(name):
    figure = Figure(figsize=(10, 4), layout="constrained")
    ours, theirs = figure.subplots(1, 2)
    theirs.plot([0, 1], [0, 1])
    before = dict(mpl.rcParams)
    assert PICTURES[name](ours) is ours
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
    assert len(theirs.lines) == 1
    assert theirs.get_title(loc="left") == ""
    assert ours.has_data() or ours.texts


def wrong_axes():
    figure = Figure()
    polar = figure.add_subplot(projection="polar")
    in_space = figure.add_subplot(projection="3d")
    return ["axes", 3, figure, Figure().subplots(2, 2), polar, in_space]


def test_what_is_no_axes_is_named():
    one_of_each = {type(result(name)).__name__: name for name in RESULTS}
    chosen = [*one_of_each.values(), *(set(PICTURES) - set(RESULTS))]
    for wrong in wrong_axes():
        for name in chosen:
            with pytest.raises(rb.InvalidInputError, match=r"^ax: is ") as caught:
                PICTURES[name](wrong)
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 200
    assert plt.get_fignums() == []


def test_a_user_with_other_settings_gets_the_same_figure_and_keeps_them():
    def pixels():
        axes = PICTURES["minimum_norm"]()
        axes.figure.set_dpi(80)
        axes.figure.canvas.draw()
        return np.asarray(axes.figure.canvas.buffer_rgba()).copy()

    ours = pixels()
    theirs = {
        "font.size": 20,
        "font.family": "serif",
        "axes.grid": False,
        "axes.spines.right": True,
        "lines.linewidth": 9,
        "xtick.labelsize": 22,
        "figure.figsize": (2, 2),
    }
    with mpl.rc_context(theirs):
        again = pixels()
        assert mpl.rcParams["font.size"] == 20
    assert np.abs(ours.astype(int) - again).max() == 0


def test_the_figure_has_the_resolution_of_the_users_screen():
    with mpl.rc_context({"figure.dpi": 61}):
        assert PICTURES["bias_gap"]().figure.dpi == 61


def test_many_samples_become_bands():
    axes = PICTURES["descent_many_samples"]()
    assert len([c for c in axes.collections if isinstance(c, PolyCollection)]) >= 2
    assert len(axes.lines) < 50
