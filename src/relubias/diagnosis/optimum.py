"""Whether the network is at a global minimum of the risk, at a local one, or still moving."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.activity import Activity
from relubias.diagnosis.curvature import Curvature

__all__ = ["Optimum", "Rest", "floor_of", "optimum_of", "targets_of"]


class Rest(enum.StrEnum):
    """Where training has left the network; `sentence` is what people read."""

    GLOBAL_MINIMUM = "GLOBAL_MINIMUM"
    LOCAL_MINIMUM = "LOCAL_MINIMUM"
    STATIONARY = "STATIONARY"
    MOVING = "MOVING"

    @property
    def sentence(self) -> str:
        """The state in words."""
        return _SENTENCES[self]


_SENTENCES = {
    Rest.GLOBAL_MINIMUM: "no network with these signs has a smaller loss on these samples",
    Rest.LOCAL_MINIMUM: (
        "no small change of the first layer lowers the loss, but the labels are not fitted as well "
        "as is conceivable"
    ),
    Rest.STATIONARY: (
        "gradient descent has come to rest, but some sample lies so close to the hyperplane of a "
        "neuron that a minimum cannot be told from a saddle"
    ),
    Rest.MOVING: "gradient descent on the first layer would still lower the loss",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Optimum:
    """The loss, what is left of it, and what that makes of the network.

    Attributes
    ----------
    rest : Rest
        Global minimum, local minimum, stationary, or moving.
    loss : float
        ``0.5 * ||f(X) - y||**2``, in squared units of the labels.
    rmse : float
        Root of the mean squared residual, in units of the labels.
    floor : float
        No network with these signs has a smaller loss (equal samples and zero rows considered).
    misfit : float
        Largest difference between an output and what it is at that floor, in units of the largest
        label.
    gradient_norm : float
        Norm of the gradient of `loss` by all folded first-layer weights.
    still_to_lose : float
        Part of `loss` that descent removes while no activation switches.
    tolerance : float
        Part of the labels' size below which a residual counts as none.
    is_global : bool or None
        Whether the loss is the smallest possible; None if that is not known.
    n_kinks : int
        Pairs of a neuron and a sample at a hyperplane, to rounding, or that may still reach it on
        the way to the resting place.
    """

    rest: Rest
    loss: float
    rmse: float
    floor: float
    misfit: float
    gradient_norm: float
    still_to_lose: float
    tolerance: float
    is_global: bool | None
    n_kinks: int

    def __repr__(self) -> str:
        return f"Optimum({self.rest}, loss={self.loss:.6g}, gradient_norm={self.gradient_norm:.3g})"


def optimum_of(
    data: Data, curvature: Curvature, activity: Activity, *, can_be_fitted: bool
) -> Optimum:
    """Decide where the network is.

    Parameters
    ----------
    data : Data
        The network on its samples.
    curvature : Curvature
        What is left to move.
    activity : Activity
        Which samples are ignored.
    can_be_fitted : bool
        Whether a network with these signs is known that fits.

    Returns
    -------
    Optimum
        The state with its numbers.
    """
    residual = data.residual
    targets = targets_of(data)
    misfit = float(np.abs(data.outputs - targets).max()) / data.size
    floor = floor_of(data, targets)
    kinks = (activity.doubtful | (np.abs(data.primal) <= data.rounding)) & (data.lengths > 0)
    if misfit <= data.tolerance:
        rest = Rest.GLOBAL_MINIMUM
    elif curvature.moving > data.tolerance * data.size:
        rest = Rest.MOVING
    elif (kinks & (data.signs[:, None] * residual < -data.tolerance * data.size)).any():
        rest = Rest.STATIONARY
    else:
        rest = Rest.LOCAL_MINIMUM
    pushes = np.where(data.active, data.residual, 0.0) @ data.features
    return Optimum(
        rest=rest,
        loss=float(residual @ residual) / 2,
        rmse=float(np.sqrt(np.mean(residual**2))),
        floor=floor,
        misfit=misfit,
        gradient_norm=float(np.linalg.norm(pushes)),
        still_to_lose=curvature.moving**2 / 2,
        tolerance=data.tolerance,
        is_global=_is_global(rest, curvature, data, can_be_fitted=can_be_fitted),
        n_kinks=int(kinks.sum()),
    )


def _is_global(rest: Rest, curvature: Curvature, data: Data, *, can_be_fitted: bool) -> bool | None:
    """Whether the loss is the smallest possible."""
    if rest is Rest.GLOBAL_MINIMUM:
        return True
    if curvature.moving > data.tolerance * data.size:
        return False
    return False if can_be_fitted else None


def targets_of(data: Data) -> Float:
    """Return outputs whose loss no network with these signs goes below, (n,).

    Equal samples get one output, a sample of zeros gets 0, and a network of one sign has outputs
    of that sign.
    """
    low = 0.0 if (data.signs > 0).all() else -np.inf
    high = 0.0 if (data.signs < 0).all() else np.inf
    groups = np.unique(data.features + 0.0, axis=0, return_inverse=True)[1].ravel()
    means = np.bincount(groups, data.labels) / np.bincount(groups)
    alone = np.bincount(groups)[groups] == 1
    wanted = np.where(alone, data.labels, means[groups])
    return np.where(data.lengths > 0, np.clip(wanted, low, high), 0.0)


def floor_of(data: Data, targets: Float) -> float:
    """Return the loss at those outputs."""
    return float(((targets - data.labels) ** 2).sum()) / 2
