"""`relubias minnorm`: the shortest network that fits the user's data."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from relubias.cli._messages import say
from relubias.cli._options import DataOptions, OutputOptions, errors_name_options
from relubias.cli._output import emit, results_folder, strict_json
from relubias.cli._report import (
    data_facts,
    data_section,
    minimum_norm_facts,
    minimum_norm_section,
    versions,
)

__all__ = ["minnorm"]


def minnorm(
    data: Path,
    /,
    *,
    of: DataOptions = DataOptions(),  # noqa: B008 - frozen
    time_limit: float | None = None,
    rel_gap: float = 0.0,
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> int:
    """Find the network of smallest norm that fits your data, with its certificate.

    Parameters
    ----------
    data : Path
        File with labels and features or their Gram matrix (.npz, .npy, .csv, .parquet).
    of : DataOptions
        What the file holds.
    time_limit : float, optional
        Seconds after which to return the best network so far.
    rel_gap : float, default=0.0
        Relative gap between norm and lower bound that is good enough.
    to : OutputOptions
        Where the answer goes.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.minnorm import MinimumNormStatus, minimum_norm

    problem = of.problem(data)
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
