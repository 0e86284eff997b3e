r"""
Figure 5: from a random start, a global minimum is missed
=========================================================

The data of Figure 4, but weights that start at random. Some examples begin where the neuron of
their sign is not active. Are they lost?
"""

# %%
# Initial weights of variance :math:`2\cdot10^{-6}`, as for Figure 3.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
labels = rb.ensembles.labels.uniform_magnitude(0.1, 1.0, n_negative=5)(10, seed=0)
problem = rb.Problem(law.sample_gram(10, seed=0), labels, signs=(1, -1))
agree = problem.signs[:, None] * labels > 0


def run_from(variance, seed):
    """Run gradient descent from random weights."""
    start = rb.starts.gaussian(problem, np.sqrt(variance), seed=seed)
    return rb.gradient_descent(problem, start, step_size=0.5 / law.trace)


run = run_from(2e-6, seed=0)
begins_off = ~(run.at(0).active & agree).any(axis=0)
ends_off = ~(run.limit.active & agree).any(axis=0)
print(f"{run.status}, loss {run.loss:.3f}")
print(f"examples whose neuron starts off: {np.flatnonzero(begins_off).tolist()}")
print(f"examples without a neuron in the end: {np.flatnonzero(ends_off).tolist()}")

# %%
# The marks on the right that no path reaches belong to these examples.
axes = run.plot()

# %%
# It depends on the size of the start. From tiny weights many examples that begin on the wrong side
# are pulled over by the others before their dual variable is negative enough to freeze them.
variances = 10.0 ** np.arange(-10, -3)
rescued, fitted = [], []
for variance in variances:
    runs = [run_from(variance, seed) for seed in range(40)]
    starts_off = np.array([~(run.at(0).active & agree).any(axis=0) for run in runs])
    ends_on = np.array([(run.limit.active & agree).any(axis=0) for run in runs])
    rescued.append(ends_on[starts_off].mean())
    fitted.append(ends_on.all(axis=1).mean())
for variance, share, all_of_them in zip(variances, rescued, fitted, strict=True):
    print(f"variance {variance:.0e}: {share:4.0%} of the examples that start off are fitted, "
          f"{all_of_them:4.0%} of the runs fit everything")  # fmt: skip

figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(variances, rescued, "^-.", color="#009E73", label="examples that start off and are fitted")
ax.plot(variances, fitted, "D:", color="#CC79A7", label="runs that reach zero loss")
ax.set(xscale="log", ylim=(-0.03, 1.03), xlabel="variance of the initial weights", ylabel="share")
legend = ax.legend(frameon=False)
