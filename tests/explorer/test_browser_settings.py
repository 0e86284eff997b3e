"""Settings in a real browser: every one of them redraws what it should, and only sound ones do."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer, Server

SMALL = "?n=6&d=60&kappa=0.5&seed=3"
PAIR = "&signs=%2B-"
VIEWS = ("primal", "plane", "map", "loss", "gap")


@pytest.mark.parametrize(
    ("key", "value"),
    [("n", 9), ("d", 2.5), ("scale", -1), ("kappa", -1), ("seed", 8)],
)
def test_a_slider_redraws_all_views(explorer: Explorer, key: str, value: float) -> None:
    explorer.open(SMALL + PAIR)
    before = explorer.pictures()
    with explorer.redraw():
        explorer.slide(key, value)
    after = explorer.pictures()
    assert [view for view in VIEWS if before[view] == after[view]] == []


FIELDS: tuple[tuple[str, tuple[tuple[str, str | float], ...]], ...] = (
    (
        PAIR,
        (
            ("n", 7), ("d", "1e12"), ("law", "rademacher"), ("law", "uniform"), ("law", "sphere"),
            ("law", "orthogonal"), ("spectrum", "spiked"), ("spectrum", "power_law"),
            ("signs", "+"), ("signs", "++--"), ("labels", "gaussian"), ("labels", "planted"),
            ("low", 0.4), ("high", 1.5), ("negative", 0.5), ("start", "gaussian"), ("scale", 0.2),
            ("kappa", 0.25), ("seed", 4), ("method", "flow"),
        ),
    ),
    (PAIR + "&spectrum=spiked&spike=10", (("spike", 40),)),
    (PAIR + "&spectrum=power_law&exponent=0.5", (("exponent", 1),)),
    ("&signs=%2B%2B--", (("start", "disjoint"),)),
)  # fmt: skip


@pytest.mark.parametrize(("first", "changes"), FIELDS)
def test_a_field_reaches_the_server_and_the_views(
    explorer: Explorer, first: str, changes: tuple[tuple[str, str | float], ...]
) -> None:
    explorer.open(SMALL + first)
    before = explorer.pictures()["primal"]
    for key, value in changes:
        old = explorer.control(key).input_value()
        answer = explorer.answer(partial(explorer.enter, key, value))
        is_number = not isinstance(value, str) or value == "1e12"
        assert answer["state"][key] == (float(value) if is_number else value)
        assert explorer.pictures()["primal"] != before, key
        explorer.set(key, old)
        assert explorer.pictures()["primal"] == before, key


def test_a_slider_and_its_field_say_the_same(explorer: Explorer) -> None:
    explorer.open(SMALL + PAIR)
    with explorer.redraw():
        explorer.slide("d", 6)
    expect(explorer.control("d")).to_have_value("1000000")
    explorer.set("d", 1000)
    slider = explorer.page.locator("#control-d-slider")
    assert float(slider.input_value()) == pytest.approx(3)


@pytest.mark.parametrize(
    ("key", "value"), [("n", "0"), ("n", "1.5"), ("kappa", "abc"), ("signs", "+*"), ("d", "1e13")]
)
def test_an_unsound_value_is_named_at_its_field_and_not_asked(
    explorer: Explorer, key: str, value: str
) -> None:
    explorer.open(SMALL + PAIR)
    before, drawn = explorer.pictures(), explorer.drawn
    explorer.enter(key, value)
    fault = explorer.page.locator(f"#error-{key}")
    expect(fault).not_to_be_empty()
    expect(explorer.control(key)).to_have_attribute("aria-invalid", "true")
    assert explorer.pictures() == before
    assert explorer.drawn == drawn
    explorer.set(key, {"signs": "+", "d": "70", "n": "7"}.get(key, "1"))
    expect(fault).to_be_empty()


def test_what_the_server_refuses_is_said_at_the_field(explorer: Explorer) -> None:
    explorer.open(SMALL + PAIR)
    explorer.watch.allowed.append("status of 400")
    explorer.page.route(
        "**/api/run",
        lambda route: route.fulfill(
            status=400, json={"error": "kappa is not to my taste; take 1.", "field": "kappa"}
        ),
    )
    explorer.enter("kappa", 0.125)
    expect(explorer.page.locator("#error-kappa")).to_contain_text("not to my taste")
    explorer.page.unroute("**/api/run")
    explorer.set("kappa", 0.25)
    expect(explorer.page.locator("#error-kappa")).to_be_empty()


def test_a_computation_that_is_cut_says_so(explorer: Explorer) -> None:
    explorer.open(SMALL + PAIR)
    before = explorer.pictures()
    explorer.watch.allowed.append("status of 503")
    sentence = "The computation took more than 5 seconds and was cut."
    explorer.page.route(
        "**/api/run",
        lambda route: route.fulfill(status=503, json={"error": sentence, "field": None}),
    )
    explorer.enter("seed", 77)
    expect(explorer.page.locator("#error")).to_contain_text("5 seconds")
    explorer.page.unroute("**/api/run")
    explorer.set("seed", 78)
    expect(explorer.page.locator("#error")).to_be_empty()
    assert explorer.pictures() != before


def test_dragging_ends_at_the_last_state(explorer: Explorer) -> None:
    explorer.open(SMALL + PAIR)
    explorer.page.locator("#control-kappa-slider").evaluate(
        """async (slider) => {
          for (let k = 0; k < 60; k++) {
            slider.value = -2 + k / 30;
            slider.dispatchEvent(new Event("input", {bubbles: true}));
            await new Promise((done) => setTimeout(done, 4));
          }
          slider.value = -1;
          slider.dispatchEvent(new Event("input", {bubbles: true}));
          slider.dispatchEvent(new Event("change", {bubbles: true}));
        }"""
    )
    explorer.settle(1)
    explorer.page.wait_for_function("() => document.documentElement.dataset.busy !== 'true'")
    dragged = explorer.pictures()
    direct = explorer.open(SMALL.replace("kappa=0.5", "kappa=0.1") + PAIR).pictures()
    assert dragged == direct


def test_answers_that_come_late_are_not_drawn_over_newer_ones(explorer: Explorer) -> None:
    explorer.open(SMALL + PAIR)
    slow = {"number": 0}

    def delay(route: object) -> None:
        slow["number"] += 1
        if slow["number"] == 1:  # the first answer waits until the others are long there
            explorer.page.wait_for_timeout(700)
        route.continue_()  # type: ignore[attr-defined]

    explorer.page.route("**/api/run", delay)
    explorer.enter("seed", 11)
    explorer.enter("seed", 12)
    explorer.set("seed", 13)
    explorer.page.wait_for_timeout(300)
    explorer.page.unroute("**/api/run")
    late = explorer.pictures()
    assert late == explorer.open(SMALL.replace("seed=3", "seed=13") + PAIR).pictures()


def test_two_windows_do_not_disturb_each_other(visit: Callable[..., Explorer]) -> None:
    one, other = visit().open(SMALL + PAIR), visit().open(SMALL + PAIR)
    untouched = other.pictures()
    assert one.pictures() == untouched
    one.set("seed", 21)
    other.set("kappa", 0.25)
    assert re.search(r"seed=21", one.page.url)
    assert re.search(r"seed=3\b", other.page.url)
    other.set("kappa", 0.5)
    assert other.pictures() == untouched


def test_a_server_that_is_gone_is_named_and_a_new_one_is_found_by_reloading(
    visit: Callable[..., Explorer],
) -> None:
    mine = Server()
    explorer = visit()
    explorer.server = mine
    explorer.open(SMALL + PAIR)
    explorer.watch.allowed += ["ERR_CONNECTION_REFUSED", "status of 403"]
    error = explorer.page.locator("#error")
    mine.stop()
    explorer.enter("seed", 5)
    expect(error).to_contain_text("does not answer")
    again = Server(mine.port)  # with a token of its own
    try:
        explorer.enter("seed", 6)
        expect(error).to_contain_text("reload", ignore_case=True)
        explorer.page.reload()
        explorer.settle(0)
        assert explorer.query()["seed"] == "6"
        expect(error).to_be_empty()
    finally:
        again.stop()
