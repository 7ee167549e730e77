// @ts-check
/**
 * Which interval of the run is on view. `endUs` null: the window follows the live edge; else it stands there, and
 * shows what there was at `frozenUs`, when a hand last moved it. Each operation returns a new window; its `edgeUs`
 * is as far as the run has come.
 * @typedef {Readonly<{spanUs: number, endUs: null} | {spanUs: number, endUs: number, frozenUs: number}>} TimeWindow
 */

export const DEFAULT_SPAN_US = 10_000_000;
/** One sample of the GIL at 10 kHz: below this there is nothing more to see. */
export const SHORTEST_SPAN_US = 100;
/** A short wait is shown among the turns that it waited for. */
const SHORTEST_SPAN_AROUND_US = 50_000;
export const LONGEST_SPAN_US = 7 * 24 * 3_600_000_000;

/** @type {TimeWindow} */
export const LIVE = Object.freeze({ spanUs: DEFAULT_SPAN_US, endUs: null });

/**
 * The interval on view. A run shorter than the window fills it from the left.
 * @param {TimeWindow} window @param {number} edgeUs
 */
export function interval(window, edgeUs) {
  const endUs = window.endUs ?? Math.max(edgeUs, window.spanUs);
  return { startUs: endUs - window.spanUs, endUs };
}

/**
 * As far as the window shows anything. A paused picture of a young run does not go on to fill.
 * @param {TimeWindow} window @param {number} edgeUs
 */
export function shownUntil(window, edgeUs) {
  return window.endUs === null ? edgeUs : Math.min(edgeUs, window.frozenUs);
}

/** Stands where it is. @param {TimeWindow} window @param {number} edgeUs @returns {TimeWindow} */
export function pause(window, edgeUs) {
  return { spanUs: window.spanUs, endUs: interval(window, edgeUs).endUs, frozenUs: edgeUs };
}

/** Follows the live edge again. @param {TimeWindow} window @returns {TimeWindow} */
export function follow(window) {
  return { spanUs: window.spanUs, endUs: null };
}

/**
 * Stands about a piece of time, with as much on either side of it again.
 * @param {number} startUs @param {number} endUs @param {number} edgeUs @returns {TimeWindow}
 */
export function around(startUs, endUs, edgeUs) {
  const spanUs = bounded(Math.max(SHORTEST_SPAN_AROUND_US, 3 * (endUs - startUs)));
  return pan({ spanUs, endUs: (startUs + endUs + spanUs) / 2, frozenUs: edgeUs }, 0, edgeUs);
}

/** Following a run of that length, all of which is in view. @param {number} lengthUs @returns {TimeWindow} */
export function whole(lengthUs) {
  return { spanUs: bounded(lengthUs), endUs: null };
}

/** Standing on that interval. @param {{startUs: number, endUs: number}} shown @returns {TimeWindow} */
export function standing({ startUs, endUs }) {
  return { spanUs: bounded(endUs - startUs), endUs, frozenUs: endUs };
}

/**
 * On that interval, as far as it lies on the run; one that reaches its live edge follows it.
 * @param {{startUs: number, endUs: number}} shown @param {number} edgeUs @returns {TimeWindow}
 */
export function put({ startUs, endUs }, edgeUs) {
  const spanUs = bounded(endUs - startUs);
  if (endUs >= edgeUs) return { spanUs, endUs: null };
  return pan({ spanUs, endUs, frozenUs: edgeUs }, 0, edgeUs);
}

/**
 * With an instant in view: as it is where it shows it, else with the instant near its left side.
 * @param {TimeWindow} window @param {number} us @param {number} edgeUs @returns {TimeWindow}
 */
export function withInView(window, us, edgeUs) {
  const { startUs, endUs } = interval(window, edgeUs);
  return us >= startUs && us <= endUs ? window : pan(window, us - window.spanUs / 10 - startUs, edgeUs);
}

/** @param {number} spanUs */
function bounded(spanUs) {
  return Math.min(LONGEST_SPAN_US, Math.max(SHORTEST_SPAN_US, spanUs));
}

/**
 * Moved by so much, later if positive. It stays on the run.
 * @param {TimeWindow} window @param {number} byUs @param {number} edgeUs @returns {TimeWindow}
 */
export function pan(window, byUs, edgeUs) {
  const latestUs = Math.max(edgeUs, window.spanUs);
  const endUs = interval(window, edgeUs).endUs + byUs;
  return {
    spanUs: window.spanUs,
    endUs: Math.min(latestUs, Math.max(window.spanUs, endUs)),
    frozenUs: edgeUs,
  };
}

/**
 * Zoomed by a factor (below 1 shows less) about an instant that keeps its place; one that follows the live edge
 * goes on to, and its edge keeps its place.
 * @param {TimeWindow} window @param {number} factor @param {number} atUs @param {number} edgeUs
 * @returns {TimeWindow}
 */
export function zoom(window, factor, atUs, edgeUs) {
  const spanUs = bounded(window.spanUs * factor);
  if (window.endUs === null) return { spanUs, endUs: null };
  const endUs = atUs + (window.endUs - atUs) * (spanUs / window.spanUs);
  return pan({ spanUs, endUs, frozenUs: edgeUs }, 0, edgeUs);
}
