"""Write ``docs/reproduce.md`` and the figure of ``README.md`` from a finished reproduction.

relubias reproduce --out reproduction
python docs/make_reproduce.py reproduction
"""

from __future__ import annotations

import math
import re
import shutil
import sys
from pathlib import Path

from relubias.experiments import Measured, Result, reproduce

DOCS = Path(__file__).parent
SHOWN = 6  # measured figures of each experiment; the report has all

HEAD = """\
# Reproduce the paper

Written by `just reproduce`, which runs `relubias reproduce` and then
`python docs/make_reproduce.py reproduction`; not edited by hand.

`relubias reproduce` computes every figure below, writes `report.html`, `summary.json`, the tables
as CSV and the figures as PNG and PDF to the folder `reproduction`, and keeps what is finished when
it is run again. `--full` takes more seeds and wider ranges, `--only fig2,fig4` picks figures,
`--seed` draws anew. With the same seed and the same versions of NumPy and SciPy the tables are the
same bit for bit; other machines may differ in the last digits. Runtimes are wall time of the table,
on 2 shared cores.

The paper: K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, *How Does the ReLU Activation Affect the
Implicit Bias of Gradient Descent on High-dimensional Neural Network Regression?*, COLT 2026, PMLR
336, arXiv 2603.04895. "Reconstructed" settings are ours, because the paper's are not known. Symbols
are in [notation.md](notation.md).
"""


def number(value: float) -> str:
    """Return a number with four digits, or a whole number."""
    if not math.isfinite(value):
        return ""
    return f"{int(value):,}" if value == int(value) else f"{value:.4g}"


def plain(text: str) -> str:
    """Return text in which nothing is Markdown but code between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([_*\[\]])", r"\\\1", p) for p in parts)


def cell(text: str) -> str:
    """Return text as the cell of a table."""
    return plain(text).replace("|", "\\|")


def interval(measured: Measured) -> str:
    """Return the 95% interval."""
    if math.isnan(measured.low):
        return ""
    return f"{number(measured.low)} to {number(measured.high)}"


def section(result: Result) -> str:
    """Return claim, expected numbers and findings of one experiment."""
    experiment = result.experiment
    lines = [
        f"## {plain(experiment.title)}\n",
        f"*{str(experiment.provenance).capitalize()}.* {plain(experiment.claim)}\n",
        "| key in `summary.json` | figure | expected | 95% interval |\n|---|---|--:|--:|",
    ]
    for name, measured in list(result.measured.items())[:SHOWN]:
        lines.append(
            f"| `{experiment.prefix}.{name}` | {cell(measured.label)} | {number(measured.value)} | "
            f"{interval(measured)} |"
        )
    lines.append("")
    lines += [
        f"- **{finding.agreement}**: {plain(finding.sentence)}" for finding in result.findings
    ]
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Read what is finished in the folder and write the page."""
    done = reproduce(out=folder, progress=True)  # keeps what is finished
    rows = [
        f"| [{cell(r.experiment.title)}](#{anchor(r.experiment.title)}) | "
        f"`{r.experiment.command}` | {r.seconds:.0f} s |"
        for r in done.results
    ]
    table = "| figure | command | runtime |\n|---|---|--:|\n" + "\n".join(rows) + "\n"
    text = "\n".join([HEAD, table, *(section(result) for result in done.results)])
    (DOCS / "reproduce.md").write_text(text, encoding="utf-8")
    (DOCS / "images").mkdir(exist_ok=True)
    shutil.copy(folder / "figures" / "fig2.png", DOCS / "images" / "figure2.png")


def anchor(title: str) -> str:
    """Return the fragment that renderers give a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
