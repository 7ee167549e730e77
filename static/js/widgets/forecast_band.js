// @ts-check
/**
 * A forecast's band, drawn; with what was measured on it.
 * @typedef {{low: number, middle: number, high: number}} Band
 * @typedef {{throughput: number, low: number | null, high: number | null}} Measured
 */
import { make } from "../base/dom.js";

/** The widest band that is drawn; what is beyond ends at the edge. */
export const MOST = 4;

/**
 * A line from 0 to MOST with the band on it, a mark in its middle, one at 1, which is as it is now, and a dot
 * where it was measured.
 * @param {Band} band @param {Measured | null} [measured]
 */
export function bandOf({ low, middle, high }, measured = null) {
  const at = (/** @type {number} */ value) => `${(100 * Math.min(value, MOST)) / MOST}%`;
  const bar = make("span", { class: "range" });
  bar.style.left = at(low);
  bar.style.width = `calc(${at(high)} - ${at(low)})`;
  const mark = make("span", { class: "likely" });
  mark.style.left = at(middle);
  const now = make("span", { class: "now" });
  now.style.left = at(1);
  const dots = measured === null ? [] : [make("span", { class: "dot" })];
  for (const dot of dots) dot.style.left = at(measured?.throughput ?? 0);
  return make("span", { class: "forecast-band", "aria-hidden": "true" }, now, bar, mark, ...dots);
}

/** @param {number} value */
export const times = (value) => `×${value.toFixed(2)}`;

/** @param {Measured} measured */
export function measuredWords({ throughput, low, high }) {
  const between = low === null || high === null ? "" : ` (${low.toFixed(2)} … ${high.toFixed(2)})`;
  return times(throughput) + between;
}
