"""Draw the picture of docs/flow.md.

python docs/make_flow.py

Three examples, one neuron. Gradient flow slides along the hyperplane of example 3 for a while;
descent with small steps jumps to and fro across it, active for the share of the steps that the
flow takes as its slope there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import relubias as rb
from relubias.experiments import _style as style

PAGE_IMAGE = Path(__file__).parent / "images" / "flow.png"


def example():
    """Return the problem and its start: round numbers that slide and let go."""
    features = np.array([[1.2, -0.8, 0.6], [0.7, -0.4, 0.1], [0.8, 0.3, -0.1]])
    problem = rb.Problem.from_features(features, [1.0, 0.3, -1.0])
    return problem, rb.starts.from_weights(features, [[0.6, -0.1, 0.0]])


def slope_while_sliding(problem, flow, times, i):
    """Return the part of example i's force that acts while it slides, between 0 and 1."""
    found = []
    for t in times:
        u = flow.at(float(t)).primal[0]
        residual = np.maximum(u, 0) - problem.labels
        push = problem.gram[i] @ np.where(u > 0, residual, 0.0)
        found.append(-push / problem.gram[i, i] / residual[i])
    return np.array(found)


def draw(_=None):
    """Return the figure."""
    problem, start = example()
    flow = rb.gradient_flow(problem, start)
    i = int(flow.switches["sample"][0])
    begin, end = (float(t) for t in flow.switches["time"])
    figure = style.new_figure(2.9)
    left, middle, right = figure.subplots(1, 3)
    time = np.linspace(0, 5.5 * end, 1500)
    primal = np.array([flow.at(float(t)).primal[0] for t in time])
    for k, look in enumerate((style.LOOKS[1], style.LOOKS[2], style.LOOKS[0])):
        relation = ">" if problem.labels[k] > 0 else "<"
        left.plot(
            time, primal[:, k], color=look["color"], linestyle=look["linestyle"],
            label=rf"$w \cdot x_{k + 1}$, $y_{k + 1} {relation} 0$",
        )  # fmt: skip
    left.plot([begin, end], [0, 0], color=style.BLUE, linewidth=5, alpha=0.4, solid_capstyle="butt")
    left.annotate(
        "slides", xy=((begin + end) / 2, 0), xytext=((begin + end) / 2, -0.28), ha="center",
        arrowprops={"arrowstyle": "-", "color": style.GREY, "linewidth": 0.6},
    )  # fmt: skip
    step = 0.02
    run = rb.gradient_descent(problem, start, step_size=step)
    n_steps = int(1.25 * end / step)
    path = np.array([run.at(t).primal[0, i] for t in range(n_steps)])
    at = step * np.arange(n_steps)
    middle.plot(at, path, color=style.VERMILLION, linewidth=0.7, label=f"descent, step {step:g}")
    middle.plot(time, primal[:, i], color=style.BLUE, label="flow")
    middle.set_xlim(0.8 * begin, 1.15 * end)
    middle.set_ylim(-0.03, 0.08)
    fine, window = 1e-4, 400
    run = rb.gradient_descent(problem, start, step_size=fine)
    active = activity(run, i, int(1.2 * end / fine))
    share = np.convolve(active, np.full(window, 1 / window), mode="same")
    inside = np.linspace(begin, end, 100)
    right.plot(
        inside, slope_while_sliding(problem, flow, inside, i), color=style.BLUE, linewidth=1.6,
        label=r"flow: slope $\alpha$",
    )  # fmt: skip
    right.plot(
        fine * np.arange(share.size)[::400], share[::400], ".", markersize=3,
        color=style.VERMILLION, label=f"descent: active steps\nof {window}, step {fine:g}",
    )  # fmt: skip
    right.set_xlim(0.8 * begin, 1.15 * end)
    style.panel(left, "a", "gradient flow", x="time", y="prediction before the ReLU")
    style.panel(middle, "b", "example 3 close by", x="time", y=r"$w \cdot x_3$")
    style.panel(right, "c", "how much it is active", x="time", y="share")
    for ax in (left, middle, right):
        ax.legend(loc="upper right")
    left.set_ylim(-0.45, 1.75)
    right.set_ylim(-0.03, 1.35)
    middle.axhline(0, color=style.BLACK, linewidth=0.6, linestyle=":")
    left.axhline(0, color=style.BLACK, linewidth=0.6, linestyle=":")
    return figure


def activity(run, i, n_steps):
    """Return 1 for the steps in which example i is active, read off the switches."""
    active = np.zeros(n_steps)
    mode, begin = float(run.at(0).primal[0, i] > 0), 0
    for row in run.switches[run.switches["sample"] == i]:
        end = min(int(row["time"]), n_steps)
        active[begin:end] = mode
        mode, begin = float(row["mode"] > 0), end
    active[begin:] = mode
    return active


def main() -> None:
    """Write the picture."""
    figure = style.styled(draw)(None)
    PAGE_IMAGE.parent.mkdir(exist_ok=True)
    style.save(figure, PAGE_IMAGE, PAGE_IMAGE.with_suffix(".pdf"))
    PAGE_IMAGE.with_suffix(".pdf").unlink()


if __name__ == "__main__":
    main()
