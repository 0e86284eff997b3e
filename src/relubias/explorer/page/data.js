/** An answer of the server, ready to be drawn: shapes, orders and readings that every view needs. */

import { number } from "./format.js";

/** The names of theory's regions, by number. */
export const REGIONS = ["active, agreeing", "active, disagreeing", "frozen", "inactive, small dual"];

export class Data {
  /** @param {import("./api.js").Answer} answer */
  constructor(answer) {
    this.answer = answer;
    const [frames, neurons, samples] = /** @type {number[]} */ (answer.primal.shape);
    this.frames = frames;
    this.neurons = neurons;
    this.samples = samples;
    this.times = /** @type {Float64Array} */ (answer.times.data);
    this.primal = /** @type {Float64Array} */ (answer.primal.data);
    this.dual = /** @type {Float64Array} */ (answer.dual.data);
    this.regions = /** @type {Int8Array} */ (answer.region.data);
    this.modes = /** @type {Int8Array | null} */ (answer.mode?.data ?? null);
    this.labels = /** @type {Float64Array} */ (answer.labels.data);
    this.signs = Array.from(answer.signs?.data ?? answer.signs, Number);
    this.loss = /** @type {Float64Array} */ (answer.loss.data);
    this.distance = /** @type {Float64Array | null} */ (answer.distance?.data ?? null);
    this.isFlow = answer.state.method === "flow";
    /** Examples from the largest label to the smallest: the order of rows and columns. */
    this.order = Array.from(this.labels.keys()).sort((a, b) => this.labels[b] - this.labels[a] || a - b);
    this.place = invert(this.order);
    /** What the label of every example is that is not positive. */
    this.restName = this.labels.includes(0) ? "y ≤ 0" : "y < 0";
    this.largestLabel = this.labels.reduce((most, label) => Math.max(most, Math.abs(label)), 0) || 1;
  }

  /**
   * Where a value stands in primal, dual, region and mode.
   * @param {number} frame
   * @param {number} neuron
   * @param {number} sample
   */
  index(frame, neuron, sample) {
    return (frame * this.neurons + neuron) * this.samples + sample;
  }

  /**
   * Whether the label has the neuron's sign.
   * @param {number} neuron
   * @param {number} sample
   */
  agrees(neuron, sample) {
    return this.signs[neuron] * this.labels[sample] > 0;
  }

  /**
   * Whether a pair slides at a frame (flow only).
   * @type {(frame: number, neuron: number, sample: number) => boolean}
   */
  slides(frame, neuron, sample) {
    return this.modes !== null && this.modes[this.index(frame, neuron, sample)] === 0;
  }

  /**
   * What the network says at a frame.
   * @param {number} frame
   * @param {number} sample
   */
  prediction(frame, sample) {
    let sum = 0;
    for (let k = 0; k < this.neurons; k += 1) {
      sum += this.signs[k] * Math.max(0, this.primal[this.index(frame, k, sample)]);
    }
    return sum;
  }

  /**
   * The dual below which an inactive example counts as frozen, in units of L·β; null if unknown.
   * @param {number} frame
   * @returns {number | null}
   */
  threshold(frame) {
    const { threshold } = this.answer;
    const value = threshold?.data ? threshold.data[frame] : threshold;
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  }

  /**
   * Left of minus this an inactive example stays so whatever the others do (Lemma 6's own bound).
   * @param {number} frame
   * @param {number} neuron
   * @returns {number | null}
   */
  guarantee(frame, neuron) {
    return this.answer.guarantee?.data[frame * this.neurons + neuron] ?? null;
  }

  /**
   * The last frame not after a time.
   * @param {number} time
   */
  frameAt(time) {
    let [low, high] = [0, this.frames - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * A value of a pair between frames, for marks at switches.
   * @param {number} time
   * @param {number} neuron
   * @param {number} sample
   */
  primalAt(time, neuron, sample) {
    const before = this.frameAt(time);
    const after = Math.min(before + 1, this.frames - 1);
    const [a, b] = [before, after].map((frame) => this.primal[this.index(frame, neuron, sample)]);
    const span = this.times[after] - this.times[before];
    return span > 0 ? a + ((b - a) * (time - this.times[before])) / span : a;
  }

  /** The region of a pair in words. @type {(frame: number, neuron: number, sample: number) => string} */
  words(frame, neuron, sample) {
    if (this.slides(frame, neuron, sample)) return "sliding along zero";
    return REGIONS[this.regions[this.index(frame, neuron, sample)]] ?? "";
  }

  /** A frame's time in words. @type {(frame: number) => string} */
  timeWords(frame) {
    return this.isFlow ? `L t = ${number(this.times[frame])}` : `step ${number(this.times[frame], 6)}`;
  }

  /** A neuron's name: "neuron 0 (+)". @type {(neuron: number) => string} */
  neuronName(neuron) {
    return `neuron ${neuron} (${this.signs[neuron] > 0 ? "+" : "−"})`;
  }
}

/**
 * The inverse of a permutation.
 * @param {number[]} order
 * @returns {number[]}
 */
function invert(order) {
  const place = new Array(order.length);
  order.forEach((item, position) => {
    place[item] = position;
  });
  return place;
}
