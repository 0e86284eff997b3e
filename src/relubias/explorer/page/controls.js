/** The form: a number field or a choice for every setting, with a slider where it helps. */

import { BY_KEY, DEFAULTS, FIELDS } from "./fields.js";
import { number, parse, typed } from "./format.js";

/**
 * @typedef {import("./fields.js").Field} Field
 * @typedef {import("./fields.js").State} State
 */

/**
 * An element with properties, attributes and children.
 * @param {string} tag
 * @param {Record<string, any>} [properties] names with a dash are attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "for" || name === "role") element.setAttribute(name, value);
    else Reflect.set(element, name, value);
  }
  element.append(...children);
  return element;
}

/** The form and its fields. */
export class Controls {
  /**
   * @param {HTMLElement} host
   * @param {import("./state.js").Settings} settings
   */
  constructor(host, settings) {
    this.settings = settings;
    /**
     * @type {Map<string, {row: HTMLElement, input: any, slider: any, error: HTMLElement, note: HTMLElement}>}
     */
    this.parts = new Map();
    for (const group of new Set(FIELDS.map((field) => field.group))) {
      const fields = FIELDS.filter((field) => field.group === group && field.kind !== "hidden");
      const rows = fields.map((field) => this.#row(field));
      host.append(
        make("fieldset", { id: `group-${group.toLowerCase()}` }, make("legend", {}, group), ...rows),
      );
    }
    settings.changed.on((/** @type {State} */ state) => this.show(state));
    settings.refused.on(
      (
        /** @type {Record<string, string>} */ faults,
        /** @type {string[]} */ keys,
        /** @type {boolean} */ all,
      ) => {
        for (const key of all ? this.parts.keys() : keys) this.complain(key, faults[key] ?? "");
      },
    );
    this.show(settings.get());
  }

  /**
   * The row of one setting.
   * @param {Field} field
   * @returns {HTMLElement}
   */
  #row(field) {
    const id = `control-${field.key}`;
    const label = make("label", { for: id }, field.label);
    if (field.symbol) label.append(" ", make("i", {}, field.symbol));
    const input = field.kind === "choice" ? this.#choice(field, id) : this.#text(field, id);
    const slider = field.slider ? this.#slider(field, id) : null;
    const error = make("p", { id: `error-${field.key}`, className: "fault", role: "alert" });
    const note = make("small", { className: "note", id: `note-${field.key}` }, field.hint ?? "");
    input.setAttribute("aria-describedby", `${error.id} ${note.id}`);
    const row = make("div", { className: `row ${field.kind}` }, label, input);
    if (slider) row.append(slider);
    row.append(note, error);
    this.parts.set(field.key, { row, input, slider, error, note });
    return row;
  }

