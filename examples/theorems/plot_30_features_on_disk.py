r"""
Features that fit in no memory
==============================

Features in a file, read a tile at a time; or features that are made as they are read. The sum can
be interrupted and taken up again, and the bits do not depend on any of it.
"""

# %%
# A file of 40 examples with 100,000 features each. Only its Gram matrix has to fit into memory.
import tempfile
from pathlib import Path

import numpy as np

import relubias as rb

rng = np.random.default_rng(0)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    np.save(folder / "X.npy", rng.standard_normal((40, 100_000)))
    X = np.load(folder / "X.npy", mmap_mode="r")
    seen = []
    gram = rb.gram_matrix(
        X, memory=12e6, checkpoint=folder / "sums.npz", progress=lambda part, _: seen.append(part)
    )
    print(f"read {X.nbytes / 1e6:.0f} MB in {len(seen)} reports, holding 12 MB at a time")
    print(f"the same bits as in memory: {(gram == rb.gram_matrix(np.array(X))).all()}")
    del X

# %%
# Features of a law are drawn block by block, each from its own seed; no matrix is ever stored.
law = rb.ensembles.Rademacher(10**6)
features = law.features(8, seed=0)
print(f"shape {features.shape}, first entries {features[0, :5].astype(int).tolist()}")
gram = rb.gram_matrix(features)

# %%
# From there on nothing depends on the number of features. The problem takes the matrix.
labels = np.array([1.0, 0.8, -0.6, 0.9, -1.0, -0.7, 0.5, -0.5])
problem = rb.Problem(gram, labels)
start = rb.starts.all_positive(problem, 0.005)
run = rb.gradient_descent(problem, start, step_size=0.9 / law.trace)
gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=law.trace)
print(gap.summary())
axes = gap.plot()
