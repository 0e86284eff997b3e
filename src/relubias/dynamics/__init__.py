"""Gradient descent in Gram form: starts, runs, trajectories and certificates."""

from relubias.dynamics import starts
from relubias.dynamics.batch import DescentBatch, gradient_descent_batch
from relubias.dynamics.both_layers import train_both_layers
from relubias.dynamics.both_layers_certificate import BothLayersCertificate, certify_both_layers
from relubias.dynamics.both_layers_flow import BothLayersFlow, HalvingStatus, both_layers_flow
from relubias.dynamics.both_layers_trajectory import (
    BothLayersRecords,
    BothLayersState,
    BothLayersTrajectory,
)
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.descent import gradient_descent
from relubias.dynamics.descent_trajectory import DescentTrajectory
from relubias.dynamics.flow import gradient_flow
from relubias.dynamics.flow_certificate import FlowCertificate, certify_flow
from relubias.dynamics.flow_trajectory import FLOW_SWITCH_DTYPE, FlowPath, FlowTrajectory
from relubias.dynamics.step_size import StepSizeBounds, step_size_bounds
from relubias.dynamics.trajectory import SWITCH_DTYPE, Records, State, Status, Tail, Trajectory

__all__ = [
    "FLOW_SWITCH_DTYPE",
    "SWITCH_DTYPE",
    "BothLayersCertificate",
    "BothLayersFlow",
    "BothLayersRecords",
    "BothLayersState",
    "BothLayersTrajectory",
    "Certificate",
    "DescentBatch",
    "DescentTrajectory",
    "FlowCertificate",
    "FlowPath",
    "FlowTrajectory",
    "HalvingStatus",
    "Records",
    "State",
    "Status",
    "StepSizeBounds",
    "Tail",
    "Trajectory",
    "both_layers_flow",
    "certify",
    "certify_both_layers",
    "certify_flow",
    "gradient_descent",
    "gradient_descent_batch",
    "gradient_flow",
    "starts",
    "step_size_bounds",
    "train_both_layers",
]
