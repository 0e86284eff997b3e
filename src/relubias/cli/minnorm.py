"""`relubias minnorm`: the shortest network that fits the user's data."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from relubias._files import unusable
from relubias.cli._messages import say
from relubias.cli._options import DataOptions, OutputOptions, errors_name_options
from relubias.cli._output import emit, results_folder, strict_json
from relubias.cli._report import (
    data_facts,
    data_section,
    minimum_norm_facts,
    minimum_norm_section,
    verification_facts,
    verification_section,
    versions,
)
from relubias.errors import InvalidInputError

__all__ = ["minnorm"]


def minnorm(
    data: Path,
    /,
    *,
    of: DataOptions = DataOptions(),  # noqa: B008 - frozen
    time_limit: float | None = None,
    rel_gap: float = 0.0,
    save: Path | None = None,
    verify: Path | None = None,
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> int:
    """Find the network of smallest norm that fits your data, with its certificate.

    With --verify nothing is solved: an answer that --save wrote is checked against your data by
    code that shares nothing with the solver, its search tree leaf by leaf. Then the exit status is
    0 if all of it was verified.

    Parameters
    ----------
    data : Path
        Labels and features or their Gram matrix (.npz, .npy, .csv, .parquet, .h5, .zarr).
    of : DataOptions
        What the file holds.
    time_limit : float, optional
        Seconds after which to return the best network so far.
    rel_gap : float, default=0.0
        Relative gap between norm and lower bound that is good enough.
    save : Path, optional
        File (.npz) for the answer with its certificate, to be verified later.
    verify : Path, optional
        File that --save wrote, to be verified instead of solving.
    to : OutputOptions
        Where the answer goes.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.minnorm import MinimumNormStatus, minimum_norm

    if verify is not None:
        refuse_with_verify(rel_gap=rel_gap != 0.0, save=save is not None)
        return _verified(data, of, verify, time_limit, to)
    problem = of.problem(data)
    if save is not None:
        require_writable(save)
    with contextlib.ExitStack() as stack:
        stack.enter_context(errors_name_options())
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        solution = minimum_norm(problem, time_limit=time_limit, rel_gap=rel_gap, progress=True)
        facts: dict[str, Any] = {
            "command": "minnorm",
            "versions": versions(),
            "data": data_facts(data, problem),
            "settings": {"time_limit": time_limit, "rel_gap": rel_gap},
            "minimum_norm": minimum_norm_facts(solution),
        }
        text = strict_json(facts)
        if save is not None:
            solution.save(save)
        if folder:
            folder.add_json("minnorm.json", text)
            folder.add_arrays(
                "minnorm.npz",
                gram=problem.gram,
                labels=problem.labels,
                signs=problem.signs,
                dual=solution.dual,
                primal=solution.primal,
                pattern=solution.pattern,
            )
    sections = [data_section(facts["data"]), minimum_norm_section(facts["minimum_norm"])]
    emit(text if to.json else sections)
    if solution.status is MinimumNormStatus.OPTIMAL:
        return 0
    say(f"minimum norm: {solution.status}: {solution.status.sentence}")
    return 1


def refuse_with_verify(**given: bool) -> None:
    """Refuse options of the solver where nothing is solved."""
    for name, is_given in given.items():
        if is_given:
            option = f"--{name.replace('_', '-')}"
            raise InvalidInputError(f"{option}: has no meaning with --verify; leave it away")


def require_writable(path: Path) -> None:
    """Refuse a place where no file can be written, before the work starts."""
    if path.is_dir():
        raise unusable(path, "is a directory", "pass the name of an .npz file")
    if not path.absolute().parent.is_dir():
        raise unusable(path, "is in a folder that does not exist", "create it first")


def _verified(
    data: Path, of: DataOptions, file: Path, time_limit: float | None, to: OutputOptions
) -> int:
    from relubias.minnorm import load
    from relubias.minnorm import verify as verify_solution

    solution = load(file)
    problem = of.problem(data)
    if of.signs is None and solution.problem.n_neurons != problem.n_neurons:
        problem = problem.with_signs(solution.problem.signs)
    with contextlib.ExitStack() as stack:
        stack.enter_context(errors_name_options())
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        found = verify_solution(problem, solution, leaves=True, time_limit=time_limit)
        facts: dict[str, Any] = {
            "command": "minnorm --verify",
            "versions": versions(),
            "data": data_facts(data, problem),
            "settings": {"verify": file, "time_limit": time_limit},
            "minimum_norm": minimum_norm_facts(solution),
            "verification": verification_facts(found),
        }
        text = strict_json(facts)
        if folder:
            folder.add_json("verification.json", text)
    sections = [data_section(facts["data"]), verification_section(facts["verification"])]
    emit(text if to.json else sections)
    return 0 if found.holds is True else 1
