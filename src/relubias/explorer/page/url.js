// The state of the page in its address: links that can be shared, and the Back button.

import { BY_KEY, fault } from "./fields.js";

const STATE_NUMBERS = [
  "n",
  "d",
  "spike",
  "exponent",
  "low",
  "high",
  "negative",
  "scale",
  "kappa",
  "seed",
];
const STATE_WORDS = ["law", "spectrum", "signs", "labels", "start", "method", "data"];
const VIEW_NUMBERS = ["t", "neuron", "sample"];
const VIEW_WORDS = ["play", "view"];
const STATE = [...STATE_NUMBERS, ...STATE_WORDS];
const ORDER = [...STATE, ...VIEW_NUMBERS, ...VIEW_WORDS];
const TOKEN = "token"; // lets a page in that is not on the server's own machine; it stays where it is
const LONGEST = 200; // characters of a value: no honest one is longer
const PAUSE = 400; // ms between rewrites of the address; browsers refuse more than 100 in 30 s
const SAME_KEYS = 1000; // ms within which keys pressed on one control are one gesture

/** @typedef {Record<string, any>} Values */

/**
 * Put the state of the address into the page, and keep both the same from then on.
 * @param {any} app
 */
export function initUrl(app) {
  const address = new Address();
  const gestures = watchGestures(() => address.flush());
  const all = () => {
    const view = app.getView();
    const isLast = view.t === app.frames() - 1; // what is shown when the address names no frame
    return { ...app.getState(), ...view, t: isLast ? null : view.t };
  };
  let restoring = false;
  /** @type {Values} */
  let shown = {};

  function restore(/** @type {object} */ options) {
    const { state, view, notes } = readUrl();
    for (const [key, value] of Object.entries(state)) {
      const wrong = fault(/** @type {any} */ (BY_KEY.get(key)), value);
      if (!wrong) continue;
      notes.push(
        `The address has ${key} = ${short(String(value))}, which cannot be used; left out. ${wrong}`,
      );
      delete state[key];
    }
    if (view.view && !Object.hasOwn(app.views, view.view)) {
      notes.push(`The address asks for the view ${short(view.view)}, which there is not.`);
      delete view.view;
    }
    restoring = true;
    app.setState(state, { replace: true, ...options });
    app.setView({ t: null, neuron: null, sample: null, play: false, view: null, ...view });
    restoring = false;
    shown = app.getState();
    if (notes.length > 0) app.notify(notes.join(" "), "info");
  }

  restore({ run: false });
  app.onState((/** @type {Values} */ state) => {
    if (restoring) return;
    const moved = STATE.filter((key) => state[key] !== shown[key]);
    shown = state;
    if (moved.length > 0) address.change(all(), gestures.of(moved));
  });
  app.onView(() => restoring || address.rewrite(all()));
  addEventListener("popstate", () => {
    address.forget();
    restore({ run: true });
  });
  addEventListener("pagehide", () => address.flush());
}

/**
 * Read an address: the state, the view, and a sentence for each thing that was left out.
 * @param {string} [search]
 */
export function readUrl(search = location.search) {
  const [state, view] = /** @type {Values[]} */ ([{}, {}]);
  const [notes, unknown] = /** @type {string[][]} */ ([[], []]);
  for (const [key, text] of new URLSearchParams(search)) {
    if (key === TOKEN) continue;
    const target = VIEW_NUMBERS.includes(key) || VIEW_WORDS.includes(key) ? view : state;
    if (!ORDER.includes(key)) {
      unknown.push(short(key));
    } else if (Object.hasOwn(target, key)) {
      notes.push(`The address holds ${key} twice; the first is used.`);
    } else if (STATE_NUMBERS.includes(key) || VIEW_NUMBERS.includes(key)) {
      const value = text.trim() === "" ? NaN : Number(text);
      if (Number.isFinite(value)) target[key] = value;
      else notes.push(`The address has ${key} = ${short(text)}, which is no number; left out.`);
    } else if (text.length > LONGEST) {
      notes.push(`The address has a value of ${key} that is too long; left out.`);
    } else if (key === "play") {
      view.play = text === "1" || text === "true";
    } else {
      // A plus sign typed by hand arrives as a space.
      target[key] = key === "signs" ? text.replaceAll(" ", "+") : text;
    }
  }
  if (unknown.length > 0) {
    const which = unknown.slice(0, 3).join(", ") + (unknown.length > 3 ? ", …" : "");
    const what = unknown.length === 1
      ? `an unknown key, ${which}; it was`
      : `unknown keys, ${which}; they were`;
    notes.push(`The address holds ${what} left out.`);
  }
  return { state, view, notes };
}

