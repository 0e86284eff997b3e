"""`relubias diagnose`: what bias a trained network shows."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import Group, Parameter

from relubias._files import printable, unusable
from relubias.cli._data import read_source
from relubias.cli._options import OutputOptions, errors_name_options
from relubias.cli._output import Section, emit, number, results_folder, strict_json
from relubias.cli._report import versions
from relubias.errors import InvalidInputError

if TYPE_CHECKING:
    from relubias.diagnosis import Diagnosis

__all__ = ["diagnose"]

_MODEL = Group("Model", sort_key=1)
_DATA = Group("Data", sort_key=2)


def diagnose(
    model: Path,
    data: Path,
    /,
    *,
    hidden: Annotated[str | None, Parameter(group=_MODEL)] = None,
    output: Annotated[str | None, Parameter(group=_MODEL)] = None,
    start: Annotated[Path | None, Parameter(group=_MODEL)] = None,
    held_out: Annotated[Path | None, Parameter(group=_DATA)] = None,
    labels: Annotated[Path | None, Parameter(group=_DATA)] = None,
    label_column: Annotated[str | None, Parameter(group=_DATA, allow_leading_hyphen=True)] = None,
    step_size: float | None = None,
    kappa: float | None = None,
    ridge: float | None = None,
    tol: float | None = None,
    time_limit: float = 10.0,
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
    html: Annotated[Path | None, Parameter(group="Output")] = None,
) -> int:
    """Say what bias a trained network with one hidden relu layer shows.

    The model's file holds weights and is never run: PyTorch's are read with weights_only=True.
    Exit status 1 if the network is still moving.

    Parameters
    ----------
    model : Path
        A state dict (.pt, .pth), or arrays W, b, a, c (.npz).
    data : Path
        Features and labels that it was trained on (.npz, .npy, .csv, .parquet, .h5, .zarr).
    hidden : str, optional
        Name of the hidden layer, where the file holds more than two layers.
    output : str, optional
        Name of the output layer.
    start : Path, optional
        The model before training, of the same kind.
    held_out : Path, optional
        Features and labels that it was not trained on, for test errors.
    labels : Path, optional
        File with the labels, if DATA holds none.
    label_column : str, optional
        Label column of a table, by name or position; the last one if omitted.
    step_size : float, optional
        Step of gradient descent on half the sum of squares.
    kappa : float, optional
        The same times the mean squared length of the samples.
    ridge : float, optional
        Penalty of ridge regression; chosen by the leave-one-out error if omitted.
    tol : float, optional
        Part of a size that counts as none; by the type of the weights if omitted.
    time_limit : float, default=10
        Seconds for the minimum norm, and again for gradient descent.
    to : OutputOptions
        Where the answer goes.
    html : Path, optional
        File for the diagnosis as a page with pictures (.html).

    Returns
    -------
    int
        The exit status.
    """
    from relubias.diagnosis import Rest, load_model
    from relubias.diagnosis import diagnose as diagnose_model

    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"--html: is {str(html)!r}; end it with .html")
    weights = load_model(model)
    initial = None if start is None else load_model(start)
    X, y = _samples(data, labels, label_column)
    tested = None if held_out is None else _samples(held_out, None, label_column)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_errors_name_files(model, data, start, held_out))
        stack.enter_context(errors_name_options())
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        page = stack.enter_context(results_folder(html.parent)) if html else None
        found = diagnose_model(
            weights,
            X,
            y,
            held_out=tested,
            start=initial,
            step_size=step_size,
            kappa=kappa,
            hidden=hidden,
            output=output,
            ridge=ridge,
            tol=tol,
            time_limit=time_limit,
            progress=True,
        )
        facts = _facts(found, model, data)
        text = strict_json(facts)
        if folder:
            folder.add_json("diagnosis.json", text)
            folder.add_arrays("diagnosis.npz", **_arrays(found))
        if page and html:
            document = found.to_html().encode()
            page.add(html.name, lambda file: file.write(document))
    emit(text if to.json else _sections(found))
    return 1 if found.optimum.rest is Rest.MOVING else 0


@contextlib.contextmanager
def _errors_name_files(model: Path, data: Path, start: Path | None, held_out: Path | None) -> Any:
    """Let errors about an argument name the file that it came from."""
    files = {"model": model, "X": data, "y": data, "start": start, "held_out": held_out}
    options = ("kappa", "ridge", "hidden", "output")
    try:
        yield
    except InvalidInputError as error:
        name, colon, rest = str(error).partition(":")
        if name in options:
            raise InvalidInputError(f"--{name}:{rest}") from error
        path = files.get(name)
        if path is None or not colon:
            raise
        raise InvalidInputError(f"{printable(path)}:{rest}") from error


def _samples(path: Path, labels: Path | None, label_column: str | None) -> tuple[Any, Any]:
    """Read features and labels."""
    source = read_source(path, label_column=label_column, has_labels=labels is None)
    if source.features is None:
        raise unusable(path, "holds a Gram matrix", "pass the features: models are read in them")
    y = source.labels
    if labels is not None:
        y = (
            read_source(labels, has_labels=True).labels
            if labels.suffix == ".csv"
            else _only(labels)
        )
    if y is None:
        raise unusable(path, "holds no labels", "add --labels FILE")
    return np.asarray(source.features), y


def _only(path: Path) -> Any:
    from relubias.cli._data import read_array

    return read_array(path, "labels")


def _facts(d: Diagnosis, model: Path, data: Path) -> dict[str, Any]:
    o, a, s, h, limit = d.optimum, d.activity, d.selection, d.curvature, d.limit
    return {
        "command": "diagnose",
        "versions": versions(),
        "model": {
            "file": model,
            "source": d.network.source,
            "n_neurons": d.problem.n_neurons,
            "signs": d.problem.signs.astype(int),
            "has_bias": d.network.has_bias,
            "output_bias": d.network.output_bias,
            "dtype": d.network.dtype,
            "notes": d.network.notes,
            "agreement": {
                name: getattr(d.agreement, name)
                for name in ("max_abs", "relative", "tolerance", "holds")
            },
        },
        "data": {
            "file": data,
            "n_samples": d.problem.n_samples,
            "n_features": d.network.n_features,
            "n_held_out": d.n_test,
        },
        "settings": {"step_size": d.step_size, "tol": d.tolerance},
        "optimum": {"rest": str(o.rest), "sentence": o.rest.sentence}
        | {
            name: getattr(o, name)
            for name in (
                "loss", "rmse", "floor", "misfit", "gradient_norm", "still_to_lose", "is_global",
            )
        },
        "norm": d.norm,
        "distances": [
            {
                name: getattr(c, name)
                for name in (
                    "name", "sentence", "distance", "rounding_error", "at_least", "relative",
                    "cosine", "norm", "is_exact",
                )
            }
            for c in d.comparisons
        ],
        "minimum_norm": None
        if d.shortest is None
        else {"status": str(d.shortest.status), "lower_bound": d.shortest.lower_bound},
        "span": {"rank": d.span.rank, "share": d.span.total, "outside_norm": d.span.outside_norm},
        "activity": {
            "n_ignored": a.n_ignored,
            "n_frozen": (a.frozen > 0).sum(axis=1),
            "is_settled": a.is_settled,
            "margin": a.margin,
            "uncovered": a.uncovered,
            "dead": a.dead,
        },
        "selection": {
            "support": s.support,
            "is_projection": s.is_projection,
            "distance": s.distance,
            "relative": s.relative,
            "outside_change": s.outside_change,
        },
        "curvature": {
            "rank": h.rank, "condition": h.condition, "steps_left": h.steps_left,
        },
        "descent": {"status": str(limit.status), "n_steps": limit.n_steps, "loss": limit.loss},
        "ridge": {"penalty": d.ridge.penalty, "leave_one_out": d.ridge.error},
        "test_errors": [
            {
                name: getattr(e, name)
                for name in (
                    "name", "rmse", "train_rmse", "r2", "difference", "difference_error",
                    "is_better",
                )
            }
            for e in d.test_errors
        ],
        "findings": d.findings,
    }  # fmt: skip


def _arrays(d: Diagnosis) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "weights": d.network.vectors,
        "signs": d.problem.signs,
        "primal": d.primal,
        "state": d.activity.sign,
        "frozen": d.activity.frozen,
        "cosine": d.activity.cosine,
        "slack": d.activity.slack,
        "residual": d.residual,
        "limit": d.limit.weights,
        "projection": d.selection.projection,
    }
    shortest = d.find("minimum norm")
    return arrays if shortest is None else arrays | {"minimum_norm": shortest.weights}


def _sections(d: Diagnosis) -> list[Section]:
    from relubias.diagnosis._findings import percent
    from relubias.diagnosis._text import facts

    sections = [
        Section("model", facts(d)),
        Section("distance to", [(c.name, _distance(c, percent)) for c in d.comparisons]),
    ]
    if d.test_errors:
        words = {True: ", better than the model", False: ", worse than the model", None: ""}
        rows = [
            (e.name, f"{number(e.rmse)} (training {number(e.train_rmse, 4)}){words[e.is_better]}")
            for e in d.test_errors
        ]
        sections.append(Section("root of the mean squared error, held out", rows))
    sections.append(Section("findings", [(str(k), text) for k, text in enumerate(d.findings, 1)]))
    return sections


def _distance(comparison: Any, percent: Any) -> str:
    cosine = "" if math.isnan(comparison.cosine) else f", cosine {comparison.cosine:.4f}"
    known = "" if comparison.is_exact else ", best known"
    return f"{number(comparison.distance)} ({percent(comparison.relative)}{cosine}){known}"
