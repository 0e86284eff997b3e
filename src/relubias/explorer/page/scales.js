/** From numbers to pixels and back, with ticks that read well. */

import { number, power } from "./format.js";

/**
 * @typedef {{value: number, label: string}} Tick
 *
 * @typedef {object} Scale
 * @property {(value: number) => number} at pixel of a value
 * @property {(pixel: number) => number} value value of a pixel
 * @property {[number, number]} domain
 * @property {[number, number]} range
 * @property {(room?: number) => Tick[]} ticks about one for every `room` pixels
 */

/** How many times the usual size is far. */
const FAR = 30;

/**
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @param {(value: number) => number} forward
 * @param {(image: number) => number} backward
 * @param {(room: number) => Tick[]} ticks
 * @returns {Scale}
 */
function scale(domain, range, forward, backward, ticks) {
  const [from, to] = domain.map(forward);
  const slope = (range[1] - range[0]) / (to - from || 1);
  return {
    domain,
    range,
    at: (value) => range[0] + (forward(value) - from) * slope,
    value: (pixel) => backward(from + (pixel - range[0]) / slope),
    ticks: (room = 60) => ticks(room),
  };
}

/**
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @returns {Scale}
 */
export function linear(domain, range) {
  return scale(domain, range, (v) => v, (v) => v, (room) => roundNumbers(domain, count(range, room)));
}

/**
 * @param {[number, number]} domain positive
 * @param {[number, number]} range
 * @returns {Scale}
 */
export function logarithmic(domain, range) {
  return scale(domain, range, Math.log10, (v) => 10 ** v, (room) => powers(domain, count(range, room)));
}

/**
 * Time: even near zero, by powers of ten later; `unit` is about where it changes.
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @param {number} unit
 * @returns {Scale}
 */
export function bent(domain, range, unit) {
  const forward = (/** @type {number} */ v) => Math.asinh(v / unit);
  return scale(
    domain,
    range,
    forward,
    (v) => unit * Math.sinh(v),
    (room) => bentTicks(domain, unit, range, room),
  );
}

/**
 * Values around zero: evenly, but by powers of ten if some are far beyond what is usual.
 * @param {Float64Array} values
 * @param {[number, number]} range
 * @param {number} usual
 * @returns {Scale}
 */
export function around(values, range, usual) {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (Math.max(high, -low) > FAR * usual) {
    return bent([2 * low, 2 * high], range, 10 ** Math.round(Math.log10(usual)));
  }
  const room = 0.08 * (high - low || 1);
  return linear([low - room, high + room], range);
}

/** @type {(range: [number, number], room: number) => number} */
function count(range, room) {
  return Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / room));
}

/**
 * Multiples of 1, 2 or 5 times a power of ten.
 * @param {[number, number]} domain
 * @param {number} most
 * @returns {Tick[]}
 */
function roundNumbers([low, high], most) {
  const span = high - low;
  if (!(span > 0)) return [{ value: low, label: number(low) }];
  const rough = span / (1.3 * most);
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = base * ([1, 2, 5].find((factor) => factor * base >= rough) ?? 10);
  const digits = Math.max(3, 1 + Math.ceil(Math.log10(Math.max(high, -low) / base)));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) {
    const value = i === 0 ? 0 : Number((i * step).toPrecision(12));
    ticks.push({ value, label: number(value, Math.min(digits, 12)) });
  }
  return ticks;
}

/**
 * Powers of ten, every second or third if they are many, with halves between if they are few.
 * @param {[number, number]} domain
 * @param {number} most
 * @returns {Tick[]}
 */
function powers([low, high], most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (last - first < 1) return roundNumbers([low, high], Math.min(most, 4)).filter(({ value }) => value > 0);
  const step = roundStep((last - first + 1) / most);
  const ticks = [];
  for (let exponent = Math.ceil(first / step) * step; exponent <= last; exponent += step) {
    ticks.push({ value: 10 ** exponent, label: power(exponent) });
  }
  return ticks;
}

/** The next round number of exponents: 1, 2, 3, 5, 10, ... @type {(least: number) => number} */
function roundStep(least) {
  return [1, 2, 3, 5, 10, 20, 25, 50].find((step) => step >= least) ?? 100;
}

/**
 * Zero and the powers of ten from the unit on, with 2 and 5 times them where there is room; round
 * numbers where the range is short.
 * @param {[number, number]} domain
 * @param {number} unit
 * @param {[number, number]} range
 * @param {number} room
 * @returns {Tick[]}
 */
function bentTicks([low, high], unit, range, room) {
  const most = count(range, room);
  if (high <= 6 * unit) return roundNumbers([low, high], Math.min(most, 6));
  const [first, last] = [Math.round(Math.log10(unit)), Math.floor(Math.log10(high) + 1e-9)];
  const sides = low < 0 ? 2 : 1;
  const step = roundStep(((last - first + 1) * sides) / Math.max(1, most - 1));
  const between = (last - first + 1) * 3 <= most ? [1, 2, 5] : [1];
  const ticks = [{ value: 0, label: "0" }];
  for (let exponent = Math.ceil(first / step) * step; exponent <= last; exponent += step) {
    for (const factor of between) {
      const value = Number(`${factor}e${exponent}`);
      if (value > Math.max(high, -low)) continue;
      const label = exponent >= 0 && exponent < 5 ? String(value) : number(value, 1);
      ticks.push({ value, label });
      if (low < 0) ticks.push({ value: -value, label: `−${label}` });
    }
  }
  return ticks.sort((a, b) => a.value - b.value);
}
