/** The help: how to read the marks; the keys are listed by keys.js. */

import { make } from "./controls.js";

const MARKS = [
  ["Line, solid or dashed", "the value of one example at one neuron: its label is positive or negative"],
  ["△ ▽ □ on a line", "there the example is switched on, off, or begins to slide along zero"],
  [
    "● and ▽ in the plane",
    "an example whose label has the neuron's sign, or has not; behind it its path so far",
  ],
  ["Upper half, tinted", "active; an agreeing example stays active (Lemma 5)"],
  ["Lower left, hatched", "frozen: inactive, and its dual is so negative that it stays so (Lemma 6)"],
  [
    "The tick marked Lemma 6",
    "left of it, now, nothing can wake an inactive example; it moves with the duals",
  ],
  [
    "Activity: full, slanted, dotted, thin line, empty",
    "active and agreeing, active and disagreeing, sliding, frozen, inactive with a small dual",
  ],
  ["━ ● ◇ ○ among the predictions", "label, limit, shortest network, this frame"],
];

/** Wires the help's button and dialog. */
export function initHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("help"));
  document.getElementById("marks")?.append(
    ...MARKS.map(([mark, words]) => make("li", {}, make("b", {}, mark), `: ${words}.`)),
  );
  document.getElementById("help-button")?.addEventListener("click", () => dialog.showModal());
  document.getElementById("help-close")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
