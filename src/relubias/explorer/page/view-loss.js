/** The loss over time, and below it the distance to the shortest network beside the law. */

import { axes, inside, line, mark, text } from "./draw.js";
import { number } from "./format.js";
import { linear, logarithmic } from "./scales.js";
import { cursor, frameNear, panelAt, timeScale, timeTitle, titleX } from "./timeline.js";
import { View } from "./view.js";

/**
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./draw.js").Panel} Panel
 * @typedef {import("./draw.js").Context} Context
 * @typedef {import("./theme.js").Colours} Colours
 */

const FLOOR = 1e-18;
const FLAT = 20;
const FAR = 1000;

export class LossView extends View {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    super("loss", app);
  }

  /**
   * @param {Scene} scene
   * @param {number} width
   * @param {number} height
   */
  layout({ data }, width, height) {
    const [left, right, top, bottom] = [50, width - 12, 20, height - 38];
    const middle = data.distance ? top + (bottom - top) * 0.5 : bottom;
    const x = timeScale(data, [left, right]);
    const panels = [{
      left,
      right,
      top,
      bottom: middle - (data.distance ? 13 : 0),
      x,
      y: lossScale(data, top, middle - 13),
      values: data.loss,
    }];
    if (data.distance) {
      const y = distanceScale(data, middle + 13, bottom);
      panels.push({ left, right, top: middle + 13, bottom, x, y, values: data.distance });
    }
    return panels;
  }

  /** @type {View["drawStill"]} */
  drawStill = (context, { data, colours }, /** @type {any[]} */ panels) => {
    panels.forEach((panel, row) => {
      axes(context, panel, colours, { x: row === panels.length - 1, roomX: 40, roomY: 26 });
      inside(context, panel, () => this.#curve(context, data, panel, colours, row === 1), 2);
    });
    text(context, "loss", panels[0].left + 2, panels[0].top - 6, { colour: colours.soft });
    if (panels.length > 1) this.#distance(context, data, panels[1], colours);
    titleX(context, timeTitle(data), panels[panels.length - 1], colours);
  };

  /** @type {View["drawMoving"]} */
  drawMoving = (context, scene, /** @type {any[]} */ panels) => {
    const { data, colours, frame } = scene;
    panels.forEach((panel, row) => {
      cursor(context, panel, scene);
      const [x, y] = [panel.x.at(data.times[frame]), height(panel, panel.values[frame])];
      mark(context, row === 0 ? "disc" : "diamond", x, y, 4.5, {
        fill: row === 0 ? colours.ink : colours.shortest,
        stroke: colours.panel,
      });
      text(context, number(panel.values[frame], 4), panel.right, panel.top - 6, {
        colour: colours.ink,
        align: "right",
        weight: "600",
      });
    });
  };

  /** @type {View["find"]} */
  find(x, y, { data, sample, neuron }, panels) {
    const row = panelAt(panels, x, y);
    if (row < 0) return null;
    const frame = frameNear(data, panels[row], x);
    const words = [`${data.timeWords(frame)}: loss ${number(data.loss[frame], 4)}`];
    if (data.distance) words.push(`distance to the shortest network ${number(data.distance[frame], 4)}`);
    return { neuron, sample, frame, words };
  }

  /** @type {View["describe"]} */
  describe({ data }) {
    const last = data.frames - 1;
    const distance = data.distance
      ? ` Distance to the shortest network: from ${number(data.distance[0])} to ${
        number(data.distance[last])
      }.`
      : "";
    return `Loss over time: from ${number(data.loss[0])} to ${number(data.loss[last])}.${distance}`;
  }

  /** @type {(context: Context, data: Data, panel: any, colours: Colours, isDistance: boolean) => void} */
  #curve(context, data, panel, colours, isDistance) {
    context.strokeStyle = isDistance ? colours.shortest : colours.ink;
    context.lineWidth = 1.8;
    context.beginPath();
    let drawing = false;
    for (let frame = 0; frame < data.frames; frame += 1) {
      const y = height(panel, panel.values[frame]);
      if (Number.isNaN(y)) drawing = false;
      else if (drawing) context.lineTo(panel.x.at(data.times[frame]), y);
      else {
        context.moveTo(panel.x.at(data.times[frame]), y);
        drawing = true;
      }
    }
    context.stroke();
  }

  /**
   * The second panel's title and the law's level.
   * @type {(context: Context, data: Data, panel: any, colours: Colours) => void}
   */
  #distance(context, data, panel, colours) {
    const name = panel.right - panel.left > 190 ? "distance to the shortest" : "distance";
    text(context, name, panel.left + 2, panel.top - 6, { colour: colours.soft });
    const law = data.answer.gap?.law;
    if (typeof law !== "number" || law > panel.y.domain[1]) return;
    const y = panel.y.at(law);
    line(context, panel.left, y, panel.right, y, colours.ink, { dash: [6, 4], width: 1.2 });
    text(context, "law", panel.right - 2, y + (y > panel.top + 18 ? -4 : 13), {
      colour: colours.ink,
      align: "right",
    });
  }
}

/**
 * A value's height; what is beyond the axis, a loss of zero for one, stands at its end.
 * @type {(panel: any, value: number) => number}
 */
function height(panel, value) {
  return panel.y.at(Math.min(Math.max(value, panel.y.domain[0]), panel.y.domain[1]));
}

/**
 * From zero on, with the law; by powers of ten if the run leaves.
 * @type {(data: Data, top: number, bottom: number) => import("./scales.js").Scale}
 */
function distanceScale(data, top, bottom) {
  const law = data.answer.gap?.law ?? 0;
  const finite = (data.distance ?? new Float64Array()).filter((value) => value > 0 && Number.isFinite(value));
  const [low, high] = finite.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, law],
  );
  if (high > FAR * low && high > FAR * law) return logarithmic([low / 1.6, high * 1.6], [bottom, top]);
  return linear([0, 1.12 * high || 1], [bottom, top]);
}

/** @type {(data: Data, top: number, bottom: number) => import("./scales.js").Scale} */
function lossScale(data, top, bottom) {
  const positive = data.loss.filter((value) => value > 0 && Number.isFinite(value));
  const high = positive.length ? Math.max(...positive) : 1;
  const low = Math.max(
    data.loss.reduce((least, value) => Math.min(least, value), high),
    data.loss[0] * FLOOR || high * FLOOR,
  );
  if (high / low < FLAT) return linear([0, 1.12 * high], [bottom, top]);
  return logarithmic([low / 1.6, high * 1.6], [bottom, top]);
}
