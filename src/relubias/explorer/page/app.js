/** The page as one object: what the modules of the page may ask for and be told. */

import { Data } from "./data.js";
import { request } from "./api.js";
import { DEFAULTS } from "./fields.js";
import { Runner } from "./runner.js";
import { Looking, Settings, Signal } from "./state.js";
import { notify } from "./words.js";

/**
 * @typedef {import("./fields.js").State} State
 * @typedef {import("./state.js").Look} Look
 * @typedef {import("./view.js").View} View
 * @typedef {import("./view.js").Pair} Pair
 */

export class App {
  /** @param {import("./theme.js").Theme} theme */
  constructor(theme) {
    this.theme = theme;
    this.settings = new Settings();
    this.looking = new Looking();
    this.runner = new Runner();
    this.pointed = new Signal();
    this.drawn = new Signal();
    this.defaults = DEFAULTS;
    this.request = request;
    this.notify = notify;
    /** @type {Record<string, View>} */
    this.views = {};
    /** @type {Data | null} */
    this.data = null;
    /** @type {Pair} */
    this.pinned = { neuron: null, sample: null };
    this.redraws = 0;
    this.settings.changed.on((/** @type {State} */ state, /** @type {{run: boolean}} */ { run }) => {
      if (run) this.runner.ask(state, eventTime());
    });
    this.runner.answered.on((
      /** @type {any} */ answer,
      /** @type {State} */ _state,
      /** @type {number} */ since,
    ) => this.#take(answer, since));
    this.looking.changed.on((/** @type {Look} */ _look, /** @type {Set<string>} */ moved) => {
      if (moved.has("t") || moved.has("neuron") || moved.has("sample")) this.#move();
    });
    theme.changed.on(() => this.redraw());
  }

  /** The settings, all of them. */
  getState() {
    return this.settings.get();
  }

  /** @type {Settings["set"]} */
  setState(partial, how) {
    return this.settings.set(partial, how);
  }

  /** @param {(state: State, how: {gesture: boolean, run: boolean}) => void} listener */
  onState(listener) {
    return this.settings.changed.on(listener);
  }

  /** @param {(answer: import("./api.js").Answer, state: State) => void} listener */
  onAnswer(listener) {
    return this.drawn.on(listener);
  }

  /** @param {(error: import("./api.js").ApiError, state: State) => void} listener */
  onError(listener) {
    return this.runner.failed.on(listener);
  }

  /** The answer being shown, its arrays decoded; null before the first. */
  currentAnswer() {
    return this.data?.answer ?? null;
  }

  currentFrame() {
    return this.looking.values.t ?? 0;
  }

  frames() {
    return this.data?.frames ?? 0;
  }

  /** @param {number} frame */
  setFrame(frame) {
    this.looking.set({ t: this.data ? Math.min(Math.max(frame, 0), this.data.frames - 1) : frame });
  }

  getView() {
    return this.looking.get();
  }

  /** @param {Partial<Look>} partial */
  setView(partial) {
    const sound = this.data ? within(partial, this.data) : partial;
    if ("neuron" in sound || "sample" in sound) {
      const { neuron, sample } = { ...this.looking.values, ...sound };
      this.pinned = { neuron, sample };
    }
    this.looking.set(sound);
  }

  /** @param {(look: Look, moved: Set<string>) => void} listener */
  onView(listener) {
    return this.looking.changed.on(listener);
  }

  colours() {
    return this.theme.colours;
  }

  /** What the views draw from; null before the first answer. */
  scene() {
    if (!this.data) return null;
    const { t, neuron, sample } = this.looking.values;
    return { data: this.data, colours: this.theme.colours, frame: t ?? 0, neuron, sample };
  }

  /**
   * Highlight a pair in every view, or go back to the pinned one.
   * @param {Pair | null} pair
   * @param {{x: number, y: number} | null} point of the pointer, for the tip
   */
  highlight(pair, point) {
    const { neuron, sample } = pair ?? this.pinned;
    this.looking.set({ neuron, sample });
    this.pointed.tell(pair, point);
  }

  /** A pair that stays highlighted. @param {Pair} pair */
  pin({ neuron, sample }) {
    this.setView({ neuron, sample });
  }

  /** A view has the keyboard: something must be highlighted for the arrow keys to move. */
  focused() {
    if (this.data && this.looking.values.sample === null) this.pin({ neuron: 0, sample: this.data.order[0] });
  }

  /** Draw every view again. */
  redraw() {
    for (const view of Object.values(this.views)) view.draw();
  }

  /**
   * A new answer: draw all views and say so on the root element.
   * @param {import("./api.js").Answer} answer
   * @param {number} since
   */
  #take(answer, since) {
    const before = this.data;
    this.data = new Data(answer);
    const { t, neuron, sample, play } = this.looking.values;
    const atEnd = t === null ? !play : t === (before?.frames ?? 0) - 1;
    const frame = atEnd ? this.data.frames - 1 : (t ?? 0);
    this.pinned = within(this.pinned, this.data);
    this.looking.values = { ...this.looking.values, ...within({ t: frame, neuron, sample }, this.data) };
    this.redraw();
    this.redraws += 1;
    const root = document.documentElement;
    root.dataset.drawn = String(this.redraws);
    root.dataset.answerMs = (performance.now() - since).toFixed(1);
    this.looking.changed.tell(this.looking.get(), new Set(["t", "neuron", "sample"]));
    this.drawn.tell(answer, answer.state);
  }

  #move() {
    for (const view of Object.values(this.views)) view.move();
  }
}

/**
 * The same look, inside the frames, neurons and examples that there are.
 * @template {Partial<Look>} T
 * @param {T} partial
 * @param {Data} data
 * @returns {T}
 */
function within(partial, data) {
  const sound = { ...partial };
  if (typeof sound.t === "number") sound.t = Math.min(Math.max(Math.round(sound.t), 0), data.frames - 1);
  if (typeof sound.neuron === "number" && !(sound.neuron in data.signs)) sound.neuron = null;
  if (typeof sound.sample === "number" && !(sound.sample in data.labels)) sound.sample = null;
  return sound;
}

/** When the person did what is being handled, in ms of the page's clock. */
function eventTime() {
  const event = window.event;
  return event && event.timeStamp > 0 ? event.timeStamp : performance.now();
}
