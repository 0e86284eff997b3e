r"""
How a search proves that nothing is shorter
===========================================

For neurons of both signs every example can be fitted by one neuron or by two: :math:`2^n` patterns.
How does a proof for all of them look, and how does its size depend on the dimension?
"""

# %%
# Each node of the tree has decided some examples and has a lower bound of the norm of every network
# below it. A node whose bound reaches the best network found is closed.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

N = 40


def solve(d, seed):
    """Return the shortest pair for one data set."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0)(N, seed=seed)
    problem = rb.Problem(law.sample_gram(N, seed=seed), labels, signs=(1, -1))
    return rb.minimum_norm(problem, time_limit=20.0)


dimensions = (42, 46, 52, 60, 80, 120, 200, 400)
found = {d: [solve(d, seed) for seed in range(6)] for d in dimensions}
hardest = max((s for d in dimensions for s in found[d]), key=lambda s: s.n_nodes)
print(f"hardest of {6 * len(dimensions)}: {hardest.status}, {hardest.n_nodes} nodes instead of "
      f"{2**N:,} patterns")  # fmt: skip
if hardest.certificate.tree is not None:
    print(
        f"verified leaf by leaf: {rb.minnorm.verify(hardest.problem, hardest, leaves=True).holds}"
    )
    axes = hardest.certificate.tree.plot()

# %%
# Near d = n a proof takes work. From twice n on, one node is nearly always enough; in high
# dimension the neurons share fewer and fewer examples, and no search is needed.
nodes = np.array([[solution.n_nodes for solution in found[d]] for d in dimensions])
coupled = [np.mean([solution.coupled.size for solution in found[d]]) for d in dimensions]
for d, row, count in zip(dimensions, nodes, coupled, strict=True):
    print(f"d = {d:3}: {np.median(row):5.0f} nodes, {count:.1f} examples on which both are active")
figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(dimensions, nodes, "o", color="#0072B2", alpha=0.4)
ax.plot(dimensions, np.median(nodes, axis=1), "-", color="#0072B2", label="median")
ax.set(xscale="log", yscale="log", xlabel=f"dimension $d$, for {N} examples", ylabel="nodes")
ax.set_xticks(dimensions, labels=[str(d) for d in dimensions])
ax.set_xticks([], minor=True)
legend = ax.legend(frameon=False)
