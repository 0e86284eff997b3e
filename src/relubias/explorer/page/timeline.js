/** What the views over time share: the time axis, the cursor, the frame under the pointer. */

import { line, text } from "./draw.js";
import { bent } from "./scales.js";

/**
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./draw.js").Panel} Panel
 */

/**
 * The time axis of a run: even over its first steps, by powers of ten later.
 * @param {Data} data
 * @param {[number, number]} range
 */
export function timeScale(data, range) {
  const end = data.times[data.frames - 1] || 1;
  const early = data.times[Math.min(data.frames - 1, Math.max(1, data.frames >> 3))];
  const unit = data.isFlow ? 10 ** Math.round(Math.log10(early || end)) : 1;
  return bent([0, end], range, unit);
}

/** What the time axis counts. @type {(data: Data) => string} */
export function timeTitle(data) {
  return data.isFlow ? "time × L" : "steps";
}

/**
 * A line at a frame's time.
 * @param {CanvasRenderingContext2D} context
 * @param {Panel} panel
 * @param {import("./view.js").Scene} scene
 */
export function cursor(context, panel, { data, frame, colours }) {
  const x = panel.x.at(data.times[frame]);
  line(context, x, panel.top, x, panel.bottom, colours.accent, { width: 1.5 });
}

/**
 * The frame whose time is nearest to a pixel.
 * @param {Data} data
 * @param {Panel} panel
 * @param {number} x
 */
export function frameNear(data, panel, x) {
  const before = data.frameAt(panel.x.value(x));
  const after = Math.min(before + 1, data.frames - 1);
  const [a, b] = [before, after].map((frame) => Math.abs(panel.x.at(data.times[frame]) - x));
  return b < a ? after : before;
}

/**
 * The title of an axis, under the panels or left of them.
 * @param {CanvasRenderingContext2D} context
 * @param {string} words
 * @param {Panel} panel
 * @param {import("./theme.js").Colours} colours
 * @param {{math?: boolean}} [style]
 */
export function titleX(context, words, panel, colours, { math = false } = {}) {
  text(context, words, panel.right, panel.bottom + 21, {
    colour: colours.ink,
    align: "right",
    base: "top",
    math,
  });
}

/**
 * The panel that holds a point, if one does.
 * @type {(panels: Panel[], x: number, y: number, slack?: number) => number}
 */
export function panelAt(panels, x, y, slack = 8) {
  return panels.findIndex(({ left, right, top, bottom }) =>
    x >= left - slack && x <= right + slack && y >= top - slack && y <= bottom + slack
  );
}
