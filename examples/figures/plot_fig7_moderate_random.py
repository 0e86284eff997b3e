r"""
Figure 7: moderate dimension and a random start
===============================================

The data of Figure 6 with the random start of Figure 5: both reasons to fail at once. When is which
example active? (The paper's own figure is not known to us; this is our reading of its place in the
text.)
"""

# %%
# Ten examples, two neurons, weights of variance :math:`2\cdot10^{-6}`; 15, 50 and 300 dimensions.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb


def run_in(d, seed):
    """Run gradient descent from random weights in d dimensions."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.1, 1.0, n_negative=5)(10, seed=seed)
    problem = rb.Problem(law.sample_gram(10, seed=seed), labels[np.argsort(-labels)], (1, -1))
    step_size = min(0.5 / d, 1 / np.linalg.eigvalsh(problem.gram)[-1])
    start = rb.starts.gaussian(problem, np.sqrt(2e-6), seed=seed)
    return rb.gradient_descent(problem, start, step_size=step_size, max_iter=50_000)


dimensions = (15, 50, 300)
for d in dimensions:
    runs = [run_in(d, seed) for seed in range(25)]
    found = [run.loss <= 1e-6 for run in runs]
    moved = [run.last_switch > 1 for run in runs]
    print(f"d = {d:3}: {np.mean(found):4.0%} of the runs reach zero loss, "
          f"{np.mean(moved):4.0%} move after step 1")  # fmt: skip


# %%
# Every switch of one run per dimension, as the intervals in which an example is active. The upper
# ten rows belong to the positive neuron, the lower ten to the negative one; dark rows are
# examples that agree with their neuron, and each of them has to be active in the end for a
# perfect fit.
def intervals(run, neuron, sample, last):
    """Return the intervals of steps, up to `last`, in which a pair is active."""
    own = run.switches[(run.switches["neuron"] == neuron) & (run.switches["sample"] == sample)]
    edges = [0, *own["time"], last] if run.at(0).active[neuron, sample] else [*own["time"], last]
    edges = edges if len(edges) % 2 == 0 else edges[:-1]
    return list(zip(edges[::2], np.diff(edges)[::2], strict=True))


figure, panels = plt.subplots(1, 3, figsize=(6.75, 3.4), sharey=True, layout="constrained")
for ax, d in zip(panels, dimensions, strict=True):
    run = run_in(d, seed=2)
    last = 4 * max(run.last_switch, 10)
    for row, (k, i) in enumerate(np.ndindex(2, 10)):
        agrees = run.problem.signs[k] * run.problem.labels[i] > 0
        bars = [(max(begin, 0.7), begin + width - max(begin, 0.7))
                for begin, width in intervals(run, k, i, last)]  # fmt: skip
        colour = ("#0072B2", "#D55E00")[k]
        ax.broken_barh(bars, (row - 0.4, 0.8), color=colour, alpha=0.9 if agrees else 0.35)
    ax.set(xscale="log", xlim=(0.7, last), xlabel="step", ylim=(19.6, -0.6))
    ax.set_title(f"$d = {d}$, loss {run.loss:.2g}", loc="left", fontsize=9)
    ax.axhline(9.5, color="black", linewidth=0.8)
ticks = panels[0].set_yticks([4.5, 14.5], labels=["neuron +", "neuron \N{MINUS SIGN}"])
