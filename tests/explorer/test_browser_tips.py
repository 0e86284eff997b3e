"""What the page says about the point under the pointer, against the server's numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tests.explorer.browsing import Explorer, decoded

REGIONS = ("active, agreeing", "active, disagreeing", "frozen", "inactive, small dual")
PAIR = "?n=12&d=60&signs=%2B-&kappa=0.4&seed=2"


def opened(explorer: Explorer) -> dict[str, Any]:
    """Return the answer that a freshly opened page shows."""
    return explorer.answer(lambda: explorer.open(PAIR, wait=False))


def point(explorer: Explorer, view: str, across: float, down: float) -> str:
    """Move the pointer to a place of a view, in shares of its size; return the tip."""
    box = explorer.page.locator(f"#view-{view} .plot").bounding_box()
    assert box is not None
    explorer.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    tip = explorer.page.locator("#tip")
    return tip.inner_text() if tip.is_visible() else ""


def value(text: str) -> float:
    """Return a number of a tip."""
    plain = text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹\N{MINUS SIGN}", "-0123456789-"))
    return float(plain.replace("\N{MULTIPLICATION SIGN}10", "e"))


@pytest.mark.parametrize("view", ["primal", "map", "plane"])
def test_a_tip_says_the_numbers_of_its_pair_at_its_time(explorer: Explorer, view: str) -> None:
    answer = opened(explorer)
    times, labels = decoded(answer["times"]), decoded(answer["labels"])
    primal, dual, region = (decoded(answer[name]) for name in ("primal", "dual", "region"))
    seen: set[tuple[int, int]] = set()
    places = np.random.default_rng(0).uniform(0.12, 0.92, (40, 2)).tolist()
    for across, down in places:
        tip = point(explorer, view, across, down)
        if not tip:
            continue
        found = re.fullmatch(
            r"Example (\d+), label (\S+), neuron (\d) \((.)\)\n"
            r"step (\S+): \S = (\S+), L\S = (\S+)\n(.+)", tip
        )  # fmt: skip
        assert found, tip
        sample, label, neuron, sign, time, alpha, beta, words = found.groups()
        pair = (int(neuron), int(sample))
        frame = int(np.flatnonzero(times == value(time))[0])
        assert explorer.root("sample") == sample
        assert explorer.root("neuron") == neuron
        assert value(label) == pytest.approx(labels[pair[1]], rel=6e-3)
        assert value(alpha) == pytest.approx(primal[frame, *pair], rel=6e-3)
        assert value(beta) == pytest.approx(dual[frame, *pair], rel=6e-3)
        assert (sign == "+") == (answer["signs"][pair[0]] > 0)
        assert words == REGIONS[region[frame, *pair]]
        seen.add(pair)
    assert len(seen) >= 3


def test_tips_of_predictions_law_and_loss(explorer: Explorer) -> None:
    answer = opened(explorer)
    limit = decoded(answer["limit"]["predictions"])
    shortest = decoded(answer["shortest"]["predictions"])
    seen: set[int] = set()
    for across in np.linspace(0.1, 0.95, 30).tolist():
        tip = point(explorer, "gap", across, 0.85)
        found = re.search(r"Example (\d+),.*\nlimit: (\S+)\nshortest network: (\S+)\n", tip)
        if found:
            sample = int(found[1])
            assert value(found[2]) == pytest.approx(limit[sample], rel=6e-3, abs=1e-12)
            assert value(found[3]) == pytest.approx(shortest[sample], rel=6e-3, abs=1e-12)
            seen.add(sample)
    assert len(seen) >= 6
    times, loss = decoded(answer["times"]), decoded(answer["loss"])
    tip = point(explorer, "loss", 0.4, 0.3)
    found = re.match(r"step (\S+): loss (\S+)\ndistance to the shortest network (\S+)$", tip)
    assert found, tip
    frame = int(np.flatnonzero(times == value(found[1]))[0])
    assert value(found[2]) == pytest.approx(loss[frame], rel=6e-4)
    assert value(found[3]) == pytest.approx(decoded(answer["distance"])[frame], rel=6e-4)


def test_a_click_keeps_the_pair_and_dragging_goes_through_time(explorer: Explorer) -> None:
    opened(explorer)
    mouse = explorer.page.mouse
    frames: list[int] = []
    point(explorer, "map", 0.2, 0.3)
    mouse.down()
    for across in (0.25, 0.4, 0.55, 0.7):
        point(explorer, "map", across, 0.3)
        frames.append(int(explorer.root("frame") or -1))
    mouse.up()
    assert frames == sorted(frames)
    assert frames[0] < frames[-1]
    kept = explorer.root("sample")
    assert kept
    mouse.move(3, 3)
    assert explorer.root("sample") == kept
    assert explorer.root("frame") == str(frames[-1])
    explorer.page.keyboard.press("Escape")
    assert explorer.root("sample") == ""
