"""The picture of a gradient flow shows its paths, its sliding stretches and its events."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import relubias as rb


@pytest.fixture
def flow():
    X = [[1.2, -0.8, 0.6], [0.7, -0.4, 0.1], [0.8, 0.3, -0.1]]
    problem = rb.Problem.from_features(X, [1.0, 0.3, -1.0])
    return rb.gradient_flow(problem, rb.starts.from_weights(X, [[0.6, -0.1, 0.0]]))


@pytest.fixture
def axes(flow):
    drawn = flow.plot()
    yield drawn
    plt.close(drawn.figure)


def lines(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker and len(line.get_xdata())]


def test_paths_run_from_the_start_to_the_limit_through_every_event(flow, axes):
    paths = [line for line in axes.lines if len(line.get_xdata()) > 100]
    assert len(paths) == 3
    for i, path in enumerate(paths):
        time, primal = path.get_xdata(), path.get_ydata()
        assert time[0] == 0
        assert primal[0] == flow.at(0).primal[0, i]
        assert set(flow.switches["time"]) <= set(time)
        assert primal[-1] == pytest.approx(flow.limit.primal[0, i], abs=0.01)


def test_a_bar_on_zero_spans_the_sliding_stretch(flow, axes):
    bars = [line for line in axes.lines if line.get_linewidth() > 4 and len(line.get_xdata()) == 2]
    assert len(bars) == 1
    np.testing.assert_array_equal(bars[0].get_xdata(), flow.switches["time"])
    np.testing.assert_array_equal(bars[0].get_ydata(), [0, 0])


def test_marks_stand_at_the_events(flow, axes):
    (begins,), (off,) = (lines(axes, marker) for marker in "ov")
    assert begins.get_xdata() == flow.switches["time"][0]
    assert off.get_xdata() == flow.switches["time"][1]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "neuron 0 (+)", "label > 0", "label \N{LESS-THAN OR EQUAL TO} 0", "the label",
        "begins to slide", "off", "sliding: on zero",
    ]  # fmt: skip
    assert axes.get_title(loc="left") == "certified limit after 2 events"
    assert axes.get_xlabel() == "time"


def test_a_flow_without_events_and_one_cut_short_are_drawn(flow):
    still = rb.gradient_flow(flow.problem, np.zeros((1, 3)))
    short = rb.gradient_flow(flow.problem, flow.start, max_events=1)
    before = dict(mpl.rcParams)
    figure, panels = plt.subplots(1, 2)
    assert still.plot(panels[0]) is panels[0]
    assert "1 event" in short.plot(panels[1]).get_title(loc="left")
    figure.canvas.draw()
    plt.close(figure)
    assert dict(mpl.rcParams) == before
