"""Pages that are files of the repository: the file replaces a comment that names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGES = {"contributing/index": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
"""Name of a page, and the file that it holds."""


def rewritten(text: str, docname: str) -> str:
    """Return the text with links from the repository's root turned into links from the page."""
    up = "../" * docname.count("/")
    text = re.sub(r"\]\(docs/", f"]({up}", text)
    for page, file in PAGES.items():
        text = text.replace(f"]({file}", f"]({up}{page}.md")
    return re.sub(r"\[([^\]]+)\]\((?:README\.md|CITATION\.cff)[^)]*\)", r"`\1`", text)


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put the file into the page."""
    if docname not in PAGES:
        return
    path = Path(app.srcdir).parent / PAGES[docname]
    app.env.note_dependency(str(path), docname=docname)
    marker = f"<!-- {PAGES[docname]} -->"
    if marker not in content[0]:
        raise RuntimeError(f"{docname} has no {marker}")
    text = rewritten(path.read_text(encoding="utf-8"), docname)
    content[0] = content[0].replace(marker, text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
