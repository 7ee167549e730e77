// @ts-check
/**
 * What stands above what in the timeline: a process, its GILs, its threads. Pure.
 * @import { Process } from "../state/messages.js"
 * @import { Gil, Lane } from "../state/run_state.js"
 * @typedef {{top: number, height: number} & (
 *     {kind: "process", process: Process} | {kind: "gil", gil: Gil} | {kind: "lane", lane: Lane})} Row
 */

export const HEIGHTS = Object.freeze({ process: 22, gil: 32, lane: 22 });

/**
 * Rows from the top, in CSS pixels. A thread that ended before `startUs` has left the view, and a process with it.
 * @param {{processes: Map<number, Process>, lanes: Map<number, Lane>, gils: Map<number, Gil>}} cast
 * @param {number} startUs
 * @returns {Row[]}
 */
export function layOut({ processes, lanes, gils }, startUs) {
  /** @type {Row[]} */
  const rows = [];
  let top = 0;
  const add = (/** @type {any} */ row) => {
    const height = HEIGHTS[/** @type {keyof typeof HEIGHTS} */ (row.kind)];
    rows.push({ ...row, top, height });
    top += height;
  };
  for (const process of processes.values()) {
    const threads = [...lanes.values()].filter(
      (lane) => lane.pid === process.pid && (lane.track.lastUs > startUs || (lane.alive && !process.gone)),
    );
    if (threads.length === 0) continue;
    add({ kind: "process", process });
    for (const gil of gils.values()) {
      if (gil.pid === process.pid) add({ kind: "gil", gil });
    }
    for (const lane of threads) add({ kind: "lane", lane });
  }
  return rows;
}

/** The row at a height, or undefined. @param {Row[]} rows @param {number} y */
export function rowAt(rows, y) {
  return rows.find((row) => y >= row.top && y < row.top + row.height);
}

/** @param {Row[]} rows */
export function heightOf(rows) {
  const last = rows.at(-1);
  return last ? last.top + last.height : 0;
}
