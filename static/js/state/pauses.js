// @ts-check
/**
 * The collector's pauses of one interpreter, as a track: a piece a pause, whose value says the generation and how
 * many objects went.
 * @typedef {[pid: number, interpreter: number, startUs: number, lengthUs: number, generation: number | null,
 *            collected: number | null]} PauseRow as app/model/frames.py lists its columns
 */
import { Track } from "../base/track.js";

/** Young, middle, old, and what could not be told. */
export const GENERATIONS = ["generation 0", "generation 1", "generation 2", "generation unknown"];
export const UNKNOWN_GENERATION = GENERATIONS.length - 1;

const KINDS = 4;
/** Of the objects collected, that they fit into a track's value beside the rest. */
const MOST_COLLECTED = 2 ** 28 - 1;

export class Pauses {
  /** @param {number} pid @param {number} interpreter */
  constructor(pid, interpreter) {
    this.pid = pid;
    this.interpreter = interpreter;
    this.track = new Track();
  }

  /** Those that came before the newest known are known already. @param {PauseRow} row */
  take([, , startUs, lengthUs, generation, collected]) {
    if (startUs < this.track.lastUs) return;
    const kind = generation === null || generation >= UNKNOWN_GENERATION ? UNKNOWN_GENERATION : generation;
    // One more than was collected: nothing stands for what is not known.
    const went = collected === null ? 0 : Math.min(MOST_COLLECTED, collected + 1);
    this.track.seal();
    this.track.push(startUs, startUs + Math.max(1, lengthUs), went * KINDS + kind);
  }
}

/** The generation, as its place in GENERATIONS. @param {number} value */
export function generationOf(value) {
  return value % KINDS;
}

/** How many objects went, or null. @param {number} value */
export function collectedOf(value) {
  const went = Math.floor(value / KINDS);
  return went === 0 ? null : went - 1;
}
