r"""
Theorem 6: many neurons, and a limit far from the shortest network
==================================================================

From a disjoint start the limit is within :math:`C\,y_{\max}\sqrt{mn/\|\lambda\|_1}` of the shortest
network of m neurons: an upper bound only. Measured against *proved* optima, it is sharp in the
dimension and in m.
"""

# %%
# Half of the m neurons are positive. The shortest network shares every example equally among the
# neurons of its sign; a disjoint start gives it to one of them alone, so for m > 2 the limit is
# far even as the step goes to zero.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

KAPPA, D = 0.9, 100_000
law = rb.ensembles.Gaussian(rb.ensembles.isotropic(D))


def gap_of(m, seed):
    """Return the problem, the limit's distance from the optimum, and whether that is proved."""
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=5)(10, seed=seed)
    problem = rb.Problem(law.sample_gram(10, seed=seed), labels, np.repeat([1, -1], m // 2))
    positive, half = labels > 0, m // 2
    turn = np.where(positive, np.cumsum(positive) - 1, np.cumsum(~positive) - 1) % half
    owners = np.where(positive, turn, half + turn)
    start = rb.starts.disjoint(problem, owners, 0.025 / m)
    run = rb.gradient_descent(problem, start, step_size=KAPPA / D)
    shortest = rb.minimum_norm(problem, time_limit=5.0)
    return problem, rb.bias_gap(problem, run, shortest), shortest


widths = np.array([2, 4, 6, 8, 10])
found = {m: [gap_of(int(m), seed) for seed in range(5)] for m in widths}
for m in widths:
    kinds = {shortest.certificate.kind for *_, shortest in found[m]}
    statuses = {str(shortest.status) for *_, shortest in found[m]}
    relative = np.median([gap.relative for _, gap, _ in found[m]])
    print(f"m = {m:2}: the limit is {relative:.2f} norms of the optimum away; optimum "
          f"{', '.join(statuses)} ({', '.join(kinds)})")  # fmt: skip

# %%
# To leading order the distance is :math:`\sqrt{1 - 2/m + \kappa^2 m/2}\,\|y\|/\sqrt{d}` for a
# start whose parked values do not matter: it grows with the number of neurons as the bound does.
# The bound itself, with the constant C = 1 and y of size y_max, stands above.
size = [np.linalg.norm(problem.labels) for problem, *_ in found[2]]
measured = np.array([[gap.distance for _, gap, _ in found[m]] for m in widths]) * np.sqrt(D)
law_of_m = np.sqrt(1 - 2 / widths + KAPPA**2 * widths / 2) * np.median(size)
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
ax.plot(widths, measured, "o", color="#0072B2", alpha=0.5)
ax.plot(widths, np.median(measured, axis=1), "-", color="#0072B2", label="measured, 5 data sets")
ax.plot(widths, law_of_m, "k--", linewidth=1, label="leading order, parked values small")
ax.plot(widths, np.sqrt(10 * widths), ":", color="#D55E00", label=r"$y_{\max}\sqrt{mn}$")
ax.set(xlabel="neurons $m$", ylabel=r"distance times $\sqrt{d}$", ylim=0, xticks=widths)
legend = ax.legend(frameon=False)
