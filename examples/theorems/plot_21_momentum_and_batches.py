r"""
Momentum and mini-batches change the limit
==========================================

Heavy-ball momentum and mini-batches are meant to find the same solution faster. Do they have the
same implicit bias?
"""

# %%
# The same data and step for all four; each run is certified at its own limit.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=6)(12, seed=0)
problem = rb.Problem(law.sample_gram(12, seed=0), labels)
start = rb.starts.all_positive(problem, 0.005)
shortest = rb.minimum_norm(problem)


def run_with(kappa, **options):
    """Run gradient descent with some options."""
    return rb.gradient_descent(problem, start, step_size=kappa / law.trace, **options)


variants = {
    "plain": {},
    "momentum 0.5": {"momentum": 0.5},
    "momentum 0.9": {"momentum": 0.9},
    "batches of 3": {"batches": 3},
}
for name, options in variants.items():
    run = run_with(0.2, **options)
    gap = rb.bias_gap(problem, run, shortest)
    print(f"{name:13} {run.status} ({run.certificate.kind}) after {run.n_steps:4} steps, "
          f"{gap.relative:.3f} of the norm from the shortest")  # fmt: skip

# %%
# With momentum, what was pushed below zero keeps moving: its velocity carries it on, far beyond the
# point where plain descent leaves it.
axes = run_with(0.2, momentum=0.9).plot()

# %%
# Over the first steps a push of size :math:`\eta` adds up to :math:`\eta/(1-\gamma)`, so the gap of
# momentum is nearly that of plain descent with a step :math:`1/(1-\gamma)` times as large.
kappas = 10.0 ** np.arange(-3, -0.2, 0.25)
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
looks = (("o-", "#0072B2"), ("s--", "#D55E00"), ("^-.", "#009E73"), ("D:", "#CC79A7"))
for (style, colour), (name, options) in zip(looks, variants.items(), strict=True):
    gaps = [rb.bias_gap(problem, run_with(kappa, **options), shortest).relative for kappa in kappas]
    ax.plot(kappas, gaps, style, color=colour, label=name)
ax.set(xscale="log", yscale="log", xlabel=r"step size $\kappa$", ylabel="gap over the norm")
legend = ax.legend(frameon=False)
