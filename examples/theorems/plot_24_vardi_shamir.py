r"""
Vardi and Shamir: no norm explains the limit
============================================

Vardi and Shamir (COLT 2021) show on three examples that the limit of gradient flow on one neuron is
the minimiser of no function of the weights. The example, solved exactly.
"""

# %%
# Features depend on a number :math:`\gamma`; labels are 16, 18 and 0. All neurons with zero loss
# are :math:`(5, -1, s)` with :math:`s \le 0`, and the shortest has :math:`s = 0`. Flow starts at
# zero, where the derivative of the ReLU is taken as 1 (``at_zero="open"``).
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb


def limit_of(gamma):
    """Return the flow and the weights of its limit."""
    X = np.array([[3.0, -1.0, 0.0], [4.0, 2.0, 0.0], [0.0, gamma, gamma]])
    problem = rb.Problem.from_features(X, [16.0, 18.0, 0.0])
    flow = rb.gradient_flow(problem, np.zeros((1, 3)), at_zero="open")
    return flow, (flow.limit.dual @ X)[0]


published = {1.0: (-0.045, -0.035), 2.0: (-0.12, -0.1), 5.0: (-0.22, -0.2)}
for gamma, (low, high) in published.items():
    flow, weights = limit_of(gamma)
    print(
        f"gamma = {gamma}: {flow.status}, s = {weights[2]:.6f}, published: between {low} and {high}"
    )

# %%
# The third example, with label zero, is pulled up by the others, then pushed back: its dual
# variable has become negative on the way, and what is inactive never moves again.
flow, _ = limit_of(2.0)
axes = flow.plot()

# %%
# The limit depends on :math:`\gamma`, though the set of neurons with zero loss does not.
gammas = np.geomspace(0.05, 100, 60)
s = [limit_of(gamma)[1][2] for gamma in gammas]
figure, ax = plt.subplots(figsize=(6.75, 2.8), layout="constrained")
ax.plot(gammas, s, color="#0072B2", label="limit of the flow")
for k, (gamma, ends) in enumerate(published.items()):
    name = "published intervals" if k == 0 else None
    ax.plot([gamma, gamma], ends, color="#D55E00", linewidth=4, label=name)
ax.axhline(0, color="black", linestyle="--", linewidth=0.8, label="shortest neuron")
ax.set(xscale="log", xlabel=r"$\gamma$", ylabel="third weight $s$")
legend = ax.legend(frameon=False)
