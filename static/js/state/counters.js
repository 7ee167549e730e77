// @ts-check
/**
 * The counters of a run: what of it is a number over time. Pure.
 * @import { Quantity } from "../base/format.js"
 * @import { Series } from "./series.js"
 * @typedef {{label: string, column: string, state?: "running" | "waiting"}} Line `state` is the one whose colour it has
 * @typedef {object} Counter
 * @property {string} key that addresses and this browser's storage have
 * @property {string} title
 * @property {string} meaning
 * @property {Line[]} lines
 * @property {(value: number | null) => Quantity} show
 * @property {string} [unit] after what `show` says
 * @property {number} [max] the axis's upper end, where the quantity has one
 * @property {number} [atLeast] keeps noise about nothing from filling the picture
 * @property {boolean} [read] whether it was read at an instant, and is no mean of the time before
 * @property {number[]} [steps] the distances that marks of its axis may have
 * @property {"with-gil" | "without-gil"} [of] the builds that it is for
 * @typedef {{startUs: number, endUs: number, values: (number | null)[]}} Reading one value a line, of a time; of what
 *     is read at an instant, from that instant to the next
 */
import { cores, count, share, size, text } from "../base/format.js";
import { POWERS_OF_TWO } from "../base/ticks.js";

/** @type {Counter[]} */
export const COUNTERS = [
  {
    key: "gil",
    title: "GIL use",
    meaning: "Share of the time in which a thread held the GIL, and in which others waited for it meanwhile.",
    of: "with-gil",
    lines: [
      { label: "held", column: "held_share", state: "running" },
      { label: "contended", column: "contended_share", state: "waiting" },
    ],
    show: wholePercent,
    max: 1,
  },
  {
    key: "switches",
    title: "Switches",
    meaning: "How often the GIL passed to another thread than its last holder.",
    of: "with-gil",
    lines: [{ label: "switches", column: "switches_per_s" }],
    show: count,
    unit: "/s",
    atLeast: 10,
  },
  {
    key: "running",
    title: "Running at once",
    meaning: "How many threads ran Python at the same time, on average.",
    of: "without-gil",
    lines: [{ label: "threads", column: "running" }],
    show: count,
    atLeast: 1,
  },
  {
    key: "waiters",
    title: "Waiters",
    meaning: "How many threads waited for the GIL, on average.",
    of: "with-gil",
    lines: [{ label: "waiters", column: "waiters" }],
    show: count,
    atLeast: 1,
  },
  {
    key: "cpu",
    title: "CPU",
    meaning: "CPU time of all processes of the run: 100 % is one core.",
    lines: [{ label: "CPU", column: "cpu_share" }],
    show: cores,
    atLeast: 1,
  },
  {
    key: "rss",
    title: "RSS",
    meaning: "Resident memory of all processes of the run: pages that two of them share count twice.",
    lines: [{ label: "RSS", column: "rss" }],
    show: size,
    steps: POWERS_OF_TWO,
    read: true,
  },
  {
    key: "heap",
    title: "Python heap",
    meaning: "Bytes in use by objects within the arenas of CPython's allocator, of all processes of the run.",
    lines: [{ label: "in use", column: "heap_bytes" }],
    show: size,
    steps: POWERS_OF_TWO,
    read: true,
  },
  {
    key: "operations",
    title: "Operations",
    meaning: "Units of work that the workload finished.",
    lines: [{ label: "operations", column: "ops_per_s" }],
    show: count,
    unit: "/s",
  },
];

/** @param {number | null} value */
function wholePercent(value) {
  return value === null ? share(null) : { value: (value * 100).toFixed(0), unit: "%" };
}

/** A value with its unit. @param {Counter} counter @param {number | null} value */
export function told({ show, unit = "" }, value) {
  return value === null ? text(show(null)) : text(show(value)) + unit;
}

/** Those of which the run has at least one value. @param {Series} series @param {boolean} free whether it has no GIL */
export function measuredIn(series, free) {
  const other = free ? "with-gil" : "without-gil";
  return COUNTERS.filter(({ of, lines }) =>
    of !== other && lines.some(({ column }) => series.latest(column) !== null)
  );
}

/**
 * The upper end of its axis, which begins at 0; what comes later moves nothing that stands still.
 * @param {Counter} counter @param {Series} series @param {number} untilUs
 */
export function topOf({ lines, max, atLeast = 0 }, series, untilUs) {
  return max ?? (Math.max(atLeast, ...lines.map(({ column }) => series.highest(column, untilUs))) || 1);
}

/**
 * The row that tells of an instant, or -1: a mean is of the time since the row before it, what was read holds until
 * it is read again. @param {Counter} counter @param {(number | null)[]} at instants @param {number} us
 */
export function rowAt({ read }, at, us) {
  const after = firstAfter(at, us);
  if (read) return after - 1;
  return us >= 0 && after < at.length ? after : -1;
}

/** @param {Counter} counter @param {Series} series @param {number} row @returns {Reading | null} */
export function readingOf({ lines, read }, series, row) {
  const at = series.column("at_us");
  if (row < 0 || row >= at.length) return null;
  const edge = (/** @type {number} */ index) => index < 0 ? 0 : at[index] ?? 0;
  return {
    startUs: edge(read ? row : row - 1),
    endUs: edge(read ? Math.min(row + 1, at.length - 1) : row),
    values: lines.map(({ column }) => series.column(column)[row] ?? null),
  };
}

/**
 * The last row up to one in which something is known, with the instant that it is of where that is an older row; null
 * where nothing is. @param {Counter} counter @param {Series} series @param {number} row
 * @returns {Reading & {olderUs: number | null} | null}
 */
export function lastKnown(counter, series, row) {
  for (let at = row; at >= 0; at -= 1) {
    const reading = readingOf(counter, series, at);
    if (reading?.values.every((value) => value === null)) continue;
    if (reading) return { ...reading, olderUs: at === row ? null : series.column("at_us")[at] ?? null };
  }
  return null;
}

/** How many of ascending instants are not after another. @param {(number | null)[]} at @param {number} us */
function firstAfter(at, us) {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] ?? 0) > us) high = middle;
    else low = middle + 1;
  }
  return low;
}
