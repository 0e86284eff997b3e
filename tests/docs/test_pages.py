"""Every page can be reached, and the check of the built site sees what it has to see."""

from __future__ import annotations

import re
import runpy
import textwrap
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = (
    "_build",
    "_templates",
    "auto_examples",
    "auto_tutorial",
    "generated",
    "templates",
    "tutorial",
)
PAGES = [
    page
    for ending in ("*.md", "*.rst")
    for page in sorted(DOCS.rglob(ending))
    if not set(GENERATED) & set(page.relative_to(DOCS).parts)
    and page.name != "sg_execution_times.rst"
]
TOCTREE = {
    ".md": re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL),
    ".rst": re.compile(r"^\.\. toctree::\n((?: .*\n|\n)*)", re.MULTILINE),
}


def entries_of(page):
    """Return the pages that a page's tables of contents name, relative to docs/."""
    found = set()
    for body in TOCTREE[page.suffix].findall(page.read_text("utf-8")):
        for line in textwrap.dedent(body).splitlines():
            entry = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
            if entry and not entry.startswith(":"):
                found.add((page.parent / entry).resolve().relative_to(DOCS).as_posix())
    return found


def test_every_page_is_in_a_table_of_contents():
    named = set().union(*map(entries_of, PAGES))
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert pages - named == {"index"}
    assert {name for name in named - pages if not name.startswith("auto_")} == set()


def test_pages_that_are_files_of_the_repository_name_files_that_exist():
    for page, file in (("contributing/index", "CONTRIBUTING.md"), ("changelog", "CHANGELOG.md")):
        assert f"<!-- {file} -->" in (DOCS / f"{page}.md").read_text("utf-8")
        assert (DOCS.parent / file).exists()


@pytest.fixture
def problems():
    check = runpy.run_path(str(DOCS / "check_site.py"))["problems"]
    return lambda root: list(check(root))


def write(root, **pages):
    for name, text in pages.items():
        (root / f"{name}.html").write_text(text, encoding="utf-8")


def test_a_site_that_keeps_to_itself_passes(tmp_path, problems):
    (tmp_path / "style.css").write_text("a { background: url(data:image/png;base64,AA==) }")
    write(
        tmp_path,
        a='<link href="style.css"><a href="b.html#x">b</a> <a href="https://arxiv.org/">paper</a>',
        b='<h1 id="x">x</h1><img src="data:image/png;base64,AA=="><a href="#x">up</a>',
    )
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="https://x.org/a.js"></script>', "loads https://x.org/a.js"),
        ('<script src="//x.org/a.js"></script>', "loads //x.org/a.js"),
        ('<link rel="stylesheet" href="HTTP://x.org/a.css">', "loads HTTP://x.org/a.css"),
        ('<img srcset="https://x.org/a.png 2x">', "loads https://x.org/a.png"),
        ('<iframe src="https://x.org"></iframe>', "loads https://x.org"),
        ("<style>@import 'https://x.org/a.css';</style>", "loads https://x.org/a.css"),
        ("<p style=\"background: url('//x.org/a')\">", "loads //x.org/a"),
        ('<img src="gone.png">', "loads gone.png, which is not there"),
        ('<a href="gone.html">x</a>', "links to gone.html, which is not there"),
        ('<a href="#gone">x</a>', "links to #gone, where no such place is"),
    ],
)
def test_what_asks_another_host_or_leads_nowhere_is_found(tmp_path, problems, page, found):
    write(tmp_path, page=page)
    assert problems(tmp_path) == [f"page.html: {found}"]


def test_style_sheets_that_fetch_fonts_are_found(tmp_path, problems):
    write(tmp_path, page="<p>")
    (tmp_path / "a.css").write_text("@font-face { src: url(https://x.org/a.woff2) }")
    assert problems(tmp_path) == ["a.css: loads https://x.org/a.woff2"]


def test_a_folder_without_pages_is_no_site(tmp_path, problems):
    assert problems(tmp_path) == [f"{tmp_path}: no pages"]
