// @ts-check
/**
 * How some values of each process went over the run: what the header brings, a row more with the figures once a
 * second, and of an ended run what its summary says.
 * @import { Maybe, MemoryFigures, Told } from "./messages.js"
 * @typedef {{names: string[], rows: Maybe[][]}} Course `at_us` is among the names
 * @typedef {[atUs: number, ...values: Maybe[]]} Values in the order of the columns
 * @typedef {{pid: number, at_s?: Maybe, course?: Course}} Reading with the columns' values beside them
 */
import { PARTS } from "./parts.js";

/** Live, a row a second is enough: that is how often the processes are read. */
const STEP_US = 950_000;
/** Every other row goes when there are more. */
const MOST_ROWS = 1_200;
/** Processes whose course is kept, those that came last. */
const MOST_PROCESSES = 100;

export class Courses {
  /** @type {Map<number, Values[]>} by pid */
  #rows = new Map();
  #columns;
  #readings;

  /** @param {string[]} columns @param {(told: Told) => Reading[] | null | undefined} readings of the processes */
  constructor(columns, readings) {
    this.#columns = columns;
    this.#readings = readings;
  }

  /** What was before this viewer came. @param {(Course & {pid: number})[]} courses */
  restart(courses) {
    this.#rows = new Map(courses.map((course) => [course.pid, this.#valuesOf(course)]));
  }

  /** @param {Told} figures */
  add(figures) {
    for (const reading of this.#readings(figures) ?? []) {
      const { pid, at_s: at } = reading;
      if (typeof at !== "number") continue;
      const atUs = at * 1e6;
      const rows = this.#rows.get(pid) ?? [];
      const last = rows.at(-1);
      if (last && atUs - last[0] < STEP_US) continue;
      rows.push([atUs, ...this.#columns.map((name) => /** @type {any} */ (reading)[name] ?? null)]);
      this.#rows.set(pid, rows.length > MOST_ROWS ? rows.filter((_, index) => index % 2 === 0) : rows);
    }
    for (const pid of [...this.#rows.keys()].slice(0, -MOST_PROCESSES)) this.#rows.delete(pid);
  }

  /** The run has ended. @param {Told} summary */
  finish(summary) {
    for (const { pid, course } of this.#readings(summary) ?? []) {
      if (course?.rows.length) this.#rows.set(pid, this.#valuesOf(course));
    }
  }

  /** The courses by process, in the order in which they came. */
  get all() {
    return [...this.#rows];
  }

  /** @param {number} pid */
  of(pid) {
    return this.#rows.get(pid) ?? [];
  }

  /** @param {Course} course @returns {Values[]} */
  #valuesOf({ names, rows }) {
    const [at, ...places] = ["at_us", ...this.#columns].map((name) => names.indexOf(name));
    return rows.map((row) => [row[at] ?? 0, ...places.map((place) => row[place] ?? null)]);
  }
}

/** Of a reading that app/model/readings lists. @param {string} name @param {string[]} columns */
export const coursesOf = (name, columns) => new Courses(columns, ({ readings }) => readings?.[name]);

/** What is kept of a run, by its name among the header's courses: a line a kind. */
export const allCourses = () => ({
  memory: new Courses(["rss", "uss", "pss"], ({ memory }) => memory),
  parts: new Courses(PARTS, ({ memory }) => memory?.map(partsOf)),
  // Of each pool, by its number.
  pools: new Courses(
    ["threads", "at_work", "in_line"],
    ({ pools }) => pools?.map((one) => ({ ...one, pid: one.pool })),
  ),
});

/** What the RSS of a process was made of when its C library's heap was read. @param {MemoryFigures} process */
function partsOf({ pid, parts, c_library: library, parts_course: course }) {
  return { ...parts, pid, at_s: parts && library?.at_s, course };
}
