"""The views hang together: one highlighted pair, one time, keys, play and pause."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer

SMALL = "?n=6&d=60&signs=%2B-&kappa=0.5&seed=3"
VIEWS = ("primal", "plane", "map", "loss", "gap")
LINKED = ("primal", "plane", "map", "gap")


def hover_somewhere(explorer: Explorer, view: str) -> tuple[str, str]:
    """Move the pointer over a view until a pair is highlighted; return neuron and sample."""
    plot = explorer.page.locator(f"#view-{view} .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    for row in range(1, 14):
        for column in range(1, 14):
            explorer.page.mouse.move(
                box["x"] + box["width"] * column / 14, box["y"] + box["height"] * row / 14
            )
            found = explorer.root("neuron"), explorer.root("sample")
            if all(found):
                return found[0] or "", found[1] or ""
    raise AssertionError(f"nothing in view {view} answers to the pointer")


@pytest.mark.parametrize("view", LINKED)
def test_pointing_at_an_example_marks_it_in_all_views(explorer: Explorer, view: str) -> None:
    explorer.open(SMALL)
    before = explorer.pictures()
    neuron, sample = hover_somewhere(explorer, view)
    assert 0 <= int(neuron) < 2
    assert 0 <= int(sample) < 6
    after = explorer.pictures()
    assert [name for name in LINKED if before[name] == after[name]] == []
    expect(explorer.page.locator("#reading")).to_contain_text(sample)
    explorer.page.mouse.move(3, 3)
    explorer.page.wait_for_function("() => !document.documentElement.dataset.sample")
    assert explorer.pictures() == before


def test_moving_through_time_moves_plane_and_map(explorer: Explorer) -> None:
    explorer.open(SMALL)
    explorer.page.locator("#frame").evaluate(
        "(f) => { f.value = 0; f.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    start, time = explorer.pictures(), explorer.page.locator("#time").inner_text()
    explorer.page.locator("#step-forward").click()
    after = explorer.pictures()
    assert [view for view in VIEWS if start[view] == after[view]] == []
    assert explorer.page.locator("#time").inner_text() != time
    explorer.page.locator("#step-back").click()
    assert explorer.pictures() == start


def test_play_runs_pause_stops_and_the_end_is_the_end(visit: Callable[..., Explorer]) -> None:
    explorer = visit(reduced_motion="no-preference").open(SMALL)
    page = explorer.page
    last = int(page.locator("#frame").get_attribute("max") or 0)
    page.locator("#play").click()
    page.wait_for_function("() => Number(document.documentElement.dataset.frame) >= 2")
    page.locator("#play").click()
    at = explorer.root("frame")
    page.wait_for_timeout(300)
    assert explorer.root("frame") == at
    page.locator("#play").click()
    page.wait_for_function(
        "(last) => Number(document.documentElement.dataset.frame) === last",
        arg=last,
        timeout=30_000,
    )
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")


def test_with_reduced_motion_nothing_moves_by_itself(explorer: Explorer) -> None:
    explorer.open(SMALL)
    frame = explorer.root("frame")
    pictures = explorer.pictures()
    explorer.page.wait_for_timeout(400)
    assert explorer.root("frame") == frame
    assert explorer.pictures() == pictures
    moving = explorer.page.evaluate(
        """() => document.getAnimations().filter((a) => a.playState === "running").length"""
    )
    assert moving == 0


def test_the_keyboard_alone_is_enough(explorer: Explorer) -> None:
    explorer.open(SMALL)
    page = explorer.page
    seen: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate("() => document.activeElement?.id ?? ''")
        outline = page.evaluate(
            """() => {
              const style = getComputedStyle(document.activeElement);
              return style.outlineStyle !== "none" || style.boxShadow !== "none";
            }"""
        )
        if name and name in seen:
            break
        if name:
            assert outline, f"{name} has focus and does not show it"
            seen.append(name)
    for wanted in (
        "preset", "control-n", "control-n-slider", "control-d", "control-signs", "control-kappa",
        "control-kappa-slider", "control-method", "upload", "play", "step-forward", "frame",
        "download-png", "download-csv", "show-python", "theme",
    ):  # fmt: skip
        assert wanted in seen
    hidden = page.evaluate(
        """(ids) => ids.filter((id) => document.getElementById(id).offsetParent === null
             && !document.getElementById(id).closest("dialog"))""",
        [name for name in seen if name != "player"],
    )
    assert hidden == []


def test_arrow_keys_move_a_slider(explorer: Explorer) -> None:
    explorer.open(SMALL)
    before = explorer.pictures()
    explorer.page.locator("#control-n-slider").focus()
    with explorer.redraw():
        explorer.page.keyboard.press("ArrowRight")
    expect(explorer.control("n")).to_have_value("7")
    after = explorer.pictures()
    assert [view for view in VIEWS if before[view] == after[view]] == []


def test_space_plays_and_pauses(visit: Callable[..., Explorer]) -> None:
    explorer = visit(reduced_motion="no-preference").open(SMALL)
    page = explorer.page
    page.locator("#view-primal .plot, #view-primal canvas").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => Number(document.documentElement.dataset.frame) >= 1")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")


def test_space_on_a_button_presses_the_button_only(explorer: Explorer) -> None:
    explorer.open(SMALL)
    explorer.page.locator("#show-python").focus()
    explorer.page.keyboard.press("Space")
    expect(explorer.page.locator("#python")).to_be_visible()
    expect(explorer.page.locator("#play")).to_have_attribute("aria-pressed", "false")
    explorer.page.keyboard.press("Escape")
    expect(explorer.page.locator("#python")).not_to_be_visible()
    assert explorer.page.evaluate("() => document.activeElement.id") == "show-python"


def test_every_view_can_be_enlarged(explorer: Explorer) -> None:
    explorer.open(SMALL)
    for view in VIEWS:
        explorer.page.locator(f"#enlarge-{view}").click()
        expect(explorer.page.locator("#enlarge-dialog")).to_be_visible()
        explorer.page.wait_for_selector("#enlarge-plot .main-svg, #enlarge-plot canvas")
        explorer.page.keyboard.press("Escape")
        expect(explorer.page.locator("#enlarge-dialog")).not_to_be_visible()
