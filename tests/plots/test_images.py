"""Pictures beside their images on disk; words are taken out, so that no font plays a part.

Renew them, after a change of the look that was meant, and look at every one:

    python -m pytest tests/plots/test_images.py -n0 --mpl-generate-path=tests/plots/baseline

The tolerance is a root mean square over pixels, of 255. Without words, matplotlib 3.10.0 and 3.11.2
draw the same pixels, so 2 leaves room for other ways to smooth edges; the changes of
`test_a_wrong_picture_is_noticed`, one mark among them, are above it.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from tests.plots.results import PICTURES, RESULTS, data, descent, result

mpl.use("Agg")

BASELINE = Path(__file__).parent / "baseline"
TOLERANCE = 2.0
DPI = 50

SHOWN = (
    "bias_gap_pair",
    "both_layers",
    "both_layers_flow",
    "closest_fit",
    "descent",
    "descent_batch_unfinished",
    "descent_eight_neurons",
    "descent_many_samples",
    "descent_momentum",
    "feature_law",
    "flow",
    "flow_three_neurons",
    "linear",
    "minimum_norm",
    "minimum_norm_batch",
    "minimum_norm_eight_neurons",
    "minimum_norm_infeasible",
    "minimum_norm_pair",
    "phase_map",
    "power_law",
    "report",
    "run_certificate_not_met",
    "search_tree",
    "spectrum",
    "step_sizes",
    "sweep_bands",
    "sweep_fit",
    "sweep_words",
    "verification_refuted",
)


def without_words(figure):
    """Empty every text of a figure, ticks that are still to come included, and take out legends.

    A legend's size is that of its letters, even where they are none.
    """
    for axes in figure.axes:
        if axes.get_legend() is not None:
            axes.get_legend().remove()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("")
            axis.set_minor_formatter("")
    for text in figure.findobj(Text):
        text.set_text("")
    return figure


def compared(name):
    """Return a case that is compared with the image of that name."""
    options = {"style": "default", "tolerance": TOLERANCE, "savefig_kwargs": {"dpi": DPI}}
    mark = pytest.mark.mpl_image_compare(
        baseline_dir=str(BASELINE), filename=f"{name}.png", **options
    )
    return pytest.param(name, marks=mark)


@pytest.mark.parametrize("name", [compared(name) for name in SHOWN])
def test_the_picture_is_that_on_disk(name):
    return without_words(PICTURES[name]().figure)


def difference(name, figure, folder):
    """Return the root mean square difference of a figure from the image on disk."""
    path = folder / "drawn.png"
    without_words(figure).savefig(path, dpi=DPI)
    plt.close(figure)
    drawn, expected = (255.0 * imread(p)[..., :3] for p in (path, BASELINE / f"{name}.png"))
    if drawn.shape != expected.shape:
        return np.inf
    return float(np.sqrt(np.mean((drawn - expected) ** 2)))


def one_neuron_less():
    axes = PICTURES["descent"]()
    for line in [line for line in axes.lines if line.get_color() == "#D55E00"]:
        line.remove()
    return axes.figure


def another_problem():
    return descent(data(signs=(1, -1)), kappa=0.4).plot().figure


def filled_instead_of_hollow():
    axes = PICTURES["minimum_norm"]()
    for line in axes.lines:
        line.set_markerfacecolor(line.get_color())
    return axes.figure


def a_sample_elsewhere():
    axes = PICTURES["linear"]()
    heights = axes.lines[1].get_ydata().copy()
    heights[0] += 0.3
    axes.lines[1].set_ydata(heights)
    return axes.figure


def no_law():
    axes = PICTURES["bias_gap_pair"]()
    for line in [line for line in axes.lines if line.get_marker() == "D"]:
        line.remove()
    return axes.figure


WRONG = {
    "descent": (one_neuron_less, another_problem),
    "minimum_norm": (filled_instead_of_hollow,),
    "linear": (a_sample_elsewhere,),
    "bias_gap_pair": (no_law,),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_picture_is_noticed(name, tmp_path):
    assert difference(name, PICTURES[name]().figure, tmp_path) <= TOLERANCE
    for draw in WRONG[name]:
        assert difference(name, draw(), tmp_path) > 1.3 * TOLERANCE, draw.__name__


def test_every_image_on_disk_is_compared_and_small():
    found = {path.stem: path.stat().st_size for path in BASELINE.glob("*.png")}
    assert sorted(found) == sorted(SHOWN)
    assert max(found.values()) < 40_000


def test_every_kind_of_result_has_an_image():
    kinds = {type(result(name)).__name__ for name in RESULTS}
    assert kinds == {type(result(name)).__name__ for name in RESULTS if name in SHOWN}
