r"""
A sweep: how high does the dimension have to be?
================================================

The theorems need :math:`d` of order :math:`n^2`. When does one step settle the pattern in
simulation? A sweep over n and d answers, and its rows are on disk for the next question.
"""

# %%
# A plan says what is varied and what is measured. Running it again continues where it stopped.
import tempfile

import relubias as rb

plan = rb.sweep.Plan(
    name="one-step",
    n=[4, 8, 16, 32],
    d=[f"{ratio}*n" for ratio in (2, 4, 8, 16, 32, 64)],
    kappa=0.9,
    labels={"name": "uniform_magnitude", "low": 0.5, "high": 1.0},
    start={"name": "all_positive", "scale": 0.005},
    algorithm={"name": "descent", "max_iter": 500},
    replicates=20,
    measure=["one_step", "gap", "gap_law", "run_status"],
)
folder = tempfile.TemporaryDirectory()
result = rb.sweep.run(plan, folder.name, workers=0, progress=False)
frame = result.to_pandas()
frame["ratio"] = frame["d"] // frame["n"]
print(frame.groupby(["n", "ratio"])["one_step"].mean().unstack("n").round(2))

# %%
# The line marks where half of the data sets are settled after one step: far below
# :math:`d = n^2`, at a few times n.
axes = result.phase_map("d", "n", "one_step")

# %%
# The gap against the dimension, for three n, from the same rows, with the exponents of power laws.
axes = result.plot("d", "gap", "n", where={"n": [8, 16, 32]}, fit=True)
folder.cleanup()
