r"""
Gradient flow slides
====================

Where the flow pushes an example onto its hyperplane from both sides, it slides along it: the
example is neither active nor inactive. Is sliding only a fiction of infinitely small steps?
"""

# %%
# Three examples, one neuron. The third one has a negative label. It comes down to zero, slides for
# a while, and lets go. Flow is solved from event to event, each piece in closed form.
import matplotlib.pyplot as plt
import numpy as np

import relubias as rb

X = np.array([[1.2, -0.8, 0.6], [0.7, -0.4, 0.1], [0.8, 0.3, -0.1]])
problem = rb.Problem.from_features(X, [1.0, 0.3, -1.0])
start = rb.starts.from_weights(X, [[0.6, -0.1, 0.0]])
flow = rb.gradient_flow(problem, start)
print(flow.summary())
axes = flow.plot()

# %%
# Gradient descent with a small step does the same in its own way: it jumps to and fro across the
# hyperplane, and follows the flow the closer the smaller the step is.
begin, end = flow.switches["time"]
time = np.linspace(0.9 * begin, 1.1 * end, 400)
figure, ax = plt.subplots(figsize=(6.75, 3), layout="constrained")
for step, colour in ((0.05, "#D55E00"), (0.01, "#E69F00")):
    run = rb.gradient_descent(problem, start, step_size=step)
    steps = np.arange(int(0.9 * begin / step), int(1.1 * end / step))
    path = np.array([run.at(int(t)).primal[0, 2] for t in steps])
    ax.plot(step * steps, path, color=colour, linewidth=0.8, label=f"descent, step {step}")
    gap = rb.bias_gap(problem, run, flow)
    print(f"step {step}: {run.n_switches} switches, limit {gap.distance:.1e} from that of the flow")
ax.plot(time, [flow.at(t).primal[0, 2] for t in time], color="#0072B2", label="flow")
ax.axhline(0, color="black", linewidth=0.8)
ax.set(xlabel="time", ylabel=r"$w \cdot x_3$")
legend = ax.legend(frameon=False)

# %%
# And is the limit of the flow the shortest neuron? Not here:
gap = rb.bias_gap(problem, flow, rb.minimum_norm(problem))
print(f"the flow ends {gap.relative:.1%} of the norm from the shortest neuron")
