r"""
Figure 4: from positive predictions, one step settles everything
================================================================

Two neurons of opposite signs, and a start at which both are active on every example. Theorem 3 says
that after one step each example is active on the neuron of its sign and frozen on the other, for
good, and that the loss goes to zero.
"""

# %%
# Ten examples in 2,000 dimensions, labels of size 0.1 to 1, initial predictions 0.001.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
labels = rb.ensembles.labels.uniform_magnitude(0.1, 1.0, n_negative=5)(10, seed=0)
problem = rb.Problem(law.sample_gram(10, seed=0), labels, signs=(1, -1))
start = rb.starts.all_positive(problem, 0.001)
run = rb.gradient_descent(problem, start, step_size=0.5 / law.trace)
print(run.summary())

# %%
# All ten switches happen in the first step. From there on every path runs straight to its label,
# or rests below zero.
axes = run.plot()

# %%
# Where the examples are after 0, 1, 2 and 20 steps, in the plane of dual and primal variable. Those
# that agree (circles) have to be in the upper half; those that disagree (squares) left of the
# dotted line, in the frozen region.
steps = [0, 1, 2, 20]
agree = problem.signs[:, None] * labels > 0
threshold = 0.25 * 0.5 * np.abs(labels).min()
figure, panels = plt.subplots(1, 4, figsize=(6.75, 2.4), layout="constrained", sharey=True)
for ax, step in zip(panels, steps, strict=True):
    state = run.at(step)
    x, y = law.trace * state.dual, state.primal
    ax.axhspan(0, 1.15, color="#0072B2", alpha=0.1, linewidth=0)
    ax.axvspan(-1.15, -threshold, 0, 0.5, color="#D55E00", alpha=0.15, linewidth=0)
    ax.plot(x[agree], y[agree], "o", color="#0072B2", markersize=4)
    ax.plot(x[~agree], y[~agree], "s", color="#D55E00", markersize=4)
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xlabel=r"$\|\lambda\|_1\,\beta_{k,i}$")
    ax.set_title(f"step {step}", loc="left", fontsize=9)
label = panels[0].set_ylabel(r"$\alpha_{k,i}$")
