/**
 * One view: two canvases in a `.plot`, what is drawn once per answer and what moves with the frame.
 *
 * A view is drawn in CSS pixels on canvases of the screen's resolution. A subclass says how:
 * `layout` places panels and scales, `drawStill` draws the answer, `drawMoving` the frame and the
 * highlighted pair, `find` names the pair under the pointer, `describe` says the view in words.
 */

/**
 * What is at a point: a pair, the frame there, and what the tip says if not the pair's values.
 * @typedef {{neuron: number | null, sample: number | null, frame?: number, words?: string[]}} Pair
 *
 * @typedef {object} Scene what a view draws from
 * @property {import("./data.js").Data} data the answer, prepared
 * @property {import("./theme.js").Colours} colours
 * @property {number} frame
 * @property {number | null} neuron
 * @property {number | null} sample
 */

export class View {
  /**
   * @param {string} name
   * @param {import("./app.js").App} app
   */
  constructor(name, app) {
    this.name = name;
    this.app = app;
    this.element = /** @type {HTMLElement} */ (document.getElementById(`view-${name}`));
    this.title = /** @type {HTMLElement} */ (this.element.querySelector("h2")).textContent ?? name;
    this.plot = /** @type {HTMLElement} */ (this.element.querySelector(".plot"));
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "application");
    this.plot.setAttribute("aria-roledescription", "view");
    this.still = document.createElement("canvas");
    this.moving = document.createElement("canvas");
    this.plot.append(this.still, this.moving);
    this.width = 0;
    this.height = 0;
    /** @type {any} */
    this.places = null;
    new ResizeObserver(() => this.#resize()).observe(this.plot);
    this.#listen();
  }

  /**
   * Panels and scales for a size.
   * @param {Scene} _scene
   * @param {number} _width
   * @param {number} _height
   * @returns {any}
   */
  layout(_scene, _width, _height) {
    throw new Error(`${this.name} does not say its layout`);
  }

  /**
   * What stays while time moves.
   * @type {(context: CanvasRenderingContext2D, scene: Scene, places: any) => void}
   */
  drawStill = () => {};

  /**
   * What moves with the frame and the highlight.
   * @type {(context: CanvasRenderingContext2D, scene: Scene, places: any) => void}
   */
  drawMoving = () => {};

  /**
   * The pair at a point.
   * @param {number} _x
   * @param {number} _y
   * @param {Scene} _scene
   * @param {any} _places
   * @returns {Pair | null}
   */
  find(_x, _y, _scene, _places) {
    return null;
  }

  /**
   * The view in words.
   * @param {Scene} _scene
   * @returns {string}
   */
  describe(_scene) {
    return this.title;
  }

  /** Draw everything: a new answer, a new size or new colours. */
  draw() {
    const scene = this.app.scene();
    if (!scene || this.width === 0) return;
    this.places = this.layout(scene, this.width, this.height);
    const context = this.#clean(this.still);
    this.drawStill(context, scene, this.places);
    this.move();
  }

  /** Draw what moves. */
  move() {
    const scene = this.app.scene();
    if (!scene || !this.places) return;
    this.drawMoving(this.#clean(this.moving), scene, this.places);
    if (!this.app.getView().play) this.plot.setAttribute("aria-label", this.describe(scene));
  }

  /**
   * Draw the view into another canvas at its origin, in the units of that canvas.
   * @param {CanvasRenderingContext2D} context
   * @param {number} width
   * @param {number} height
   */
  paint(context, width, height) {
    const scene = this.app.scene();
    if (!scene) return;
    const places = this.layout(scene, width, height);
    this.drawStill(context, scene, places);
    this.drawMoving(context, scene, places);
  }

  /**
   * The view as a PNG.
   * @param {{scale?: number, width?: number, height?: number}} [size]
   * @returns {Promise<Blob>}
   */
  toImage({ scale = 2, width = this.width, height = this.height } = {}) {
    const canvas = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
    const context = /** @type {any} */ (canvas.getContext("2d"));
    context.scale(scale, scale);
    context.fillStyle = this.app.colours().panel;
    context.fillRect(0, 0, width, height);
    this.paint(context, width, height);
    return canvas.convertToBlob({ type: "image/png" });
  }

  /**
   * An empty canvas of the right size, its context in CSS pixels.
   * @param {HTMLCanvasElement} canvas
   * @returns {CanvasRenderingContext2D}
   */
  #clean(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.plot;
    if (clientWidth === this.width && clientHeight === this.height) return;
    this.width = clientWidth;
    this.height = clientHeight;
    this.draw();
  }

  #listen() {
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.addEventListener("pointerdown", (event) => {
      const pair = this.#point(event);
      this.app.pin(pair ?? { neuron: null, sample: null });
    });
    this.plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.app.highlight(null, null);
    });
    this.plot.addEventListener("focus", () => this.app.focused());
  }

  /**
   * Highlight what is under the pointer; with its button held, go to the time there.
   * @param {PointerEvent} event
   * @returns {Pair | null}
   */
  #point(event) {
    const scene = this.app.scene();
    if (!scene || !this.places) return null;
    const box = this.plot.getBoundingClientRect();
    const pair = this.find(event.clientX - box.left, event.clientY - box.top, scene, this.places);
    this.app.highlight(pair, event.pointerType === "mouse" ? { x: event.clientX, y: event.clientY } : null);
    if (pair?.frame !== undefined && event.buttons & 1) this.app.setFrame(pair.frame);
    return pair;
  }
}
