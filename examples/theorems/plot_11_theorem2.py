r"""
Theorem 2: the gap to the shortest neuron, from both sides
==========================================================

The limit of gradient descent stays away from the minimum-norm neuron by at least
:math:`c\,y_{\min}\sqrt{n_-/\|\lambda\|_1}` and at most :math:`C\,y_{\max}\sqrt{n_-/\|\lambda\|_1}`.
Which constants do for all data sets, and why is there a gap at all?
"""

# %%
# One data set first. The distance stands beside the law that predicts it.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

KAPPA = 0.9


def solve(d, seed, spectrum=None):
    """Return the problem, the run and the shortest neuron for one data set."""
    law = rb.ensembles.Gaussian(spectrum or rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=seed)
    problem = rb.Problem(law.sample_gram(20, seed=seed), labels)
    start = rb.starts.all_positive(problem, 0.005)
    run = rb.gradient_descent(problem, start, step_size=KAPPA / law.trace)
    return problem, run, rb.minimum_norm(problem), law.trace


problem, run, shortest, trace = solve(10_000, seed=0)
gap = rb.bias_gap(problem, run, shortest, trace=trace)
print(gap.summary())
axes = gap.plot()

# %%
# Where it comes from: the shortest neuron puts the negative examples on its boundary or leaves them
# free; gradient descent has pushed each of them below zero in its first step, by
# :math:`\kappa |y_i|`, and nothing ever brings it back.
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
order = np.argsort(problem.labels)
ax.plot(problem.labels[order], run.limit.primal[0, order], "o", label="limit of gradient descent")
ax.plot(problem.labels[order], shortest.primal[0, order], "D", markerfacecolor="none",
        label="shortest neuron")  # fmt: skip
negative = problem.labels[problem.labels < 0]
ax.plot(np.sort(negative), KAPPA * np.sort(negative), "k--", linewidth=1, label=r"$-\kappa\,|y_i|$")
ax.axhline(0, color="grey", linewidth=0.8)
ax.set(xlabel="label $y_i$", ylabel=r"prediction $w \cdot x_i$")
legend = ax.legend(frameon=False)

# %%
# And from both sides, over 200 data sets in 1,000 to a million dimensions:
low, high = [], []
for seed in range(200):
    d = int(10 ** (3 + 3 * seed / 199))
    problem, run, shortest, trace = solve(d, seed)
    distance = rb.bias_gap(problem, run, shortest, trace=trace).distance
    unit = np.sqrt((problem.labels < 0).sum() / trace)
    low.append(distance / (unit * np.abs(problem.labels).min()))
    high.append(distance / (unit * np.abs(problem.labels).max()))
print(f"c = {min(low):.2f} and C = {max(high):.2f} hold for all of {len(low)} data sets")
