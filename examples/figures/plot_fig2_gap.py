r"""
Figure 2: the gap to the minimum norm
=====================================

How far does gradient descent stop from the shortest neuron that fits? Theorem 2 says
:math:`\Theta(\sqrt{n_-/\|\lambda\|_1})`. The constant is known, too: to leading order the gap is
:math:`\kappa\,\|y_-\|/\sqrt{\|\lambda\|_1}` for a small start.
"""

# %%
# Only the Gram matrix of the examples matters, and it can be drawn from its law, so the dimension
# may be anything. Ten data sets for each dimension from 200 to a million.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

KAPPA, START = 0.9, 0.005


def gap_of(n, n_negative, d, seed):
    """Return the gap, its law, and the norm of the shortest neuron, for one data set."""
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=n_negative)(n, seed=seed)
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    problem = rb.Problem(law.sample_gram(n, seed=seed), labels)
    start = rb.starts.all_positive(problem, START)
    run = rb.gradient_descent(problem, start, step_size=KAPPA / d)
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=law.trace)
    return gap.distance, gap.prediction, gap.second_norm


dimensions = np.array([200, 1000, 5000, 30_000, 200_000, 1_000_000])
by_dimension = np.array([[gap_of(20, 10, int(d), s) for s in range(10)] for d in dimensions])
counts = np.array([1, 2, 4, 8, 16, 32])
by_count = np.array([[gap_of(20 + k, k, 200_000, s) for s in range(10)] for k in counts])

# %%
# The slope on logarithmic axes, from 5,000 dimensions on, and in the number of negatives:
median_d = np.median(by_dimension[..., 0], axis=1)
median_k = np.median(by_count[..., 0], axis=1)
slope_d = np.polyfit(np.log(dimensions[2:]), np.log(median_d[2:]), 1)[0]
slope_k = np.polyfit(np.log(counts), np.log(median_k), 1)[0]
relative = np.median(by_dimension[..., 0] / by_dimension[..., 2], axis=1)
print(f"the gap falls like d^{slope_d:.3f} and grows like n_-^{slope_k:.3f}")
print(f"in {dimensions[-1]:,} dimensions: {by_dimension[-1, :, 0].mean():.5f}, by the law "
      f"{by_dimension[-1, :, 1].mean():.5f}")  # fmt: skip
print(f"relative to the norm: {relative[0]:.2f} at d = 200, {relative[-1]:.2f} at d = 1,000,000")

# %%
# Both rates are those of the theorem. Relative to the norm of the shortest neuron, which falls at
# the same rate, the gap does not shrink at all.
figure, (left, right) = plt.subplots(1, 2, figsize=(6.75, 3), layout="constrained")
for ax, x, found in ((left, dimensions, by_dimension), (right, counts, by_count)):
    low, middle, high = np.quantile(found[..., 0], [0.05, 0.5, 0.95], axis=1)
    ax.fill_between(x, low, high, color="#0072B2", alpha=0.2, linewidth=0)
    ax.plot(x, middle, "o-", color="#0072B2", label="measured")
    ax.plot(x, np.median(found[..., 1], axis=1), "k--", linewidth=1, label="the law")
    ax.set_xscale("log")
    ax.set_yscale("log")
left.set_xlabel("dimension $d$")
right.set_xlabel("negative labels $n_-$")
right.set_xticks(counts, labels=[str(k) for k in counts])
right.set_xticks([], minor=True)
left.set_ylabel(r"$\|w^{(\infty)} - w^\star\|$")
legend = left.legend(frameon=False)
