// @ts-check
/**
 * The tasks that threads of a cluster's workers did, from the messages that tell of them. Pure.
 * @typedef {{startUs: number, endUs: number, key: string, name: string, over: boolean}} Task
 */

/** Of one thread the latest so many are kept: of more, each is too narrow to be seen. */
const MOST = 5_000;
/** So many of the latest may still go on, or be told again. */
const NEAR = 8;

export class Tasks {
  /** @type {Map<number, Task[]>} by lane, in order */
  #lanes = new Map();

  /** @param {{tasks: any[][]}} message */
  take({ tasks }) {
    for (const [, lane, startUs, fromUs, lengthUs, , over, key, name] of tasks) {
      const told = this.#lanes.get(lane) ?? [];
      if (!told.length) this.#lanes.set(lane, told);
      const endUs = fromUs + lengthUs;
      // A thread does one task at a time, and of one that is over its worker may tell late: by one.
      const known = told.slice(-NEAR).findLast((task) => task.startUs === startUs && task.key === key);
      if (known) {
        known.endUs = Math.max(known.endUs, endUs);
        known.over ||= over;
      } else told.push({ startUs, endUs, key, name, over });
      if (told.length > MOST) told.shift();
    }
  }

  /** Those of a thread, the first one first. @param {number} lane @returns {readonly Task[]} */
  of(lane) {
    return this.#lanes.get(lane) ?? [];
  }
}
