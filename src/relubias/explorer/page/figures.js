/** The views as plotly figures, for zooming and exact values. */

import { number } from "./format.js";
import { timeTitle } from "./timeline.js";

/** @typedef {import("./view.js").Scene} Scene */
/** @typedef {{data: object[], layout: any}} Figure */

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

/**
 * A logarithmic axis with powers of ten only, at most about ten of them.
 * @type {(values: Iterable<number>) => object}
 */
function logarithmic(values) {
  const orders = Array.from(values).filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  const decades = orders.length ? Math.max(...orders) - Math.min(...orders) : 1;
  return { type: "log", dtick: Math.max(1, Math.ceil(decades / 10)) };
}

/**
 * The layout that every figure shares.
 * @param {Scene} scene
 * @param {object} x
 * @param {object} y
 * @returns {any}
 */
function layout({ colours }, x, y) {
  const axis = {
    gridcolor: colours.faint,
    linecolor: colours.line,
    zerolinecolor: colours.soft,
    exponentformat: "power",
    automargin: true,
  };
  return {
    paper_bgcolor: colours.panel,
    plot_bgcolor: colours.panel,
    font: { family: FONT, color: colours.ink, size: 13 },
    margin: { l: 64, r: 24, t: 36, b: 56 },
    hovermode: "closest",
    legend: { orientation: "h", y: 1.06 },
    xaxis: { ...axis, ...x },
    yaxis: { ...axis, ...y },
  };
}

/**
 * Colour and dash of an example's lines.
 * @type {(scene: Scene, sample: number) => {color: string, dash: string}}
 */
function style({ data, colours }, sample) {
  return data.labels[sample] > 0
    ? { color: colours.positive, dash: "solid" }
    : { color: colours.negative, dash: "dash" };
}

/** Every pair of a neuron and an example. @type {(scene: Scene) => [number, number][]} */
function pairs({ data }) {
  return data.signs.flatMap((_, neuron) =>
    data.order.map((sample) => /** @type {[number, number]} */ ([neuron, sample]))
  );
}

/**
 * One array's values of a pair over all frames.
 * @type {(scene: Scene, values: Float64Array, neuron: number, sample: number) => number[]}
 */
function over({ data }, values, neuron, sample) {
  return Array.from(data.times, (_, frame) => values[data.index(frame, neuron, sample)]);
}

/** @type {(scene: Scene) => Figure} */
function primal(scene) {
  const { data } = scene;
  const times = Array.from(data.times);
  return {
    data: pairs(scene).map(([neuron, sample]) => ({
      type: "scatter",
      mode: "lines+markers",
      marker: { size: 3 },
      showlegend: false,
      x: times,
      y: over(scene, data.primal, neuron, sample),
      line: { ...style(scene, sample), width: 1.4 },
      name: `example ${sample}, ${data.neuronName(neuron)}`,
      hovertemplate: `${timeTitle(data)} %{x}<br>α = %{y:.6g}`,
    })),
    layout: layout(scene, { title: { text: timeTitle(data) } }, { title: { text: "α" } }),
  };
}

/** @type {(scene: Scene) => Figure} */
function plane(scene) {
  const { data, colours, frame } = scene;
  const paths = pairs(scene).map(([neuron, sample]) => {
    const { color, dash } = style(scene, sample);
    const agrees = data.agrees(neuron, sample);
    return {
      type: "scatter",
      mode: "lines+markers",
      showlegend: false,
      x: over(scene, data.dual, neuron, sample),
      y: over(scene, data.primal, neuron, sample),
      line: { color, dash, width: 1 },
      marker: {
        color,
        symbol: agrees ? "circle" : "triangle-down-open",
        size: data.times.map((_, t) => (t === frame ? 11 : 4)),
      },
      text: Array.from(data.times, (_, t) => `${data.timeWords(t)}: ${data.words(t, neuron, sample)}`),
      name: `example ${sample}, ${data.neuronName(neuron)}`,
      hovertemplate: "%{text}<br>Lβ = %{x:.6g}, α = %{y:.6g}",
    };
  });
  const made = layout(scene, { title: { text: "Lβ" } }, { title: { text: "α" } });
  const threshold = data.threshold(frame);
  const box = {
    type: "rect",
    layer: "below",
    line: { width: 0 },
    opacity: 0.13,
    xref: "paper",
    x0: 0,
    x1: 1,
    yref: "y",
    y0: 0,
  };
  const top = Math.max(...data.primal.filter(Number.isFinite));
  const bottom = Math.min(0, ...data.primal.filter(Number.isFinite));
  made.shapes = [{ ...box, y1: 1.1 * top, fillcolor: colours.agreeing }];
  if (threshold !== null) {
    const left = Math.min(...data.dual.filter(Number.isFinite), -threshold);
    made.shapes.push({
      ...box,
      xref: "x",
      x0: 1.1 * left,
      x1: -threshold,
      y1: 1.1 * bottom,
      fillcolor: colours.frozen,
    });
  }
  return { data: paths, layout: made };
}

