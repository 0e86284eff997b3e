/** One panel for every neuron, on a grid, with axes written at the outer edges only. */

/**
 * @typedef {{left: number, top: number, right: number, bottom: number, isLeft: boolean, isBottom: boolean}} Place
 */

/**
 * Margins, gaps between panels, and the wished width by height.
 * @typedef {object} Room
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 * @property {number} gapX
 * @property {number} gapY
 * @property {number} shape
 */

/**
 * Place panels on the grid whose panels come closest to a wished shape.
 * @param {number} width
 * @param {number} height
 * @param {number} count
 * @param {Partial<Room>} [room]
 * @returns {Place[]}
 */
export function grid(
  width,
  height,
  count,
  { left = 46, right = 12, top = 20, bottom = 34, gapX = 12, gapY = 22, shape = 1.6 } = {},
) {
  let best = { columns: 1, rows: count, misfit: Infinity };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const w = (width - left - right - gapX * (columns - 1)) / columns;
    const h = (height - top - bottom - gapY * (rows - 1)) / rows;
    const misfit = w > 20 && h > 20
      ? Math.abs(Math.log(w / h / shape)) + 0.35 * (columns * rows - count)
      : 1e6;
    if (misfit < best.misfit) best = { columns, rows, misfit };
  }
  const { columns, rows } = best;
  const w = Math.max(10, (width - left - right - gapX * (columns - 1)) / columns);
  const h = Math.max(10, (height - top - bottom - gapY * (rows - 1)) / rows);
  return Array.from({ length: count }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const x = left + column * (w + gapX);
    const y = top + row * (h + gapY);
    return {
      left: x,
      top: y,
      right: x + w,
      bottom: y + h,
      isLeft: column === 0,
      isBottom: i + columns >= count,
    };
  });
}
