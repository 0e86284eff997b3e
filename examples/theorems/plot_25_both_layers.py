r"""
Both layers trained: small starts find the shortest network
===========================================================

Boursier, Pillaud-Vivien and Flammarion (2022) train the output weights, too, from small balanced
weights on orthogonal examples, and show that the limit has the smallest norm. The smaller the
start, the closer. What a finite step does to the first layer alone does not happen here.
"""

# %%
# Five orthogonal examples, 32 neurons whose two layers have equal norms and random signs. Two
# directions are all that the shortest network needs, and its norm is known in closed form.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

labels = np.array([1.0, 0.6, 0.8, -0.7, -0.9])
problem = rb.Problem(np.eye(5), labels, np.ones(32))
shortest = np.linalg.norm(labels[labels > 0]) + np.linalg.norm(labels[labels < 0])
rng = np.random.default_rng(0)
directions = rng.standard_normal((32, 5)) / np.sqrt(5)
signs = np.where(np.arange(32) % 2 == 0, 1.0, -1.0)


def run_from(size, record=None):
    """Train both layers from a balanced start of a given size."""
    start = size * directions
    outer = signs * np.linalg.norm(start, axis=1)
    return rb.train_both_layers(
        problem, start, outer, step_size=0.02, max_iter=60_000, record=record
    )


run = run_from(1e-2, record=np.unique(np.geomspace(1, 3000, 200).astype(int)))
print(run.summary())

# %%
# First nothing, then two groups of neurons grow, one for each sign; the rest stay where they began.
axes = run.plot()

# %%
# Half the squared norm of all weights, above the smallest possible, for smaller and smaller starts.
sizes = 10.0 ** np.arange(-8, 0.1)
runs = [run_from(size) for size in sizes]
excess = np.array([run.limit.half_squared_norm / shortest - 1 for run in runs])
for size, run, more in zip(sizes, runs, excess, strict=True):
    print(f"start {size:.0e}: {run.status}, loss {run.loss:.0e}, {more:.2%} above the shortest")

figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(sizes, excess, "o-", color="#0072B2")
ax.set(xscale="log", yscale="log", xlabel="size of the start", ylabel="squared norm, excess")
