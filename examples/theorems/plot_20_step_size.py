r"""
What causes the gap: the step size
==================================

The gap to the minimum norm is often blamed on examples that are not orthogonal. Take data that are
exactly orthogonal, and random data, and vary the step: the gap is proportional to it, on both.
"""

# %%
# One neuron, twenty examples, half of the labels negative, a tiny start. Each run is followed to
# its exact limit however small the step is: a million steps cost no more than their switches.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=0)
kappas = 0.9 * 10.0 ** np.arange(-4, 0.01, 0.5)


def gap_on(law, kappa, seed):
    """Return the gap times the square root of the trace, over the norm of the negative labels."""
    problem = rb.Problem(law.sample_gram(20, seed=seed), labels)
    start = rb.starts.all_positive(problem, 1e-6)
    run = rb.gradient_descent(problem, start, step_size=kappa / law.trace)
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem))
    return gap.distance * np.sqrt(law.trace) / np.linalg.norm(labels[labels < 0])


laws = {
    "orthogonal": rb.ensembles.Orthogonal(200_000),
    "random, d = 200,000": rb.ensembles.Gaussian(rb.ensembles.isotropic(200_000)),
    "random, d = 2,000": rb.ensembles.Gaussian(rb.ensembles.isotropic(2000)),
}
found = {
    name: np.array([[gap_on(law, kappa, seed) for seed in range(5)] for kappa in kappas])
    for name, law in laws.items()
}
for name, gaps in found.items():
    ratio = np.median(gaps, axis=1) / kappas
    slope = np.polyfit(np.log(kappas), np.log(np.median(gaps, axis=1)), 1)[0]
    print(f"{name:20}: gap / kappa = {ratio[-1]:.3f} at the largest step, {ratio[0]:.3f} at the "
          f"smallest; gap ~ kappa^{slope:.3f}")  # fmt: skip

# %%
# Large steps: every negative example is pushed below zero once, by :math:`\kappa|y_i|`. Small
# steps: it comes back and is pushed again, and what remains is the overshoot of the last push. In
# both regimes the gap is a multiple of the step, so the lower bound of Theorem 2 is a statement
# about steps of order :math:`1/\|\lambda\|_1`. As the step goes to zero, so does the gap. (The
# dotted line, at the root of 2/3, is what remains if half of the negative examples keep a full
# push and the others overshoot by a uniform part of one.)
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
looks = (("o-", "#0072B2"), ("s--", "#D55E00"), ("^-.", "#009E73"))
for (style, colour), (name, gaps) in zip(looks, found.items(), strict=True):
    ax.plot(kappas, np.median(gaps, axis=1) / kappas, style, color=colour, label=name)
ax.axhline(1, color="black", linewidth=0.8)
ax.axhline(np.sqrt(2 / 3), color="black", linewidth=0.8, linestyle=":")
ax.set(xscale="log", ylim=(0, 1.1), xlabel=r"step size $\kappa$",
       ylabel=r"gap $\cdot\ \sqrt{\|\lambda\|_1}\,/\,(\kappa\,\|y_-\|)$")  # fmt: skip
legend = ax.legend(frameon=False, loc="lower left")
