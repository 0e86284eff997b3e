r"""
Runs that switch for ever
=========================

In low dimension an example can be pulled up whenever it is off and pushed down whenever it is on.
Gradient descent then switches it on and off for ever. Does such a run have a limit?
"""

# %%
# Six examples in eight dimensions, two neurons.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

rng = np.random.default_rng(3)
X = rng.standard_normal((6, 8))
y = np.array([0.7, -0.6, 0.4, -1.0, 0.5, -0.6])
problem = rb.Problem.from_features(X, y, signs=(1, -1))
start = rb.starts.gaussian(problem, 0.1, seed=0)
run = rb.gradient_descent(problem, start, step_size=0.1 / problem.scale)
print(run.summary())

# %%
# The pair in question comes to its hyperplane and stays there, switching. A certificate of kind
# "sliding" proves that no other pair ever switches again, and how well the limit is known.
axes = run.plot()

# %%
# From step to step, near its hyperplane: active for a share of the steps, and ever closer to zero.
if len(run.chattering):
    k, i = (int(v) for v in run.chattering[0])
    own = run.switches[(run.switches["neuron"] == k) & (run.switches["sample"] == i)]
    first = int(own["time"][len(own) // 2])
    steps = np.arange(first, first + 60)
    values = np.array([run.at(int(t)).primal[k, i] for t in steps])
    print(f"neuron {k}, example {i}: {len(own)} switches, active in {np.mean(values > 0):.0%} of "
          f"steps {first} to {first + 60}")  # fmt: skip
    figure, ax = plt.subplots(figsize=(6.75, 2.6), layout="constrained")
    ax.plot(steps, values, color="grey", linewidth=0.7)
    on = values > 0
    ax.plot(steps[on], values[on], "o", color="#0072B2", markersize=4, label="active")
    ax.plot(steps[~on], values[~on], "o", color="#0072B2", markersize=4, markerfacecolor="white",
            label="inactive")  # fmt: skip
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="step", ylabel=rf"$w_{k} \cdot x_{i}$")
    legend = ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

# %%
# Gradient flow, the limit of small steps, slides along the hyperplane instead: the next example.
flow = rb.gradient_flow(problem, start)
gap = rb.bias_gap(problem, run, flow)
print(f"flow: {flow.status}, {len(flow.sliding)} sliding for ever; its limit is {gap.relative:.1%} "
      "of the norm away")  # fmt: skip
