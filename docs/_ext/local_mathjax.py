"""MathJax from the installed package sphinx-mathjax-offline, so that no page asks another host."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = "mathjax"
PARTS = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")
"""What pages load: the engine, its fonts, and TeX packages."""


def copy(app: Sphinx, error: Exception | None) -> None:
    """Copy the parts beside the pages, unless they are there."""
    if error is not None or app.builder.format != "html":
        return
    installed = distribution("sphinx-mathjax-offline")
    source = Path(str(installed.locate_file("sphinx-mathjax-offline/static/mathjax")))
    target = Path(app.outdir) / "_static" / FOLDER
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / part, target / part)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx where MathJax is."""
    app.connect("build-finished", copy)
    app.config["mathjax_path"] = f"{FOLDER}/{PARTS[0]}"
    app.config["mathjax3_config"] = {"options": {"enableMenu": False}}  # its menu needs more parts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
