"""Run experiments, skip what is finished, and write the report."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relubias._progress import Progress, reporting
from relubias._validate import as_count, fail, shown
from relubias.experiments.registry import KEYS, Experiment, Finding, Measured, Scale, load
from relubias.experiments.store import Store, package_version

__all__ = ["Reproduction", "Result", "reproduce"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result:
    """One finished experiment: what was measured and how it relates to the paper.

    Attributes
    ----------
    experiment : Experiment
        What was computed.
    measured : dict of str to Measured
        Measured figures by their stable names.
    findings : tuple of Finding
        How they relate to the paper.
    seconds : float
        Wall-clock time of the computation.
    """

    experiment: Experiment
    measured: dict[str, Measured]
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reproduction:
    """What `reproduce` did and where it put it.

    Attributes
    ----------
    results : tuple of Result
        Every experiment that is finished in the folder, in the order of the report.
    computed, kept : tuple of str
        Keys that were computed now, and that were finished before.
    report, summary : Path
        The HTML report and the measured figures.
    """

    results: tuple[Result, ...]
    computed: tuple[str, ...]
    kept: tuple[str, ...]
    report: Path
    summary: Path


def reproduce(
    keys: Iterable[str] | None = None,
    *,
    out: str | Path = "reproduction",
    scale: Scale | str = Scale.DEFAULT,
    seed: int = 0,
    fresh: bool = False,
    progress: Progress = False,
) -> Reproduction:
    """Compute, draw and judge experiments, and write the report.

    Parameters
    ----------
    keys : iterable of str, optional
        Names from `KEYS`; all if omitted. Named ones are drawn anew even if finished.
    out : str or Path, default="reproduction"
        Folder for tables, figures, ``report.html`` and ``summary.json``.
    scale : {"quick", "default", "full"}, default="default"
        How much to compute.
    seed : int, default=0
        Seed of all draws; the same seed gives the same figures.
    fresh : bool, default=False
        Compute even what is finished.
    progress : bool or callable, default=False
        Whether to say what is being done.

    Returns
    -------
    Reproduction
        Results and paths.

    Raises
    ------
    InvalidInputError
        If a key or the scale is unknown, the seed is no whole number, or `out` cannot be
        written; nothing is computed then.

    Notes
    -----
    An interrupted run goes on where it stopped; of the full scale, with the extra ``sweep``, even
    in the middle of an experiment, which then takes all cores. Experiments that an earlier run
    finished in the same folder, with the same scale, seed and version, stay in the report.
    """
    chosen = _checked_keys(keys)
    store = Store(
        folder=_checked_folder(out), scale=_checked_scale(scale), seed=as_count("seed", seed),
        version=package_version(),
    )  # fmt: skip
    experiments = [load(key) for key in chosen]
    computed: list[str] = []
    with reporting(progress, "reproduce") as report:
        store.prepare()
        for position, experiment in enumerate(experiments):
            report(position / len(experiments), f"{experiment.key}: {experiment.title}")
            if fresh or not store.is_finished(experiment.key):
                if fresh:
                    shutil.rmtree(store.sweeps(experiment.key), ignore_errors=True)
                _compute(store, experiment)
                computed.append(experiment.key)
            elif keys is not None or not store.has_figures(experiment.key):
                _draw(store, experiment)
        report(1.0, "writing the report")
        results = _gather(store)
        _write(store, results)
    return Reproduction(
        results=results,
        computed=tuple(computed),
        kept=tuple(key for key in chosen if key not in computed),
        report=store.report,
        summary=store.summary,
    )


def _checked_keys(keys: Iterable[str] | None) -> Sequence[str]:
    """Return the keys in the order of the report, each once."""
    if keys is None:
        return KEYS
    try:
        named = [keys] if isinstance(keys, str) else list(keys)
    except TypeError as error:
        raise fail("keys", f"is {shown(keys)}", f"choose from {', '.join(KEYS)}") from error
    for key in named:
        load(key)
    if not named:
        raise fail("keys", "names no experiment", f"choose from {', '.join(KEYS)}")
    return [key for key in KEYS if key in named]


def _checked_folder(out: str | Path) -> Path:
    try:
        return Path(out)
    except TypeError as error:
        raise fail("out", f"is {shown(out)}", "pass the name of a folder") from error


def _checked_scale(scale: Scale | str) -> Scale:
    try:
        return Scale(scale)
    except ValueError as error:
        raise fail("scale", f"is {shown(scale)}", f"choose from {', '.join(Scale)}") from error


def _compute(store: Store, experiment: Experiment) -> None:
    """Compute one table; its figures are drawn before it counts as finished.

    The sweeps of the largest scale go to all cores, and their rows are kept until then.
    """
    from relubias.experiments._sweeps import kept_in

    begin = time.perf_counter()
    sweeps = store.sweeps(experiment.key)
    with kept_in(sweeps) if store.scale is Scale.FULL else nullcontext():
        table = experiment.compute(store.scale, store.seed)
    seconds = time.perf_counter() - begin
    store.forget(experiment.key)
    store.write_figure(experiment.key, experiment.draw(table))
    store.write_table(experiment.key, table, seconds)
    shutil.rmtree(sweeps, ignore_errors=True)
    with suppress(OSError):  # another experiment's rows are there, or none ever were
        sweeps.parent.rmdir()


def _draw(store: Store, experiment: Experiment) -> None:
    store.write_figure(experiment.key, experiment.draw(store.read_table(experiment.key)))


def _gather(store: Store) -> tuple[Result, ...]:
    """Measure every experiment that is finished in the folder."""
    results: list[Result] = []
    for key in KEYS:
        if store.is_finished(key) and store.has_figures(key):
            experiment = load(key)
            measured = experiment.measure(store.read_table(key))
            results.append(
                Result(
                    experiment=experiment,
                    measured=measured,
                    findings=experiment.verdict(measured),
                    seconds=store.seconds(key),
                )
            )
    return tuple(results)


def _write(store: Store, results: Sequence[Result]) -> None:
    import json

    from relubias.experiments.report import render

    summary = summarise(store, results)
    store.write_text(store.summary, json.dumps(summary, indent=2, allow_nan=False) + "\n")
    store.write_text(store.report, render(store, results))


def summarise(store: Store, results: Sequence[Result]) -> dict[str, Any]:
    """Return the measured figures under flat keys; what is undefined becomes None."""
    summary: dict[str, Any] = {
        "run.scale": str(store.scale),
        "run.seed": store.seed,
        "run.version": store.version,
    }
    for result in results:
        for name, measured in result.measured.items():
            key = f"{result.experiment.prefix}.{name}"
            summary[key] = _finite(measured.value)
            if not math.isnan(measured.low):
                summary[f"{key}_ci"] = [_finite(measured.low), _finite(measured.high)]
    return summary


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
