// @ts-check
/**
 * Where the pools of a heap lie on a canvas: each arena is a square of cells, and the arenas flow from left to right
 * as words do. Pure.
 * @typedef {{cell: number, gap: number, across: number, side: number, perRow: number, width: number,
 *            height: number}} PoolGrid in pixels: `across` cells of `cell` make an arena of `side`, parted by `gap`
 */

/** Cells that are tried, the largest that fits is taken: from a few pools to a gigabyte of them. */
const CELLS = [18, 14, 11, 9, 7, 6, 5, 4, 3, 2];
const GAPS = [[9, 6], [5, 4], [3, 3], [0, 2]];

/**
 * @param {number} arenas @param {number} pools of the largest arena
 * @param {number} width @param {number} most height to fill; a heap that is too large for it gets more
 * @returns {PoolGrid}
 */
export function layOutPools(arenas, pools, width, most) {
  const across = Math.max(1, Math.ceil(Math.sqrt(pools)));
  const grids = CELLS.map((cell) => gridOf(arenas, across, cell, width));
  return grids.find(({ height, side }) => height <= most && side <= width) ?? grids[grids.length - 1];
}

/** @param {number} arenas @param {number} across @param {number} cell @param {number} width @returns {PoolGrid} */
function gridOf(arenas, across, cell, width) {
  const [, gap] = GAPS.find(([least]) => cell >= least) ?? [0, 2];
  const side = across * cell;
  const perRow = Math.max(1, Math.floor((width + gap) / (side + gap)));
  const rows = Math.ceil(arenas / perRow);
  return { cell, gap, across, side, perRow, width, height: Math.max(0, rows * (side + gap) - gap) };
}

/** Where an arena begins. @param {PoolGrid} grid @param {number} index */
export function placeOfArena({ perRow, side, gap }, index) {
  return { x: (index % perRow) * (side + gap), y: Math.floor(index / perRow) * (side + gap) };
}

/**
 * What lies at a point, or null: an arena and a pool by their numbers. Neither need be there.
 * @param {PoolGrid} grid @param {number} x @param {number} y
 */
export function poolUnder({ perRow, side, gap, cell, across }, x, y) {
  const [column, row] = [Math.floor(x / (side + gap)), Math.floor(y / (side + gap))];
  const [left, top] = [x - column * (side + gap), y - row * (side + gap)];
  if (x < 0 || y < 0 || column >= perRow || left >= side || top >= side) return null;
  return { arena: row * perRow + column, pool: Math.floor(top / cell) * across + Math.floor(left / cell) };
}
