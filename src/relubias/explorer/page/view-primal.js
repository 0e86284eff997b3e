/** The primal values α of every neuron over time, with a mark wherever an example is switched. */

import { axes, crisp, faded, inside, line, mark, text } from "./draw.js";
import { grid } from "./facets.js";
import { around } from "./scales.js";
import { cursor, frameNear, panelAt, timeScale, timeTitle, titleX } from "./timeline.js";
import { View } from "./view.js";

/**
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./draw.js").Panel} Panel
 * @typedef {import("./draw.js").Context} Context
 * @typedef {import("./theme.js").Colours} Colours
 * @typedef {import("./data.js").Data} Data
 */

const SWITCH = { 1: "up", 0: "square", "-1": "down" };
const REACH = 26;

export class PrimalView extends View {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    super("primal", app);
  }

  /**
   * @param {Scene} scene
   * @param {number} width
   * @param {number} height
   * @returns {Panel[]}
   */
  layout({ data }, width, height) {
    return grid(width, height, data.neurons, { left: 50, bottom: 38, shape: 2.2 }).map((place) => ({
      ...place,
      x: timeScale(data, [place.left, place.right]),
      y: around(data.primal, [place.bottom, place.top], data.largestLabel),
    }));
  }

  /** @type {View["drawStill"]} */
  drawStill = (context, { data, colours }, /** @type {any[]} */ panels) => {
    panels.forEach((panel, neuron) => {
      axes(context, panel, colours, { x: panel.isBottom, y: panel.isLeft });
      line(context, panel.left, crisp(panel.y.at(0)), panel.right, crisp(panel.y.at(0)), colours.soft);
      inside(context, panel, () => {
        const many = data.samples > 24;
        const [positive, negative] = bySign(data);
        context.lineWidth = many ? 1 : 1.3;
        context.strokeStyle = faded(colours.positive, many ? 0.55 : 0.85);
        this.#paths(context, data, panel, neuron, positive);
        context.strokeStyle = faded(colours.negative, many ? 0.55 : 0.85);
        context.setLineDash([5, 3]);
        this.#paths(context, data, panel, neuron, negative);
        context.setLineDash([]);
      }, 1);
      this.#goals(context, data, panel, neuron, colours);
      text(context, data.neuronName(neuron), panel.left + 2, panel.top - 6, {
        colour: colours.soft,
        size: 11,
      });
    });
    const corner = panels[panels.length - 1];
    titleX(context, timeTitle(data), corner, colours);
    text(context, "α", panels[0].left - 6, panels[0].top - 8, {
      colour: colours.ink,
      align: "right",
      math: true,
      size: 12,
    });
    this.#switches(context, data, panels, colours);
  };

  /** @type {View["drawMoving"]} */
  drawMoving = (context, scene, /** @type {any[]} */ panels) => {
    const { data, colours, neuron, sample, frame } = scene;
    panels.forEach((panel, k) => {
      cursor(context, panel, scene);
      if (sample === null) return;
      const chosen = neuron === null || neuron === k;
      const colour = data.labels[sample] > 0 ? colours.positive : colours.negative;
      inside(context, panel, () => {
        context.strokeStyle = faded(colours.panel, 0.8);
        context.lineWidth = chosen ? 6 : 3;
        this.#paths(context, data, panel, k, [sample]);
        context.strokeStyle = colour;
        context.lineWidth = chosen ? 3 : 1.6;
        this.#paths(context, data, panel, k, [sample]);
      }, 1);
      const y = panel.y.at(data.primal[data.index(frame, k, sample)]);
      mark(context, "disc", panel.x.at(data.times[frame]), y, chosen ? 5 : 3.5, {
        fill: colour,
        stroke: colours.panel,
      });
    });
  };

  /** @type {View["find"]} */
  find(x, y, { data }, panels) {
    const neuron = panelAt(panels, x, y);
    if (neuron < 0) return null;
    const panel = panels[neuron];
    const frame = frameNear(data, panel, x);
    let [sample, nearest] = [/** @type {number | null} */ (null), REACH];
    for (let i = 0; i < data.samples; i += 1) {
      const away = Math.abs(panel.y.at(data.primal[data.index(frame, neuron, i)]) - y);
      if (away < nearest) [sample, nearest] = [i, away];
    }
    return { neuron: sample === null ? null : neuron, sample, frame };
  }

  /** @type {View["describe"]} */
  describe({ data }) {
    const count = data.answer.switches.length;
    return `Primal values of ${data.samples} examples at ${data.neurons} ${
      data.neurons === 1 ? "neuron" : "neurons"
    } over ${data.frames} frames; ${count} ${count === 1 ? "switch" : "switches"}.`;
  }

  /**
   * The lines of some examples at one neuron, over all frames.
   * @param {Context} context
   * @param {Data} data
   * @param {Panel} panel
   * @param {number} neuron
   * @param {number[]} samples
   */
  #paths(context, data, panel, neuron, samples) {
    const across = Array.from(data.times, (time) => panel.x.at(time));
    context.beginPath();
    for (const sample of samples) {
      for (let frame = 0; frame < data.frames; frame += 1) {
        const y = panel.y.at(data.primal[data.index(frame, neuron, sample)]);
        if (frame === 0) context.moveTo(across[frame], y);
        else context.lineTo(across[frame], y);
      }
    }
    context.stroke();
  }

  /**
   * Where the values of agreeing examples would fit their labels: a tick at the right edge.
   * @type {(context: Context, data: Data, panel: Panel, neuron: number, colours: Colours) => void}
   */
  #goals(context, data, panel, neuron, colours) {
    for (let sample = 0; sample < data.samples; sample += 1) {
      if (!data.agrees(neuron, sample)) continue;
      const y = panel.y.at(Math.abs(data.labels[sample]));
      line(
        context,
        panel.right + 1,
        y,
        panel.right + 7,
        y,
        data.labels[sample] > 0 ? colours.positive : colours.negative,
      );
    }
  }

  /**
   * A mark at every switch: up for on, down for off, a square for sliding.
   * @type {(context: Context, data: Data, panels: Panel[], colours: Colours) => void}
   */
  #switches(context, data, panels, colours) {
    const size = data.answer.switches.length > 80 ? 2.6 : 3.6;
    for (const { time, neuron, sample, mode } of data.answer.switches) {
      const panel = panels[neuron];
      const shape = /** @type {any} */ (SWITCH[/** @type {1} */ (mode)]);
      const colour = data.labels[sample] > 0 ? colours.positive : colours.negative;
      inside(context, panel, () => {
        mark(context, shape, panel.x.at(time), panel.y.at(data.primalAt(time, neuron, sample)), size, {
          fill: colours.panel,
          stroke: colour,
          width: 1.3,
        });
      }, 5);
    }
  }
}

/** The examples with a positive label, and the others. @type {(data: Data) => [number[], number[]]} */
function bySign({ order, labels }) {
  return [order.filter((sample) => labels[sample] > 0), order.filter((sample) => !(labels[sample] > 0))];
}
