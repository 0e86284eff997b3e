"""Check built pages: nothing is asked of another host, and every link inside leads somewhere.

python docs/check_site.py docs/_build/html
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("input", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("track", "src"),
    ("use", "href"),
    ("video", "poster"),
    ("video", "src"),
}
"""Attributes whose address a browser fetches by itself; a plain link is followed by people."""

CSS_ADDRESS = re.compile(r"""(?:url\(|@import\s+)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")
ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


class Page(HTMLParser):
    """What one page loads, links to and offers as anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses and anchors."""
        self._in_style = tag == "style"
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name == "style":
                self.loads += CSS_ADDRESS.findall(value)
            elif (tag, name) in LOADED:
                parts = value.split(",") if name == "srcset" else [value]
                self.loads += [part.split()[0] for part in parts if part.split()]
            elif tag == "a" and name == "href":
                self.links.append(value)

    def handle_data(self, data: str) -> None:
        """Note addresses in style sheets inside the page."""
        if self._in_style:
            self.loads += CSS_ADDRESS.findall(data)


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with the pages below `root`."""
    paths = [path for path in sorted(root.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    if not pages:
        yield f"{root}: no pages"
    for path in pages:
        for sentence in (*_loads(path, pages), *_links(path, pages)):
            yield f"{path.relative_to(root)}: {sentence}"
    for path in sorted(root.rglob("*.css")):
        for address in CSS_ADDRESS.findall(path.read_text(encoding="utf-8", errors="replace")):
            yield f"{path.relative_to(root)}: loads {address}"


def _loads(path: Path, pages: dict[Path, Page]) -> Iterator[str]:
    for address in pages[path].loads:
        parts = urlsplit(address)
        if ELSEWHERE.match(address):
            yield f"loads {address}"
        elif not parts.scheme and not (path.parent / unquote(parts.path)).exists():
            yield f"loads {address}, which is not there"


def _links(path: Path, pages: dict[Path, Page]) -> Iterator[str]:
    for address in pages[path].links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists():
            yield f"links to {address}, which is not there"
        elif parts.fragment and unquote(parts.fragment) not in _anchors(target, pages):
            yield f"links to {address}, where no such place is"


def _anchors(target: Path, pages: dict[Path, Page]) -> set[str]:
    return pages[target].anchors if target in pages else set()


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1]).resolve()))
    done = f"{sys.argv[1]}: every link leads somewhere, and nothing is fetched from elsewhere"
    sys.stdout.write("\n".join(found or [done]) + "\n")
    sys.exit(bool(found))
