"""Draw the pictures of docs/index.md, for light and dark pages: `just picture`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import relubias as rb

IMAGES = Path(__file__).parent / "images"
INKS = {
    "light": {"ink": "#22272e", "fitted": "#0072B2", "ignored": "#D55E00", "law": "#6e6e6e"},
    "dark": {"ink": "#ced6dd", "fitted": "#56B4E9", "ignored": "#E69F00", "law": "#9aa4ad"},
}
N, KAPPA, STEPS = 24, 0.6, 12


def example(d: int, seed: int) -> tuple[rb.Problem, rb.DescentTrajectory, float]:
    """Return a problem of one neuron in dimension d, its run, and the trace of its law."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.3, 1.0)(N, seed=seed)
    problem = rb.Problem(law.sample_gram(N, seed=seed), labels)
    start = rb.starts.all_positive(problem, 0.03)
    run = rb.gradient_descent(
        problem, start, step_size=KAPPA / law.trace, record=np.arange(STEPS + 1)
    )
    return problem, run, law.trace


def draw_paths(axes: Axes, ink: dict[str, str]) -> None:
    """Draw what the neuron predicts for each sample, step by step."""
    problem, run, _ = example(3000, seed=3)
    for i, label in enumerate(problem.labels):
        color = ink["fitted" if label > 0 else "ignored"]
        axes.plot(run.records.time, run.records.primal[:, 0, i], color=color, lw=1.3)
    axes.axhline(0.0, color=ink["ink"], lw=0.8)
    axes.text(STEPS, 0.06, "positive labels: fitted", color=ink["fitted"], ha="right")
    words = "negative labels: ignored from step 1 on"
    axes.text(STEPS, -0.1, words, color=ink["ignored"], ha="right")
    axes.set(xlabel="steps", xlim=(0, STEPS), title="What one neuron predicts")


def draw_gap(axes: Axes, ink: dict[str, str]) -> None:
    """Draw the distance from the shortest network against the dimension."""
    dimensions = np.unique(np.logspace(2, 7, 11).astype(int))
    gaps, laws = [], []
    for d in dimensions:
        pairs = []
        for seed in range(5):
            problem, run, trace = example(int(d), seed)
            gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=trace)
            pairs.append((gap.distance, gap.prediction))
        gaps.append(np.median([pair[0] for pair in pairs]))
        laws.append(np.median([pair[1] for pair in pairs]))
    axes.loglog(dimensions, laws, "--", color=ink["law"], lw=1.3, label="law")
    axes.loglog(dimensions, gaps, "o", color=ink["fitted"], ms=4, label="measured")
    axes.set(xlabel="dimension", title="Its distance from the shortest one")
    axes.legend(frameon=False, labelcolor=ink["ink"])


def draw(ink: dict[str, str]) -> Figure:
    """Draw both panels in the colours given."""
    style = {
        "font.size": 9.0,
        "axes.titlesize": 10.0,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "relubias",
    }
    for name in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"):
        style[name] = ink["ink"]
    style["axes.titlecolor"] = ink["ink"]
    with mpl.rc_context(style):
        figure = Figure(figsize=(8.0, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
        draw_paths(left, ink)
        draw_gap(right, ink)
    return figure


if __name__ == "__main__":
    for name, ink in INKS.items():
        figure = draw(ink)
        figure.savefig(IMAGES / f"front_{name}.png", dpi=170, transparent=True)
