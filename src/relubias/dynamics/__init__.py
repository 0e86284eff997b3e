"""Gradient descent in Gram form: starts, runs, trajectories and certificates."""

from relubias.dynamics import starts
from relubias.dynamics.batch import DescentBatch, gradient_descent_batch
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.descent import gradient_descent
from relubias.dynamics.descent_trajectory import DescentTrajectory
from relubias.dynamics.step_size import StepSizeBounds, step_size_bounds
from relubias.dynamics.trajectory import SWITCH_DTYPE, Records, State, Status, Tail, Trajectory

__all__ = [
    "SWITCH_DTYPE",
    "Certificate",
    "DescentBatch",
    "DescentTrajectory",
    "Records",
    "State",
    "Status",
    "StepSizeBounds",
    "Tail",
    "Trajectory",
    "certify",
    "gradient_descent",
    "gradient_descent_batch",
    "starts",
    "step_size_bounds",
]
