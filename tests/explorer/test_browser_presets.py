"""Presets: one for every figure of the paper, each with the figure's own numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

from playwright.sync_api import expect
from tests.explorer.browsing import Explorer

from relubias.experiments.registry import KEYS

NOT_CERTIFIED: dict[str, str] = {}
"""Presets whose runs have another status on purpose."""

NOT_SHOWN = {"dana", "equal_split"}
"""Experiments without a preset: both layers, and a search without a run."""


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


def test_every_preset_runs_to_the_status_it_promises(explorer: Explorer) -> None:
    explorer.open()
    pictures = set()
    for preset in presets(explorer):
        key = preset["key"]
        answer = explorer.answer(partial(explorer.page.locator("#preset").select_option, key))
        assert answer["run"]["status"] == NOT_CERTIFIED.get(key, "CERTIFIED"), key
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
