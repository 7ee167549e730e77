// @ts-check
/**
 * Draws a whole run in a strip: how much of each moment somebody held the GIL, and how much of that others waited;
 * of a build without one, how many threads ran at a time.
 * @import { Palette } from "../draw/palette.js"
 * @import { Surface } from "../draw/surface.js"
 * @import { Series } from "../state/series.js"
 */
import { STATES } from "../state/messages.js";

const RUNNING = STATES.indexOf("running");
const WAITING = STATES.indexOf("waiting");

/** What the strip shows, in short and in full. @param {boolean} free whether there is no GIL */
export function whatWhole(free) {
  return free
    ? { name: "Whole run: threads at once", meaning: "How many threads ran Python at the same time" }
    : {
      name: "Whole run: GIL held",
      meaning: "How much of each moment the GIL was held, in green, and how much it was contended, in orange",
    };
}

/**
 * @param {Surface} surface over CSS pixels
 * @param {Palette} palette
 * @param {{series: Series, free: boolean, endUs: number, width: number, height: number}} picture `endUs` is its right
 *     side; its left is the run's beginning
 */
export function paintWhole({ context, ratio }, palette, { series, free, endUs, width, height }) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = palette.lane.css;
  context.fillRect(0, 0, width, height);
  const at = series.column("at_us");
  const bars = (
    /** @type {(number | null)[]} */ values,
    /** @type {number} */ most,
    /** @type {string} */ colour,
  ) => {
    context.fillStyle = colour;
    let left = 0;
    values.forEach((value, index) => {
      const right = ((at[index] ?? 0) / endUs) * width;
      const high = ((value ?? 0) / most) * height;
      // Whole pixels: between two bars nothing shines through.
      if (high > 0) {
        context.fillRect(Math.floor(left), height - high, Math.ceil(right) - Math.floor(left), high);
      }
      left = right;
    });
  };
  if (free) {
    const running = series.column("running");
    bars(running, Math.max(1, ...running.map((value) => value ?? 0)), palette.states[RUNNING].css);
    return;
  }
  bars(series.column("held_share"), 1, palette.states[RUNNING].css);
  bars(series.column("contended_share"), 1, palette.states[WAITING].css);
}
