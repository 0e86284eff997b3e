"""The page's own arithmetic, in the browser, against Python: numbers, scales, panels, frames."""

from __future__ import annotations

import itertools
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.explorer.browsing import Explorer

from relubias.errors import InvalidInputError
from relubias.explorer._encode import encoded
from relubias.explorer.state import State, parse_state

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹" + MINUS, "-0123456789-")


def call(explorer: Explorer, code: str, argument: Any = None) -> Any:
    """Return what a function of the page's modules says; the page is opened if it is not."""
    if explorer.page.url == "about:blank":
        explorer.open("?n=4&d=40")
    return explorer.page.evaluate(f"async (given) => {{ {code} }}", argument)


def spread(seed: int, count: int) -> list[float]:
    """Return numbers of every size and both signs."""
    rng = np.random.default_rng(seed)
    sizes = rng.uniform(-300, 300, count)
    small = rng.uniform(-8, 14, count)
    values = np.concatenate([rng.standard_normal(count) * 10.0**sizes, 10.0**small])
    return [*values.tolist(), 0.0, 1.0, -1.0, 0.1, 1e12, 1e-12, 123456.0, 5e-324, 99999.5]


def read(text: str) -> Decimal:
    """Return the number that a text of the page shows: 0.5, or 2.5 times a power of ten, or 10³."""
    raised = "([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    found = re.fullmatch(rf"({MINUS}?)(?:([\d.]+)(?:{TIMES}10{raised})?|10{raised})", text)
    assert found, text
    sign, mantissa, exponent, power = found.groups()
    order = int((exponent or power or "⁰").translate(RAISED))
    return Decimal(-1 if sign else 1) * Decimal(mantissa or "1").scaleb(order)


def test_what_a_field_shows_reads_back_bit_for_bit(explorer: Explorer) -> None:
    values = spread(1, 300)
    code = """const { parse, typed } = await import("/static/format.js");
      return given.map((value) => parse(typed(value)));"""
    assert [float(value) for value in call(explorer, code, values)] == values


@pytest.mark.parametrize("digits", [1, 3, 4, 6])
def test_numbers_are_shown_to_their_last_digit(explorer: Explorer, digits: int) -> None:
    values = spread(2, 200)
    code = """const { number } = await import("/static/format.js");
      return given[0].map((value) => number(value, given[1]));"""
    for value, text in zip(values, call(explorer, code, [values, digits]), strict=True):
        assert "-" not in text
        assert "e" not in text
        if value == 0:
            assert text == "0"
            continue
        exact = Decimal(value)
        unit = Decimal(1).scaleb(exact.adjusted() - digits + 1)
        assert abs(read(text) - exact) <= unit / 2, (value, text)


def test_typed_numbers_are_understood_or_refused(explorer: Explorer) -> None:
    good = {
        "1e12": 1e12, "1E12": 1e12, "10^12": 1e12, "10¹²": 1e12, "2·10^6": 2e6, "10^-3": 1e-3,
        f"2{TIMES}10⁻⁷": 2e-7, f"{MINUS}0.5": -0.5, "-0.5": -0.5, " 10 000 ": 1e4,
        "10\u202f000": 1e4, ".5": 0.5, "5.": 5.0, "+3": 3.0, "1e-7": 1e-7,
    }  # fmt: skip
    bad = ["", " ", "abc", "1e", "e5", "0x10", "1,5", "1.2.3", "--1", "10^", "10^1.5", "1/2", "∞"]
    code = """const { parse } = await import("/static/format.js"); return given.map(parse);"""
    assert call(explorer, code, list(good)) == list(good.values())
    assert all(math.isnan(value) for value in call(explorer, code, bad))


SCALES = [
    *[("linear", ends, 0) for ends in [(-1, 1), (0, 3e-7), (-2e5, 1), (0.99, 1.01), (7, 7.001)]],
    *[("logarithmic", ends, 0) for ends in [(1, 1e12), (1e-18, 5), (0.4, 0.9), (1e180, 1e200)]],
    *[("bent", (0, end), unit) for end, unit in [(4, 1), (19, 1), (4e5, 1), (1e13, 1), (60, 0.01)]],
    ("bent", (-1e100, 1e100), 1),
]


@pytest.mark.parametrize("pixels", [(50, 640), (300, 20)])
def test_scales_keep_order_come_back_and_have_honest_ticks(
    explorer: Explorer, pixels: tuple[int, int]
) -> None:
    code = """const scales = await import("/static/scales.js");
      return given.map(([kind, domain, unit, pixels, inside]) => {
        const scale = scales[kind](domain, pixels, unit);
        const at = inside.map(scale.at);
        return {at, back: at.map(scale.value), ticks: scale.ticks(40)};
      });"""
    insides = [np.linspace(*domain, 23) for _, domain, _ in SCALES]
    given = [[*one, pixels, inside.tolist()] for one, inside in zip(SCALES, insides, strict=True)]
    length = abs(pixels[1] - pixels[0])
    for (_, (low, high), _), inside, found in zip(
        SCALES, insides, call(explorer, code, given), strict=True
    ):
        at, span = np.array(found["at"]), high - low
        assert_allclose(at[[0, -1]], pixels, rtol=1e-12)
        assert np.all(np.sign(np.diff(at)) == np.sign(pixels[1] - pixels[0]))
        assert_allclose(found["back"], inside, rtol=1e-9, atol=1e-12 * span)
        values = [float(tick["value"]) for tick in found["ticks"]]
        assert values == sorted(set(values))
        assert 1 <= len(values) <= 1.5 * length / 40 + 2
        for value, tick in zip(values, found["ticks"], strict=True):
            assert low - 1e-9 * span <= value <= high + 1e-9 * span
            assert float(read(tick["label"])) == pytest.approx(value, rel=1e-9, abs=0.0)


