"""Run every comparison in a process of its own and write ``docs/benchmarks.md``.

python benchmarks/compare/all.py [--runs 5] [--only descent,sweep]

Peers that are not installed are left out; to have them all, in an environment of their own:

    pip install . torch==2.13.0 jax diffrax quadprog clarabel proxsuite pyscipopt gurobipy
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import PACKAGES, Row, Timing, seconds

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"
SCRIPTS = (
    "descent", "many_steps", "chatter", "whole_answer", "minimum_norm", "global_minimum_norm",
    "gram_law", "gram_disk", "process", "sweep", "flow", "check", "explorer",
)  # fmt: skip

HEAD = """\
# Benchmarks

Written by `python benchmarks/compare/all.py` (`just bench-compare`); not edited by hand. Runs and
versions are in [`benchmarks/results.json`](../benchmarks/results.json).

Times are CPU seconds of the process, all threads together, one BLAS thread on all sides: medians of
interleaved runs in one process. Wall seconds stand beside them; on a shared machine they depend on
the neighbours. No answer of ours is timed unless it is certified. *Error* is the largest difference
of predictions from the certified limit relative to the largest label, or the relative distance of
weights.
"""


def run(name: str, runs: int, folder: Path) -> dict | None:
    """Run one script; return its rows and environment."""
    target = folder / f"{name}.json"
    command = [sys.executable, str(HERE / f"{name}.py"), "--runs", str(runs), "--json", str(target)]
    print(f"== {name}", flush=True)
    if subprocess.run(command, check=False).returncode:
        print(f"{name}: failed", file=sys.stderr)
        return None
    return json.loads(target.read_text())


def page(results: dict[str, dict]) -> str:
    """Return the page."""
    environments = [part["environment"] for part in results.values()]
    first = environments[0]
    versions = {}
    for environment in environments:
        versions |= {k: v for k, v in environment["versions"].items() if v}
    loads = [environment["load"] for environment in environments]
    parts = [
        HEAD,
        f"{first['processor']}, {first['cores']} cores, Python {first['python']}; load average "
        f"{min(loads):.1f} to {max(loads):.1f} when the scripts started.\n"
        + ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
        + ".\n",
        "| what | figure to reach | measured | |\n|---|---|---|---|",
    ]
    sections = []
    for name, part in results.items():
        sections.append(f"\n## `benchmarks/compare/{name}.py`\n")
        for raw in part["rows"]:
            row = Row(**{**raw, "ours": Timing(**raw["ours"])})
            row.peers = [Timing(**peer) for peer in raw["peers"]]
            verdict = {True: "reached", False: "**missed**", None: ""}[row.reached]
            if row.figure:
                parts.append(f"| {row.subject} | {row.figure} | {row.measured} | {verdict} |")
            if not row.cell:
                sections.append(section(row))
        cells = [raw for raw in part["rows"] if raw.get("cell")]
        if cells:
            sections.append(grid(cells))
    return "\n".join(parts) + "\n" + "\n".join(sections)


def section(row: Row) -> str:
    """Return the table of one row."""
    lines = [
        f"### {row.subject}\n",
        "| | CPU | wall | ratio | error | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for timing in [row.ours, *row.peers]:
        error = "" if timing.error is None else f"{timing.error:.0e}"
        ratio = timing.cpu / row.ours.cpu
        ratio_text = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
        lines.append(
            f"| {timing.name} | {seconds(timing.cpu)} | {seconds(timing.wall)} | {ratio_text} | "
            f"{error} | {timing.note} |"
        )
    note = f"\n{row.note}\n" if row.note else ""
    return "\n".join([*lines, note])


def grid(rows: list[dict]) -> str:
    """Return one line for each row: time as a multiple of ours / error, for each candidate."""
    names = list(dict.fromkeys(peer["name"] for row in rows for peer in row["peers"]))
    lines = [
        "### Each cell: time as a multiple of ours / error\n",
        "| n, d | ours / certified bound | " + " | ".join(names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for row in rows:
        ours, peers = row["ours"], {peer["name"]: peer for peer in row["peers"]}
        cells = [f"{seconds(ours['cpu'])} / {ours['error']:.0e}"]
        for name in names:
            peer = peers.get(name)
            cells.append(
                "-" if peer is None else f"{peer['cpu'] / ours['cpu']:.2g} / {peer['error']:.0e}"
            )
        lines.append(f"| {row['cell']} | " + " | ".join(cells) + " |")
    notes = dict.fromkeys(row["note"] for row in rows if row["note"])
    return "\n".join([*lines, "", *notes]) + "\n"


def main() -> int:
    """Run what was asked for, keep the rest from before, write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of every candidate")
    parser.add_argument("--only", help="scripts, separated by commas; the others keep their rows")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else SCRIPTS
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    is_whole = True
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            found = run(name, options.runs, Path(folder))
            is_whole = is_whole and found is not None
            if found:
                known[name] = found
    results = {name: known[name] for name in SCRIPTS if name in known}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results))
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
