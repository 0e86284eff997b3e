/** What the page says in words: status, facts, the highlighted pair, errors and short notes. */

import { make } from "./controls.js";
import { BY_KEY } from "./fields.js";
import { number, prettyText } from "./format.js";

/** @typedef {import("./app.js").App} App */

const NOTE_MS = 6000;
const BUSY_MS = 200;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {App} app
 * @param {import("./controls.js").Controls} controls
 */
export function initWords(app, controls) {
  const [status, error] = [element("status"), element("error")];
  app.onAnswer((answer) => {
    error.textContent = "";
    document.documentElement.classList.remove("stale");
    controls.clear();
    write(status, sentence(answer));
    showFacts(answer);
    showKeys(app);
  });
  app.onError((problem) => {
    const field = BY_KEY.get(problem.field ?? "");
    const complaint = field ? upper(problem.message.replace(`${field.key}: `, "")) : problem.message;
    error.textContent = field ? `${field.label}: ${complaint}` : complaint;
    document.documentElement.classList.add("stale");
    if (field) controls.complain(field.key, complaint);
  });
  app.onView(({ play }, moved) => {
    if (moved.has("play")) element("reading").setAttribute("aria-live", play ? "off" : "polite");
    if (moved.has("t") || moved.has("neuron") || moved.has("sample")) showReading(app);
  });
  app.pointed.on((/** @type {any} */ pair, /** @type {any} */ point) => showTip(app, pair, point));
  showBusy(app);
}

/** With a capital letter. @type {(words: string) => string} */
function upper(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * A sentence for a short time, seen and read aloud.
 * @param {string} words
 * @param {"info" | "error"} [kind]
 */
export function notify(words, kind = "info") {
  const note = make("p", { className: `toast ${kind}` }, words);
  element("notes").append(note);
  setTimeout(() => note.remove(), NOTE_MS);
}

/**
 * Change a text only if it differs, so that it is read aloud once.
 * @type {(host: HTMLElement, words: string) => void}
 */
function write(host, words) {
  if (host.textContent !== words) host.textContent = words;
}

/** @type {(answer: import("./api.js").Answer) => string} */
function sentence({ run, shortest }) {
  const bound = `it fits; no network is shorter than ${number(shortest.lower_bound)}, its own norm is ${
    number(shortest.norm)
  }`;
  const found = shortest.status === "FEASIBLE" ? bound : shortest.sentence;
  return prettyText(`The run: ${run.sentence}. The shortest network: ${found}.`.replaceAll("`", ""));
}

/** @type {(answer: import("./api.js").Answer) => void} */
function showFacts({ facts }) {
  const pairs = facts.map((/** @type {[string, unknown]} */ [name, value]) =>
    make(
      "div",
      {},
      make("dt", {}, name),
      make("dd", {}, typeof value === "number" ? number(value, 4) : prettyText(String(value))),
    )
  );
  element("facts").replaceChildren(...pairs);
}

/** The legend above each view: marks with words. @type {(app: App) => void} */
function showKeys(app) {
  const answer = app.currentAnswer();
  const flow = answer?.state.method === "flow";
  const keys = {
    primal: [
      ["solid positive", "y > 0"],
      ["dashed negative", app.data?.restName ?? ""],
      ["glyph", "△ on"],
      ["glyph", "▽ off"],
      ...(flow ? [["glyph", "□ slides"]] : []),
    ],
    plane: [
      ["glyph", "● label agrees"],
      ["glyph", "▽ disagrees"],
      ...(flow ? [["glyph sliding", "■ slides"]] : []),
    ],
    map: [
      ["swatch agreeing", "agrees"],
      ["swatch disagreeing", "disagrees"],
      ["swatch frozen", "frozen"],
      ...(flow ? [["swatch sliding", "slides"]] : []),
    ],
    loss: [],
    gap: [["glyph", "━ label"], ["glyph", answer?.run.is_limit ? "● limit" : "● last state"], [
      "glyph shortest",
      "◇ shortest",
    ], ["glyph", "○ now"]],
  };
  for (const [view, marks] of Object.entries(keys)) {
    element(`key-${view}`).replaceChildren(
      ...marks.map(([kind, words]) => make("span", { className: kind }, words)),
    );
  }
}

/** The highlighted pair at a frame, in three lines. @type {(app: App, at?: number) => string[]} */
function reading(app, at) {
  const scene = app.scene();
  if (!scene || scene.sample === null) return [];
  const { data, sample } = scene;
  const [frame, neuron] = [at ?? scene.frame, scene.neuron ?? 0];
  const index = data.index(frame, neuron, sample);
  return [
    `Example ${sample}, label ${number(data.labels[sample])}, ${data.neuronName(neuron)}`,
    `${data.timeWords(frame)}: α = ${number(data.primal[index])}, Lβ = ${number(data.dual[index])}`,
    data.words(frame, neuron, sample),
  ];
}

/** @type {(app: App) => void} */
function showReading(app) {
  const { neuron, sample } = app.getView();
  const root = document.documentElement;
  root.dataset.neuron = neuron === null ? "" : String(neuron);
  root.dataset.sample = sample === null ? "" : String(sample);
  const words = reading(app).join("; ");
  write(element("reading"), words || "Point at a line, a dot or a row: every view shows the same example.");
}

/**
 * The pair's numbers beside the pointer.
 * @type {(app: App, pair: any, point: {x: number, y: number} | null) => void}
 */
function showTip(app, pair, point) {
  const tip = element("tip");
  const lines = pair?.words ?? (pair && pair.sample !== null ? reading(app, pair.frame) : []);
  const words = point ? lines.join("\n") : "";
  tip.hidden = words === "";
  tip.textContent = words;
  if (!words || !point) return;
  const { width, height } = tip.getBoundingClientRect();
  const left = point.x + 16 + width > innerWidth ? point.x - width - 16 : point.x + 16;
  const top = point.y + 18 + height > innerHeight ? point.y - height - 12 : point.y + 18;
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}

/** Say that an answer is awaited, only when it takes long enough to notice. @type {(app: App) => void} */
function showBusy(app) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  app.runner.busy.on((/** @type {boolean} */ busy) => {
    const root = document.documentElement;
    root.dataset.busy = String(busy);
    clearTimeout(timer);
    if (busy) timer = setTimeout(() => root.classList.add("slow"), BUSY_MS);
    else root.classList.remove("slow");
  });
}
