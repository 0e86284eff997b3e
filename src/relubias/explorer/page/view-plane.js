/**
 * The plane of the paper's transition diagram: the dual Lβ across, the primal α up.
 *
 * Above zero an example is active: it stays there if its label has the neuron's sign (Lemma 5).
 * Below zero and left of the threshold it is frozen (Lemma 6). Between them nothing is said.
 */

import { axes, crisp, faded, inside, line, mark, pattern, text } from "./draw.js";
import { grid } from "./facets.js";
import { around } from "./scales.js";
import { panelAt, titleX } from "./timeline.js";
import { View } from "./view.js";

/**
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./draw.js").Panel} Panel
 * @typedef {import("./draw.js").Context} Context
 * @typedef {import("./theme.js").Colours} Colours
 */

/** So many frames back the path of an example is drawn stronger. */
const TRAIL = 12;
const REACH = 22;

export class PlaneView extends View {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    super("plane", app);
  }

  /**
   * @param {Scene} scene
   * @param {number} width
   * @param {number} height
   * @returns {Panel[]}
   */
  layout({ data }, width, height) {
    return grid(width, height, data.neurons, { left: 50, bottom: 38, shape: 1.15 }).map((place) => ({
      ...place,
      x: around(data.dual, [place.left, place.right], data.largestLabel),
      y: around(data.primal, [place.bottom, place.top], data.largestLabel),
    }));
  }

  /** @type {View["drawStill"]} */
  drawStill = (context, { data, colours }, /** @type {any[]} */ panels) => {
    panels.forEach((panel, neuron) => {
      const zero = panel.y.at(0);
      context.fillStyle = faded(colours.agreeing, 0.13);
      context.fillRect(panel.left, panel.top, panel.right - panel.left, zero - panel.top);
      axes(context, panel, colours, { x: panel.isBottom, y: panel.isLeft, grid: false, roomX: 52 });
      inside(context, panel, () => {
        const [a, b] = [
          Math.max(panel.x.domain[0], panel.y.domain[0]),
          Math.min(panel.x.domain[1], panel.y.domain[1]),
        ];
        line(context, panel.x.at(a), panel.y.at(a), panel.x.at(b), panel.y.at(b), colours.line, {
          dash: [2, 4],
        });
      });
      this.#diagonal(context, panel, colours);
      line(context, panel.left, crisp(zero), panel.right, crisp(zero), colours.soft);
      text(context, data.neuronName(neuron), panel.left + 2, panel.top - 6, {
        colour: colours.soft,
        size: 11,
      });
    });
    titleX(context, "Lβ", panels[panels.length - 1], colours, { math: true });
    text(context, "α", panels[0].left - 6, panels[0].top - 8, {
      colour: colours.ink,
      align: "right",
      math: true,
      size: 12,
    });
  };

  /** @type {View["drawMoving"]} */
  drawMoving = (context, scene, /** @type {any[]} */ panels) => {
    const { data, colours, frame, neuron, sample } = scene;
    panels.forEach((panel, k) => {
      this.#frozen(context, scene, panel, k);
      inside(context, panel, () => {
        for (let i = 0; i < data.samples; i += 1) {
          this.#trail(context, scene, panel, k, i, 0, 0.2);
          this.#trail(context, scene, panel, k, i, Math.max(0, frame - TRAIL), 0.5);
        }
        if (sample !== null) {
          this.#trail(context, scene, panel, k, sample, 0, 1);
        }
        for (let i = 0; i < data.samples; i += 1) this.#point(context, scene, panel, k, i, 3.4);
      }, 4);
      if (sample !== null) {
        const chosen = neuron === null || neuron === k;
        const [x, y] = this.#where(data, panel, frame, k, sample);
        mark(context, "ring", x, y, chosen ? 9 : 7, { stroke: colours.ink, width: chosen ? 2 : 1 });
        this.#point(context, scene, panel, k, sample, chosen ? 5 : 4);
      }
      this.#names(context, scene, panel);
    });
  };

  /** @type {View["find"]} */
  find(x, y, { data, frame }, panels) {
    const neuron = panelAt(panels, x, y);
    if (neuron < 0) return null;
    let [sample, nearest] = [/** @type {number | null} */ (null), REACH];
    for (let i = 0; i < data.samples; i += 1) {
      const [px, py] = this.#where(data, panels[neuron], frame, neuron, i);
      const away = Math.hypot(px - x, py - y);
      if (away < nearest) [sample, nearest] = [i, away];
    }
    return sample === null ? null : { neuron, sample };
  }

  /** @type {View["describe"]} */
  describe({ data, frame }) {
    const counts = [0, 0, 0, 0];
    for (let k = 0; k < data.neurons; k += 1) {
      for (let i = 0; i < data.samples; i += 1) counts[data.regions[data.index(frame, k, i)]] += 1;
    }
    return `Plane of the dual and the primal value at ${data.timeWords(frame)}: ${
      counts[0]
    } pairs active and agreeing, ${counts[1]} active and disagreeing, ${counts[2]} frozen, ${
      counts[3]
    } inactive with a small dual.`;
  }

  /** @type {(data: Data, panel: Panel, frame: number, neuron: number, sample: number) => [number, number]} */
  #where(data, panel, frame, neuron, sample) {
    const at = data.index(frame, neuron, sample);
    return [panel.x.at(data.dual[at]), panel.y.at(data.primal[at])];
  }

  /**
   * The frozen quarter: its edge may move with time.
   * @type {(context: Context, scene: Scene, panel: Panel, neuron: number) => void}
   */
  #frozen(context, { data, colours, frame }, panel, neuron) {
    const threshold = data.threshold(frame);
    if (threshold === null) return;
    this.#guarantee(context, panel, data.guarantee(frame, neuron), colours);
    const [edge, zero] = [Math.max(panel.left, Math.min(panel.x.at(-threshold), panel.right)), panel.y.at(0)];
    context.fillStyle = faded(colours.frozen, 0.13);
    context.fillRect(panel.left, zero, edge - panel.left, panel.bottom - zero);
    context.fillStyle = pattern(context, "lines", faded(colours.frozen, 0.16));
    context.fillRect(panel.left, zero, edge - panel.left, panel.bottom - zero);
    line(context, edge, zero, edge, panel.bottom, faded(colours.frozen, 0.7), { dash: [4, 3] });
  }

  /**
   * Lemma 6's own bound, which moves with the duals: left of it nothing can wake an example.
   * @type {(context: Context, panel: Panel, guarantee: number | null, colours: Colours) => void}
   */
  #guarantee(context, panel, guarantee, colours) {
    const x = guarantee === null ? NaN : panel.x.at(-guarantee);
    if (!(x > panel.left + 2 && x < panel.x.at(0) - 1)) return;
    const zero = panel.y.at(0);
    line(context, x, zero, x, zero + 9, colours.ink, { width: 2 });
    if (x - panel.left > 62 && panel.x.at(0) - x > 24) {
      text(context, "Lemma 6", x - 4, zero + 11, { colour: colours.ink, align: "right", size: 10 });
    }
  }

  /**
   * The regions' names, where they don't cover points.
   * @type {(context: Context, scene: Scene, panel: Panel) => void}
   */
  #names(context, { data, colours, frame }, panel) {
    if (panel.right - panel.left < 150) return;
    text(context, "active", panel.left + 7, panel.top + 15, { colour: colours.agreeing, weight: "600" });
    const threshold = data.threshold(frame);
    const room = threshold === null ? 0 : panel.x.at(-threshold) - panel.left;
    const turn = room < 52;
    if (room > 14) {
      text(context, "frozen", panel.left + (turn ? 12 : 7), panel.bottom - 8, {
        colour: colours.frozen,
        weight: "600",
        turn,
      });
    }
    const edge = panel.x.at(threshold === null ? 0 : -threshold);
    if (panel.right - edge > 66) {
      text(context, "undecided", panel.right - 6, panel.bottom - 8, { colour: colours.soft, align: "right" });
    }
  }

  /**
   * What the dotted line is, beside its upper end.
   * @type {(context: Context, panel: Panel, colours: Colours) => void}
   */
  #diagonal(context, panel, colours) {
    const end = Math.min(panel.x.domain[1], panel.y.domain[1]);
    if (panel.x.at(end) - panel.left < 120) return;
    text(context, "α = Lβ", panel.x.at(end) - 14, panel.y.at(end) + 8, {
      colour: colours.soft,
      align: "right",
      base: "middle",
      math: true,
      size: 10,
    });
  }

  /**
   * The path of a pair from a frame to this one.
   * @param {Context} context
   * @param {Scene} scene
   * @param {Panel} panel
   * @param {number} neuron
   * @param {number} sample
   * @param {number} from
   * @param {number} opacity
   */
  #trail(context, { data, colours, frame }, panel, neuron, sample, from, opacity) {
    context.strokeStyle = faded(data.labels[sample] > 0 ? colours.positive : colours.negative, opacity);
    context.lineWidth = opacity === 1 ? 2 : 1;
    context.beginPath();
    for (let past = from; past <= frame; past += 1) {
      const [x, y] = this.#where(data, panel, past, neuron, sample);
      if (past === from) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
  }

  /**
   * A pair at this frame: a disc if the label has the neuron's sign, else an open triangle.
   * @type {(context: Context, scene: Scene, panel: Panel, neuron: number, sample: number, size: number) => void}
   */
  #point(context, { data, colours, frame }, panel, neuron, sample, size) {
    const [x, y] = this.#where(data, panel, frame, neuron, sample);
    const colour = data.labels[sample] > 0 ? colours.positive : colours.negative;
    if (data.slides(frame, neuron, sample)) {
      mark(context, "square", x, y, size, { fill: colours.sliding, stroke: colours.panel, width: 1 });
    } else if (data.agrees(neuron, sample)) {
      mark(context, "disc", x, y, size, { fill: colour, stroke: colours.panel, width: 1 });
    } else mark(context, "down", x, y, size, { fill: colours.panel, stroke: colour, width: 1.6 });
  }
}
