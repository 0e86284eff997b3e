/** Light, dark or as the system says; and the colours of the style sheet for the canvases. */

import { Signal } from "./state.js";

/** @typedef {Record<string, string>} Colours by the names below, for instance `ink` or `positive` */

const NAMES = [
  "paper",
  "panel",
  "ink",
  "soft",
  "line",
  "faint",
  "accent",
  "positive",
  "negative",
  "shortest",
  "sliding",
  "agreeing",
  "frozen",
];
const MODES = /** @type {const} */ (["system", "light", "dark"]);
const WORDS = { system: "as the system", light: "light", dark: "dark" };
const SIGNS = { system: "◐", light: "○", dark: "●" };

export class Theme {
  /** @param {HTMLElement} button */
  constructor(button) {
    this.button = button;
    this.changed = new Signal();
    /** @type {Colours} */
    this.colours = {};
    /** @type {"system" | "light" | "dark"} */
    this.mode = remembered();
    button.addEventListener("click", () => this.set(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length]));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#apply());
    this.#apply();
  }

  /** @param {"system" | "light" | "dark"} mode */
  set(mode) {
    this.mode = mode;
    try {
      localStorage.setItem("relubias-theme", mode);
    } catch {
      // A browser that keeps nothing still shows the colours.
    }
    this.#apply();
  }

  #apply() {
    const dark = this.mode === "dark" ||
      (this.mode === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    this.button.textContent = SIGNS[this.mode];
    this.button.setAttribute("aria-label", `Colours: ${WORDS[this.mode]}`);
    this.button.title = `Colours: ${WORDS[this.mode]}`;
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(
      NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
    this.changed.tell(this.colours);
  }
}

/** @returns {"system" | "light" | "dark"} */
function remembered() {
  try {
    const mode = localStorage.getItem("relubias-theme");
    return MODES.find((name) => name === mode) ?? "system";
  } catch {
    return "system";
  }
}
