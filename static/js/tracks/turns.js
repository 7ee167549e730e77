// @ts-check
/**
 * Who held a GIL while a thread waited for it, and who let the thread in. Pure.
 * @import { Track } from "../base/track.js"
 * @typedef {{lane: number, us: number}} Turn a thread, or below 0 nobody or one who could not be read, and for how long
 */

/**
 * @param {Track} track of the GIL @param {number} startUs @param {number} endUs of the wait
 * @returns {{turns: Turn[], letInBy: number | null}} in order of time; `letInBy` is the lane of the last that held it
 *     before the wait ended
 */
export function turnsIn(track, startUs, endUs) {
  /** @type {Turn[]} */
  const turns = [];
  for (let index = track.indexAfter(startUs); index < track.length; index += 1) {
    if (track.startAt(index) >= endUs) break;
    const us = Math.min(endUs, track.endAt(index)) - Math.max(startUs, track.startAt(index));
    const lane = track.valueAt(index);
    const last = turns.at(-1);
    if (last?.lane === lane) last.us += us;
    else if (us > 0) turns.push({ lane, us });
  }
  return { turns, letInBy: turns.findLast(({ lane }) => lane >= 0)?.lane ?? null };
}
