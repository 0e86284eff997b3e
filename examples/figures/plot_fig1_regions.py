r"""
Figure 1: where one step moves an example
=========================================

Seen from one neuron, an example is in one of four regions. Two of them are absorbing: an active
example whose label agrees with the neuron stays active (Lemma 5), and an inactive one whose dual
variable is negative enough is frozen (Lemma 6). Is that so on data? Count the moves of a run.
"""

# %%
# Two neurons of opposite signs, ten examples in 2,000 dimensions, a random start. The report of
# :func:`relubias.check` counts every one-step move on its way.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0)(10, seed=0)
problem = rb.Problem(law.sample_gram(10, seed=0), labels, signs=(1, -1))
start = rb.starts.gaussian(problem, 0.02 / np.sqrt(2000), seed=0)
step_size = 0.5 / law.trace
report = rb.check(problem, start, step_size=step_size, spectrum=law)
print(report.trajectory)
for region, moves in zip(rb.theory.Region, report.transitions, strict=True):
    print(f"{region.words:20} {moves.sum():4} moves, {moves[region]:4} of them stay")

# %%
# The state machine, counted. A double frame was never left. Nothing is said about inactive examples
# with a small dual variable: here a few of them become active, on the right neuron or on the wrong
# one, because the others pull.
figure = report.plot_transitions()

# %%
# The same moves in the plane of the dual variable (times the trace) and the primal one. In the
# upper half an example is active; left of the dotted line it is frozen. Every arrow is one step of
# one example: those that agree climb to their label, those that disagree jump to the left.
run = rb.gradient_descent(problem, start, step_size=step_size, record=np.arange(12))
dual, primal = law.trace * run.records.dual, run.records.primal
figure, panels = plt.subplots(1, 2, figsize=(6.75, 3.2), sharey=True, layout="constrained")
for ax, agree, name in zip(panels, (True, False), ("agree", "disagree"), strict=True):
    pairs = (problem.signs[:, None] * labels > 0) == agree
    x, y = dual[:, pairs], primal[:, pairs]
    colour = "#0072B2" if agree else "#D55E00"
    ax.quiver(x[:-1], y[:-1], np.diff(x, axis=0), np.diff(y, axis=0), color=colour, alpha=0.7,
              angles="xy", scale_units="xy", scale=1, width=0.004)  # fmt: skip
    ax.plot(x[-1], y[-1], "o" if agree else "s", color=colour, markersize=4)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.axvline(-0.25 * np.abs(labels).min(), color="grey", linestyle=":")
    ax.set_title(f"examples that {name} with the neuron", loc="left", fontsize=9)
    ax.set_xlabel(r"$\|\lambda\|_1\,\beta_{k,i}$")
panels[0].set_ylabel(r"primal variable $\alpha_{k,i}$")
