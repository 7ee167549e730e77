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

/** Of a column's height: the shortest pause is seen, and a longer one stands above it. */
const LEAST_PAUSE = 0.3;

/**
 * Fills an image with pauses: as high as their share of the column's time, but never too low to be seen.
 * @param {Uint32Array} pixels
 * @param {number} rows
 * @param {Float32Array} bins as from `bin`
 * @param {number} usPerColumn
 * @param {{colours: readonly {pixel: number}[], empty: {pixel: number}}} paint a colour each generation
 */
export function paintPauses(pixels, rows, bins, usPerColumn, { colours, empty }) {
  const kinds = colours.length;
  const columns = bins.length / kinds;
  pixels.fill(empty.pixel);
  for (let column = 0; column < columns; column += 1) {
    let row = rows - 1;
    for (let kind = kinds - 1; kind >= 0; kind -= 1) {
      const share = bins[column * kinds + kind] / usPerColumn;
      if (share === 0) continue;
      const height = Math.max(Math.round(LEAST_PAUSE * rows), Math.round(share * rows));
      for (let left = height; left > 0 && row >= 0; left -= 1, row -= 1) {
        pixels[row * columns + column] = colours[kind].pixel;
      }
    }
  }
}
