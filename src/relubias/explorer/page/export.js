// What is shown, to take away: a picture, a table, and the Python lines that make the same numbers.

import { FIELDS } from "./fields.js";
import { typed } from "./format.js";

/** @type {Record<number, string>} */
const REGIONS = ["agreeing", "disagreeing", "frozen", "small"];
/** @type {Record<number, string>} */
const MODES = { 1: "active", 0: "sliding", [-1]: "inactive" };
const LEGEND =
  "Blue, solid: y > 0; orange, dashed: y < 0. On a line, △ switched on, ▽ off, □ begins to slide. " +
  "In the plane, ● the label has the neuron's sign, ▽ it has not, ■ slides. Activity: full, agrees; slanted, " +
  "disagrees; thin line, frozen; dotted, slides. Predictions: ━ label, ● limit, ◇ shortest network, ○ now.";
const VIEW = { width: 560, height: 340 }; // px of the page, as all lengths of the sheet
const [GAP, HEAD, LINE] = [24, 34, 19];
const SCALE = 2; // pixels of the picture for a pixel of the page

/**
 * Make the buttons work.
 * @param {any} app
 */
export function initExport(app) {
  const element = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const [dialog, code] = [element("python"), element("python-text")];
  const needed = (/** @type {(answer: any) => unknown} */ action) => async () => {
    const answer = app.currentAnswer();
    if (answer === null) return app.notify("Nothing is drawn yet.", "info");
    try {
      await action(answer);
    } catch (error) {
      app.notify(`That did not work: ${/** @type {Error} */ (error).message}`, "error");
    }
  };
  element("download-png").addEventListener(
    "click",
    needed(async (answer) => {
      save(await sheet(app, answer), `${fileName(answer)}.png`);
      app.notify("The picture is in your downloads.", "info");
    }),
  );
  element("download-csv").addEventListener(
    "click",
    needed((answer) => {
      save(new Blob([csvOf(answer)], { type: "text/csv" }), `${fileName(answer)}.csv`);
      app.notify("The table is in your downloads.", "info");
    }),
  );
  element("show-python").addEventListener(
    "click",
    needed((answer) => {
      code.textContent = answer.script;
      dialog.showModal();
    }),
  );
  element("copy-python").addEventListener(
    "click",
    needed(async (answer) => {
      const done = await copy(answer.script, code);
      app.notify(done ? "The lines are copied." : "The lines are marked; press Ctrl+C to copy them.", "info");
    }),
  );
  element("download-python").addEventListener(
    "click",
    needed((answer) => {
      save(new Blob([answer.script], { type: "text/x-python" }), `${fileName(answer)}.py`);
      app.notify("The lines are in your downloads.", "info");
    }),
  );
  element("close-python").addEventListener("click", () => dialog.close());
}

/**
 * Return a tidy table: a row for each frame, neuron and example.
 * @param {any} answer
 * @returns {string}
 */
