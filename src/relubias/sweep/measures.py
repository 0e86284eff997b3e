"""What a sweep can measure: the columns of its rows, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias.sweep._batch import Batch

__all__ = ["BOTH", "DESCENT", "MEASURES", "Measure"]

Array = NDArray[Any]

BOTH = frozenset({"descent", "flow"})
DESCENT = frozenset({"descent"})
FLOW = frozenset({"flow"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Measure:
    """Columns of a row, and how a batch of tasks computes them.

    Attributes
    ----------
    about : str
        What it is, in a line.
    kinds : mapping of str to str
        Columns and their types, ``"float64"``, ``"int64"``, ``"bool"`` or ``"string"``.
    compute : callable
        From a batch to its columns.
    in_full : bool
        Whether it needs whole trajectories, which take longer than their ends.
    algorithms : frozenset of str
        Algorithms for which it means something.
    """

    about: str
    kinds: Mapping[str, str]
    compute: Callable[[Batch], Mapping[str, Array]]
    in_full: bool = False
    algorithms: frozenset[str] = BOTH

    def __repr__(self) -> str:
        return f"Measure({self.about!r})"


def _plain(
    name: str, kind: str, about: str, value: Callable[[Batch], Any], **options: Any
) -> tuple[str, Measure]:
    """Return a measure of one column with the name of the measure."""
    return name, Measure(
        about=about, kinds={name: kind}, compute=lambda batch: {name: value(batch)}, **options
    )


def _of_gap(read: Callable[[Any], float]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([math.nan if g is None else read(g) for g in batch.gaps])


def _of_solution(read: Callable[[Any], Any]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([read(solution) for solution in batch.minimum_norms])


def _of_run(read: Callable[[Any], Any]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([read(run) for run in batch.runs])


def _norms(batch: Batch) -> Array:
    from relubias.minnorm.distance import dual_norm

    return np.array(
        [
            math.hypot(*(dual_norm(case.gram, row).value for row in dual))
            for case, dual in zip(batch.cases, batch.ends.dual, strict=True)
        ]
    )


def _norm_of(labels: Array, chosen: Array) -> float:
    return float(np.linalg.norm(labels[chosen]))


def _patterns(batch: Batch) -> Array:
    active = (batch.ends.primal > 0).astype(np.uint8) + ord("0")
    marks = np.full(active.shape[:2], ord("/"), dtype=np.uint8)[..., None]
    text = np.concatenate((active, marks), axis=2).reshape(active.shape[0], -1)[:, :-1]
    return np.ascontiguousarray(text).view(f"S{text.shape[1]}")[:, 0].astype(np.str_)


def _in_one_step(batch: Batch) -> Array:
    agrees = batch.signs[None, :, None] * batch.labels[:, None, :] > 0
    same = ((batch.ends.primal > 0) == agrees).all(axis=(1, 2))
    return (batch.ends.last_switch <= 1) & same


def _certificate(run: Any) -> str:
    if run.certificate is None:
        return ""
    return getattr(run.certificate, "kind", "flow")


MEASURES: Mapping[str, Measure] = MappingProxyType(
    dict(
        [
            _plain("gap", "float64", "distance of the limit from the shortest network",
                   _of_gap(lambda gap: gap.distance)),
            _plain("gap_error", "float64", "bound on what rounding did to the gap",
                   _of_gap(lambda gap: gap.rounding_error)),
            _plain("relative_gap", "float64", "gap over the minimum norm",
                   _of_gap(lambda gap: gap.relative)),
            _plain("gap_law", "float64", "the gap that the law predicts in high dimension",
                   _of_gap(lambda gap: gap.prediction)),
            _plain("gap_ratio", "float64", "gap over the law",
                   _of_gap(lambda gap: gap.ratio)),
            _plain("run_status", "string", "how the run ended",
                   lambda batch: batch.ends.status),
            _plain("n_steps", "int64", "steps until the status was known",
                   lambda batch: batch.ends.n_steps, algorithms=DESCENT),
            _plain("n_switches", "int64", "activation switches",
                   lambda batch: batch.ends.n_switches),
            _plain("last_switch", "float64", "step, or time of a flow, of the last switch; else 0",
                   lambda batch: batch.ends.last_switch.astype(np.float64)),
            _plain("loss", "float64", "risk at the limit",
                   lambda batch: batch.ends.loss),
            _plain("selected", "string", "samples active at the limit, as bits; a part per neuron",
                   _patterns),
            _plain("norm", "float64", "norm of the limit", _norms),
            _plain("one_step", "bool", "the pattern is that of the labels from step 1 on",
                   _in_one_step, algorithms=DESCENT),
            _plain("tail", "string", "what the run was doing at its end",
                   _of_run(lambda run: str(run.tail)), in_full=True, algorithms=DESCENT),
            _plain("n_events", "int64", "times at which the motion of a flow changed",
                   _of_run(lambda run: run.n_events), in_full=True, algorithms=FLOW),
            _plain("certificate", "string", "kind of proof of the limit; empty without one",
                   _of_run(_certificate), in_full=True),
            _plain("minimum_norm", "float64", "norm of the shortest network",
                   _of_solution(lambda solution: solution.norm)),
            _plain("minimum_norm_bound", "float64", "no network that fits is shorter",
                   _of_solution(lambda solution: solution.lower_bound)),
            _plain("minimum_norm_status", "string", "how its search ended",
                   _of_solution(lambda solution: str(solution.status))),
            _plain("minimum_norm_certificate", "string", "kind of proof of the minimum norm",
                   _of_solution(lambda solution: solution.certificate.kind)),
            _plain("step_size", "float64", "step size, in inverse squared units of the features",
                   lambda batch: np.array([case.step_size for case in batch.cases]),
                   algorithms=DESCENT),
            _plain("norm_positive", "float64", "norm of the positive labels",
                   lambda batch: np.array([_norm_of(y, y > 0) for y in batch.labels])),
            _plain("norm_negative", "float64", "norm of the negative labels",
                   lambda batch: np.array([_norm_of(y, y < 0) for y in batch.labels])),
            _plain("trace", "float64", "trace of the covariance",
                   lambda batch: np.array([case.cell.trace for case in batch.cases])),
        ]
    )
)  # fmt: skip
"""Every quantity that a plan can name."""
