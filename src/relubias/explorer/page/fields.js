/**
 * The settings: what each is called, which values it takes, and when it matters.
 *
 * @typedef {Record<string, number | string | null>} State
 *
 * @typedef {object} Field
 * @property {string} key name in the state, in the URL and in `control-<key>`
 * @property {string} group heading under which it stands
 * @property {string} label
 * @property {string} [symbol] the letter of the paper
 * @property {"integer" | "number" | "choice" | "signs" | "hidden"} kind
 * @property {number | string | null} value the default
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [optional] may be empty
 * @property {string} [empty] what an empty field means
 * @property {string} [hint] one sentence
 * @property {[string, string][]} [options] values and words of a choice
 * @property {{min: number, max: number, step: number, log?: boolean}} [slider] in log10 if `log`
 * @property {(state: State) => boolean} [when] whether the field matters
 */

const random = (/** @type {State} */ state) => !state.data;

/** @type {Field[]} */
export const FIELDS = [
  {
    key: "n",
    group: "Data",
    label: "Examples",
    symbol: "n",
    kind: "integer",
    value: 10,
    min: 1,
    max: 200,
    slider: { min: 1, max: 50, step: 1 },
    when: random,
  },
  {
    key: "d",
    group: "Data",
    label: "Features",
    symbol: "d",
    kind: "integer",
    value: 10000,
    min: 1,
    max: 1e12,
    slider: { min: 0, max: 12, step: 0.05, log: true },
    when: random,
  },
  {
    key: "law",
    group: "Data",
    label: "Law",
    kind: "choice",
    value: "gaussian",
    when: random,
    options: [
      ["gaussian", "Gaussian"],
      ["rademacher", "Rademacher (±1)"],
      ["uniform", "uniform"],
      ["sphere", "on the sphere"],
      ["orthogonal", "orthogonal"],
    ],
  },
  {
    key: "spectrum",
    group: "Data",
    label: "Spectrum",
    kind: "choice",
    value: "isotropic",
    when: random,
    options: [["isotropic", "isotropic"], ["spiked", "one spike"], ["power_law", "power law"]],
  },
  {
    key: "spike",
    group: "Data",
    label: "Size of the spike",
    kind: "number",
    value: 100,
    min: 1e-6,
    max: 1e12,
    slider: { min: 0, max: 6, step: 0.05, log: true },
    when: (state) => random(state) && state.spectrum === "spiked",
  },
  {
    key: "exponent",
    group: "Data",
    label: "Exponent of the power law",
    kind: "number",
    value: 0.5,
    min: 0,
    max: 10,
    slider: { min: 0, max: 2, step: 0.05 },
    when: (state) => random(state) && state.spectrum === "power_law",
  },
  {
    key: "labels",
    group: "Labels",
    label: "Law",
    kind: "choice",
    value: "uniform",
    when: random,
    options: [["uniform", "|y| uniform"], ["gaussian", "Gaussian"], ["planted", "planted network"]],
  },
  {
    key: "low",
    group: "Labels",
    label: "Smallest |y|",
    kind: "number",
    value: 0.5,
    min: 1e-6,
    max: 1e6,
    slider: { min: 0.05, max: 1, step: 0.05 },
    when: (state) => random(state) && state.labels === "uniform",
  },
  {
    key: "high",
    group: "Labels",
    label: "Largest |y|",
    kind: "number",
    value: 1,
    min: 1e-6,
    max: 1e6,
    slider: { min: 0.05, max: 2, step: 0.05 },
    when: (state) => random(state) && state.labels === "uniform",
  },
  {
    key: "negative",
    group: "Labels",
    label: "Negative share",
    kind: "number",
    value: null,
    min: 0,
    max: 1,
    optional: true,
    empty: "by chance",
    slider: { min: 0, max: 1, step: 0.05 },
    when: (state) => random(state) && state.labels === "uniform",
  },
  {
    key: "signs",
    group: "Network",
    label: "Neurons, by sign",
    symbol: "s",
    kind: "signs",
    value: "+",
  },
  {
    key: "start",
    group: "Network",
    label: "Start",
    kind: "choice",
    value: "all_positive",
    options: [["all_positive", "all positive"], ["gaussian", "Gaussian"], ["disjoint", "disjoint"]],
  },
  {
    key: "scale",
    group: "Network",
    label: "Scale of the start",
    symbol: "ε",
    kind: "number",
    value: 0.01,
    min: 1e-12,
    max: 1e6,
    slider: { min: -12, max: 1, step: 0.1, log: true },
    hint: "The size of the first predictions.",
  },
  {
    key: "method",
    group: "Run",
    label: "Method",
    kind: "choice",
    value: "descent",
    options: [["descent", "gradient descent"], ["flow", "gradient flow"]],
  },
  {
    key: "kappa",
    group: "Run",
    label: "Step size",
    symbol: "κ = ηL",
    kind: "number",
    value: 0.9,
    min: 1e-9,
    max: 10,
    slider: { min: -3, max: 0.4, step: 0.01, log: true },
    when: (state) => state.method === "descent",
  },
  {
    key: "seed",
    group: "Run",
    label: "Seed",
    kind: "integer",
    value: 0,
    min: 0,
    max: 2 ** 53 - 1,
    slider: { min: 0, max: 100, step: 1 },
  },
  { key: "data", group: "Data", label: "Own data", kind: "hidden", value: null },
];

/** @type {Map<string, Field>} */
export const BY_KEY = new Map(FIELDS.map((field) => [field.key, field]));

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze(Object.fromEntries(FIELDS.map(({ key, value }) => [key, value])));

/**
 * What is wrong with a value, in a sentence; the empty text if nothing is.
 * @param {Field} field
 * @param {number | string | null} value
 * @returns {string}
 */
export function fault(field, value) {
  if (value === null && (field.optional || field.kind === "hidden")) return "";
  if (field.kind === "hidden") return typeof value === "string" ? "" : "Not a name of data.";
  if (field.kind === "choice") {
    return field.options?.some(([name]) => name === value)
      ? ""
      : `Not one of ${field.options?.map(([name]) => name).join(", ")}.`;
  }
  if (field.kind === "signs") return /^[+-]{1,8}$/.test(String(value)) ? "" : "One to eight signs, + or −.";
  if (typeof value !== "number" || Number.isNaN(value)) return "Not a number.";
  if (field.kind === "integer" && !Number.isInteger(value)) return "A whole number, please.";
  if (value < (field.min ?? -Infinity)) return `At least ${field.min}.`;
  if (value > (field.max ?? Infinity)) {
    return `At most ${
      field.max && field.max >= 1e7 ? field.max.toExponential().replace("e+", "e") : field.max
    }.`;
  }
  return "";
}
