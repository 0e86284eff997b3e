"""docs/findings.md is its template with measured figures, and says how to get each of them."""

from __future__ import annotations

import collections
import re
import runpy
from pathlib import Path

import pytest

from relubias.experiments import KEYS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "findings.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "make_findings.py"))


@pytest.fixture(scope="module")
def template(script):
    return script["TEMPLATE"].read_text(encoding="utf-8")


def without_numbers(text):
    """Return the words of a page, its tables of figures left out, with all numbers alike."""
    lines = [line for line in text.splitlines() if not line.startswith("| `")]
    return re.sub(r"-?\d[\d,]*(\.\d+)?(e[-+]\d+)?%?", "#", "\n".join(lines)).split()


def test_the_page_is_its_template_with_figures_filled_in(script):
    anything = collections.defaultdict(lambda: 0.5)
    assert without_numbers(script["page"](anything)) == without_numbers(PAGE)


def test_every_figure_of_the_template_has_an_experiment_and_a_row(script, template):
    named = script["names"](template)
    assert len(named) > 40
    for name in named:
        assert script["experiment_of"](name) in KEYS
        assert f"| `{name}` | " in PAGE


def test_no_figure_is_left_unfilled(script):
    assert not script["FIGURE"].search(PAGE)
    assert "nan" not in PAGE.split()


def test_every_section_says_how_to_compute_it(template):
    sections = PAGE.split("\n## ")[1:]
    assert len(sections) == template.count("\n## ") == 11
    for section in sections:
        commands = re.findall(r"`relubias reproduce --only (\w+)`", section)
        assert commands
        assert set(commands) <= set(KEYS)


def test_pictures_are_those_of_experiments(script):
    names = script["PICTURE"].findall(PAGE)
    assert len(names) >= 9
    for name in names:
        assert script["experiment_of"](name) in KEYS
        assert (DOCS / "images" / f"{name}.png").exists()


def test_figures_are_filled_in_with_their_format(script):
    text = "{reach.a_b-1:.0%} of {reach.c:,.0f}"
    assert script["fill"](text, {"reach.a_b-1": 0.25, "reach.c": 1234.5}) == "25% of 1,234"
    assert script["names"](text + text) == ["reach.a_b-1", "reach.c"]
    with pytest.raises(KeyError):
        script["fill"](text, {})
