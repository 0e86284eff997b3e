// Settings of the paper's figures and of the measurements beyond it, and what to look at in each.

import { send } from "./upload.js";

/**
 * @typedef {object} Preset
 * @property {string} key as in `relubias reproduce --only`
 * @property {string} title
 * @property {string} caption what to look at, one sentence
 * @property {Record<string, number | string | null>} state what differs from `COMMON`
 * @property {string} [csv] data of its own: features, then the label
 */

/** What the experiments share: isotropic Gaussian features, one neuron, a small positive start. */
const COMMON = {
  n: 10,
  d: 2000,
  law: "gaussian",
  spectrum: "isotropic",
  signs: "+",
  labels: "uniform",
  low: 0.5,
  high: 1,
  negative: 0.5,
  start: "all_positive",
  scale: 0.005,
  kappa: 0.9,
  seed: 0,
  method: "descent",
  data: null,
};
const PAIR = { signs: "+-", low: 0.1, negative: null };
const WEIGHT = Math.sqrt(2e-6); // standard deviation of the paper's random weights
const predictions = (/** @type {number} */ d, weight = WEIGHT) =>
  Number((weight * Math.sqrt(d)).toPrecision(6));

const VARDI_SHAMIR = "x1,x2,x3,y\n3,-1,0,16\n4,2,0,18\n0,2,2,0\n";
const BOURSIER = `${
  [
    "x1,x2,x3,x4,x5,y",
    "1,0,0,0,0,1",
    "0,1.3,0,0,0,0.6",
    "0,0,0.8,0,0,0.8",
    "0,0,0,1.1,0,-0.7",
    "0,0,0,0,0.9,-0.9",
  ].join("\n")
}\n`;

/** @type {Preset[]} */
const PAPER = [
  {
    key: "fig1",
    title: "Figure 1: where one step moves an example",
    caption:
      "In the plane, examples of a neuron's sign stay above the line; the others drop below it in one step and stay there.",
    state: { ...PAIR, low: 0.5, scale: 0.05, kappa: 0.5, seed: 3 },
  },
  {
    key: "fig2",
    title: "Figure 2: the gap falls like 1/√d",
    caption: "The gap lies on the law's line; move d, and it slides along.",
    state: { n: 20, d: 200_000 },
  },
  {
    key: "fig2-pair",
    title: "Figure 2, two neurons",
    caption:
      "Two neurons of opposite signs: each has a gap of its own, and their sum of squares follows the law.",
    state: { n: 20, d: 100_000, signs: "+-", negative: 0.4 },
  },
  {
    key: "fig3",
    title: "Figure 3: the limit depends on the start",
    caption:
      "At moderate dimension some positive examples stay inactive for good; move the seed to see other subsets.",
    state: { d: 50, labels: "gaussian", start: "gaussian", scale: predictions(50), kappa: 0.005 },
  },
  {
    key: "fig4",
    title: "Figure 4: settled after one step",
    caption: "After one step the map does not change any more, and the loss goes to zero.",
    state: { ...PAIR, scale: 0.001, kappa: 0.5, seed: 3 },
  },
  {
    key: "fig5",
    title: "Figure 5: random start, no global minimum",
    caption:
      "From random weights some examples are inactive on the neuron of their sign and stay so: the loss stays above zero.",
    state: { ...PAIR, start: "gaussian", scale: predictions(2000), kappa: 0.5, seed: 3 },
  },
  {
    key: "fig6",
    title: "Figure 6: moderate dimension, positive start",
    caption: "With d = 15 the map keeps changing long after the first step.",
    state: { ...PAIR, d: 15, scale: 0.001, kappa: 0.3, seed: 5 },
  },
  {
    key: "fig7",
    title: "Figure 7: moderate dimension, random start",
    caption: "The same from random weights: examples come and go, and the loss does not reach zero.",
    state: { ...PAIR, d: 15, start: "gaussian", scale: predictions(15), kappa: 0.3, seed: 5 },
  },
  {
    key: "fig8",
    title: "Figure 8(c): positive examples that start inactive",
    caption: "Positive examples that start below zero stay there (Remark 1).",
    state: {
      low: 0.1,
      negative: null,
      start: "gaussian",
      scale: predictions(2000, Math.sqrt(2e-5)),
      kappa: 0.5,
      seed: 2,
    },
  },
  {
    key: "table1",
    title: "Table 1: this paper's row, two neurons",
    caption: "High dimension and a positive start: zero loss, and a gap of the size of the law.",
    state: { d: 200_000, signs: "+-" },
  },
];

