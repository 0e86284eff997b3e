"""Minimum-norm answers as files: plain arrays and a JSON text in an .npz archive, no objects."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._files import opened, unusable
from relubias._npz import opened_archive, read_member, write_archive
from relubias._validate import Float, fail, shown
from relubias.errors import InvalidInputError
from relubias.minnorm.certificate import MinimumNormCertificate
from relubias.minnorm.search_tree import SearchTree
from relubias.minnorm.solution import MinimumNorm, MinimumNormStatus
from relubias.problem import Problem

__all__ = ["load", "save"]

_FORMAT = "relubias minimum norm 1"
_NUMBERS = ("norm", "lower_bound", "rel_gap")
_PROOF = ("error_bound", "duality_gap", "lower_bound", "margin")
_TREE = ("parent", "neuron", "sample", "choice", "bound")
_OPTIONAL = ("theta", "count", "prices")
_KINDS = {
    "one neuron",
    "hull",
    "closed form",
    "equal split",
    "tree",
    "bound only",
    "infeasible",
}


def save(solution: MinimumNorm, path: Any) -> None:
    """Write an answer with its problem, certificate and search tree to an .npz file.

    Parameters
    ----------
    solution : MinimumNorm
        The answer.
    path : str or path-like
        The file; it is replaced if it exists, and never half-written.

    Raises
    ------
    InvalidInputError
        If `solution` is no MinimumNorm, or the file cannot be written.

    See Also
    --------
    load : Read it again.

    Examples
    --------
    >>> import tempfile
    >>> from relubias import Problem, minimum_norm
    >>> found = minimum_norm(Problem([[4.0, 1.0], [1.0, 4.0]], [2.0, -1.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(found, f"{folder}/found.npz")
    ...     load(f"{folder}/found.npz").norm == found.norm
    True
    """
    if not isinstance(solution, MinimumNorm):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("solution", f"is a {type(solution).__name__}", "pass what minimum_norm returned")
    target = _as_path(path)
    problem, certificate = solution.problem, solution.certificate
    arrays: dict[str, NDArray[Any]] = {
        "about": np.frombuffer(json.dumps(_about(solution)).encode(), dtype=np.uint8),
        "labels": problem.labels,
        "signs": problem.signs,
        "dual": solution.dual,
        "primal": solution.primal,
        "pattern": solution.pattern,
        "support": solution.support,
        "coupled": solution.coupled,
        "conflict": solution.conflict,
        "numbers": np.array([getattr(solution, name) for name in _NUMBERS]),
        "proof": np.array([getattr(certificate, name) for name in _PROOF]),
    }
    if problem.features is None:
        arrays["gram"] = problem.gram
    else:
        arrays["features"] = problem.features
    if certificate.farkas is not None:
        arrays["farkas"] = certificate.farkas
    if certificate.tree is not None:
        arrays.update(_tree_arrays(certificate.tree))
    write_archive(target, arrays)


def _tree_arrays(tree: SearchTree) -> dict[str, NDArray[Any]]:
    members: dict[str, NDArray[Any] | None] = {
        name: getattr(tree, name) for name in (*_TREE, *_OPTIONAL)
    }
    return {f"tree_{name}": array for name, array in members.items() if array is not None}


def _about(solution: MinimumNorm) -> dict[str, Any]:
    try:
        version = importlib.metadata.version("relubias")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        version = "unknown"
    return {
        "format": _FORMAT,
        "status": str(solution.status),
        "kind": solution.certificate.kind,
        "n_nodes": int(solution.n_nodes),
        "versions": {
            "relubias": version,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def _as_path(path: Any) -> Path:
    try:
        return Path(os.fsdecode(path))
    except (TypeError, ValueError) as error:
        raise fail("path", f"is {shown(path)}", "pass the name of an .npz file") from error


def load(path: Any) -> MinimumNorm:
    """Read an answer that `save` wrote; nothing in the file is executed or trusted.

    Shapes and kinds of everything are checked, claims are not: that is what `verify` is for.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    MinimumNorm
        The answer, with the problem that it was saved with.

    Raises
    ------
    InvalidInputError
        If the file is missing, damaged, or no saved answer.

    See Also
    --------
    verify : Check the answer.
    """
    source = _as_path(path)
    with opened(source) as file, opened_archive(source, file) as archive:
        read = _Reader(source, archive)
        try:
            return _solution(read)
        except InvalidInputError as error:
            if str(error).startswith(str(source)):
                raise
            raise unusable(source, f"holds no answer ({error})", "save it again") from error


class _Reader:
    """Members of an archive by name, with the shapes they must have."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        self.members = archive.namelist()

    def has(self, name: str) -> bool:
        return f"{name}.npy" in self.members

    def wrong(self, got: str) -> InvalidInputError:
        return unusable(self.path, got, "pass a file that `save` wrote")

    def array(self, name: str, kinds: str, shape: tuple[int, ...] | int) -> NDArray[Any]:
        """Return a member; `shape` may be the number of axes only."""
        if self.members.count(f"{name}.npy") != 1:
            raise self.wrong(f"holds no array {name}, or two")
        array = read_member(self.path, self.archive, f"{name}.npy")
        fits = array.ndim == shape if isinstance(shape, int) else array.shape == shape
        if array.dtype.kind not in kinds or not fits:
            raise self.wrong(f"array {name} has dtype {array.dtype} and shape {array.shape}")
        return array

    def floats(self, name: str, shape: tuple[int, ...] | int, *, finite: bool = True) -> Float:
        array = np.array(self.array(name, "f", shape), dtype=np.float64)
        if finite and not np.isfinite(array).all():
            raise self.wrong(f"array {name} has entries that are not finite")
        return array

    def indices(self, name: str, upper: int) -> NDArray[np.intp]:
        array = self.array(name, "iu", 1).astype(np.intp)
        if array.size and (array.min() < 0 or array.max() >= upper):
            raise self.wrong(f"array {name} names samples that do not exist")
        return array


def _solution(read: _Reader) -> MinimumNorm:
    about = _parsed(read)
    problem = _problem(read)
    shape = (problem.n_neurons, problem.n_samples)
    norm, lower_bound, rel_gap = (float(v) for v in read.floats("numbers", (3,), finite=False))
    if (norm < 0) or (lower_bound < 0):
        raise read.wrong("claims a negative norm")
    status = MinimumNormStatus(about["status"])
    has_network = status in (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
    if has_network and not (math.isfinite(norm) and math.isfinite(lower_bound)):
        raise read.wrong("claims a network without a norm")
    return MinimumNorm(
        problem=problem,
        dual=read.floats("dual", shape),
        primal=read.floats("primal", shape),
        norm=norm,
        lower_bound=lower_bound,
        status=status,
        rel_gap=rel_gap,
        pattern=read.array("pattern", "b", shape).astype(np.bool_),
        support=read.array("support", "b", shape).astype(np.bool_),
        coupled=read.indices("coupled", problem.n_samples),
        certificate=_certificate(read, about["kind"], shape),
        n_nodes=about["n_nodes"],
        conflict=read.indices("conflict", problem.n_samples),
    )


def _parsed(read: _Reader) -> dict[str, Any]:
    text = read.array("about", "u", 1).tobytes()
    try:
        about = json.loads(text)
        known = (
            about["format"] == _FORMAT
            and about["status"] in list(MinimumNormStatus)
            and about["kind"] in _KINDS
            and type(about["n_nodes"]) is int
            and about["n_nodes"] >= 0
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise read.wrong("describes itself in no way that can be read here") from error
    if not known:
        raise read.wrong("is of another kind or version")
    return about


def _problem(read: _Reader) -> Problem:
    labels, signs = read.floats("labels", 1), read.floats("signs", 1)
    if read.has("features"):
        return Problem.from_features(read.floats("features", 2), labels, signs)
    return Problem(read.floats("gram", 2), labels, signs)


def _certificate(read: _Reader, kind: str, shape: tuple[int, int]) -> MinimumNormCertificate:
    numbers = dict(zip(_PROOF, read.floats("proof", (4,), finite=False).tolist(), strict=True))
    farkas = read.floats("farkas", shape) if read.has("farkas") else None
    tree = _tree(read, shape[1]) if read.has("tree_parent") else None
    return MinimumNormCertificate(kind=kind, farkas=farkas, tree=tree, **numbers)


def _tree(read: _Reader, n_samples: int) -> SearchTree:
    parent = read.array("tree_parent", "i", 1).astype(np.int_)

    def integers(name: str) -> NDArray[np.int_]:
        return read.array(f"tree_{name}", "i", parent.shape).astype(np.int_)

    return SearchTree(
        parent=parent,
        neuron=integers("neuron"),
        sample=integers("sample"),
        choice=integers("choice").astype(np.int8),
        bound=read.floats("tree_bound", parent.shape, finite=False),
        theta=read.floats("tree_theta", (n_samples,)) if read.has("tree_theta") else None,
        count=integers("count") if read.has("tree_count") else None,
        prices=(
            read.floats("tree_prices", (parent.size, n_samples))
            if read.has("tree_prices")
            else None
        ),
    )
