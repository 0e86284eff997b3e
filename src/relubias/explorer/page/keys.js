/** The keyboard: everything the pointer can do, in a view or anywhere on the page. */

import { make } from "./controls.js";
import { step, toggle } from "./player.js";

/** @typedef {import("./app.js").App} App */

/** Keys and what they do, as the help says it. */
export const SHORTCUTS = /** @type {const} */ ([
  ["Space", "play or pause"],
  ["← →", "one frame back or forward (Shift: ten)"],
  ["Home End", "first or last frame"],
  ["↑ ↓", "in a view: the example above or below"],
  ["[ ]", "the neuron before or after"],
  ["Esc", "highlight nothing (a click on a line, dot or row keeps it highlighted)"],
  ["1 … 5", "go to a view"],
  ["Enter", "in a view: enlarge it"],
  ["s", "go to the settings"],
  ["t", "colours: system, light, dark"],
  ["?", "this help"],
]);

/** @param {App} app */
export function initKeys(app) {
  document.getElementById("shortcuts")?.append(...SHORTCUTS.flatMap(([keys, words]) => [
    make("dt", {}, ...keys.split(" ").flatMap((key) => [make("kbd", {}, key), " "])),
    make("dd", {}, words),
  ]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (anywhere(app, event, target) || (target.classList.contains("plot") && inView(app, event, target))) {
      event.preventDefault();
    }
  });
}

/**
 * Keys that work wherever no field or button wants them.
 * @param {App} app
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @returns {boolean} whether the key was used
 */
function anywhere(app, event, target) {
  if (target.matches("input, select, textarea, pre")) return false;
  const { key } = event;
  if (key === " ") return !target.matches("button") && did(toggle(app));
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return did(step(app, (key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1)));
  }
  if (key === "Home" || key === "End") return did(step(app, key === "Home" ? -app.frames() : app.frames()));
  if (key === "[" || key === "]") return did(moveNeuron(app, key === "[" ? -1 : 1));
  if (key === "Escape") return did(app.pin({ neuron: null, sample: null }));
  if (key === "?") return did(document.getElementById("help-button")?.click());
  if (key === "t") return did(document.getElementById("theme")?.click());
  if (key === "s") return did(toSettings());
  const view = Object.values(app.views)[Number(key) - 1];
  return view ? did(view.plot.focus()) : false;
}

/**
 * Keys of a focused view.
 * @param {App} app
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @returns {boolean}
 */
function inView(app, event, target) {
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    return did(moveSample(app, event.key === "ArrowUp" ? -1 : 1));
  }
  if (event.key !== "Enter") return false;
  const view = Object.values(app.views).find(({ plot }) => plot === target);
  if (view) app.setView({ view: view.name });
  return true;
}

/** The example above or below in the order of the labels. @type {(app: App, step: number) => void} */
function moveSample(app, by) {
  const { data } = app;
  if (!data) return;
  const { sample, neuron } = app.getView();
  const place = sample === null ? (by > 0 ? -1 : 0) : data.place[sample];
  app.pin({ neuron: neuron ?? 0, sample: data.order[(place + by + data.samples) % data.samples] });
}

/** @type {(app: App, step: number) => void} */
function moveNeuron(app, by) {
  const { data } = app;
  if (!data) return;
  const { sample, neuron } = app.getView();
  app.pin({ neuron: ((neuron ?? 0) + by + data.neurons) % data.neurons, sample: sample ?? data.order[0] });
}

/** Open the settings where they are folded away, and go to the first field. */
function toSettings() {
  const opener = /** @type {HTMLElement} */ (document.getElementById("controls-toggle"));
  if (opener.offsetParent && opener.getAttribute("aria-expanded") === "false") opener.click();
  /** @type {HTMLElement | null} */ (document.querySelector(
    "#fields .row:not([hidden]) input, #fields .row:not([hidden]) select",
  ))?.focus();
}

/** The key was used. @param {unknown} _result */
function did(_result) {
  return true;
}