/** @type {Preset[]} */
const BEYOND = [
  {
    key: "stepsize",
    title: "Smaller steps, smaller gap",
    caption:
      "After small steps examples come back, long after the first one, and the gap ends below the law; raise d, and it comes up to it.",
    state: { n: 20, kappa: 0.01, scale: 5e-7 },
  },
  {
    key: "stepsize-orthogonal",
    title: "Orthogonal examples",
    caption: "On orthogonal examples the gap is the law, exactly, whatever the step.",
    state: { n: 20, d: 200_000, law: "orthogonal", kappa: 0.1, scale: 5e-7 },
  },
  {
    key: "initialisation",
    title: "A start that hides the gap",
    caption:
      "At κ = 0.5 a start about as large as the labels takes most of the gap away; move its scale both ways.",
    state: { n: 20, d: 200_000, low: 0.9, kappa: 0.5, scale: 0.9 },
  },
  {
    key: "freezing",
    title: "How large must d be?",
    caption: "At d = 4n about half of the draws settle in one step; move the seed, or d.",
    state: { n: 20, d: 80, low: 1, scale: 0.01 },
  },
  {
    key: "reach",
    title: "How far the theory reaches",
    caption:
      "With 80 examples about half of the draws settle in one step at d = 560; the theorem's explicit constants ask for eight million.",
    state: { n: 80, d: 560, low: 1, scale: 0.01 },
  },
  {
    key: "limit",
    title: "What the limit is",
    caption:
      "The limit is the linear interpolator of the labels with the negative ones shrunk by κ: their values end at κ times the label.",
    state: { n: 20, d: 1_000_000, kappa: 0.5, scale: 5e-7 },
  },
  {
    key: "flow_gap",
    title: "Gradient flow from a tiny start",
    caption: "Flow takes no steps, and in most draws hardly anything is left of the gap.",
    state: { d: 200, scale: 1e-12, method: "flow" },
  },
  {
    key: "flow_limit",
    title: "Flow and descent from random weights",
    caption: "Switch between flow and descent: small steps end where the flow ends, large ones may not.",
    state: {
      d: 50,
      signs: "+-",
      labels: "gaussian",
      negative: null,
      start: "gaussian",
      scale: 0.3,
      method: "flow",
      seed: 3,
    },
  },
  {
    key: "vardi_shamir",
    title: "Vardi and Shamir's example",
    caption:
      "The third example is active at first and is pushed out; what that push leaves behind stays, so that the limit is not the shortest solution.",
    state: { scale: 1e-9, method: "flow" },
    csv: VARDI_SHAMIR,
  },
  {
    key: "theorem6",
    title: "Theorem 6: four neurons, disjoint start",
    caption:
      "Each neuron ends active on its own examples alone, and farther from the proved optimum than that is from zero.",
    state: { d: 1_000_000, signs: "++--", start: "disjoint", scale: 0.00625 },
  },
  {
    key: "parked",
    title: "Theorem 5: parked examples",
    caption:
      "Five neurons, each example owned by one of them: after one step only its owner is active on it, for good.",
    state: { d: 100_000, signs: "+++--", start: "disjoint" },
  },
  {
    key: "boursier",
    title: "Boursier et al.: the first layer alone",
    caption:
      "Five orthogonal examples of different norms and two neurons from a tiny start: the gap is proportional to κ.",
    state: { signs: "+-", scale: 1e-9, kappa: 0.1 },
    csv: BOURSIER,
  },
  {
    key: "tightness",
    title: "Far below the constants of Lemmas 9 and 10",
    caption:
      "One step settles everything, though the explicit constants of Lemmas 9 and 10 ask for a far larger d.",
    state: { n: 20, d: 1000, signs: "+-" },
  },
];

export const PRESETS = [...PAPER, ...BEYOND];

/** @param {Preset} preset */
export function stateOf(preset) {
  return { ...COMMON, ...preset.state };
}

/**
 * Fill the list, apply what is chosen, and say what to look at as long as it is shown.
 * @param {any} app
 */
export function initPresets(app) {
  const select = /** @type {HTMLSelectElement} */ (document.getElementById("preset"));
  const caption = /** @type {HTMLElement} */ (document.getElementById("preset-caption"));
  /** @type {Map<string, string>} which upload is which preset's data */
  const uploads = new Map();
  select.replaceChildren(
    new Option("own settings", ""),
    group("The paper", PAPER),
    group("Beyond the paper", BEYOND),
  );
  select.addEventListener("change", () => apply(PRESETS.find(({ key }) => key === select.value)));
  app.onState(show);
  show(app.getState());

  async function apply(/** @type {Preset | undefined} */ preset) {
    if (!preset) return show(app.getState());
    let data = null;
    if (preset.csv) {
      try {
        const file = new File([preset.csv], `${preset.key}.csv`);
        data = (await send(app, file)).id;
      } catch (error) {
        app.notify(/** @type {Error} */ (error).message, "error");
        return show(app.getState());
      }
      uploads.set(data, preset.key);
      if (select.value !== preset.key) return; // another was chosen meanwhile
    }
    app.setState({ ...stateOf(preset), data }, { replace: true });
  }

  /** The preset is told from the state, so that links and the Back button need not name it. */
  function show(/** @type {any} */ state) {
    const shown = PRESETS.find((preset) => isShown(preset, state, uploads.get(state.data)));
    select.value = shown?.key ?? "";
    caption.textContent = shown?.caption ?? "";
  }
}

/**
 * @param {Preset} preset
 * @param {Record<string, any>} state
 * @param {string | undefined} uploaded
 */
function isShown(preset, state, uploaded) {
  if (preset.csv ? uploaded !== preset.key : state.data) return false;
  const wanted = preset.csv ? preset.state : stateOf(preset);
  return Object.entries(wanted).every(([key, value]) => key === "data" || state[key] === value);
}

/**
 * @param {string} label
 * @param {Preset[]} presets
 */
function group(label, presets) {
  const element = document.createElement("optgroup");
  element.label = label;
  element.append(...presets.map(({ key, title }) => new Option(title, key)));
  return element;
}