/**
 * The query of a state and a view, keys in a fixed order; what is absent is left out.
 * @param {Values} values
 * @returns {string}
 */
export function queryOf(values) {
  const query = new URLSearchParams();
  const token = new URLSearchParams(location.search).get(TOKEN);
  if (token !== null) query.set(TOKEN, token);
  for (const key of ORDER) {
    const value = values[key];
    if (value === undefined || value === null || value === "" || value === false) continue;
    query.set(key, typeof value === "number" ? numeral(value) : value === true ? "1" : String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/**
 * A number so that it reads back bit for bit, as 1e12 where that is shorter.
 * @param {number} value
 * @returns {string}
 */
export function numeral(value) {
  const [plain, exponential] = [String(value), value.toExponential().replace("e+", "e")];
  return exponential.length < plain.length ? exponential : plain;
}

/** @param {string} text */
function short(text) {
  return text.length > 24 ? `${text.slice(0, 24)}…` : text;
}

/** The address bar, which takes few changes and makes one entry of the history for a gesture. */
class Address {
  /** @type {number | null} */
  #gesture = null;
  /** @type {number | undefined} */
  #timer;
  /** @type {string | null} */
  #waiting = null;
  #last = 0;

  /**
   * A new state: the first change of a gesture makes an entry, its others rewrite it.
   * @param {Values} values
   * @param {number | null} gesture
   */
  change(values, gesture) {
    const continues = gesture !== null && gesture === this.#gesture;
    this.#gesture = gesture;
    if (continues) return this.rewrite(values);
    this.flush(); // the entry before keeps its last view
    const query = queryOf(values);
    if (query === location.search) return;
    history.pushState(null, "", query || location.pathname);
    this.#last = performance.now();
  }

  /**
   * The same entry with other values, now or soon.
   * @param {Values} values
   */
  rewrite(values) {
    this.#waiting = queryOf(values);
    const rest = this.#last + PAUSE - performance.now();
    if (rest <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), rest);
  }

  /** Write what waits. */
  flush() {
    const query = this.#waiting;
    this.forget();
    if (query === null || query === location.search) return;
    history.replaceState(null, "", query || location.pathname);
    this.#last = performance.now();
  }

  /** Drop what waits: people went elsewhere. */
  forget() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = null;
  }
}

/**
 * Tell which gesture a change belongs to: one drag, or keys pressed in a row on one control.
 * @param {() => void} onEnd
 */
function watchGestures(onEnd) {
  let number = 0;
  let last = -Infinity;
  let held = false; // by a pointer
  /** @type {HTMLInputElement | null} */
  let control = null;
  const end = () => {
    if (control) onEnd();
    [control, held] = [null, false];
  };
  const begin = (/** @type {Event} */ event, /** @type {boolean} */ isHeld) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    [control, held] = [event.target, isHeld];
    number += 1;
  };
  addEventListener("pointerdown", (event) => {
    end();
    begin(event, true);
  }, { capture: true });
  for (const name of ["pointerup", "pointercancel"]) {
    // After the page has handled it: the last change of a drag comes with the pointer's release.
    addEventListener(name, () => held && setTimeout(end));
  }
  addEventListener("keydown", (event) => {
    const now = performance.now();
    if (event.target !== control || held || now - last > SAME_KEYS) {
      end();
      begin(event, false);
    }
    last = now;
  }, { capture: true });
  return {
    /** @param {string[]} keys what has changed */
    of: (keys) => (keys.includes(keyOf(control)) ? number : null),
  };
}

/** @param {HTMLElement | null} control */
function keyOf(control) {
  return control ? control.id.replace(/^control-|-slider$/g, "") : "";
}
