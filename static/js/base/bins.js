// @ts-check
/** @import { Track } from "./track.js" */

/**
 * How the time of each column is shared among kinds. The one way from pieces to pixels: live, paused and zoomed.
 *
 * Column c covers (first + c) * usPerColumn up to the next: edges lie at multiples of the column's length,
 * whatever is on view, so that a picture that scrolls does not shimmer.
 * @param {Track} track
 * @param {number} first number of the first column
 * @param {number} usPerColumn
 * @param {number} columns
 * @param {number} kinds
 * @param {(value: number) => number} kindOf the kind, from 0, of a piece's value
 * @returns {Float32Array} microseconds, `kinds` numbers a column
 */
export function bin(track, first, usPerColumn, columns, kinds, kindOf) {
  const bins = new Float32Array(columns * kinds);
  const startUs = first * usPerColumn;
  const endUs = (first + columns) * usPerColumn;
  for (let index = track.indexAfter(startUs); index < track.length; index += 1) {
    const from = Math.max(track.startAt(index), startUs);
    const to = Math.min(track.endAt(index), endUs);
    if (from >= endUs) break;
    const kind = kindOf(track.valueAt(index));
    let column = Math.min(columns - 1, Math.floor((from - startUs) / usPerColumn));
    let at = from;
    while (at < to && column < columns) {
      const edge = Math.min(to, startUs + (column + 1) * usPerColumn);
      bins[column * kinds + kind] += Math.max(0, edge - at);
      at = Math.max(at, edge);
      column += 1;
    }
  }
  track.overview?.addTo(bins, first, usPerColumn, kinds, kindOf, track.length ? track.startAt(0) : Infinity);
  return bins;
}

/**
 * How the time of an interval is shared among kinds, from 0 to 1; all 0 where nothing is known of it.
 * @param {Track} track @param {number} startUs @param {number} endUs @param {number} kinds
 * @param {(value: number) => number} kindOf
 */
export function sharesOf(track, startUs, endUs, kinds, kindOf) {
  const lengthUs = endUs - startUs;
  if (lengthUs <= 0) return new Array(kinds).fill(0);
  const sums = [...bin(track, startUs / lengthUs, lengthUs, 1, kinds, kindOf)];
  const known = sums.reduce((all, sum) => all + sum, 0);
  return sums.map((sum) => known > 0 ? sum / known : 0);
}

/**
 * The same over groups of so many columns, each of which shows its group's mean: what changes faster than a column is
 * wide is told by its shares, calmly. Groups lie at multiples of their length, too.
 * @param {Track} track @param {number} first @param {number} usPerColumn @param {number} columns
 * @param {number} kinds @param {(value: number) => number} kindOf @param {number} group columns
 */
export function binGrouped(track, first, usPerColumn, columns, kinds, kindOf, group) {
  if (group === 1) return bin(track, first, usPerColumn, columns, kinds, kindOf);
  const firstGroup = Math.floor(first / group);
  const groups = Math.floor((first + columns - 1) / group) - firstGroup + 1;
  const coarse = bin(track, firstGroup, usPerColumn * group, groups, kinds, kindOf);
  const bins = new Float32Array(columns * kinds);
  for (let column = 0; column < columns; column += 1) {
    const from = (Math.floor((first + column) / group) - firstGroup) * kinds;
    bins.set(coarse.subarray(from, from + kinds), column * kinds);
  }
  return bins;
}
