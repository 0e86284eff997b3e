"""From the number of a task to its parameters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any

from relubias._validate import fail, shown
from relubias.sweep._choices import Choice, resolve, resolve_dimension, resolve_step
from relubias.sweep._laws import feature_law, label_law, spectrum_of

__all__ = ["AXES", "SHAPE", "Cell", "Grid"]

SHAPE = ("n", "signs", "algorithm")
"""Parameters that tasks of one batch have in common; they vary slowest."""

AXES = (*SHAPE, "d", "spectrum", "features", "labels", "start", "kappa", "eta")
"""All parameters but the replicate, which varies fastest, in their order."""

_DATA = frozenset({"d", "spectrum", "features"})
_RELATED = (_DATA, *(_DATA | {name} for name in ("labels", "start", "kappa", "eta")))
"""Parameters whose combinations decide together whether they are usable."""

_Point = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Everything that the replicates of one point of the grid have in common.

    Attributes
    ----------
    n, d : int
        Samples and features.
    spectrum, labels, start, algorithm : Choice
        Expressions of known numbers are replaced by their values.
    features : Choice
        Law of the features.
    signs : str
        Such as ``"+-"``.
    kappa, eta : float, str or None
        Step size; text where it depends on the data, None where the other one or none is given.
    trace : float
        Trace of the covariance.
    """

    n: int
    d: int
    spectrum: Choice
    features: Choice
    labels: Choice
    signs: str
    start: Choice
    algorithm: Choice
    kappa: float | str | None
    eta: float | str | None
    trace: float

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """What tasks of one batch have in common."""
        return self.n, self.signs, self.algorithm

    @cached_property
    def data(self) -> str:
        """What decides the data together with the seed, as text."""
        return repr((self.n, self.d, self.spectrum, self.features, self.labels, self.signs))


@dataclass(frozen=True, slots=True)
class _Block:
    """Tasks of one shape: all combinations of the values of its groups of axes."""

    first: int
    groups: tuple[tuple[_Point, ...], ...]

    @property
    def shape(self) -> tuple[int, str, Choice]:
        point = self.groups[0][0]
        return tuple(point[name] for name in SHAPE)  # pyright: ignore[reportReturnType]

    @property
    def n_cells(self) -> int:
        return prod(len(group) for group in self.groups)

    def point(self, cell: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for group in reversed(self.groups):
            cell, place = divmod(cell, len(group))
            merged |= group[place]
        return merged


class Grid:
    """All tasks of a plan, numbered; nothing is stored per task.

    Parameters
    ----------
    axes : mapping of str to sequence
        Values of every parameter.
    together : sequence of sequence of str
        Parameters that are paired value by value instead of crossed.
    replicates : int
        Tasks of each cell.
    """

    def __init__(
        self,
        axes: Mapping[str, Sequence[Any]],
        together: Sequence[Sequence[str]],
        replicates: int,
    ) -> None:
        self.replicates = replicates
        groups = _groups(axes, together)
        slow = [group for group in groups if not set(SHAPE).isdisjoint(group[0])]
        fast = [group for group in groups if set(SHAPE).isdisjoint(group[0])]
        self.blocks: list[_Block] = []
        first = 0
        for points in product(*slow):
            merged = {key: value for point in points for key, value in point.items()}
            is_flow = merged["algorithm"].name == "flow"
            rest = tuple(_without_steps(group) if is_flow else group for group in fast)
            block = _Block(first, ((merged,), *rest))
            self.blocks.append(block)
            first += block.n_cells * replicates
        self.n_tasks = first
        self._starts = [block.first for block in self.blocks]
        self.cell = lru_cache(maxsize=8192)(self._cell)

    def locate(self, task: int) -> tuple[int, int, int]:
        """Return block, cell of the block and replicate of a task."""
        b = bisect_right(self._starts, task) - 1
        cell, replicate = divmod(task - self._starts[b], self.replicates)
        return b, cell, replicate

    def _cell(self, block: int, cell: int) -> Cell:
        return resolved(self.blocks[block].point(cell))

    def check(self) -> None:
        """Resolve every combination of parameters that depend on each other."""
        for block in self.blocks:
            for related in _RELATED:
                axes = [
                    group if not related.isdisjoint(group[0]) else group[:1]
                    for group in block.groups
                ]
                for points in product(*axes):
                    resolved({key: value for point in points for key, value in point.items()})


def _groups(
    axes: Mapping[str, Sequence[Any]], together: Sequence[Sequence[str]]
) -> list[tuple[_Point, ...]]:
    """Return groups of parameters that vary together, in the order of `AXES`."""
    groups: list[tuple[_Point, ...]] = []
    paired = {name: names for names in together for name in names}
    seen: set[str] = set()
    for name in AXES:
        if name in seen or name not in axes:
            continue
        names = paired.get(name, (name,))
        seen.update(names)
        rows = list(zip(*(axes[key] for key in names), strict=True))
        _refuse_repeats(names, rows)
        groups.append(tuple(dict(zip(names, row, strict=True)) for row in rows))
    return groups


def _refuse_repeats(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Name a value that is listed twice: its tasks would be copies of each other."""
    seen: set[str] = set()
    for row in rows:
        text = repr(row)
        if text in seen:
            got = f"lists {', '.join(shown(value) for value in row)} twice"
            raise fail(", ".join(names), got, "list it once; replicates say how often")
        seen.add(text)


def _without_steps(group: tuple[_Point, ...]) -> tuple[_Point, ...]:
    """Leave out the step size: a flow has none, and is not repeated for each."""
    if set(group[0]) <= {"kappa", "eta"}:
        return ({},)
    return tuple({k: v for k, v in p.items() if k not in ("kappa", "eta")} for p in group)


def resolved(point: _Point) -> Cell:
    """Return the cell of a point of the grid: laws exist, expressions have values."""
    n = int(point["n"])
    known: dict[str, int | float] = {"n": n}
    if point["spectrum"].name == "pairs":
        d = sum(count for _, count in point["spectrum"].get("pairs"))
    else:
        d = resolve_dimension(point["d"], known)
    known["d"] = d
    spectrum = resolve("spectrum", point["spectrum"], known)
    known["m"] = len(point["signs"])
    known["trace"] = spectrum_of(spectrum, d).trace
    feature_law(point["features"].name, spectrum, d)
    labels = resolve("labels", point["labels"], known)
    label_law(labels)
    n_negative = labels.get("n_negative")
    if n_negative is not None and n_negative > n:
        raise fail("labels.n_negative", f"is {n_negative} of n = {n} labels", "at most n")
    steps = {key: resolve_step(key, point.get(key), known) for key in ("kappa", "eta")}
    return Cell(
        n=n,
        d=d,
        spectrum=spectrum,
        features=point["features"],
        labels=labels,
        signs=point["signs"],
        start=resolve("start", point["start"], known),
        algorithm=resolve("algorithm", point["algorithm"], known),
        kappa=steps["kappa"],
        eta=steps["eta"],
        trace=known["trace"],
    )
