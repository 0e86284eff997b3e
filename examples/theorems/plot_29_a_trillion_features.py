r"""
A trillion features
===================

Gradient descent sees its features through their Gram matrix alone. That can be drawn from its law
without any features, so the dimension costs nothing. Three spectra with a trillion eigenvalues.
"""

# %%
# What counts is not the dimension but :math:`d_2` and :math:`d_\infty`. A spike of a trillionth of
# the eigenvalues leaves few effective dimensions.
import time

import numpy as np

import relubias as rb

D = 10**12
spectra = {
    "isotropic": rb.ensembles.isotropic(D),
    "one spike": rb.ensembles.spiked(D, 1e10),
    "ten large spikes": rb.ensembles.spiked(D, 3e11, n_spikes=10),
}
axes = spectra["ten large spikes"].plot()

# %%
# The whole question for each: limit, shortest pair, both certificates, and the law.
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=0)
for name, spectrum in spectra.items():
    law = rb.ensembles.Gaussian(spectrum)
    problem = rb.Problem(law.sample_gram(20, seed=0), labels, signs=(1, -1))
    start = rb.starts.all_positive(problem, 0.005)
    bounds = rb.step_size_bounds(problem, trace=law.trace)
    step_size = min(0.9 / law.trace, bounds.stable)
    run = rb.gradient_descent(problem, start, step_size=step_size)
    shortest = rb.minimum_norm(problem, time_limit=5.0)
    gap = rb.bias_gap(problem, run, shortest, trace=law.trace)
    print(
        f"{name:16} d_2 = {law.d_2:8.2g}  d_inf = {law.d_inf:8.2g}  {run.status}, last switch at "
        f"step {run.last_switch}; shortest {shortest.status}; gap {gap.ratio:.4f} times the law"
    )

# %%
# The range of step sizes that the theory speaks about is measured on the data. On the last one
# it lies low, and what is stable ends early.
axes = bounds.plot()

# %%
# And how long does a Gram matrix take?
begin = time.perf_counter()
gram = rb.ensembles.Gaussian(spectra["isotropic"]).sample_gram(100, seed=1)
seconds = time.perf_counter() - begin
print(f"Gram matrix of 100 examples in {D:,} dimensions: "
      f"{'under' if seconds < 0.1 else 'over'} a tenth of a second; largest entry off the diagonal "
      f"{np.abs(gram - np.diag(np.diag(gram))).max() / D:.1e} of the trace")  # fmt: skip
