"""The address: links that can be shared, the Back button, and hostile or broken ones."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer

SMALL = "?n=6&d=60&signs=%2B-&kappa=0.5&seed=3"


def history_length(explorer: Explorer) -> int:
    return explorer.page.evaluate("() => history.length")


def test_a_link_shows_the_same_in_another_window(visit: Callable[..., Explorer]) -> None:
    one = visit().open(SMALL)
    one.set("start", "gaussian")
    one.set("d", "1e9")
    one.page.keyboard.press("Escape")
    for frame in ("5", "0"):
        one.page.locator("#frame").evaluate(
            "(f, v) => { f.value = v; f.dispatchEvent(new Event('input', {bubbles: true})); }",
            frame,
        )
        one.page.wait_for_function(
            "(t) => new URLSearchParams(location.search).get('t') === t", arg=frame
        )
        other = visit()
        other.page.goto(one.page.url)
        other.settle(0)
        assert other.pictures() == one.pictures()
        expect(other.page.locator("#frame")).to_have_value(frame)
        assert other.query() == one.query()


def test_back_and_forward_walk_through_the_settings(explorer: Explorer) -> None:
    explorer.open(SMALL)
    first = explorer.pictures()
    explorer.set("seed", 4)
    second = explorer.pictures()
    explorer.set("method", "flow")
    for go_back, seed, pictures in (("back", "4", second), ("back", "3", first)):
        with explorer.redraw():
            explorer.page.evaluate(f"() => history.{go_back}()")
        expect(explorer.control("seed")).to_have_value(seed)
        expect(explorer.control("method")).to_have_value("descent")
        assert explorer.pictures() == pictures
    with explorer.redraw():
        explorer.page.evaluate("() => history.forward()")
    assert explorer.pictures() == second


def test_a_drag_is_one_entry_of_the_history(explorer: Explorer) -> None:
    explorer.open(SMALL)
    before = history_length(explorer)
    slider = explorer.page.locator("#control-kappa-slider")
    box = slider.bounding_box()
    assert box is not None
    mouse, middle = explorer.page.mouse, box["y"] + box["height"] / 2
    with explorer.redraw():
        mouse.move(box["x"] + box["width"] * 0.9, middle)
        mouse.down()
        for part in range(40):
            mouse.move(box["x"] + box["width"] * (0.9 - part / 100), middle)
        mouse.up()
    explorer.page.wait_for_function(
        "() => new URLSearchParams(location.search).get('kappa')"
        " === String(Number(document.querySelector('#control-kappa').value))"
    )
    assert explorer.query()["kappa"] != "0.5"
    assert history_length(explorer) == before + 1
    with explorer.redraw():
        explorer.page.go_back()
    expect(explorer.control("kappa")).to_have_value("0.5")


def test_arrow_keys_in_a_row_are_one_entry_of_the_history(explorer: Explorer) -> None:
    explorer.open(SMALL)
    before = history_length(explorer)
    explorer.page.locator("#control-seed-slider").focus()
    for _ in range(5):
        explorer.page.keyboard.press("ArrowRight")
    expect(explorer.control("seed")).to_have_value("8")
    explorer.page.wait_for_url("**seed=8*")
    assert history_length(explorer) == before + 1


def test_moving_through_time_makes_no_history(explorer: Explorer) -> None:
    explorer.open(SMALL)
    before = history_length(explorer)
    explorer.page.keyboard.press("Home")
    for _ in range(4):
        explorer.page.locator("#step-forward").click()
    explorer.page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '4'")
    assert history_length(explorer) == before


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ("?n=6&colour=red", ("unknown key", "colour")),
        ("?n=6&__proto__=1&constructor=2&a=1&e=4", ("unknown keys", "__proto__, constr")),
        (
            f"?n=six&seed=6&seed=7&law={'g' * 5000}",
            ("n = six", "no number", "seed twice", "law", "too long"),
        ),
    ],
)  # fmt: skip
def test_what_an_address_should_not_hold_is_left_out_with_a_note(
    explorer: Explorer, query: str, notes: tuple[str, ...]
) -> None:
    explorer.open(query)
    for note in notes:
        expect(explorer.page.locator("#notes")).to_contain_text(note)


@pytest.mark.parametrize(
    "values",
    [
        {"n": 0, "d": 1e300, "kappa": -1, "law": "cauchy", "signs": "+++++++++", "method": "adam"},
        {"n": 999, "d": 1.5, "seed": -1, "low": 2, "high": -1, "negative": 7, "start": ""},
    ],
)
def test_values_that_cannot_be_used_are_left_out_with_a_note(
    explorer: Explorer, values: dict[str, str | float]
) -> None:
    explorer.open("?" + urlencode(values))
    expect(explorer.page.locator("#notes")).to_contain_text("cannot be used")
    for key in values.keys() - {"start", "low"}:
        expect(explorer.page.locator("#notes")).to_contain_text(f"{key} = ")
        assert explorer.query().get(key) != str(values[key])


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "javascript:alert(1)"]
)
def test_text_in_an_address_is_never_markup(explorer: Explorer, text: str) -> None:
    explorer.page.on("dialog", lambda dialog: explorer.watch.complaints.append(dialog.message))
    explorer.watch.allowed.append("status of 400")
    before = explorer.open(SMALL).page.locator("img, script").count()
    values = dict.fromkeys(("law", "data", "signs", "n", "foo", "view", text), text)
    explorer.open("?" + urlencode(values), wait=False)
    explorer.page.wait_for_function("() => document.documentElement.dataset.busy === 'false'")
    expect(explorer.page.locator("#notes")).to_contain_text("unknown key")
    assert explorer.page.locator("img, script").count() == before


def test_a_view_and_a_pair_that_do_not_exist_are_left_out(explorer: Explorer) -> None:
    explorer.open(SMALL + "&view=nonsense&neuron=99&sample=-3&t=1e9")
    expect(explorer.page.locator("#notes")).to_contain_text("nonsense, which there is not")
    assert not explorer.query().keys() & {"view", "neuron", "sample", "t"}


def test_a_link_can_enlarge_a_view(explorer: Explorer) -> None:
    explorer.open(SMALL + "&view=plane")
    expect(explorer.page.locator("#enlarge-dialog")).to_be_visible()
    explorer.page.keyboard.press("Escape")
    explorer.page.wait_for_function("() => !location.search.includes('view=')")


def test_a_link_can_play(visit: Callable[..., Explorer]) -> None:
    explorer = visit(reduced_motion="no-preference").open(SMALL + "&t=0&play=1")
    explorer.page.wait_for_function("() => Number(document.documentElement.dataset.frame) > 1")


def test_the_token_of_a_wider_bind_stays_in_the_address(explorer: Explorer) -> None:
    explorer.open(SMALL + "&token=secret")
    explorer.set("seed", 4)
    assert explorer.query()["token"] == "secret"
    expect(explorer.page.locator("#notes")).to_be_empty()


def test_signs_typed_by_hand_are_understood(explorer: Explorer) -> None:
    explorer.open("?n=6&d=60&signs=+-")  # a plus sign means a space in an address
    expect(explorer.control("signs")).to_have_value("+-")
    assert "signs=%2B-" in explorer.page.url or explorer.query().get("signs") in ("+-", None)
