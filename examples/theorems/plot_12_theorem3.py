r"""
Theorem 3: two neurons share the examples by sign
=================================================

With a positive and a negative neuron, both active everywhere at the start, each ends with the
examples of its own sign, the loss is zero, and each limit is again a projection of the first step.
"""

# %%
# Twenty examples in 50,000 dimensions.
import numpy as np

import relubias as rb

law = rb.ensembles.Gaussian(rb.ensembles.isotropic(50_000))
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=8)(20, seed=1)
problem = rb.Problem(law.sample_gram(20, seed=1), labels, signs=(1, -1))
start = rb.starts.all_positive(problem, 0.005)
report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law)
print(report.conclusion)
run = report.trajectory
print(f"loss {run.loss:.1e} after {run.n_steps} steps; last switch after step {run.last_switch}")

# %%
# Solid lines have positive labels. The positive neuron (circles) keeps them, the negative one
# (squares) the dashed ones; everything else rests below zero since the first step.
axes = run.plot()

# %%
# The projection, by hand, for both neurons.
first, gram = run.at(1), problem.gram
for k, sign in enumerate(problem.signs):
    own = sign * labels > 0
    dual = first.dual[k].copy()
    pull = np.abs(labels[own]) - gram[np.ix_(own, ~own)] @ dual[~own]
    dual[own] = np.linalg.solve(gram[np.ix_(own, own)], pull)
    error = np.abs(dual - run.limit.dual[k]).max() / np.abs(dual).max()
    print(f"neuron {k}: closed form and limit differ by {error:.1e} of the largest dual variable")

# %%
# Lemma 10 names eight invariants that hold from the first step on and carry the proof. Their
# smallest margins along this run:
names = [f"lai2026.lemma10.{letter}" for letter in "abcdefgh"]
for verdict in (report[name] for name in names):
    print(f"{verdict.condition.partition('.')[2]:10} {verdict.outcome:6} {verdict.margin:7.3f}  "
          f"smallest at {verdict.place}")  # fmt: skip
