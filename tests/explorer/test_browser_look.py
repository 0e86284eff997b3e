"""How the page looks: contrast in both schemes, narrow windows, and names for everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.explorer.browsing import Explorer

SMALL = "?n=6&d=60&signs=%2B-&kappa=0.5&seed=3"

CONTRASTS = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return {rgb: [r, g, b], a};
  };
  const over = (top, under) => top.rgb.map((c, k) => c * top.a + under[k] * (1 - top.a));
  const background = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour.a === 1) break;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const canvas = dark ? [18, 18, 18] : [255, 255, 255];
    return layers.reverse().reduce((under, top) => over(top, under), canvas);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    const seen = {opacityProperty: true, visibilityProperty: true};
    if (!node.data.trim() || !element.checkVisibility(seen)) continue;
    if (element.closest(":disabled, [aria-disabled=true]")) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const under = background(element);
    const ink = over(parse(getComputedStyle(element).color), under);
    const [a, b] = [luminance(ink), luminance(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([node.data.trim().slice(0, 40), ratio]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit: Callable[..., Explorer], scheme: str) -> None:
    explorer = visit(color_scheme=scheme).open(SMALL)
    found = explorer.page.evaluate(CONTRASTS)
    assert len(found) > 40
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5] == []


def test_the_scheme_follows_the_system_and_the_button(visit: Callable[..., Explorer]) -> None:
    def ground(explorer: Explorer) -> list[int]:
        text = explorer.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        return [int(float(c)) for c in text.partition("(")[2].rstrip(")").split(",")[:3]]

    light, dark = visit(color_scheme="light").open(SMALL), visit(color_scheme="dark").open(SMALL)
    assert min(ground(light)) > 225
    assert max(ground(dark)) < 60
    pictures = light.pictures()
    seen = set()
    for _ in range(3):
        light.page.locator("#theme").click()
        seen.add(tuple(ground(light)))
    assert tuple(ground(dark)) in seen
    for _ in range(3):
        if light.pictures() == pictures:
            break
        light.page.locator("#theme").click()
    assert light.pictures() == pictures
    assert pictures["plane"] != dark.pictures()["plane"]


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_nothing_overflows_sideways(visit: Callable[..., Explorer], width: int) -> None:
    explorer = visit(viewport={"width": width, "height": 844}).open(SMALL)
    overflow = "() => document.scrollingElement.scrollWidth - innerWidth"
    assert explorer.page.evaluate(overflow) <= 0
    toggle = explorer.page.locator("#controls-toggle")
    if toggle.is_visible():
        toggle.click()
        explorer.page.wait_for_selector("#control-n:visible")
        assert explorer.page.evaluate(overflow) <= 0
    explorer.set("n", 9)
    explorer.set("signs", "++--")
    assert explorer.page.evaluate(overflow) <= 0
    wide = explorer.page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((element) => {
             const box = element.getBoundingClientRect();
             return box.width > 1 && element.checkVisibility() && box.right > innerWidth + 1
               && !element.closest(".unseen, dialog, pre");
           }).map((element) => element.id || element.className || element.tagName)"""
    )
    assert wide == []


def test_on_a_phone_everything_can_be_tapped(visit: Callable[..., Explorer]) -> None:
    explorer = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    explorer.open(SMALL)
    explorer.page.locator("#controls-toggle").tap()
    small = explorer.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input")].filter((element) => {
             const box = element.getBoundingClientRect();
             return element.checkVisibility() && box.height > 0 && box.height < 24;
           }).map((element) => [element.id, element.getBoundingClientRect().height])"""
    )
    assert small == []


def test_every_control_has_a_name(explorer: Explorer) -> None:
    explorer.open(SMALL)
    nameless = explorer.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, canvas, [tabindex]")]
          .filter((element) => {
            const label = element.labels?.[0]?.textContent || element.getAttribute("aria-label")
              || element.getAttribute("aria-labelledby") || element.textContent || element.title;
            return !label?.trim() && element.tabIndex >= 0;
          }).map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    ids = explorer.page.evaluate("() => [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