/** @type {(scene: Scene) => Figure} */
function map(scene) {
  const { data, colours } = scene;
  const states = [
    "active, agreeing",
    "active, disagreeing",
    "frozen",
    "inactive, small dual",
    "sliding along zero",
  ];
  const shades = [colours.agreeing, colours.negative, colours.line, colours.faint, colours.sliding];
  const rows = pairs(scene);
  const state = (/** @type {number} */ frame, /** @type {[number, number]} */ [neuron, sample]) =>
    data.slides(frame, neuron, sample) ? 4 : data.regions[data.index(frame, neuron, sample)];
  const z = rows.map((pair) => Array.from(data.times, (_, frame) => state(frame, pair)));
  return {
    data: [{
      type: "heatmap",
      z,
      xgap: 0,
      ygap: 1,
      zmin: -0.5,
      zmax: 4.5,
      x: Array.from(data.times, (_, frame) => data.timeWords(frame)),
      y: rows.map(([neuron, sample]) => `${sample} at ${neuron}`),
      text: z.map((row) => row.map((value) => states[value])),
      hovertemplate: "example %{y}, %{x}<br>%{text}<extra></extra>",
      colorscale: shades.flatMap((shade, i) => [[i / 5, shade], [(i + 1) / 5, shade]]),
      colorbar: { tickvals: [0, 1, 2, 3, 4], ticktext: states },
    }],
    layout: layout(scene, { title: { text: "frame" }, type: "category" }, {
      title: { text: "example at neuron" },
      type: "category",
      autorange: "reversed",
    }),
  };
}

/** @type {(scene: Scene) => Figure} */
function loss(scene) {
  const { data, colours } = scene;
  const common = { type: "scatter", mode: "lines+markers", marker: { size: 4 }, x: Array.from(data.times) };
  const curves = [{
    ...common,
    name: "loss",
    y: Array.from(data.loss),
    line: { color: colours.ink },
    hovertemplate: "%{x}: %{y:.6g}",
  }];
  const made = layout(scene, { title: { text: timeTitle(data) } }, {
    title: { text: "loss" },
    ...logarithmic(data.loss),
    domain: data.distance ? [0.54, 1] : [0, 1],
  });
  made.xaxis.anchor = data.distance ? "y2" : "y";
  if (data.distance) {
    curves.push(
      /** @type {any} */ ({
        ...common,
        name: "distance to the shortest network",
        yaxis: "y2",
        y: Array.from(data.distance),
        line: { color: colours.shortest, dash: "dot" },
        hovertemplate: "%{x}: %{y:.6g}",
      }),
    );
    made.yaxis2 = {
      ...made.yaxis,
      title: { text: "distance" },
      type: "linear",
      dtick: null,
      domain: [0, 0.46],
      rangemode: "tozero",
    };
  }
  return { data: curves, layout: made };
}

/** @type {(scene: Scene) => Figure} */
function gap(scene) {
  const { data, colours } = scene;
  const { gap: measured, law_curve: curve, limit, shortest, state } = data.answer;
  const parts = [];
  const examples = data.order.map((sample) => `${sample}`);
  const predictions = { type: "scatter", mode: "markers", x: examples, xaxis: "x2", yaxis: "y2" };
  const of = (/** @type {Float64Array} */ values) => data.order.map((sample) => values[sample]);
  if (curve) {
    parts.push({
      type: "scatter",
      mode: "lines",
      name: "law",
      x: Array.from(curve.d.data ?? curve.d),
      y: Array.from(curve.law.data ?? curve.law),
      line: { color: colours.ink, dash: "dash" },
    });
    if (measured?.distance > 0) {
      parts.push({
        type: "scatter",
        mode: "markers",
        name: `gap, ${number(measured.ratio, 4)} × law`,
        x: [state.d],
        y: [measured.distance],
        marker: { color: colours.accent, size: 12 },
      });
    }
  }
  parts.push({
    ...predictions,
    name: "label",
    y: of(data.labels),
    marker: { symbol: "line-ew-open", size: 14, color: colours.soft, line: { width: 3 } },
  });
  if (limit) {
    parts.push({
      ...predictions,
      name: "limit",
      y: of(limit.predictions.data),
      marker: { size: 8, color: colours.accent },
    });
  }
  if (shortest?.predictions) {
    parts.push({
      ...predictions,
      name: "shortest network",
      y: of(shortest.predictions.data),
      marker: { symbol: "diamond-open", size: 11, color: colours.shortest },
    });
  }
  const made = layout(scene, { title: { text: "features d" }, type: "log", dtick: 2, domain: [0, 0.42] }, {
    title: { text: "gap" },
    ...logarithmic(curve?.law.data ?? curve?.law ?? []),
  });
  made.xaxis2 = {
    ...made.xaxis,
    title: { text: "example, by label" },
    type: "category",
    dtick: null,
    domain: [0.54, 1],
    anchor: "y2",
  };
  made.yaxis2 = { ...made.yaxis, title: { text: "prediction" }, type: "linear", dtick: null, anchor: "x2" };
  return { data: parts, layout: made };
}

/** A plotly figure of each view. @type {Record<string, (scene: Scene) => Figure>} */
export const figures = { primal, plane, map, loss, gap };
