// @ts-check
/** Where a time axis is marked: at multiples of 1, 2 or 5, then of clock-like minutes and hours. */

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const LONG_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1440].map((minutes) => minutes * MINUTE);

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
 * The instants to mark, all multiples of the step.
 * @param {number} startUs
 * @param {number} endUs
 * @param {number} most
 * @returns {{stepUs: number, at: number[]}}
 */
export function ticks(startUs, endUs, most) {
  const stepUs = tickStep(endUs - startUs, most);
  const at = [];
  for (let index = Math.ceil(startUs / stepUs); index * stepUs <= endUs; index += 1) {
    at.push(index * stepUs);
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
    const minutes = Math.round(us / MINUTE);
    return `${minutes}:00`;
  }
  const decimals = Math.max(0, Math.ceil(-Math.log10(stepUs / SECOND) - 1e-9));
  return `${(us / SECOND).toFixed(decimals)} s`;
}
