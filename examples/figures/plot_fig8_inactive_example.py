r"""
Figure 8: a positive example that starts inactive
=================================================

One neuron, a random start. A positive example on which the neuron is not active at first sends no
gradient. Remark 1 says that it stays inactive, so that only a local minimum is reached. Here are
such examples, and how they are rescued.
"""

# %%
# Ten examples in 2,000 dimensions. The start decides: weights of variance
# :math:`2\cdot10^{-5}`, then the same directions a thousand times shorter.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
labels = rb.ensembles.labels.uniform_magnitude(0.1, 1.0, n_negative=4)(10, seed=5)
problem = rb.Problem(law.sample_gram(10, seed=5), labels)
large = rb.starts.gaussian(problem, np.sqrt(2e-5), seed=5)
runs = {
    name: rb.gradient_descent(problem, start, step_size=0.5 / law.trace)
    for name, start in (("large start", large), ("start / 1000", large / 1000))
}
positive = labels > 0
for name, run in runs.items():
    off = np.flatnonzero(positive & ~run.at(0).active[0])
    fitted = [int(i) for i in off if run.limit.active[0, i]]
    print(
        f"{name}: positive examples {off.tolist()} start inactive, {fitted} of them are fitted; "
        f"loss on the positives {0.5 * ((run.limit.primal[0] - labels)[positive] ** 2).sum():.3f}"
    )

# %%
# Above, the paths that start below zero stay there. Below they start at the same angles, but so
# close to zero that the pull of the other examples (through their inner products) carries some of
# them over. Remark 1 is about the first case; see the example on Remark 1 for the border.
figure, panels = plt.subplots(2, 1, figsize=(6.75, 5.6), layout="constrained")
for ax, (name, run) in zip(panels, runs.items(), strict=True):
    run.plot(ax)
    ax.set_title(name, loc="left", fontsize=9)
