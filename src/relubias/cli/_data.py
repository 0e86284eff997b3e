"""The user's data: features and labels, or a Gram matrix, from files that are never executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relubias._files import checked_suffix, printable, unusable
from relubias.cli._arrays import Array, read_features, read_npy, read_npz
from relubias.cli._stores import STORES, read_store
from relubias.cli._tables import find_column, read_csv, read_parquet
from relubias.errors import InvalidInputError
from relubias.problem import Problem

__all__ = ["Source", "read_array", "read_problem", "read_source"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Source:
    """What a data file holds; everything is unchecked beyond being an array of numbers.

    Attributes
    ----------
    features : array_like of shape (n_samples, n_features) or None
        Feature vectors; large ones are still on disk.
    gram : ndarray of shape (n_samples, n_samples) or None
        Gram matrix.
    labels : ndarray of shape (n_samples,) or None
        Labels.
    signs : ndarray of shape (n_neurons,) or None
        Output signs.
    start : ndarray of shape (n_neurons, n_samples) or None
        Dual start.
    """

    features: Any = None
    gram: Array | None = None
    labels: Array | None = None
    signs: Array | None = None
    start: Array | None = None


def read_problem(
    data: Path,
    *,
    labels: Path | None = None,
    is_gram: bool = False,
    label_column: str | None = None,
    signs: Sequence[float] | None = None,
) -> Problem:
    """Build the problem from one data file, or from one of features and one of labels.

    Parameters
    ----------
    data : Path
        An .npz, .npy, .csv, .parquet or .h5 file, or a .zarr folder.
    labels : Path, optional
        File with the labels alone; they are sought in `data` if omitted.
    is_gram : bool, default=False
        Whether the matrix in `data` is the Gram matrix.
    label_column : str, optional
        Name or position of the label column of a table; the last one if omitted.
    signs : sequence of float, optional
        Output signs; those in `data`, or one positive neuron, if omitted.

    Returns
    -------
    Problem
        With `features` set unless a Gram matrix was read.

    Raises
    ------
    InvalidInputError
        If a file is missing, unreadable, damaged, or doesn't hold a problem.
    MissingExtraError
        If a Parquet file arrived and pyarrow isn't installed.
    """
    source = read_source(
        data, is_gram=is_gram, label_column=label_column, has_labels=labels is None
    )
    y = source.labels if labels is None else _read_labels(labels)
    if y is None:
        raise unusable(data, "holds no labels", "add --labels FILE")
    if signs is None:
        signs = (1.0,) if source.signs is None else source.signs  # pyright: ignore[reportAssignmentType]
    try:
        if source.gram is not None:
            return Problem(source.gram, y, signs)  # pyright: ignore[reportArgumentType]
        return Problem.from_features(source.features, y, signs)
    except InvalidInputError as error:
        raise InvalidInputError(f"{printable(data)}: {error}") from error


def read_source(
    path: Path, *, is_gram: bool = False, label_column: str | None = None, has_labels: bool = True
) -> Source:
    """Read the arrays of a data file.

    Parameters
    ----------
    path : Path
        An .npz, .npy, .csv, .parquet or .h5 file, or a .zarr folder.
    is_gram : bool, default=False
        Whether its matrix is the Gram matrix.
    label_column : str, optional
        Name or position of the label column of a table; the last one if omitted.
    has_labels : bool, default=True
        Whether a table has a label column at all.

    Returns
    -------
    Source
        With `features` or `gram` set, and `labels` where they were found.

    Raises
    ------
    InvalidInputError
        If the file is missing, unreadable or damaged, or lacks the matrix.
    MissingExtraError
        If a Parquet file arrived and pyarrow isn't installed.
    """
    suffix = checked_suffix(path, (".npz", ".npy", ".csv", ".parquet", *STORES))
    if label_column is not None and (suffix not in (".csv", ".parquet") or not has_labels):
        raise InvalidInputError(
            "--label-column: is for a .csv or .parquet file that holds the labels; leave it away"
        )
    if suffix == ".npz":
        return _source_of_members(path, is_gram, lambda keys: read_npz(path, keys))
    if suffix in STORES:
        return _source_of_members(path, is_gram, lambda keys: read_store(path, keys))
    if suffix == ".npy":
        matrix, labels = (read_npy if is_gram else read_features)(path), None
    else:
        table = read_csv(path) if suffix == ".csv" else read_parquet(path)
        matrix, labels = table.values, None
        if has_labels:
            column = find_column(path, table, label_column)
            matrix, labels = np.delete(table.values, column, axis=1), table.values[:, column]
    if is_gram:
        return Source(gram=matrix, labels=labels)
    return Source(features=matrix, labels=labels)


def read_array(path: Path, key: str) -> Array:
    """Read one array from an .npy file, or from an .npz file that holds it as `key`.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        One of ``features``, ``gram``, ``labels``, ``signs``, ``start``.

    Returns
    -------
    ndarray
        As it was stored, numbers of any kind.

    Raises
    ------
    InvalidInputError
        If the file is missing, unreadable or damaged, or lacks the array.
    """
    if checked_suffix(path, (".npy", ".npz")) == ".npy":
        return read_npy(path)
    array = read_npz(path, (key,))[key]
    if array is None:
        raise unusable(path, f"holds no array named {key}", "save it under this name")
    return array


def _read_labels(path: Path) -> Array:
    suffix = checked_suffix(path, (".npy", ".npz", ".csv", ".parquet"))
    if suffix in (".npy", ".npz"):
        return read_array(path, "labels")
    table = read_csv(path) if suffix == ".csv" else read_parquet(path)
    if table.values.shape[1] != 1:
        raise unusable(path, f"has {table.values.shape[1]} columns", "pass one column of labels")
    return table.values[:, 0]


def _source_of_members(
    path: Path, is_gram: bool, read: Callable[[tuple[str, ...]], dict[str, Any]]
) -> Source:
    matrix = "gram" if is_gram else "features"
    found = read((matrix, "labels", "signs", "start"))
    if found[matrix] is None and not is_gram:
        found |= read(("gram",))
        matrix = "gram"
    if found[matrix] is None:
        wanted = "gram (or G)" if is_gram else "features (or X), or gram (or G)"
        raise unusable(path, f"holds no array named {wanted}", "save it under this name")
    return Source(**found)
