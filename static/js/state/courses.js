// @ts-check
/**
 * How the memory of each process went over the run: what the header brings, a row more with the figures once a
 * second, and of an ended run what its summary says.
 * @import { Maybe, MemoryFigures } from "./messages.js"
 * @typedef {{names: string[], rows: Maybe[][]}} Course `at_us` is among the names
 * @typedef {[atUs: number, rss: Maybe, uss: Maybe, pss: Maybe]} Sizes
 */

const COLUMNS = ["at_us", "rss", "uss", "pss"];
/** Live, a row a second is enough: that is how often the page tables are walked. */
const STEP_US = 950_000;
/** Every other row goes when there are more. */
const MOST_ROWS = 1_200;
/** Processes whose course is kept, those that came last. */
const MOST_PROCESSES = 100;

export class Courses {
  /** @type {Map<number, Sizes[]>} by pid */
  #rows = new Map();

  /** What was before this viewer came. @param {(Course & {pid: number})[]} courses */
  restart(courses) {
    this.#rows = new Map(courses.map((course) => [course.pid, sizesOf(course)]));
  }

  /** @param {MemoryFigures[]} processes each with sizes of one instant */
  add(processes) {
    for (const { pid, at_s: at, rss, uss, pss } of processes) {
      if (typeof at !== "number") continue;
      const atUs = at * 1e6;
      const rows = this.#rows.get(pid) ?? [];
      const last = rows.at(-1);
      if (last && atUs - last[0] < STEP_US) continue;
      rows.push([atUs, rss, uss, pss]);
      this.#rows.set(pid, rows.length > MOST_ROWS ? rows.filter((_, index) => index % 2 === 0) : rows);
    }
    for (const pid of [...this.#rows.keys()].slice(0, -MOST_PROCESSES)) this.#rows.delete(pid);
  }

  /** The run has ended. @param {MemoryFigures[]} processes */
  finish(processes) {
    for (const { pid, course } of processes) {
      if (course?.rows.length) this.#rows.set(pid, sizesOf(course));
    }
  }

  /** The courses by process, in the order in which they came. */
  get all() {
    return [...this.#rows];
  }
}

/** @param {Course} course @returns {Sizes[]} */
function sizesOf({ names, rows }) {
  const [at, rss, uss, pss] = COLUMNS.map((name) => names.indexOf(name));
  return rows.map((row) => [row[at] ?? 0, row[rss], row[uss], row[pss]]);
}
