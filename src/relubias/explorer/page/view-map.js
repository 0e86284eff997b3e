/**
 * Which example is active at which neuron, over time: a row for every example, ordered by label.
 *
 * The colour is the label's sign. A full bar is active with a label of the neuron's sign, a slanted
 * pattern active with the other sign, dots slide along zero, a thin line is frozen, and nothing is
 * inactive with a small dual.
 */

import { axes, clamp, crisp, faded, line, pattern, text } from "./draw.js";
import { grid } from "./facets.js";
import { linear } from "./scales.js";
import { cursor, frameNear, panelAt, timeScale, timeTitle, titleX } from "./timeline.js";
import { View } from "./view.js";

/**
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./draw.js").Panel} Panel
 * @typedef {import("./draw.js").Context} Context
 * @typedef {import("./theme.js").Colours} Colours
 */

/** Rows lower than this hold no pattern: disagreeing is pale, sliding is full. */
const FINE = 5;

const [AGREEING, DISAGREEING, FROZEN, SLIDING] = [0, 1, 2, 4];

export class MapView extends View {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    super("map", app);
  }

  /**
   * @param {Scene} scene
   * @param {number} width
   * @param {number} height
   */
  layout({ data }, width, height) {
    return grid(width, height, data.neurons, { left: 50, bottom: 38, shape: 1.6 }).map((place) => ({
      ...place,
      x: timeScale(data, [place.left, place.right - 8]),
      y: linear([0, data.samples], [place.top, place.bottom]),
    }));
  }

  /** @type {View["drawStill"]} */
  drawStill = (context, { data, colours }, /** @type {any[]} */ panels) => {
    const row = panels[0].y.at(1) - panels[0].y.at(0);
    const fine = row < FINE;
    const [positive, negative] = [colours.positive, colours.negative].map((colour) => ({
      [AGREEING]: colour,
      [DISAGREEING]: fine ? faded(colour, 0.4) : pattern(context, "lines", colour),
      [SLIDING]: fine ? colours.sliding : pattern(context, "dots", colours.sliding),
      [FROZEN]: row < 2 ? faded(colour, 0.2) : colour,
    }));
    panels.forEach((panel, neuron) => {
      axes(context, { ...panel, y: { ...panel.y, ticks: () => [] } }, colours, {
        x: panel.isBottom,
        grid: false,
      });
      for (let sample = 0; sample < data.samples; sample += 1) {
        this.#row(context, data, panel, neuron, sample, data.labels[sample] > 0 ? positive : negative);
      }
      this.#rows(context, data, panel, colours);
      text(context, data.neuronName(neuron), panel.left + 2, panel.top - 6, {
        colour: colours.soft,
        size: 11,
      });
    });
    titleX(context, timeTitle(data), panels[panels.length - 1], colours);
  };

  /** @type {View["drawMoving"]} */
  drawMoving = (context, scene, /** @type {any[]} */ panels) => {
    const { data, colours, neuron, sample } = scene;
    panels.forEach((panel, k) => {
      cursor(context, panel, scene);
      if (sample === null) return;
      const [top, bottom] = this.#span(data, panel, sample);
      context.strokeStyle = colours.ink;
      context.lineWidth = neuron === null || neuron === k ? 2 : 1;
      const room = Math.max(0, 4 - (bottom - top)) / 2;
      context.strokeRect(
        panel.left - 1,
        top - room - 1,
        panel.right - panel.left + 2,
        bottom - top + 2 * room + 2,
      );
    });
  };

  /** @type {View["find"]} */
  find(x, y, { data }, panels) {
    const neuron = panelAt(panels, x, y, 4);
    if (neuron < 0) return null;
    const panel = panels[neuron];
    const place = clamp(Math.floor(panel.y.value(y)), 0, data.samples - 1);
    return { neuron, sample: data.order[place], frame: frameNear(data, panel, x) };
  }

  /** @type {View["describe"]} */
  describe({ data }) {
    const last = data.frames - 1;
    const lines = data.signs.map((_, k) => {
      const active = data.order.filter((i) => data.primal[data.index(last, k, i)] > 0);
      return `${data.neuronName(k)} ends with ${
        active.length ? `examples ${active.join(", ")}` : "no example"
      } active`;
    });
    return `Activation of every example over time: ${lines.join("; ")}.`;
  }

  /** @type {(data: Data, panel: Panel, sample: number) => [number, number]} */
  #span(data, panel, sample) {
    const top = Math.round(panel.y.at(data.place[sample]));
    return [top, Math.max(top + 1, Math.round(panel.y.at(data.place[sample] + 1)))];
  }

  /**
   * One row: stretches of frames in the same state, drawn at once.
   * @param {Context} context
   * @param {Data} data
   * @param {Panel} panel
   * @param {number} neuron
   * @param {number} sample
   * @param {Record<number, string | CanvasPattern>} fills
   */
  #row(context, data, panel, neuron, sample, fills) {
    const [top, bottom] = this.#span(data, panel, sample);
    const gap = bottom - top > 4 ? 1 : 0;
    const middle = Math.floor((top + bottom - 1) / 2);
    const state = (
      /** @type {number} */ frame,
    ) => (data.slides(frame, neuron, sample) ? SLIDING : data.regions[data.index(frame, neuron, sample)]);
    for (let from = 0; from < data.frames;) {
      const now = state(from);
      let to = from + 1;
      while (to < data.frames && state(to) === now) to += 1;
      const left = panel.x.at(data.times[from]);
      const right = to < data.frames ? panel.x.at(data.times[to]) : panel.right;
      context.fillStyle = fills[now] ?? "transparent";
      if (now === FROZEN) context.fillRect(left, middle, right - left, 1);
      else context.fillRect(left, top, right - left, bottom - top - gap);
      from = to;
    }
  }

  /**
   * Numbers of the examples where there is room, and a line between the signs of the labels.
   * @type {(context: Context, data: Data, panel: any, colours: Colours) => void}
   */
  #rows(context, data, panel, colours) {
    const positives = data.order.filter((sample) => data.labels[sample] > 0).length;
    if (positives > 0 && positives < data.samples) {
      const y = crisp(panel.y.at(positives));
      line(context, panel.left - 30, y, panel.right, y, colours.soft, { width: 1 });
    }
    if (!panel.isLeft) return;
    const height = panel.y.at(1) - panel.y.at(0);
    const every = Math.ceil(11 / height);
    data.order.forEach((sample, place) => {
      if (place % every !== 0) return;
      text(context, String(sample), panel.left - 6, panel.y.at(place + 0.5), {
        colour: colours.soft,
        align: "right",
        base: "middle",
        size: Math.min(11, Math.max(9, height)),
      });
    });
    const side = { colour: colours.soft, align: /** @type {const} */ ("center"), turn: true, size: 11 };
    if (panel.y.at(positives) - panel.top > 34) {
      text(context, "y > 0", panel.left - 34, (panel.top + panel.y.at(positives)) / 2, side);
    }
    if (panel.bottom - panel.y.at(positives) > 34) {
      text(context, data.restName, panel.left - 34, (panel.y.at(positives) + panel.bottom) / 2, side);
    }
  }
}
