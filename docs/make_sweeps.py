"""Draw the pictures of docs/sweeps.md, from a sweep that takes about half a minute.

python docs/make_sweeps.py

The plan is that of the page; its results go to the folder `sweeps`, where a second run finds them.
"""

from __future__ import annotations

from pathlib import Path

from relubias.experiments import _style as style
from relubias.sweep import Plan, run

FOLDER = Path(__file__).parent / "images"

LAW = Plan(
    name="gap-in-high-dimension",
    n=[5, 10, 20],
    d=[10**2, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8],
    kappa=0.9,
    replicates=200,
    measure=["gap", "gap_ratio", "run_status"],
)

ONE_STEP = Plan(
    name="freezing-after-one-step",
    n=[2, 4, 8, 16, 32, 64],
    d=[128, 512, 2048, 8192, 32768, 131072],
    kappa=0.9,
    algorithm={"name": "descent", "max_iter": 500},
    replicates=100,
    measure="one_step",
)


def draw(_=None):
    """Return the figure with both panels."""
    law = run(LAW, "sweeps", progress=False)
    one_step = run(ONE_STEP, "sweeps", progress=False)
    figure = style.new_figure(2.9)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    law.plot("d", "gap", by="n", fit=True, ax=left)
    one_step.phase_map("d", "n", "one_step", ax=right)
    left.get_legend().remove()
    left.legend(loc="lower left", title="n", alignment="left")
    for label in right.get_xticklabels():
        label.set_rotation(40)
    style.panel(left, "a", "the gap, and its power laws")
    style.panel(right, "b", "does the pattern freeze after one step?")
    return figure


def main() -> None:
    """Write the picture."""
    figure = style.styled(draw)(None)
    path = FOLDER / "sweeps.png"
    style.save(figure, path, path.with_suffix(".pdf"))
    path.with_suffix(".pdf").unlink()


if __name__ == "__main__":
    main()
