"""What people take away: a picture, a table, and Python lines that give the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer, decoded

SMALL = "?n=6&d=60&signs=%2B-&kappa=0.5&seed=3"
STATES = (SMALL, SMALL + "&method=flow&start=gaussian&scale=0.3", SMALL + "&labels=gaussian&d=1e12")


def download(explorer: Explorer, button: str, folder: Path) -> Path:
    with explorer.page.expect_download() as waiting:
        explorer.page.locator(button).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


@pytest.mark.parametrize("query", STATES)
def test_the_table_holds_every_number_of_the_answer(
    explorer: Explorer, tmp_path: Path, query: str
) -> None:
    answer = explorer.answer(lambda: explorer.open(query, wait=False))
    target = download(explorer, "#download-csv", tmp_path)
    assert target.suffix == ".csv"
    table = pd.read_csv(target, dtype=str)  # pandas may round; float() below does not
    words = table.pop("mode" if "flow" in query else "region")
    table = table.apply(lambda column: column.map(float))
    primal, dual = decoded(answer["primal"]), decoded(answer["dual"])
    frames, neurons, samples = primal.shape
    assert_array_equal(table["primal"], primal.ravel())
    assert_array_equal(table["dual"], dual.ravel())
    for name, inner in (("times", "time"), ("loss", "loss"), ("distance", "distance")):
        expected = np.repeat(np.asarray(decoded(answer[name]), np.float64), neurons * samples)
        assert_array_equal(table[inner], expected)
    k, i = np.indices((neurons, samples)).reshape(2, -1)
    assert_array_equal(table["neuron"], np.tile(k, frames))
    assert_array_equal(table["sample"], np.tile(i, frames))
    assert_array_equal(table["sign"], np.tile(np.array([1, -1])[k], frames))
    assert_array_equal(table["label"], np.tile(decoded(answer["labels"])[i], frames))
    if "flow" in query:
        names, codes = {1: "active", 0: "sliding", -1: "inactive"}, decoded(answer["mode"])
    else:
        names = dict(enumerate(("agreeing", "disagreeing", "frozen", "small")))
        codes = decoded(answer["region"])
    assert list(words) == [names[int(code)] for code in codes.ravel()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_holds_every_view(visit: Any, tmp_path: Path, scheme: str) -> None:
    explorer = visit(color_scheme=scheme).open(SMALL)
    target = download(explorer, "#download-png", tmp_path)
    assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    image = matplotlib.image.imread(target)
    height, width = image.shape[:2]
    assert width > 2000
    assert height > 1500
    paper = image[2, 2, :3]
    assert (paper.mean() > 0.9) == (scheme == "light")
    inked = (np.abs(image[..., :3] - paper) > 0.1).any(axis=-1)
    top = height // 6
    thirds = np.array_split(inked[top:], 3)
    for part in thirds:  # two views in each of the rows, the last one across both columns
        for half in np.array_split(part, 2, axis=1):
            assert half.mean() > 0.005


@pytest.mark.parametrize("query", STATES)
def test_the_lines_give_the_same_numbers(explorer: Explorer, tmp_path: Path, query: str) -> None:
    answer = explorer.answer(lambda: explorer.open(query, wait=False))
    explorer.page.locator("#show-python").click()
    shown = explorer.page.locator("#python-text").inner_text()
    assert shown.strip() == answer["script"].strip()
    saved = download(explorer, "#download-python", tmp_path)
    assert saved.read_text() == answer["script"]
    explorer.page.locator("#close-python").click()
    expect(explorer.page.locator("#python")).not_to_be_visible()
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(shown, scope)
    plt.close("all")
    assert_array_equal(scope["labels"], decoded(answer["labels"]))
    assert_array_equal(scope["run"].limit.primal, decoded(answer["limit"]["primal"]))
    assert_array_equal(scope["times"], decoded(answer["times"]))
    assert_array_equal(scope["primal"], decoded(answer["primal"]))


def test_the_lines_can_be_copied(visit: Any) -> None:
    explorer = visit(permissions=["clipboard-read", "clipboard-write"]).open(SMALL)
    explorer.page.locator("#show-python").click()
    explorer.page.locator("#copy-python").click()
    expect(explorer.page.locator("#notes")).to_contain_text("copied")
    copied = explorer.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == explorer.page.locator("#python-text").text_content()


def test_where_copying_is_refused_the_lines_are_marked(explorer: Explorer) -> None:
    explorer.page.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))"
    )
    explorer.open(SMALL)
    explorer.page.locator("#show-python").click()
    explorer.page.locator("#copy-python").click()
    expect(explorer.page.locator("#notes")).to_contain_text("Ctrl+C")
    marked = explorer.page.evaluate("() => String(getSelection())")
    assert "import" in marked
