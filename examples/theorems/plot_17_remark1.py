r"""
Remark 1: is an example that starts inactive lost?
==================================================

Remark 1 says that from a random start a positive example on which the neuron is inactive stays
inactive. Measured, it depends on one number: the size of the initial predictions, compared with the
interaction :math:`\|y_+\|/\sqrt{2d}` between examples.
"""

# %%
# One neuron, twenty examples, random weights that give initial predictions of r times that size.
# Count positive examples that start off, and those of them that are fitted in the end.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

ratios = 10.0 ** np.arange(-2, 1.01, 0.5)


def count(d, kappa, ratio, seed):
    """Return how many positive examples start inactive, and how many of them are fitted."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=seed)
    problem = rb.Problem(law.sample_gram(20, seed=seed), labels)
    interaction = np.linalg.norm(labels[labels > 0]) / np.sqrt(2 * d)
    start = rb.starts.gaussian(problem, ratio * interaction / np.sqrt(d), seed=seed)
    run = rb.gradient_descent(problem, start, step_size=kappa / d)
    off = (labels > 0) & ~run.at(0).active[0]
    return off.sum(), (off & run.limit.active[0]).sum()


settings = ((2000, 0.9), (200_000, 0.9), (2000, 0.1))
share = {}
for d, kappa in settings:
    counts = np.array([[count(d, kappa, r, seed) for seed in range(20)] for r in ratios]).sum(
        axis=1
    )
    share[d, kappa] = counts[:, 1] / counts[:, 0]
    print(f"d = {d:7,}, kappa = {kappa}: " + ", ".join(f"{s:.0%}" for s in share[d, kappa]))

# %%
# The curves of different dimensions fall on each other. Where initial predictions are as large as
# labels the remark is right; where they are small, as everywhere else in the theory, most examples
# that start off are fitted.
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
looks = (("o-", "#0072B2"), ("s--", "#D55E00"), ("^-.", "#009E73"))
for (style, colour), (d, kappa) in zip(looks, settings, strict=True):
    ax.plot(ratios, share[d, kappa], style, color=colour, label=rf"$d$ = {d:,}, $\kappa$ = {kappa}")
ax.axhline(0, color="black", linewidth=0.8, linestyle=":")
ax.text(ratios[0], 0.015, "Remark 1", fontsize=9)
ax.set(xscale="log", ylim=(-0.03, 0.83), ylabel="share that is fitted",
       xlabel=r"size of the initial predictions, in units of $\|y_+\|/\sqrt{2d}$")  # fmt: skip
legend = ax.legend(frameon=False)
