// @ts-check
/**
 * Draws the map of a heap: a cell a pool. Full of blocks it is filled, free it is hollow, never carved it is a dot.
 * @import { Arena, Pool } from "../state/heap_map.js"
 * @import { PoolGrid } from "../base/pool_grid.js"
 * @import { Colour } from "./palette.js"
 * @typedef {{scale: (pool: Pool & {inUse: true}) => number, free: Colour, uncarved: Colour,
 *            surface: Colour}} PoolPaint `scale` gives the pixel of a pool in use
 */
import { placeOfArena } from "../base/pool_grid.js";
import { poolAt, poolCount } from "../state/heap_map.js";

/** From this size on, cells stand apart, and a free one is drawn as a frame. */
const ROOMY = 5;

/**
 * Fills an image as large as the grid.
 * @param {Uint32Array} pixels @param {PoolGrid} grid @param {Arena[]} arenas @param {PoolPaint} paint
 */
export function paintPools(pixels, grid, arenas, paint) {
  pixels.fill(paint.surface.pixel);
  const size = grid.cell >= ROOMY ? grid.cell - 1 : grid.cell;
  arenas.forEach((arena, index) => {
    const { x, y } = placeOfArena(grid, index);
    for (let pool = 0; pool < poolCount(arena); pool += 1) {
      const left = x + (pool % grid.across) * grid.cell;
      const top = y + Math.floor(pool / grid.across) * grid.cell;
      const known = poolAt(arena, pool);
      if (known.inUse) fill(pixels, grid.width, left, top, size, paint.scale(known));
      else if (known.carved) frame(pixels, grid.width, left, top, size, paint.free.pixel);
      else dot(pixels, grid.width, left, top, size, paint.uncarved.pixel);
    }
  });
}

/** @param {Uint32Array} pixels @param {number} width @param {number} left @param {number} top @param {number} size @param {number} colour */
function fill(pixels, width, left, top, size, colour) {
  for (let row = top; row < top + size; row += 1) {
    pixels.fill(colour, row * width + left, row * width + left + size);
  }
}

/** @param {Uint32Array} pixels @param {number} width @param {number} left @param {number} top @param {number} size @param {number} colour */
function frame(pixels, width, left, top, size, colour) {
  if (size < ROOMY - 1) return fill(pixels, width, left, top, size, colour);
  for (let row = top; row < top + size; row += 1) {
    const from = row * width + left;
    if (row === top || row === top + size - 1) pixels.fill(colour, from, from + size);
    else pixels[from] = pixels[from + size - 1] = colour;
  }
}

/** @param {Uint32Array} pixels @param {number} width @param {number} left @param {number} top @param {number} size @param {number} colour */
function dot(pixels, width, left, top, size, colour) {
  const side = Math.max(1, Math.round(size / 4));
  const inset = Math.floor((size - side) / 2);
  fill(pixels, width, left + inset, top + inset, side, colour);
}
