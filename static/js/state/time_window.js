// @ts-check
/**
 * Which interval of the run is on view. `endUs` null: the window follows the live edge; else it stands there.
 * Each operation returns a new window. `edgeUs` is as far as the run has come.
 * @typedef {Readonly<{spanUs: number, endUs: number | null}>} TimeWindow
 */

export const DEFAULT_SPAN_US = 10_000_000;
/** Two samples of the GIL at 1 kHz: below this there is nothing more to see. */
export const SHORTEST_SPAN_US = 2_000;
export const LONGEST_SPAN_US = 600_000_000;

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

/** Stands where it is. @param {TimeWindow} window @param {number} edgeUs @returns {TimeWindow} */
export function pause(window, edgeUs) {
  return { ...window, endUs: interval(window, edgeUs).endUs };
}

/** Follows the live edge again. @param {TimeWindow} window @returns {TimeWindow} */
export function follow(window) {
  return { ...window, endUs: null };
}

/**
 * Moved by so much, later if positive. It stays on the run.
 * @param {TimeWindow} window @param {number} byUs @param {number} edgeUs @returns {TimeWindow}
 */
export function pan(window, byUs, edgeUs) {
  const latestUs = Math.max(edgeUs, window.spanUs);
  const endUs = interval(window, edgeUs).endUs + byUs;
  return { ...window, endUs: Math.min(latestUs, Math.max(window.spanUs, endUs)) };
}

/**
 * Zoomed by a factor (below 1 shows less) about an instant that keeps its place; one that follows the live edge
 * goes on to, and its edge keeps its place.
 * @param {TimeWindow} window @param {number} factor @param {number} atUs @param {number} edgeUs
 * @returns {TimeWindow}
 */
export function zoom(window, factor, atUs, edgeUs) {
  const spanUs = Math.min(LONGEST_SPAN_US, Math.max(SHORTEST_SPAN_US, window.spanUs * factor));
  if (window.endUs === null) return { spanUs, endUs: null };
  const endUs = atUs + (window.endUs - atUs) * (spanUs / window.spanUs);
  return pan({ spanUs, endUs }, 0, edgeUs);
}
