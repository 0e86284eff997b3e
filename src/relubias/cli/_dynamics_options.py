"""Options that say how the network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from relubias.cli._options import whole_number
from relubias.errors import InvalidInputError

__all__ = ["DynamicsOptions", "StepOptions"]

_DYNAMICS = Group("Dynamics", sort_key=2)


@Parameter(name="*", group=_DYNAMICS, negative=())
@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Plain gradient descent: its step, from where, and for how long."""

    kappa: float | None = None
    """Step size times the mean squared norm of a sample [default: 0.9; both layers: by labels]."""

    step_size: float | None = None
    """Step size itself, instead of --kappa."""

    start: Literal["all_positive", "gaussian", "disjoint"] = "all_positive"
    """Every sample active, Gaussian weights, or each sample owned by one neuron in turn."""

    start_scale: float | None = None
    """Primal values at the start; for gaussian, deviation of weights [default: 0.01 min |y|]."""

    start_file: Path | None = None
    """Dual start of shape (neurons, samples), as .npy or as "start" in .npz; replaces --start."""

    seed: Annotated[int, Parameter(converter=whole_number)] = 0
    """Seed of the gaussian start."""

    max_iter: Annotated[int | None, Parameter(converter=whole_number)] = None
    """Iterations to compute; a jump over any number of steps counts as one [default: 10000000]."""

    tol: float = 1e-10
    """Residual at which an uncertified run may stop, relative to the largest label."""

    def refuse_contradictions(self) -> None:
        """Name the first option that means nothing beside the others."""
        if self.kappa is not None and self.step_size is not None:
            raise InvalidInputError("--kappa: came together with --step-size; pass one of them")


@Parameter(name="*", group=_DYNAMICS, negative=())
@dataclass(frozen=True, kw_only=True)
class DynamicsOptions(StepOptions):
    """How the network is trained, from where, and for how long."""

    momentum: float | None = None
    """Heavy-ball momentum, from 0 to below 1."""

    batches: Annotated[int | None, Parameter(converter=whole_number)] = None
    """Samples in each mini-batch, taken in turn; all samples at once if omitted."""

    flow: Annotated[bool, Parameter(show_default=False)] = False
    """Follow gradient flow, the limit of small steps, exactly."""

    both_layers: Annotated[bool, Parameter(show_default=False)] = False
    """Train the output weights, too; they start with the signs of --signs."""

    outer_scale: float | None = None
    """Size of all output weights at the start [default: each the norm of its neuron's weights]."""

    max_events: Annotated[int | None, Parameter(converter=whole_number)] = None
    """Events of the flow to compute [default: 1000, and 100 for each neuron and sample]."""

    def refuse_contradictions(self) -> None:
        """Name the first option that means nothing beside the others."""
        if self.flow and self.both_layers:
            raise InvalidInputError(
                "--flow: follows the first layer alone; drop --both-layers, or call "
                "relubias.dynamics.both_layers_flow in Python"
            )
        StepOptions.refuse_contradictions(self)
        stepped = {
            "--kappa": self.kappa,
            "--step-size": self.step_size,
            "--max-iter": self.max_iter,
        }
        first_layer = {"--momentum": self.momentum, "--batches": self.batches}
        if self.flow:
            _refuse(stepped | first_layer, "means nothing for --flow, which has no steps; drop it")
        else:
            _refuse({"--max-events": self.max_events}, "counts events of the flow; pass --flow")
        if self.both_layers:
            _refuse(first_layer, "is for the first layer alone; drop it or --both-layers")
        else:
            outer = {"--outer-scale": self.outer_scale}
            _refuse(outer, "scales output weights that are trained; pass --both-layers")


def _refuse(options: dict[str, Any], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise InvalidInputError(f"{name}: {why}")
