"""Where gradient descent on shallow ReLU networks goes, and how far that is from minimum norm."""

import typing

from relubias import dynamics, ensembles, minnorm
from relubias.bias import BiasGap, bias_gap
from relubias.dynamics import (
    BothLayersTrajectory,
    Certificate,
    DescentBatch,
    DescentTrajectory,
    FlowTrajectory,
    State,
    Status,
    StepSizeBounds,
    Tail,
    Trajectory,
    gradient_descent,
    gradient_descent_batch,
    gradient_flow,
    starts,
    step_size_bounds,
    train_both_layers,
)
from relubias.errors import (
    InvalidInputError,
    MissingExtraError,
    NotSolvedError,
    RelubiasError,
    StoreError,
    TaskFailedError,
)
from relubias.gram import gram_matrix
from relubias.minnorm import (
    LinearMinimumNorm,
    MinimumNorm,
    MinimumNormStatus,
    linear_minimum_norm,
    minimum_norm,
    minimum_norm_batch,
)
from relubias.problem import Problem

if typing.TYPE_CHECKING:
    from relubias import diagnosis, sweep, theory
    from relubias import estimators as estimators
    from relubias.diagnosis import Diagnosis, diagnose
    from relubias.theory import Report, check

__all__ = [
    "BiasGap",
    "BothLayersTrajectory",
    "Certificate",
    "DescentBatch",
    "DescentTrajectory",
    "Diagnosis",
    "FlowTrajectory",
    "InvalidInputError",
    "LinearMinimumNorm",
    "MinimumNorm",
    "MinimumNormStatus",
    "MissingExtraError",
    "NotSolvedError",
    "Problem",
    "RelubiasError",
    "Report",
    "State",
    "Status",
    "StepSizeBounds",
    "StoreError",
    "Tail",
    "TaskFailedError",
    "Trajectory",
    "__version__",
    "bias_gap",
    "check",
    "diagnose",
    "diagnosis",
    "dynamics",
    "ensembles",
    "gradient_descent",
    "gradient_descent_batch",
    "gradient_flow",
    "gram_matrix",
    "linear_minimum_norm",
    "minimum_norm",
    "minimum_norm_batch",
    "minnorm",
    "starts",
    "step_size_bounds",
    "sweep",
    "theory",
    "train_both_layers",
]

__version__: str


_LATER = {
    "Diagnosis": "diagnosis",
    "Report": "theory",
    "check": "theory",
    "diagnose": "diagnosis",
    "diagnosis": "",
    "estimators": "",  # not in __all__: a star import has to work without scikit-learn
    "sweep": "",
    "theory": "",
}
"""Names that are imported when they are first used, and the module that holds them."""


def __getattr__(name: str) -> object:
    if name in _LATER:
        from importlib import import_module

        module = import_module(f"relubias.{_LATER[name] or name}")
        return getattr(module, name) if _LATER[name] else module
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("relubias")
        except PackageNotFoundError:  # run from a source tree
            return "unknown"
    raise AttributeError(f"module 'relubias' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LATER})
