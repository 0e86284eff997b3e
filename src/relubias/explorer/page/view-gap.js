/**
 * Left: the law of the gap against the number of features, with the point of this problem.
 * Right: what the limit and the shortest network say for every example, beside its label.
 */

import { axes, clamp, crisp, faded, inside, line, mark, text } from "./draw.js";
import { number } from "./format.js";
import { linear, logarithmic } from "./scales.js";
import { panelAt, titleX } from "./timeline.js";
import { View } from "./view.js";

/**
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./data.js").Data} Data
 * @typedef {import("./draw.js").Panel} Panel
 * @typedef {import("./draw.js").Context} Context
 * @typedef {import("./theme.js").Colours} Colours
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box
 */

/** A gap so many times above or below the law is shown at the edge. */
const FAR = 100;

export class GapView extends View {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    super("gap", app);
  }

  /**
   * @param {Scene} scene
   * @param {number} width
   * @param {number} height
   */
  layout({ data }, width, height) {
    const law = lawOf(data);
    const beside = width > 430 || width > 1.35 * height;
    const split = beside ? Math.round(width * 0.4) : Math.round(height * 0.46);
    const first = {
      left: 50,
      top: 20,
      right: beside ? split - 14 : width - 12,
      bottom: beside ? height - 38 : split - 20,
    };
    const second = {
      left: law && beside ? split + 40 : 50,
      top: law && !beside ? split + 34 : 20,
      right: width - 12,
      bottom: height - 38,
    };
    const panel = {
      ...second,
      x: linear([-0.6, data.samples - 0.4], [second.left, second.right]),
      y: predictionScale(data, second),
    };
    return {
      law: law ? { ...first, ...lawScales(law, lawPoint(data), first), points: law } : null,
      predictions: panel,
    };
  }

  /** @type {View["drawStill"]} */
  drawStill = (context, { data, colours }, /** @type {any} */ places) => {
    if (places.law) this.#law(context, data, places.law, colours);
    this.#predictions(context, data, places.predictions, colours);
  };

  /** @type {View["drawMoving"]} */
  drawMoving = (context, scene, /** @type {any} */ { predictions: panel }) => {
    const { data, colours, sample, frame } = scene;
    if (sample !== null) {
      const x = panel.x.at(data.place[sample]);
      const half = Math.max(3, Math.min(9, (panel.x.at(1) - panel.x.at(0)) / 2));
      context.fillStyle = faded(colours.accent, 0.12);
      context.fillRect(x - half, panel.top, 2 * half, panel.bottom - panel.top);
      context.strokeStyle = colours.ink;
      context.lineWidth = 1.5;
      context.strokeRect(x - half, panel.top, 2 * half, panel.bottom - panel.top);
    }
    inside(context, panel, () => {
      data.order.forEach((i, place) => {
        mark(
          context,
          "ring",
          panel.x.at(place),
          panel.y.at(data.prediction(frame, i)),
          markSize(panel) + 1.6,
          { stroke: colours.soft, width: 1 },
        );
      });
    }, 4);
  };

  /** @type {View["find"]} */
  find(x, y, { data, neuron, sample, frame }, { law, predictions: panel }) {
    if (law && panelAt([law], x, y) === 0) return { neuron, sample, words: lawWords(data, law, x) };
    const place = Math.round(panel.x.value(x));
    if (panelAt([panel], x, y) < 0 || !(place in data.order)) return null;
    const here = data.order[place];
    const { limit, shortest, run } = data.answer;
    const words = [`Example ${here}, label ${number(data.labels[here])}`];
    words.push(`${run.is_limit ? "limit" : "last state"}: ${number(limit.predictions.data[here])}`);
    if (shortest?.predictions) words.push(`shortest network: ${number(shortest.predictions.data[here])}`);
    words.push(`${data.timeWords(frame)}: ${number(data.prediction(frame, here))}`);
    return { neuron: neuron ?? 0, sample: here, words };
  }

  /** @type {View["describe"]} */
  describe({ data }) {
    const { gap } = data.answer;
    const ratio = gap?.ratio ? `, ${number(gap.ratio, 4)} times the law` : "";
    const words = gap?.distance === null || gap === null
      ? "The gap is not known."
      : `The limit is ${number(gap.distance)} away from the shortest network${ratio}.`;
    return `${words} Predictions of the limit and of the shortest network for ${data.samples} examples.`;
  }

  /**
   * @type {(context: Context, data: Data, panel: any, colours: Colours) => void}
   */
  #law(context, data, panel, colours) {
    axes(context, panel, colours, { roomX: 44, roomY: 30 });
    text(context, "gap", panel.left + 2, panel.top - 6, { colour: colours.soft });
    titleX(context, "d", panel, colours, { math: true });
    inside(context, panel, () => {
      context.strokeStyle = colours.ink;
      context.lineWidth = 1.6;
      context.setLineDash([6, 4]);
      context.beginPath();
      panel.points.forEach((/** @type {[number, number]} */ [d, law], /** @type {number} */ i) => {
        if (i === 0) context.moveTo(panel.x.at(d), panel.y.at(law));
        else context.lineTo(panel.x.at(d), panel.y.at(law));
      });
      context.stroke();
      context.setLineDash([]);
    });
    const here = lawPoint(data);
    if (!here) return;
    const x = panel.x.at(here[0]);
    const y = clamp(panel.y.at(here[1]), panel.top, panel.bottom);
    const isBeyond = y !== panel.y.at(here[1]);
    line(context, x, y, x, panel.bottom, colours.line, { dash: [2, 3] });
    mark(context, isBeyond ? "up" : "disc", x, y, 5.5, {
      fill: colours.accent,
      stroke: colours.panel,
      width: 2,
    });
    const ratio = data.answer.gap.ratio;
    if (typeof ratio === "number") {
      const right = x > (panel.left + panel.right) / 2;
      text(
        context,
        `${number(ratio, 4)} × law`,
        x + (right ? -9 : 10),
        right ? Math.min(panel.bottom - 5, y + 17) : Math.max(panel.top + 12, y - 10),
        { colour: colours.ink, weight: "600", align: right ? "right" : "left" },
      );
    }
  }

  /**
   * @type {(context: Context, data: Data, panel: any, colours: Colours) => void}
   */
  #predictions(context, data, panel, colours) {
    const { limit, shortest } = data.answer;
    axes(context, { ...panel, x: { ...panel.x, ticks: () => exampleTicks(data, panel) } }, colours, {
      roomY: 30,
    });
    line(context, panel.left, crisp(panel.y.at(0)), panel.right, crisp(panel.y.at(0)), colours.soft);
    text(context, "prediction", panel.left + 2, panel.top - 6, { colour: colours.soft });
    titleX(context, "example, by label", panel, colours);
    const size = markSize(panel);
    data.order.forEach((sample, place) => {
      const x = panel.x.at(place);
      const colour = data.labels[sample] > 0 ? colours.positive : colours.negative;
      line(context, x, panel.y.at(0), x, panel.y.at(data.labels[sample]), faded(colour, 0.25), {
        width: Math.max(1, size * 0.7),
      });
      mark(context, "dash", x, panel.y.at(data.labels[sample]), size * 1.15, { fill: colour });
      if (limit) mark(context, "disc", x, panel.y.at(limit.predictions.data[sample]), size, { fill: colour });
      if (shortest?.predictions) {
        mark(context, "diamond", x, panel.y.at(shortest.predictions.data[sample]), size, {
          stroke: colours.shortest,
          width: 1.4,
        });
      }
    });
  }
}

