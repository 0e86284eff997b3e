"""Gradient descent in Gram form: starts, runs, trajectories and certificates."""

from relubias.dynamics import starts
from relubias.dynamics.batch import DescentBatch, gradient_descent_batch
from relubias.dynamics.both_layers import train_both_layers
from relubias.dynamics.both_layers_certificate import BothLayersCertificate, certify_both_layers
from relubias.dynamics.both_layers_trajectory import (
    BothLayersRecords,
    BothLayersState,
    BothLayersTrajectory,
)
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.descent import gradient_descent
from relubias.dynamics.descent_trajectory import DescentTrajectory
from relubias.dynamics.step_size import StepSizeBounds, step_size_bounds
from relubias.dynamics.trajectory import SWITCH_DTYPE, Records, State, Status, Tail, Trajectory

__all__ = [
    "SWITCH_DTYPE",
    "BothLayersCertificate",
    "BothLayersRecords",
    "BothLayersState",
    "BothLayersTrajectory",
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
    "certify_both_layers",
    "gradient_descent",
    "gradient_descent_batch",
    "starts",
    "step_size_bounds",
    "train_both_layers",
]
