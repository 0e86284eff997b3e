r"""
The shortest network, with a certificate
========================================

Which network of given signs fits the labels with the smallest norm? For one neuron that is a convex
program; for more it is not, and it takes a proof that nothing smaller exists.
"""

# %%
# One neuron. Positive labels are fitted, the others have to be at or below zero. The certificate
# bounds the distance of the answer from the true optimum, rounding included.
import numpy as np

import relubias as rb

rng = np.random.default_rng(0)
X = rng.standard_normal((16, 20))
y = rng.uniform(0.3, 1.0, 16) * rng.choice([-1.0, 1.0], 16)
one = rb.minimum_norm(rb.Problem.from_features(X, y))
print(one.summary())
axes = one.plot()

# %%
# A pair of opposite signs fits every label. In high dimension each neuron minds its own sign; here,
# with hardly more features than examples, it is shorter to have both active on some. An eigenvalue
# proves here that no pair is shorter; where it does not, a search does (see the next example).
pair = rb.minimum_norm(rb.Problem.from_features(X, y, signs=(1, -1)))
print(pair.summary())
print(f"both neurons are active on examples {pair.coupled.tolist()}")
axes = pair.plot()

# %%
# Nobody has to believe the solver. :func:`relubias.minnorm.verify` shares no code with it: it
# recomputes predictions, norms and lower bounds, and with ``leaves=True`` every leaf of the search.
found = rb.minnorm.verify(pair.problem, pair, leaves=True)
print(found)
axes = found.plot()

# %%
# Where no network fits, the answer names examples that contradict each other.
repeated = np.vstack([X[:6], X[:1]])
conflict = rb.minimum_norm(rb.Problem.from_features(repeated, [*y[:6], y[0] + 1.0]))
print(conflict.status, conflict.conflict.tolist())
