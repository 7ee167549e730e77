// @ts-check
/**
 * How the parts of each process's RSS went over the run: what the header brings, a row more with each reading, and of
 * an ended run what its summary says.
 * @import { Maybe, MemoryFigures } from "./messages.js"
 * @import { Course } from "./courses.js"
 * @typedef {[atUs: number, ...bytes: Maybe[]]} PartsRow bytes in the order of PARTS
 */

/** The parts of app/analysis/parts.py, in the order in which they are shown. */
export const PARTS = [
  "objects_in_use",
  "objects_free",
  "c_in_use",
  "c_mapped",
  "c_trimmable",
  "c_free_kept",
  "stacks",
  "files",
  "shared",
  "huge_waste",
  "other",
];
/** Every other row goes when there are more. */
const MOST_ROWS = 600;
/** Processes whose course is kept, those that came last. */
const MOST_PROCESSES = 100;

export class PartsCourses {
  /** @type {Map<number, PartsRow[]>} by pid */
  #rows = new Map();

  /** What was before this viewer came. @param {(Course & {pid: number})[]} courses */
  restart(courses) {
    this.#rows = new Map(courses.map((course) => [course.pid, rowsOf(course)]));
  }

  /** @param {MemoryFigures[]} processes each with the reading that it was told of last */
  add(processes) {
    for (const { pid, parts, c_library: library } of processes) {
      if (!parts || !library) continue;
      const atUs = library.at_s * 1e6;
      const rows = this.#rows.get(pid) ?? [];
      if (atUs <= (rows.at(-1)?.[0] ?? -1)) continue;
      rows.push([atUs, ...PARTS.map((name) => parts[name] ?? null)]);
      this.#rows.set(pid, rows.length > MOST_ROWS ? rows.filter((_, index) => index % 2 === 0) : rows);
    }
    for (const pid of [...this.#rows.keys()].slice(0, -MOST_PROCESSES)) this.#rows.delete(pid);
  }

  /** The run has ended. @param {MemoryFigures[]} processes */
  finish(processes) {
    for (const { pid, parts_course: course } of processes) {
      if (course?.rows.length) this.#rows.set(pid, rowsOf(course));
    }
  }

  /** @param {number} pid @returns {PartsRow[]} */
  of(pid) {
    return this.#rows.get(pid) ?? [];
  }
}

/** @param {Course} course @returns {PartsRow[]} */
function rowsOf({ names, rows }) {
  const [at, ...columns] = ["at_us", ...PARTS].map((name) => names.indexOf(name));
  return rows.map((row) => [row[at] ?? 0, ...columns.map((column) => row[column] ?? null)]);
}
