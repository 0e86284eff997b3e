"""Results as plain dictionaries with stable keys, and as rows of a table."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._files import printable
from relubias.cli._output import Section, number
from relubias.minnorm.solution import ILL_CONDITIONED
from relubias.problem import Problem

if TYPE_CHECKING:
    from relubias.minnorm import MinimumNorm, Verification

__all__ = [
    "counted",
    "data_facts",
    "data_section",
    "minimum_norm_facts",
    "minimum_norm_section",
    "verification_facts",
    "verification_section",
    "versions",
]


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for name in ("relubias", "numpy", "scipy", "numba"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def data_facts(path: Path, problem: Problem) -> dict[str, Any]:
    """Return what the data are."""
    return {
        "file": printable(path),
        "n_samples": problem.n_samples,
        "n_features": None if problem.features is None else problem.features.shape[1],
        "n_neurons": problem.n_neurons,
        "signs": problem.signs.astype(int),
        "n_positive_labels": int((problem.labels > 0).sum()),
        "n_negative_labels": int((problem.labels < 0).sum()),
        "n_zero_labels": int((problem.labels == 0).sum()),
        "gram_mean_diagonal": problem.scale,
    }


def data_section(facts: dict[str, Any]) -> Section:
    """Return the rows of `data_facts`."""
    labels = [
        counted(facts[f"n_{kind}_labels"], kind)
        for kind in ("positive", "negative", "zero")
        if facts[f"n_{kind}_labels"]
    ]
    signs = "".join("+" if sign > 0 else "-" for sign in facts["signs"][:40])
    n_features = facts["n_features"]
    return Section(
        "data",
        [
            ("file", facts["file"]),
            ("samples", f"{facts['n_samples']} (labels: {', '.join(labels)})"),
            ("features", "Gram matrix given" if n_features is None else str(n_features)),
            ("neurons", f"{facts['n_neurons']} ({signs})"),
        ],
    )


def counted(count: int, what: str) -> str:
    """Return ``3 positive``."""
    return f"{count} {what}"


def minimum_norm_facts(solution: MinimumNorm) -> dict[str, Any]:
    """Return what is known about the shortest network."""
    return {
        "status": str(solution.status),
        "sentence": solution.status.sentence,
        "norm": solution.norm,
        "lower_bound": solution.lower_bound,
        "rel_gap": solution.rel_gap,
        "error_bound": solution.certificate.error_bound,
        "kind": solution.certificate.kind,
        "n_nodes": solution.n_nodes,
        "condition": solution.condition,
        "n_active": solution.pattern.sum(axis=1),
        "conflict": solution.conflict,
    }


def minimum_norm_section(facts: dict[str, Any]) -> Section:
    """Return the rows of `minimum_norm_facts`."""
    rows = [("status", f"{facts['status']}: {facts['sentence']}")]
    if np.isfinite(facts["norm"]):
        rows += [
            ("norm", number(facts["norm"], 10)),
            ("lower bound", f"{number(facts['lower_bound'], 10)} (gap {facts['rel_gap']:.1e})"),
            ("error at most", f"{facts['error_bound']:.1e} in weight space"),
            ("proof", proof(facts["kind"], facts["n_nodes"])),
            ("active", active_counts(facts["n_active"])),
        ]
        if facts["condition"] > ILL_CONDITIONED:
            sentence = "samples in use nearly repeat; give the features, not their Gram matrix"
            rows.append(("condition", f"{facts['condition']:.1e}: {sentence}"))
    if facts["conflict"].size:
        rows.append(("conflict", f"samples {listed(facts['conflict'])}"))
    return Section("minimum norm", rows)


def proof(kind: str, n_nodes: int) -> str:
    """Return the kind of certificate, with the nodes of a search."""
    return f"{kind} ({counted(n_nodes, 'nodes')})" if n_nodes > 1 else kind


def verification_facts(found: Verification) -> dict[str, Any]:
    """Return what was found out about an answer."""
    return {
        "holds": found.holds,
        "kind": found.kind,
        "norm": found.norm,
        "lower_bound": found.lower_bound,
        "rel_gap": found.rel_gap,
        "misfit": found.misfit,
        "distance_to_fit": found.distance_to_fit,
        "exact_data": found.exact_data,
        "n_leaves": found.n_leaves,
        "checks": [check._asdict() for check in found.checks],
    }


def verification_section(facts: dict[str, Any]) -> Section:
    """Return the rows of `verification_facts`."""
    verdict = {True: "verified", False: "REFUTED", None: "not verified"}
    rows = [("answer", f"{verdict[facts['holds']]} ({facts['kind']})")]
    words = {True: "holds", False: "WRONG", None: "on trust"}
    rows += [
        (check["claim"], f"{words[check['holds']]}: {check['sentence']}")
        for check in facts["checks"]
    ]
    return Section("verification", rows)


def active_counts(counts: Any) -> str:
    """Return the number of active samples of each neuron."""
    return f"{listed(counts)} samples" + (", by neuron" if len(counts) > 1 else "")


def listed(values: Any) -> str:
    """Return the first twenty values."""
    more = f" and {len(values) - 20} more" if len(values) > 20 else ""
    return ", ".join(str(value) for value in values[:20]) + more
