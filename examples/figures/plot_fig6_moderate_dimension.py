r"""
Figure 6: where d is comparable to n, the pattern keeps moving
==============================================================

The one-step picture of Figure 4 needs high dimension. What happens without it? The same two
neurons from the same positive start, with ten examples in 15 to 300 dimensions. (The paper's own
figure is not known to us; this is our reading of its place in the text.)
"""

# %%
# A step of at most :math:`1/\mu_1`, the largest eigenvalue of the Gram matrix, so that steps are
# stable in low dimension, too.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

SCALE = 0.001


def run_in(d, seed):
    """Run gradient descent on one data set in d dimensions."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.1, 1.0, n_negative=5)(10, seed=seed)
    problem = rb.Problem(law.sample_gram(10, seed=seed), labels, signs=(1, -1))
    step_size = min(0.5 / d, 1 / np.linalg.eigvalsh(problem.gram)[-1])
    start = rb.starts.all_positive(problem, SCALE)
    return rb.gradient_descent(problem, start, step_size=step_size, max_iter=50_000)


dimensions = [15, 20, 30, 50, 100, 300]
runs = {d: [run_in(d, seed) for seed in range(25)] for d in dimensions}
moving = [np.mean([run.last_switch > 1 for run in runs[d]]) for d in dimensions]
missed = [np.mean([run.loss > 1e-6 for run in runs[d]]) for d in dimensions]
for d, a, b in zip(dimensions, moving, missed, strict=True):
    print(f"d = {d:3}: the pattern moves after step 1 in {a:4.0%} of the runs, {b:4.0%} miss the "
          "global minimum")  # fmt: skip

# %%
# One run in 15 dimensions. Examples cross zero again and again, and some end on the wrong side.
restless = max(runs[15], key=lambda run: run.n_switches if run.n_switches < 200 else 0)
print(restless)
axes = restless.plot()

# %%
# Both failures become rare as the dimension grows, long before it reaches :math:`n^2`.
figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(dimensions, moving, "s--", color="#D55E00", label="pattern moves after step 1")
ax.plot(dimensions, missed, "o-", color="#0072B2", label="global minimum is missed")
ax.set(xscale="log", ylim=(-0.03, 1.03), xlabel="dimension $d$, for 10 examples", ylabel="share")
ax.set_xticks(dimensions, labels=[str(d) for d in dimensions])
ax.set_xticks([], minor=True)
legend = ax.legend(frameon=False)
