r"""
Lemmas 5 and 6: what makes an example stay
==========================================

Lemma 6 freezes an inactive example once its dual variable is negative enough: it pulls itself down
by :math:`\|\lambda\|_1\beta_i`, and all others together cannot lift it. How negative is enough?
"""

# %%
# One neuron, twenty examples. Three positive examples start at minus c times the smallest label, so
# from the start their dual variables are about :math:`-c\,y_{\min}/\|\lambda\|_1`; all others start
# slightly above zero. In how many data sets do the three stay off for ever?
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

sizes = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0])
dimensions = (1600, 16_000, 160_000)


def stay_off(d, c, seed):
    """Return how many of three examples that start off are off in the limit."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=seed)
    problem = rb.Problem(law.sample_gram(20, seed=seed), labels)
    primal = np.full(20, 0.005)
    off = np.flatnonzero(labels > 0)[:3]
    primal[off] = -0.5 * c
    start = np.linalg.solve(problem.gram, primal)[None]
    run = rb.gradient_descent(problem, start, step_size=0.9 / d)
    return (~run.limit.active[0, off]).sum()


share = {d: [np.mean([stay_off(d, c, seed) for seed in range(15)]) / 3 for c in sizes]
         for d in dimensions}  # fmt: skip
for d in dimensions:
    print(f"d = {d:7,}: " + ", ".join(f"{s:.0%}" for s in share[d]) + " for c = 0.01 ... 1")

# %%
# The others pull with a force of order :math:`\|y\|/\sqrt{d}`, so the threshold falls with the
# dimension: a hundred times as many features, a tenth of the depth.
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
looks = (("o-", "#0072B2"), ("s--", "#D55E00"), ("^-.", "#009E73"))
for (style, colour), d in zip(looks, dimensions, strict=True):
    ax.plot(sizes, share[d], style, color=colour, label=f"d = {d:,}")
ax.set(xscale="log", ylim=(0.3, 1.03), xlabel="depth c, in units of the smallest label",
       ylabel="share that stays off")  # fmt: skip
ax.set_xticks(sizes, labels=[f"{c:g}" for c in sizes])
ax.set_xticks([], minor=True)
legend = ax.legend(frameon=False)

# %%
# Along a run both lemmas are checked step by step: an agreeing active example must stay active
# (Lemma 5), an example past the threshold must stay off (Lemma 6). The sharp form of the threshold
# needs no constant: :math:`-\|\lambda\|_1\beta_i > \|\lambda\|_1 |(E\beta)_i|`.
law = rb.ensembles.Gaussian(rb.ensembles.isotropic(16_000))
labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(20, seed=0)
problem = rb.Problem(law.sample_gram(20, seed=0), labels)
report = rb.check(problem, rb.starts.all_positive(problem, 0.005), step_size=0.9 / law.trace,
                  spectrum=law)  # fmt: skip
for verdict in report.verdicts:
    if ".lemma5" in verdict.condition or ".lemma6" in verdict.condition:
        print(f"{verdict.condition:32} {verdict.outcome:8} {verdict.margin:8.3f}")