export function csvOf(answer) {
  const [frames, neurons, samples] = answer.primal.shape;
  const [column, codes, words] = answer.mode
    ? ["mode", values(answer.mode), MODES]
    : ["region", values(answer.region), REGIONS];
  const signs = [...answer.state.signs].map((sign) => (sign === "+" ? 1 : -1));
  const [labels, times] = [values(answer.labels), values(answer.times)];
  const [loss, distance] = [values(answer.loss), values(answer.distance)];
  const [primal, dual] = [values(answer.primal), values(answer.dual)];
  const lines = [`time,neuron,sample,sign,label,primal,dual,${column},loss,distance`];
  for (let t = 0, at = 0; t < frames; t++) {
    const whole = `${number(loss[t])},${number(distance[t])}`;
    for (let k = 0; k < neurons; k++) {
      for (let i = 0; i < samples; i++, at++) {
        const pair = `${number(times[t])},${k},${i},${signs[k]},${number(labels[i])}`;
        const here = `${number(primal[at])},${number(dual[at])},${words[codes[at]] ?? ""}`;
        lines.push(`${pair},${here},${whole}`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

/** @param {any} array */
function values(array) {
  return array?.data ?? array ?? [];
}

/**
 * The shortest text that reads back as the same number; empty for what is missing.
 * @param {number | null | undefined} value
 */
function number(value) {
  return value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
}

/** @param {any} answer */
function fileName({ state }) {
  const what = state.data ? "own-data" : `n${state.n}-d${state.d}-seed${state.seed}`;
  return `relubias-${what}-${state.method}`.replaceAll("+", "");
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser has read it by then
}

/**
 * @param {string} text
 * @param {Element} shown where it stands on the page
 * @returns {Promise<boolean>} false if the browser does not allow it; the text is marked instead
 */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}

/**
 * Return one picture of all views with a title and a caption, in the colours of the screen.
 * @param {any} app
 * @param {any} answer
 * @returns {Promise<Blob>}
 */
export function sheet(app, answer) {
  const views = /** @type {any[]} */ (Object.values(app.views));
  const { panel: paper, ink, soft } = app.colours();
  const family = getComputedStyle(document.body).fontFamily;
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const width = 2 * VIEW.width + 3 * GAP;
  context.font = `13px ${family}`;
  const room = width - 2 * GAP;
  const caption = [settingsOf(answer), foundIn(app, answer)].flatMap((text) => wrap(context, text, room));
  const legend = wrap(context, LEGEND, room);
  const top = GAP + HEAD + caption.length * LINE + GAP;
  const rows = Math.ceil(views.length / 2);
  canvas.width = width * SCALE;
  const bottom = top + rows * (HEAD + VIEW.height + GAP);
  canvas.height = (bottom + legend.length * LINE + GAP) * SCALE;
  context.scale(SCALE, SCALE);
  context.fillStyle = paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = "top";
  const write = (/** @type {string} */ text, font = "13px", x = GAP, y = GAP, colour = ink) => {
    context.font = `${font} ${family}`;
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };
  write(titleOf(answer), "600 20px");
  caption.forEach((text, row) => write(text, "13px", GAP, GAP + HEAD + row * LINE, soft));
  legend.forEach((text, row) => write(text, "13px", GAP, bottom + row * LINE, soft));
  views.forEach((view, index) => {
    const x = GAP + (index % 2) * (VIEW.width + GAP);
    const y = top + Math.floor(index / 2) * (HEAD + VIEW.height + GAP);
    const isAlone = index % 2 === 0 && index === views.length - 1;
    write(view.title, "600 15px", x, y);
    context.save();
    context.translate(x, y + HEAD);
    view.paint(context, isAlone ? 2 * VIEW.width + GAP : VIEW.width, VIEW.height);
    context.restore();
  });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no picture"))));
  });
}

/** @param {any} answer */
function titleOf({ state }) {
  const what = state.method === "flow" ? "Gradient flow" : "Gradient descent";
  const neurons = state.signs.length === 1 ? "one ReLU neuron" : `${state.signs.length} ReLU neurons`;
  return `${what}, ${neurons} (${state.signs.replaceAll("-", "−")})`;
}

/**
 * The settings that matter, as the address writes them.
 * @param {any} answer
 */
function settingsOf({ state }) {
  const shown = FIELDS.filter(({ key, when }) => key !== "data" && (!when || when(state)));
  const pairs = shown.map(({ key }) => `${key} = ${state[key] === null ? "by chance" : show(state[key])}`);
  return `${[...(state.data ? [`own data, n = ${state.n}, d = ${state.d}`] : []), ...pairs].join(", ")}.`;
}

/** @param {number | string} value */
function show(value) {
  return (typeof value === "number" ? typed(value) : value).replaceAll("-", "−");
}

/**
 * What was found, and where in time the picture was taken.
 * @param {any} app
 * @param {any} answer
 */
function foundIn(app, answer) {
  const facts = (answer.facts ?? []).map((/** @type {string[]} */ [name, value]) => `${name} ${value}`);
  const unit = answer.state.method === "flow" ? "L t =" : "step";
  const time = values(answer.times)[app.currentFrame()];
  return `${[...facts, `shown at ${unit} ${Number(time.toPrecision(6))}`].join("; ")}.`;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 */
function wrap(context, text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