def test_panels_lie_inside_and_apart(explorer: Explorer) -> None:
    sizes = [(640, 330), (300, 280), (410, 200), (250, 600)]
    code = """const { grid } = await import("/static/facets.js");
      return given.map(([width, height, count]) => grid(width, height, count));"""
    given = [(*size, count) for size in sizes for count in range(1, 9)]
    for (width, height, count), panels in zip(given, call(explorer, code, given), strict=True):
        assert len(panels) == count
        boxes = np.array([[p["left"], p["right"], p["top"], p["bottom"]] for p in panels])
        assert boxes.min() >= 0
        assert boxes[:, 1].max() <= width
        assert boxes[:, 3].max() <= height
        assert np.all(boxes[:, 1] - boxes[:, 0] > 20)
        for a, b in itertools.combinations(boxes, 2):
            assert a[0] >= b[1] or b[0] >= a[1] or a[2] >= b[3] or b[2] >= a[3]


def test_an_answer_is_read_as_numpy_reads_it(explorer: Explorer) -> None:
    rng = np.random.default_rng(5)
    frames, neurons, samples = 9, 3, 7
    times = np.cumsum(rng.integers(1, 5, frames)).astype(float) - 1.0
    primal = rng.standard_normal((frames, neurons, samples))
    labels = rng.standard_normal(samples).round(1)
    labels[2] = labels[5]  # equal labels keep the order of their numbers
    signs = np.array([1, -1, 1])
    asked = np.linspace(float(times[0]) - 1.0, float(times[-1]) + 1.0, 40)
    answer = {
        "state": {"method": "descent"},
        "times": encoded(times),
        "primal": encoded(primal),
        "dual": encoded(primal),
        "region": encoded(np.zeros(primal.shape, np.int8)),
        "mode": None,
        "labels": encoded(labels),
        "signs": signs.tolist(),
        "loss": encoded(times),
        "distance": None,
    }
    code = """const { Data } = await import("/static/data.js");
      const { unpack } = await import("/static/api.js");
      const data = new Data(unpack(given.answer));
      const times = [...data.times.keys()];
      return {
        shape: [data.frames, data.neurons, data.samples], order: data.order, place: data.place,
        at: given.asked.map((time) => data.frameAt(time)),
        between: given.asked.map((time) => data.primalAt(time, 1, 4)),
        says: times.map((t) => data.order.map((_, sample) => data.prediction(t, sample))),
      };"""
    found = call(explorer, code, {"answer": answer, "asked": asked.tolist()})
    assert found["shape"] == [frames, neurons, samples]
    assert_array_equal(found["order"], np.argsort(-labels, kind="stable"))
    assert_array_equal(np.array(found["order"])[found["place"]], np.arange(samples))
    expected = np.maximum(np.searchsorted(times, asked, side="right") - 1, 0)
    assert_array_equal(found["at"], expected)
    within = (asked >= times[0]) & (asked <= times[-1])
    line = np.interp(asked, times, primal[:, 1, 4])
    assert_allclose(np.array(found["between"])[within], line[within], rtol=1e-12)
    says = np.einsum("k,tki->ti", signs, np.maximum(primal, 0.0))
    assert_allclose(found["says"], says, rtol=1e-12, atol=1e-15)


def test_the_page_and_the_server_agree_on_settings(explorer: Explorer) -> None:
    code = """const { DEFAULTS, FIELDS, fault } = await import("/static/fields.js");
      const by = Object.fromEntries(FIELDS.map((field) => [field.key, field]));
      const says = given.map(([key, value]) => fault(by[key], value) === "");
      return {defaults: DEFAULTS, says};"""
    numbers = (-1, 0, 1e-13, 1e-12, 1e-9, 1e-6, 0.5, 1, 1.5, 2, 10, 11, 200, 201, 1e6, 1e7, 1e12)
    words = ("gaussian", "sphere", "spiked", "planted", "disjoint", "flow", "nothing", None, 3)
    signs = ("+", "-+", "", "+" * 8, "+" * 9, "+x", None)
    numeric = ("n", "d", "spike", "exponent", "low", "high", "negative", "scale", "kappa", "seed")
    tries = [(key, value) for key in numeric for value in (*numbers, 2e12, None)]
    tries += [(key, w) for key in ("law", "spectrum", "labels", "start", "method") for w in words]
    tries += [("signs", text) for text in signs]
    found = call(explorer, code, tries)
    assert found["defaults"] == State().to_dict()
    wide = {"low": 1e-6, "high": 1e6, "start": "gaussian"}  # so that one value alone decides
    for (key, value), taken in zip(tries, found["says"], strict=True):
        if key == "d" and value in (0.5, 1.5):
            continue  # the server rounds d, the page wants it whole
        few = {"n": 1} if key == "d" else {}
        try:
            parse_state({**wide, **few, key: value})
        except InvalidInputError:
            assert not taken, (key, value)
        else:
            assert taken, (key, value)
