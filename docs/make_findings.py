"""Write ``docs/findings.md`` and its pictures from a finished reproduction.

relubias reproduce --out reproduction
python docs/make_findings.py reproduction

The text is that of ``docs/templates/findings.md``, where ``{figure2.slope_d:.3f}`` stands for the
figure of that name in ``summary.json``. Every section gets the commands and figures behind it.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relubias.experiments import KEYS, load

DOCS = Path(__file__).parent
TEMPLATE = DOCS / "templates" / "findings.md"
FIGURE = re.compile(r"\{([a-z]\w*\.[\w-]+):([^}]+)\}")
WIDTH = 108
PICTURE = re.compile(r"\]\(images/(\w+)\.png\)")


def number(value: float) -> str:
    """Return a number with four digits, or a whole number."""
    return f"{int(value):,}" if value == int(value) else f"{value:.4g}"


def fill(text: str, summary: Mapping[str, Any]) -> str:
    """Put the measured figures into a text."""
    return FIGURE.sub(lambda match: format(summary[match[1]], match[2]), text)


def wrapped(text: str) -> str:
    """Return a text whose paragraphs have lines of one width; code, tables and headings stay."""
    parts = re.split(r"(```.*?```\n)", text, flags=re.DOTALL)
    return "".join(part if k % 2 else _wrapped(part) for k, part in enumerate(parts))


def _wrapped(text: str) -> str:
    blocks = text.split("\n\n")
    return "\n\n".join(
        block
        if block.startswith(("#", "|", "![")) or not block.strip()
        else textwrap.fill(block, WIDTH, break_long_words=False, break_on_hyphens=False)
        for block in blocks
    )


def names(text: str) -> list[str]:
    """Return the names of the figures in a text, each once."""
    return list(dict.fromkeys(match[1] for match in FIGURE.finditer(text)))


def experiment_of(name: str) -> str:
    """Return the key of the experiment that measures a figure, or of its picture."""
    prefixes = {load(key).prefix: key for key in KEYS}
    return prefixes[name.partition(".")[0]]


def sources(text: str, summary: Mapping[str, Any]) -> str:
    """Return the commands behind a section, and every figure with its interval."""
    keys = names(text)
    commands = dict.fromkeys(experiment_of(key) for key in keys)
    rows = [f"| `{key}` | {number(summary[key])} | {interval(summary, key)} |" for key in keys]
    calls = ", ".join(f"`relubias reproduce --only {name}`" for name in commands)
    table = "| figure | measured | 95% interval |\n|---|--:|--:|\n" + "\n".join(rows)
    return f"<details><summary>Commands and figures</summary>\n\n{calls}\n\n{table}\n\n</details>\n"


def interval(summary: Mapping[str, Any], key: str) -> str:
    """Return the interval of a figure, where there is one."""
    ends = summary.get(f"{key}_ci")
    return f"{number(ends[0])} to {number(ends[1])}" if ends else ""


def page(summary: Mapping[str, Any]) -> str:
    """Return the page."""
    head, *sections = re.split(
        r"^(?=## )", TEMPLATE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    parts: list[str] = []
    for text in (head, *sections):
        parts += [wrapped(fill(text, summary)), sources(text, summary)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def main(folder: Path) -> None:
    """Write the page and its pictures."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    text = page(summary)
    (DOCS / "findings.md").write_text(text, encoding="utf-8")
    (DOCS / "images").mkdir(exist_ok=True)
    for name in PICTURE.findall(text):
        source = folder / "figures" / f"{experiment_of(name)}.png"
        shutil.copy(source, DOCS / "images" / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
