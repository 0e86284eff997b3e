/** The settings of the problem, and what is looked at; both tell their listeners. */

import { BY_KEY, DEFAULTS, fault } from "./fields.js";

/**
 * @typedef {import("./fields.js").State} State
 *
 * @typedef {object} Look what of the answer is looked at
 * @property {number | null} t frame; null until there is an answer: then its last frame
 * @property {number | null} neuron highlighted
 * @property {number | null} sample highlighted
 * @property {boolean} play
 * @property {string | null} view the enlarged view
 */

/** A value with listeners; they run in the order in which they came. */
export class Signal {
  constructor() {
    /** @type {Set<Function>} */
    this.listeners = new Set();
  }

  /**
   * @param {Function} listener
   * @returns {() => void} takes the listener away
   */
  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @param {...any} values */
  tell(...values) {
    for (const listener of this.listeners) listener(...values);
  }
}

/** The state of the problem: only sound values get in. */
export class Settings {
  constructor() {
    /** @type {State} */
    this.values = { ...DEFAULTS };
    this.changed = new Signal();
    this.refused = new Signal();
  }

  /** @returns {State} a copy */
  get() {
    return { ...this.values };
  }

  /**
   * Take new values; unsound ones are refused, with a sentence for their field.
   * @param {State} partial
   * @param {{replace?: boolean, gesture?: boolean, run?: boolean}} [how] `replace`: the rest goes
   *   back to the defaults; `gesture`: a slider is being dragged; `run`: ask the server
   * @returns {boolean} whether everything was taken
   */
  set(partial, { replace = false, gesture = false, run = true } = {}) {
    const next = replace ? { ...DEFAULTS } : { ...this.values };
    /** @type {Record<string, string>} */
    const faults = {};
    for (const [key, value] of Object.entries(partial)) {
      const field = BY_KEY.get(key);
      const wrong = field ? fault(field, value) : "Not a setting.";
      if (wrong) faults[key] = wrong;
      else next[key] = value;
    }
    if (!faults.low && !faults.high && Number(next.low) > Number(next.high)) order(next, partial);
    this.values = next;
    this.refused.tell(faults, Object.keys(partial), replace);
    if (Object.keys(faults).length < Math.max(1, Object.keys(partial).length)) {
      this.changed.tell(this.get(), { gesture, run });
    }
    return Object.keys(faults).length === 0;
  }
}

/**
 * Keep the smallest label below the largest: the one that was not just moved gives way.
 * @param {State} state
 * @param {State} partial
 */
function order(state, partial) {
  if ("low" in partial) state.high = state.low;
  else state.low = state.high;
}

/** What is looked at. */
export class Looking {
  constructor() {
    /** @type {Look} */
    this.values = { t: null, neuron: null, sample: null, play: false, view: null };
    this.changed = new Signal();
  }

  /** @returns {Look} a copy */
  get() {
    return { ...this.values };
  }

  /** @param {Partial<Look>} partial */
  set(partial) {
    const before = this.values;
    const next = { ...before, ...partial };
    const keys = /** @type {(keyof Look)[]} */ (Object.keys(next));
    const moved = new Set(keys.filter((key) => next[key] !== before[key]));
    if (moved.size === 0) return;
    this.values = next;
    this.changed.tell(this.get(), moved);
  }
}