  /**
   * @param {Field} field
   * @param {string} id
   * @returns {HTMLSelectElement}
   */
  #choice(field, id) {
    const options = (field.options ?? []).map(([value, words]) => make("option", { value }, words));
    const select = make("select", { id, name: field.key }, ...options);
    select.addEventListener("change", () => this.settings.set({ [field.key]: select.value }));
    return select;
  }

  /**
   * @param {Field} field
   * @param {string} id
   * @returns {HTMLInputElement}
   */
  #text(field, id) {
    const numeric = field.kind !== "signs";
    const input = make("input", {
      id,
      name: field.key,
      type: "text",
      autocomplete: "off",
      spellcheck: false,
      inputMode: numeric ? "decimal" : "text",
      placeholder: field.empty ?? "",
    });
    const take = () => this.settings.set({ [field.key]: read(field, input.value) });
    input.addEventListener("change", take);
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!steps || !numeric) return;
      event.preventDefault();
      this.settings.set({ [field.key]: nudge(field, read(field, input.value), steps) });
    });
    return input;
  }

  /**
   * @param {Field} field
   * @param {string} id of the number field
   * @returns {HTMLInputElement}
   */
  #slider(field, id) {
    const { min, max, step } = /** @type {NonNullable<Field["slider"]>} */ (field.slider);
    const slider = make("input", {
      id: `${id}-slider`,
      type: "range",
      min,
      max,
      step,
      "aria-label": `${field.label}, slider`,
    });
    const take = (/** @type {boolean} */ gesture) =>
      this.settings.set({ [field.key]: fromSlider(field, slider.valueAsNumber) }, { gesture });
    slider.addEventListener("input", () => take(true));
    slider.addEventListener("change", () => take(false));
    return slider;
  }

  /**
   * Show a state in the form; what is being typed is left alone.
   * @param {State} state
   */
  show(state) {
    for (const [key, { row, input, slider, note }] of this.parts) {
      const field = /** @type {Field} */ (BY_KEY.get(key));
      const value = state[key];
      row.hidden = field.when ? !field.when(state) : false;
      const text = typeof value === "number" ? typed(value) : (value ?? "");
      if (input.value !== text) input.value = text;
      if (typeof value === "number" && Math.abs(value) >= 1e5) note.textContent = `= ${number(value)}`;
      else note.textContent = field.hint ?? "";
      if (slider) showSlider(field, slider, value);
    }
    for (const group of document.querySelectorAll("#fields fieldset")) {
      const rows = /** @type {HTMLElement[]} */ ([...group.querySelectorAll(".row")]);
      /** @type {HTMLElement} */ (group).hidden = rows.every((row) => row.hidden);
    }
  }

  /**
   * Say at a field what is wrong with it; the empty text takes it back.
   * @param {string} key
   * @param {string} sentence
   */
  complain(key, sentence) {
    const part = this.parts.get(key);
    if (!part) return;
    part.error.textContent = sentence;
    part.input.setAttribute("aria-invalid", sentence ? "true" : "false");
  }

  /** Take back every complaint. */
  clear() {
    for (const key of this.parts.keys()) this.complain(key, "");
  }
}

/**
 * @param {Field} field
 * @param {string} text
 * @returns {number | string | null}
 */
function read(field, text) {
  if (field.kind === "signs") return text.replace(/[−–]/g, "-").replace(/\s/g, "");
  if (text.trim() === "" && field.optional) return null;
  return parse(text);
}

/**
 * The value one step further, in the slider's steps.
 * @param {Field} field
 * @param {number | string | null} value
 * @param {number} steps
 * @returns {number}
 */
function nudge(field, value, steps) {
  const { step, log, min } = field.slider ?? { step: 1, log: false, min: 0 };
  const start = typeof value === "number" && Number.isFinite(value) ? value : log ? 10 ** min : min;
  const moved = log && start > 0 ? start * 10 ** (steps * step) : start + steps * step;
  let tidy = Number(moved.toPrecision(field.key === "d" || log ? 3 : 12));
  if (field.kind === "integer") tidy = tidy === start ? start + steps : Math.round(tidy);
  return Math.min(Math.max(tidy, field.min ?? -Infinity), field.max ?? Infinity);
}

/**
 * @param {Field} field
 * @param {number} position
 * @returns {number}
 */
function fromSlider(field, position) {
  if (!field.slider?.log) return Number(position.toPrecision(12));
  const value = 10 ** position;
  const tidy = Number(value.toPrecision(value < 10 && field.kind === "integer" ? 1 : 3));
  return field.kind === "integer" ? Math.max(1, Math.round(tidy)) : tidy;
}

/**
 * Move a slider to a value, unless the person is holding it there already.
 * @param {Field} field
 * @param {HTMLInputElement} slider
 * @param {number | string | null} value
 */
function showSlider(field, slider, value) {
  const held = fromSlider(field, slider.valueAsNumber) === value;
  const shown = typeof value === "number" ? value : Number(DEFAULTS[field.key] ?? 0.5);
  const position = field.slider?.log ? Math.log10(Math.max(shown, 1e-300)) : shown;
  if (!held) slider.value = String(position);
  slider.setAttribute("aria-valuetext", typeof value === "number" ? number(value) : (field.empty ?? ""));
}
