/** Small drawings on a canvas: panels with axes, marks of several shapes, hatched fills, text. */

/** @typedef {import("./scales.js").Scale} Scale */
/** @typedef {import("./theme.js").Colours} Colours */
/** @typedef {CanvasRenderingContext2D} Context */

/**
 * How text looks; `turn`: upward.
 * @typedef {object} TextStyle
 * @property {string} colour
 * @property {number} [size]
 * @property {CanvasTextAlign} [align]
 * @property {CanvasTextBaseline} [base]
 * @property {boolean} [math]
 * @property {string} [weight]
 * @property {boolean} [turn]
 */

/**
 * A rectangle to draw in, with its scales.
 * @typedef {object} Panel
 * @property {number} left
 * @property {number} top
 * @property {number} right
 * @property {number} bottom
 * @property {Scale} x
 * @property {Scale} y
 */

export const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
export const MATH = '"STIX Two Math", "Cambria Math", Georgia, "Liberation Serif", "DejaVu Serif", serif';

/**
 * Text with the font of the page, or italic as mathematics.
 * @param {Context} context
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {TextStyle} style
 */
export function text(
  context,
  words,
  x,
  y,
  { colour, size = 11, align = "left", base = "alphabetic", math = false, weight = "400", turn = false },
) {
  context.save();
  context.fillStyle = colour;
  context.font = math ? `italic ${weight} ${size + 2}px ${MATH}` : `${weight} ${size}px ${SANS}`;
  context.textAlign = align;
  context.textBaseline = base;
  context.translate(x, y);
  if (turn) context.rotate(-Math.PI / 2);
  context.fillText(words, 0, 0);
  context.restore();
}

/**
 * Grid lines, ticks and the frame's left and bottom edges.
 * @param {Context} context
 * @param {Panel} panel
 * @param {Colours} colours
 * @param {{x?: boolean, y?: boolean, grid?: boolean, roomX?: number, roomY?: number}} [show] which
 *   tick labels to write, and pixels for each
 */
export function axes(
  context,
  panel,
  colours,
  { x = true, y = true, grid = true, roomX = 62, roomY = 34 } = {},
) {
  const { left, right, top, bottom } = panel;
  let written = -Infinity;
  for (const { value, label } of panel.x.ticks(roomX)) {
    const at = crisp(panel.x.at(value));
    if (at < left - 1 || at > right + 1) continue;
    if (grid) line(context, at, top, at, bottom, colours.faint);
    line(context, at, bottom, at, bottom + 3, colours.line);
    const half = 3.2 * label.length + 3;
    if (!x || at - half < written) continue;
    written = at + half;
    text(context, label, clamp(at, left + 3, right - 2), bottom + 6, {
      colour: colours.soft,
      align: "center",
      base: "top",
    });
  }
  for (const { value, label } of panel.y.ticks(roomY)) {
    const at = crisp(panel.y.at(value));
    if (at < top - 1 || at > bottom + 1) continue;
    if (grid) line(context, left, at, right, at, colours.faint);
    if (y) text(context, label, left - 6, at, { colour: colours.soft, align: "right", base: "middle" });
  }
  line(context, crisp(left), top, crisp(left), bottom, colours.line);
  line(context, left, crisp(bottom), right, crisp(bottom), colours.line);
}

/**
 * @param {Context} context
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 * @param {string} colour
 * @param {{width?: number, dash?: number[]}} [style]
 */
export function line(context, x0, y0, x1, y1, colour, { width = 1, dash = [] } = {}) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
}

/** The middle of the nearest pixel, where a thin line is sharp. @param {number} at */
export function crisp(at) {
  return Math.round(at - 0.5) + 0.5;
}

/** @type {(value: number, low: number, high: number) => number} */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** @typedef {"disc" | "ring" | "up" | "down" | "square" | "diamond" | "cross" | "dash"} Shape */

/**
 * The outline of a mark, as a path.
 * @param {Context} context
 * @param {Shape} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function outline(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "disc" || shape === "ring") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") context.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
  else if (shape === "dash") context.rect(x - 1.6 * r, y - 1, 3.2 * r, 2);
  else {
    const corners = {
      up: [[0, -1.15], [1.05, 0.8], [-1.05, 0.8]],
      down: [[0, 1.15], [1.05, -0.8], [-1.05, -0.8]],
      diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
      cross: [[-1, -1], [1, 1], [0, 0], [-1, 1], [1, -1], [0, 0]],
    }[shape];
    corners.forEach(([dx, dy], i) => {
      if (i === 0) context.moveTo(x + dx * r, y + dy * r);
      else context.lineTo(x + dx * r, y + dy * r);
    });
    context.closePath();
  }
}

/**
 * One mark.
 * @param {Context} context
 * @param {Shape} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r about half its size
 * @param {{fill?: string | null, stroke?: string | null, width?: number}} style
 */
export function mark(context, shape, x, y, r, { fill = null, stroke = null, width = 1.5 }) {
  outline(context, shape, x, y, r);
  if (fill) {
    context.fillStyle = fill;
    context.fill();
  }
  if (stroke) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke();
  }
}

/**
 * A fill of slanted lines, or of dots.
 * @param {Context} context
 * @param {"lines" | "dots"} kind
 * @param {string} colour
 * @returns {CanvasPattern | string}
 */
export function pattern(context, kind, colour) {
  const tile = new OffscreenCanvas(12, 12);
  const drawing = /** @type {OffscreenCanvasRenderingContext2D} */ (tile.getContext("2d"));
  drawing.scale(2, 2);
  drawing.strokeStyle = colour;
  drawing.fillStyle = colour;
  if (kind === "lines") {
    drawing.lineWidth = 1.3;
    drawing.beginPath();
    for (const shift of [-6, 0, 6]) {
      drawing.moveTo(shift - 1, 7);
      drawing.lineTo(shift + 7, -1);
    }
    drawing.stroke();
  } else {
    drawing.beginPath();
    drawing.arc(1.5, 1.5, 1.1, 0, 7);
    drawing.arc(4.5, 4.5, 1.1, 0, 7);
    drawing.fill();
  }
  const made = context.createPattern(/** @type {any} */ (tile), "repeat");
  made?.setTransform(new DOMMatrix([0.5, 0, 0, 0.5, 0, 0]));
  return made ?? colour;
}

/**
 * Draw inside a panel only.
 * @param {Context} context
 * @param {Panel} panel
 * @param {() => void} drawing
 * @param {number} [margin]
 */
export function inside(context, { left, top, right, bottom }, drawing, margin = 0) {
  context.save();
  context.beginPath();
  context.rect(left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin);
  context.clip();
  drawing();
  context.restore();
}

/** A colour that lets what is below through. @type {(colour: string, opacity: number) => string} */
export function faded(colour, opacity) {
  return `color-mix(in srgb, ${colour} ${Math.round(opacity * 100)}%, transparent)`;
}
