/**
 * A view, large, drawn by plotly: drag to zoom, hover for exact values.
 *
 * plotly.js takes seconds to load and a tenth of a second to redraw four plots, too slow for views
 * that follow a slider; so it is fetched (from this server) when a view is first enlarged.
 */

import { figures } from "./figures.js";

/** @typedef {import("./app.js").App} App */

/** No button of plotly may send anything to another machine. */
const CONFIG = {
  displaylogo: false,
  responsive: true,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d"],
};

/** @type {Promise<any> | null} */
let loading = null;

/** Fetch plotly once. @returns {Promise<any>} */
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const release = keepPolicy();
    const script = document.createElement("script");
    script.src = "/static/plotly.min.js";
    script.onload = () => {
      release();
      resolve(/** @type {any} */ (window).Plotly);
    };
    script.onerror = () => {
      loading = null;
      reject(new Error("plotly.js did not load."));
    };
    document.head.append(script);
  });
  return loading;
}

/**
 * Let plotly work under a policy without inline styles. What it writes into the attribute `style`
 * goes to the element's declaration, which scripts of this page may change; the style sheet of the
 * maps in it, which are not used here, is left out.
 * @returns {() => void} to call when plotly is there
 */
function keepPolicy() {
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function setAttribute(
    /** @type {string} */ name,
    /** @type {string} */ value,
  ) {
    if (name === "style") /** @type {HTMLElement} */ (this).style.cssText = value;
    else set.call(this, name, value);
  };
  const { head } = document;
  head.appendChild = (node) => {
    const isSheet = node instanceof HTMLStyleElement && node.textContent !== "";
    if (!isSheet) Node.prototype.appendChild.call(head, node);
    return node;
  };
  return () => Reflect.deleteProperty(head, "appendChild");
}

/** @param {App} app */
export function initEnlarge(app) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("enlarge-dialog"));
  const title = /** @type {HTMLElement} */ (document.getElementById("enlarge-title"));
  const place = /** @type {HTMLElement} */ (document.getElementById("enlarge-plot"));
  const hint = /** @type {HTMLElement} */ (document.getElementById("enlarge-hint"));

  const draw = async () => {
    const { view } = app.getView();
    if (view === null || !(view in app.views)) {
      if (dialog.open) dialog.close();
      return;
    }
    const scene = app.scene();
    if (!scene) return;
    title.textContent = app.views[view].title;
    if (!dialog.open) dialog.showModal();
    try {
      const library = await plotly();
      const { data, layout } = figures[view](scene);
      await library.react(place, data, layout, CONFIG);
    } catch (error) {
      hint.textContent = error instanceof Error ? error.message : String(error);
    }
  };

  for (const view of Object.values(app.views)) {
    document.getElementById(`enlarge-${view.name}`)?.addEventListener(
      "click",
      () => app.setView({ view: view.name }),
    );
  }
  document.getElementById("enlarge-close")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    const { view } = app.getView();
    app.setView({ view: null });
    if (view !== null) document.getElementById(`enlarge-${view}`)?.focus();
  });
  app.onView((_look, moved) => {
    if (moved.has("view") || dialog.open) void draw();
  });
  app.onAnswer(() => void draw());
}
