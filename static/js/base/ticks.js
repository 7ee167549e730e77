// @ts-check
/** Where a time axis is marked: at multiples of 1, 2 or 5, then of clock-like minutes and hours. */

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
/** Nobody reads an axis by less than a microsecond. */
const MOST_DECIMALS = 6;
const LONG_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1440].map((minutes) => minutes * MINUTE);

/** Distances at which the marks of sizes may stand. */
export const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);

/**
 * The smallest good step that marks the interval at most `most` times.
 * @param {number} spanUs
 * @param {number} most
 */
export function tickStep(spanUs, most) {
  const atLeast = spanUs / Math.max(1, most);
  if (atLeast > 20 * SECOND) {
    return LONG_STEPS.find((step) => step >= atLeast) ?? LONG_STEPS[LONG_STEPS.length - 1];
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeast)));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= atLeast);
  return (factor ?? 10) * power;
}

/**
 * The instants to mark, all multiples of the step after `originUs`, from which the axis counts.
 * @param {number} startUs
 * @param {number} endUs
 * @param {number} most
 * @param {number} [originUs]
 * @returns {{stepUs: number, at: number[]}}
 */
export function ticks(startUs, endUs, most, originUs = 0) {
  const stepUs = tickStep(endUs - startUs, most);
  const at = [];
  for (let index = Math.ceil((startUs - originUs) / stepUs); originUs + index * stepUs <= endUs; index += 1) {
    at.push(originUs + index * stepUs);
  }
  return { stepUs, at };
}

/**
 * An instant, with as many decimals as the step needs: "12.5 s", "0.002 s", "2:30".
 * @param {number} us
 * @param {number} stepUs
 */
export function tickLabel(us, stepUs) {
  if (stepUs >= MINUTE) {
    const seconds = Math.round(us / SECOND);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
  return `${(us / SECOND).toFixed(decimalsOf(stepUs / SECOND))} s`;
}

/** So many that a multiple of the step is written as it is: 2.5 needs one. @param {number} step */
function decimalsOf(step) {
  for (let decimals = 0; decimals < MOST_DECIMALS; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return MOST_DECIMALS;
}
