// @ts-check
/**
 * Each column of a lane is a stack: the kinds that shared the column's time, in their order from below, each as
 * high as its share. Zoomed in, a column is of one kind; zoomed out, nothing is hidden by a choice among them.
 * @typedef {{colours: readonly {pixel: number}[], hatched: number, hatch: {pixel: number},
 *            empty: {pixel: number}}} Paint `hatched` is the kind drawn with stripes, or -1
 */

const STRIPE = 3;

/**
 * Fills an image of `columns` x `rows` pixels.
 * @param {Uint32Array} pixels
 * @param {number} rows
 * @param {Float32Array} bins as from `bin`
 * @param {number} first number of the first column, so that stripes move with the picture
 * @param {Paint} paint
 */
export function paintStack(pixels, rows, bins, first, paint) {
  const kinds = paint.colours.length;
  const columns = bins.length / kinds;
  for (let column = 0; column < columns; column += 1) {
    const offset = column * kinds;
    let total = 0;
    for (let kind = 0; kind < kinds; kind += 1) total += bins[offset + kind];
    let below = 0;
    let row = rows - 1;
    for (let kind = 0; kind < kinds && total > 0; kind += 1) {
      if (bins[offset + kind] === 0) continue;
      below += bins[offset + kind];
      const top = rows - Math.round((below / total) * rows);
      for (; row >= top; row -= 1) {
        const striped = kind === paint.hatched && (first + column + row) % (2 * STRIPE) < STRIPE;
        pixels[row * columns + column] = (striped ? paint.hatch : paint.colours[kind]).pixel;
      }
    }
    for (; row >= 0; row -= 1) pixels[row * columns + column] = paint.empty.pixel;
  }
}
