/** Numbers as people write them: true minus signs, powers of ten as superscripts. */

/** @type {Record<string, string>} */
const SUPERSCRIPTS = {
  "-": "⁻",
  0: "⁰",
  1: "¹",
  2: "²",
  3: "³",
  4: "⁴",
  5: "⁵",
  6: "⁶",
  7: "⁷",
  8: "⁸",
  9: "⁹",
};
const PLAIN = Object.fromEntries(Object.entries(SUPERSCRIPTS).map(([plain, raised]) => [raised, plain]));

/**
 * An integer, raised.
 * @param {number} exponent
 * @returns {string}
 */
export function raised(exponent) {
  return [...String(exponent)].map((character) => SUPERSCRIPTS[character]).join("");
}

/**
 * A power of ten: "10¹²".
 * @param {number} exponent an integer
 * @returns {string}
 */
export function power(exponent) {
  if (exponent === 0) return "1";
  return exponent === 1 ? "10" : `10${raised(exponent)}`;
}

/**
 * A number with so many significant digits: "0.312", "−4", "2.5×10⁻⁷", "10¹²".
 * @param {number | null | undefined} value
 * @param {number} [digits]
 * @returns {string} "–" for what is not a number
 */
export function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const order = Number(exponent);
  if (order >= -3 && order < 5) return minus(String(Number(value.toPrecision(digits))));
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return minus(String(value));
  const factor = String(Number(mantissa));
  if (factor === "1") return power(order);
  return minus(factor === "-1" ? `-${power(order)}` : `${factor}×10${raised(order)}`);
}

/** A number's text with a true minus sign. @type {(text: string) => string} */
function minus(text) {
  return text.replaceAll("-", "−");
}

/**
 * Text in which numbers read well: "1e+06" as "10⁶", "-3" as "−3".
 * @param {string} text
 * @returns {string}
 */
export function prettyText(text) {
  return text
    .replace(/(?<![\w.])(-?\d+(?:\.\d+)?)e([+-]?\d+)/g, (_, mantissa, exponent) => {
      const [factor, order] = [mantissa === "1" ? "" : `${mantissa}×`, Number(exponent)];
      return `${factor}${power(order)}`;
    })
    .replace(/(?<![\w.])-(?=[\d.])/g, "−");
}

/**
 * What a number field may hold, for the eye and for typing: "1e-7", "2000", "10^12".
 * @param {number} value
 * @returns {string}
 */
export function typed(value) {
  if (!Number.isFinite(value)) return "";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e7)) {
    return value.toExponential().replace("e+", "e");
  }
  return String(value);
}

/**
 * The number in a text that a person typed: "1e12", "10^12", "2·10^6", "10¹²", "−0.5", "10 000".
 * @param {string} text
 * @returns {number} NaN if it is no number
 */
export function parse(text) {
  let plain = text.replace(/[\s\u00a0\u202f_]/g, "").replace(/[−–]/g, "-").replace(/[×·*]/g, "*");
  plain = plain.replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (digits) => `^${[...digits].map((one) => PLAIN[one]).join("")}`);
  const match = /^(?:([+-]?(?:\d+\.?\d*|\.\d+))\*)?10\^([+-]?\d+)$/.exec(plain);
  if (match) return Number(`${match[1] ?? "1"}e${match[2]}`);
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain) ? Number(plain) : NaN;
}
