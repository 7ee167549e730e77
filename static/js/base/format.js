// @ts-check
/**
 * Quantities as people read them. Each function gives the number and its unit apart; a quantity that could not
 * be measured is null, and stands as a dash.
 * @typedef {{value: string, unit: string}} Quantity
 * @typedef {number | null | undefined} Maybe
 */

/** @type {Quantity} */
const NOTHING = { value: "–", unit: "" };

/** @param {number} number @param {number} digits significant digits, of which no leading ones are cut */
function significant(number, digits) {
  const size = Math.abs(number);
  if (size >= 10 ** (digits - 1) || size === 0) return grouped(Math.round(number));
  const whole = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  return number.toFixed(digits - whole);
}

/** @param {number} number a whole number */
function grouped(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** A share from 0 to 1, in per cent. @param {Maybe} value @returns {Quantity} */
export function share(value) {
  if (value === null || value === undefined) return NOTHING;
  const percent = value * 100;
  return { value: percent >= 99.95 ? "100" : percent.toFixed(1), unit: "%" };
}

/** How much of a time was seen, rounded down to a tenth: 100 % is all of it. @param {Maybe} value @returns {Quantity} */
export function seen(value) {
  if (value === null || value === undefined) return NOTHING;
  return { value: String(Math.floor(value * 1000 + 0.05) / 10), unit: "%" };
}

/** Shares of a core: 1.37 cores are 137 %. @param {Maybe} value @returns {Quantity} */
export function cores(value) {
  if (value === null || value === undefined) return NOTHING;
  return { value: (value * 100).toFixed(0), unit: "%" };
}

/** A count or a rate; large ones in thousands and millions. @param {Maybe} value @returns {Quantity} */
export function count(value) {
  if (value === null || value === undefined) return NOTHING;
  for (const [factor, unit] of /** @type {[number, string][]} */ ([[1e9, "G"], [1e6, "M"]])) {
    if (Math.abs(value) >= factor) return { value: significant(value / factor, 3), unit };
  }
  if (Math.abs(value) >= 1e5) return { value: significant(value / 1e3, 3), unit: "k" };
  return { value: Number.isInteger(value) ? grouped(value) : significant(value, 3), unit: "" };
}

/** A length of time, in seconds. @param {Maybe} seconds @returns {Quantity} */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  const size = Math.abs(seconds);
  if (size === 0) return { value: "0", unit: "s" };
  if (size < 0.9995e-3) return { value: significant(seconds * 1e6, 3), unit: "µs" };
  if (size < 0.9995) return { value: significant(seconds * 1e3, 3), unit: "ms" };
  if (size < 600) return { value: seconds.toFixed(size < 10 ? 2 : 1), unit: "s" };
  return {
    value: `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`,
    unit: "min",
  };
}

/** A size in bytes. @param {Maybe} bytes @returns {Quantity} */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let power = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && power < units.length - 1) {
    value /= 1024;
    power += 1;
  }
  return { value: power === 0 ? String(value) : significant(value, 3), unit: units[power] };
}

/** An instant of the run to the microsecond: "12.345 678 s". @param {number} us */
export function instant(us) {
  const [whole, fraction] = (us / 1e6).toFixed(6).split(".");
  return `${whole}.${fraction.slice(0, 3)} ${fraction.slice(3)} s`;
}

/** @param {Quantity} quantity */
export function text({ value, unit }) {
  return unit ? `${value} ${unit}` : value;
}

/**
 * A figure by the unit that the server names.
 * @type {{[unit in "share" | "count" | "rate" | "duration" | "size"]: (value: number | null) => string}}
 */
export const BY_UNIT = {
  share: (value) => text(share(value)),
  count: (value) => text(count(value)),
  rate: (value) => value === null ? text(count(null)) : `${text(count(value))}/s`,
  duration: (value) => text(duration(value)),
  size: (value) => text(size(value)),
};
