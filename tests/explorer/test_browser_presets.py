"""Presets: one for every figure of the paper, each with the figure's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer, decoded

from relubias.experiments.registry import KEYS

NOT_SHOWN = {"dana", "equal_split"}
"""Experiments without a preset: both layers, and a search without a run."""


def moves_on(answer: dict[str, Any], step: int) -> bool:
    return answer["run"]["last_switch"] > step


def follows_the_law(answer: dict[str, Any], within: float) -> bool:
    return abs(answer["gap"]["ratio"] - 1.0) < within


def settles_at_once(answer: dict[str, Any]) -> bool:
    return answer["run"]["last_switch"] == 1


def fits(answer: dict[str, Any]) -> bool:
    return answer["run"]["loss"] < 1e-20


def lost_positives(answer: dict[str, Any]) -> set[int]:
    """Return the positive examples that are inactive on the positive neuron in the end."""
    labels, primal = decoded(answer["labels"]), decoded(answer["limit"]["primal"])
    return set(np.flatnonzero((labels > 0) & (primal[0] <= 0)).tolist())


def late_positives(answer: dict[str, Any]) -> set[int]:
    """Return those that start so."""
    labels, primal = decoded(answer["labels"]), decoded(answer["primal"])
    return set(np.flatnonzero((labels > 0) & (primal[0, 0] <= 0)).tolist())


def values_shrunk_by(answer: dict[str, Any], kappa: float) -> bool:
    labels, primal = decoded(answer["labels"]), decoded(answer["limit"]["primal"])[0]
    expected = np.where(labels > 0, labels, kappa * labels)
    return bool(np.abs(primal - expected).max() < 0.01)


def is_active_on_its_own_alone(answer: dict[str, Any]) -> bool:
    active = decoded(answer["limit"]["primal"]) > 0
    signs, labels = np.array(answer["signs"]), decoded(answer["labels"])
    right = (signs[:, None] * labels > 0) | ~active
    return bool((active.sum(axis=0) == 1).all() and right.all())


PROMISES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "fig1": settles_at_once,
    "fig2": lambda answer: follows_the_law(answer, 0.02),
    "fig2-pair": lambda answer: follows_the_law(answer, 0.02) and fits(answer),
    "fig3": lambda answer: bool(lost_positives(answer)),
    "fig4": lambda answer: settles_at_once(answer) and fits(answer),
    "fig5": lambda answer: (
        not fits(answer) and bool(late_positives(answer) & lost_positives(answer))
    ),
    "fig6": lambda answer: moves_on(answer, 100),
    "fig7": lambda answer: moves_on(answer, 100) and not fits(answer),
    "fig8": lambda answer: bool(
        late_positives(answer) and late_positives(answer) <= lost_positives(answer)
    ),
    "table1": lambda answer: fits(answer) and follows_the_law(answer, 0.02),
    "stepsize": lambda answer: moves_on(answer, 100) and answer["gap"]["ratio"] < 0.9,
    "stepsize-orthogonal": lambda answer: follows_the_law(answer, 1e-9),
    "initialisation": lambda answer: answer["gap"]["relative"] < 0.1,
    "limit": lambda answer: values_shrunk_by(answer, 0.5),
    "flow_gap": lambda answer: answer["gap"]["relative"] < 1e-3,
    "vardi_shamir": lambda answer: (
        late_positives(answer) == set()
        and decoded(answer["primal"])[0, 0, 2] > 0 > decoded(answer["limit"]["primal"])[0, 2]
        and answer["gap"]["relative"] > 0.01
    ),
    "theorem6": lambda answer: is_active_on_its_own_alone(answer) and answer["gap"]["relative"] > 1,
    "parked": lambda answer: is_active_on_its_own_alone(answer) and settles_at_once(answer),
    "tightness": settles_at_once,
}
"""What the captions say, where one run can show it."""


def presets(explorer: Explorer) -> list[dict[str, Any]]:
    return explorer.page.evaluate(
        """async () => {
          const {PRESETS, stateOf} = await import("/static/presets.js");
          return PRESETS.map((preset) => ({...preset, state: stateOf(preset)}));
        }"""
    )


def test_every_experiment_has_a_preset(explorer: Explorer) -> None:
    keys = {preset["key"].partition("-")[0] for preset in presets(explorer.open())}
    assert keys | NOT_SHOWN == set(KEYS)


def test_every_preset_shows_what_its_caption_says(explorer: Explorer) -> None:
    explorer.open()
    pictures = set()
    for preset in presets(explorer):
        key = preset["key"]
        answer = explorer.answer(partial(explorer.page.locator("#preset").select_option, key))
        assert answer["run"]["status"] == "CERTIFIED", key
        assert PROMISES.get(key, bool)(answer), key
        of_file = {"data", "n", "d"} if preset.get("csv") else {"data"}
        sent = {k: v for k, v in preset["state"].items() if k not in of_file}
        assert {k: answer["state"][k] for k in sent} == sent, key
        expect(explorer.page.locator("#preset")).to_have_value(key)
        expect(explorer.page.locator("#preset-caption")).to_have_text(preset["caption"])
        pictures.add(explorer.pictures()["plane"])
    assert len(pictures) == len(presets(explorer))


def test_a_preset_is_left_when_a_setting_is_changed_and_found_again(explorer: Explorer) -> None:
    explorer.open()
    with explorer.redraw():
        explorer.page.locator("#preset").select_option("fig4")
    explorer.set("seed", 9)
    expect(explorer.page.locator("#preset")).to_have_value("")
    expect(explorer.page.locator("#preset-caption")).to_be_empty()
    with explorer.redraw():
        explorer.page.go_back()
    expect(explorer.page.locator("#preset")).to_have_value("fig4")
    explorer.page.reload()
    explorer.settle(0)
    expect(explorer.page.locator("#preset")).to_have_value("fig4")