/**
 * The law at a pixel, and this problem's gap.
 * @type {(data: Data, panel: any, x: number) => string[]}
 */
function lawWords(data, panel, x) {
  const { gap } = data.answer;
  const d = panel.x.value(x);
  /** @type {[number, number][]} */
  const points = panel.points;
  const near = points.reduce((a, b) => (Math.abs(Math.log(b[0] / d)) < Math.abs(Math.log(a[0] / d)) ? b : a));
  const words = [`law at d = ${number(near[0])}: ${number(near[1])}`];
  if (gap?.distance > 0) words.push(`this problem: ${number(gap.distance, 5)} ± ${number(gap.rounding, 1)}`);
  return words;
}

/** @type {(panel: Panel) => number} */
function markSize(panel) {
  return Math.max(1.5, Math.min(4, (panel.x.at(1) - panel.x.at(0)) * 0.32));
}

/**
 * The numbers of the examples under their columns, as many as fit.
 * @type {(data: Data, panel: Panel) => import("./scales.js").Tick[]}
 */
function exampleTicks(data, panel) {
  const every = Math.ceil(18 / (panel.x.at(1) - panel.x.at(0)));
  return data.order.flatMap((
    sample,
    place,
  ) => (place % every === 0 ? [{ value: place, label: String(sample) }] : []));
}

/** @type {(data: Data, place: {top: number, bottom: number}) => import("./scales.js").Scale} */
function predictionScale(data, { top, bottom }) {
  let [low, high] = [0, 0];
  const { limit, shortest } = data.answer;
  for (const values of [data.labels, limit?.predictions.data, shortest?.predictions?.data]) {
    for (const value of values ?? []) {
      if (!(Math.abs(value) < 30 * data.largestLabel)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const span = high - low || 1;
  return linear([low - 0.1 * span, high + 0.1 * span], [bottom, top]);
}

/**
 * The law's curve as positive points; null where there is none.
 * @type {(data: Data) => [number, number][] | null}
 */
function lawOf(data) {
  const curve = data.answer.law_curve;
  if (!curve) return null;
  const [d, law] = [curve.d?.data ?? curve.d, curve.law?.data ?? curve.law];
  const points = Array.from(
    d,
    (
      /** @type {number} */ value,
      /** @type {number} */ i,
    ) => /** @type {[number, number]} */ ([value, law[i]]),
  );
  const sound = points.filter(([x, y]) => x > 0 && y > 0 && Number.isFinite(y));
  return sound.length > 1 ? sound : null;
}

/**
 * @type {(points: [number, number][], here: [number, number] | null, place: Box) => {x: any, y: any}}
 */
function lawScales(points, here, { left, right, top, bottom }) {
  const laws = points.map(([, law]) => law);
  const gap = here ? clamp(here[1], Math.min(...laws) / FAR, Math.max(...laws) * FAR) : laws[0];
  const ds = [...points.map(([d]) => d), here?.[0] ?? points[0][0]];
  return {
    x: logarithmic([Math.min(...ds), Math.max(...ds)], [left, right]),
    y: logarithmic([Math.min(...laws, gap) / 3, Math.max(...laws, gap) * 3], [bottom, top]),
  };
}

/**
 * This problem's features and gap, if both are known and positive.
 * @type {(data: Data) => [number, number] | null}
 */
function lawPoint(data) {
  const { gap, state } = data.answer;
  const d = Number(state.d);
  return gap?.distance > 0 && d > 0 ? [d, gap.distance] : null;
}
