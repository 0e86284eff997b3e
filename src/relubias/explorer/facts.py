"""The line of facts above the pictures."""

from __future__ import annotations

import math

import relubias as rb
from relubias.dynamics import FlowTrajectory, Status
from relubias.explorer.data import Data
from relubias.explorer.frames import Frames
from relubias.explorer.state import State

__all__ = ["facts"]


def facts(
    state: State,
    data: Data,
    frames: Frames,
    shortest: rb.MinimumNorm,
    gap: rb.BiasGap | None,
) -> list[list[str]]:
    """Return names and values, for people."""
    run = frames.run
    is_certified = run.status is Status.CERTIFIED
    found = [["run", str(run.status)]]
    if isinstance(run, FlowTrajectory):
        found.append(["events", f"{run.n_events:,}"])
        found.append(["last switch", f"L t = {run.last_switch * data.trace:.4g}"])
    else:
        found.append(["certified after" if is_certified else "followed for", _steps(run.n_steps)])
        found.append(["last switch", f"step {run.last_switch:,}" if run.n_switches else "none"])
    found.append(["switches", f"{run.n_switches:,}"])
    found.append(["loss", f"{run.loss:.4g}"])
    if gap is not None:
        found.append(["gap", f"{gap.distance:.5g}"])
        if math.isfinite(gap.prediction):
            found.append(["law", f"{gap.prediction:.5g}"])
        if math.isfinite(gap.ratio):
            found.append(["gap / law", f"{gap.ratio:.5g}"])
        if math.isfinite(gap.relative):
            found.append(["gap / shortest norm", f"{gap.relative:.4g}"])
    if math.isfinite(shortest.norm):
        found.append(["shortest norm", f"{shortest.norm:.5g} ({shortest.status})"])
    else:
        found.append(["shortest network", str(shortest.status)])
    if state.data is None and state.law != "orthogonal":
        found.append(["trace L", f"{data.trace:.6g}"])
    return found


def _steps(n_steps: int) -> str:
    return f"{n_steps:,} step{'' if n_steps == 1 else 's'}"
