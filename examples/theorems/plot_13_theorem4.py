r"""
Theorem 4: the pair is never the shortest
=========================================

For two neurons of opposite signs the gap of each depends on the labels of the *other* sign. At
least one of them is there, so gradient descent with a finite step never finds the shortest pair.
"""

# %%
# Twelve positive and eight negative labels. Where the dimension is high, the shortest pair is found
# and proved.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=8)(20, seed=0)


def gap_in(d, seed):
    """Return the distance of limit and shortest pair, neuron by neuron."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    problem = rb.Problem(law.sample_gram(20, seed=seed), labels, signs=(1, -1))
    start = rb.starts.all_positive(problem, 0.005)
    run = rb.gradient_descent(problem, start, step_size=0.9 / d)
    shortest = rb.minimum_norm(problem)  # proved, here in one node
    return rb.bias_gap(problem, run, shortest, trace=law.trace)


one = gap_in(10_000, seed=0)
print(one.summary())
axes = one.plot()

# %%
# Against the dimension: both gaps fall like :math:`d^{-1/2}`, each on top of its own law.
dimensions = 10 ** np.arange(3, 9)
gaps = [[gap_in(int(d), seed) for seed in range(5)] for d in dimensions]
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
looks = (("o-", "#0072B2", "positive neuron"), ("s--", "#D55E00", "negative neuron"))
for k, (style, colour, name) in enumerate(looks):
    measured = np.median([[gap.per_neuron[k] for gap in row] for row in gaps], axis=1)
    law = np.median([[gap.predictions[k] for gap in row] for row in gaps], axis=1)
    ax.plot(dimensions, measured, style, color=colour, label=name)
    ax.plot(dimensions, law, color="black", linewidth=0.8)
    slope = np.polyfit(np.log(dimensions), np.log(measured), 1)[0]
    print(f"{name}: slope {slope:.3f}; {measured[-1] / law[-1]:.4f} times its law at d = 10^8")
ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="distance to the optimum")
legend = ax.legend(frameon=False, title="black: the laws")
