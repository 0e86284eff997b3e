r"""
Theorem 5: several neurons, each with examples of its own
=========================================================

Assumption 3 gives every example an owner. The other neurons of its sign are *parked*: inactive on
it from the start. Then every neuron fits its own examples, and only those. How far below zero do
parked values have to start?
"""

# %%
# Three positive and two negative neurons, ten examples in 4,000 dimensions.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

SIGNS = (1, 1, 1, -1, -1)
law = rb.ensembles.Gaussian(rb.ensembles.isotropic(4000))


def problem_of(seed):
    """Return a problem and an owner of each example: the neurons of its sign in turn."""
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=5)(10, seed=seed)
    positive = labels > 0
    owners = np.where(positive, (np.cumsum(positive) - 1) % 3, 3 + (np.cumsum(~positive) - 1) % 2)
    return rb.Problem(law.sample_gram(10, seed=seed), labels, SIGNS), owners


def run_from(problem, owners, parked):
    """Run gradient descent from a disjoint start."""
    start = rb.starts.disjoint(problem, owners, 0.005, parked=parked)
    return rb.gradient_descent(problem, start, step_size=0.9 / law.trace)


problem, owners = problem_of(seed=0)
run = run_from(problem, owners, parked=0.15)
owned = np.arange(5)[:, None] == owners
print(f"{run.status}, loss {run.loss:.1e}; every neuron active on what it owns and nothing else: "
      f"{(run.limit.active == owned).all()}")  # fmt: skip
axes = run.plot()

# %%
# Now closer to zero. A parked example gets no gradient in the first step, so nothing pushes it
# down; if it starts too near, the pull of the others wakes it up, and two neurons share it.
parked = 0.5 * 10.0 ** np.arange(-3, 0.01, 0.5)
kept = []
for size in parked:
    runs = [
        (run_from(problem, owners, size), owners) for problem, owners in map(problem_of, range(40))
    ]
    kept.append(np.mean([
        (run.limit.active == (np.arange(5)[:, None] == owners)).all() and run.last_switch <= 1
        for run, owners in runs
    ]))  # fmt: skip
    print(f"parked at {size:7.4f}: as the theorem says in {kept[-1]:4.0%} of 40 data sets")

figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(parked, kept, "o-", color="#0072B2")
ax.set(xscale="log", ylim=(-0.03, 1.03), ylabel="share of data sets",
       xlabel="parked values start at minus this (the smallest label is about 0.5)")  # fmt: skip
title = ax.set_title("every neuron keeps exactly what it owns", loc="left", fontsize=10)
