r"""
Figure 3: at moderate dimension the start decides
=================================================

Ten examples in 50 dimensions, one neuron, a small random start. Gradient descent ends at the linear
interpolator of the examples that are active in the end, but which ones? Two starts, same data.
"""

# %%
# The setting of the paper: Gaussian features and labels, weights of variance :math:`2\cdot10^{-6}`,
# a step of :math:`10^{-4}`. We look for two starts whose limits differ most in what they fit.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

rng = np.random.default_rng(1)
problem = rb.Problem.from_features(rng.standard_normal((10, 50)), rng.standard_normal(10))


def run_from(seed):
    """Run gradient descent from one random start."""
    start = rb.starts.gaussian(problem, np.sqrt(2e-6), seed=seed)
    return rb.gradient_descent(problem, start, step_size=1e-4)


runs = [run_from(seed) for seed in range(20)]
subsets = [tuple(np.flatnonzero(run.limit.active[0])) for run in runs]
print(f"{len(runs)} starts end with {len(set(subsets))} different sets of active examples")
first = runs[0]
second = max(runs, key=lambda run: (run.limit.active != first.limit.active).sum())


# %%
# Is the limit a *linear* interpolator? Of the active examples at their labels, and of some negative
# ones at zero: those that were active on the way and pushed hardest. We try any number of them.
def nearest_interpolator(run):
    """Return the subset whose linear interpolator is nearest, and the relative distance."""
    active, dual = run.limit.active[0], run.limit.dual[0]
    pushed = np.flatnonzero(~active & (dual < 0) & (problem.labels < 0))
    pushed = pushed[np.argsort(dual[pushed])]
    found = []
    for n_pushed in range(pushed.size + 1):
        subset = np.sort([*np.flatnonzero(active), *pushed[:n_pushed]])
        linear = rb.linear_minimum_norm(problem, subset, labels=np.maximum(problem.labels, 0))
        found.append((rb.bias_gap(problem, run, linear.dual[None]).relative, subset.tolist()))
    return min(found)


for name, run in (("first", first), ("second", second)):
    distance, subset = nearest_interpolator(run)
    fitted = np.flatnonzero(run.limit.active[0]).tolist()
    print(f"{name} start: {run.status}, fits {fitted}; {distance:.1%} of the norm from the linear "
          f"interpolator on S = {subset}")  # fmt: skip

# %%
# Solid lines are examples with positive labels, the marks on the right their labels. The same
# example is fitted from one start and switched off for good from the other.
figure, panels = plt.subplots(2, 1, figsize=(6.75, 5.6), layout="constrained", sharex=True)
for ax, run in zip(panels, (first, second), strict=True):
    run.plot(ax)
panels[0].set_xlabel("")
