r"""
Theorem 1: one neuron goes where it should, and this is known before it starts
==============================================================================

From positive predictions and with a step that is not too small, one neuron in high dimension has
the activation pattern of the labels' signs after one step, for good; its limit is the projection of
:math:`w^{(1)}` on the neurons that fit the positive labels. How sure can one be on given data?
"""

# %%
# Twenty examples in 100,000 dimensions. :func:`relubias.check` checks every condition on the data
# and every claim along the run; each has a margin, positive where it holds.
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(100_000))
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=0)
problem = rb.Problem(law.sample_gram(20, seed=0), labels)
start = rb.starts.all_positive(problem, 0.005)
report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law)
print(report.conclusion)
axes = report.plot()

# %%
# The conclusion, by hand: the closed form of the limit against the run. Below, ``positive``
# examples move and the dual variables of the others stay where the first step has put them.
run = report.trajectory
positive, first = labels > 0, run.at(1)
dual = first.dual[0].copy()
gram = problem.gram
pull = labels[positive] - gram[np.ix_(positive, ~positive)] @ dual[~positive]
dual[positive] = np.linalg.solve(gram[np.ix_(positive, positive)], pull)
print(f"pattern after one step is that of the signs: {(first.active[0] == positive).all()}")
print(f"limit of the run and closed form differ by {np.abs(dual - run.limit.dual[0]).max():.1e}")

# %%
# Nothing of this needs the run. From norms alone it can be guaranteed before the first step, if the
# dimension is high enough; where it cannot, one sees which condition is too weak.
guaranteed = []
for d in 10 ** np.arange(3, 9):
    high = rb.Problem(
        rb.ensembles.Gaussian(rb.ensembles.isotropic(int(d))).sample_gram(20, 0), labels
    )
    begin = rb.starts.all_positive(high, 0.005)
    guaranteed.append(rb.theory.lai2026.certificate(high, begin, step_size=0.9 / d))
    print(f"d = {d:11,}: margin {guaranteed[-1].margin:+8.3f}, decided by "
          f"{guaranteed[-1].decided_by!r}")  # fmt: skip
axes = guaranteed[2].plot()
