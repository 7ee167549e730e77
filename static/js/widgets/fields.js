// @ts-check
/**
 * Any JSON as a list of fields, with units told by their names.
 */
import { make } from "../base/dom.js";
import { count, duration, share, size, text } from "../base/format.js";

/** How a value of a unit is shown, by the units of app/workloads/measured.py. @type {{[unit: string]: Show}} */
const MEASURED = {
  rate: (value) => `${text(count(value))}/s`,
  times: (value) => `${value.toFixed(2)} ×`,
  share: (value) => text(share(value)),
  s: (value) => text(duration(value)),
  ms: (value) => text(duration(value / 1e3)),
  us: (value) => text(duration(value / 1e6)),
  ns: (value) => value === 0 || value >= 1e3 ? text(duration(value / 1e9)) : `${text(count(value))} ns`,
  bytes: (value) => text(size(value)),
  bytes_rate: (value) => `${text(size(value))}/s`,
};

/** A value that a workload reported with its unit: a number, several, or some by their names. @param {unknown} value @param {string} unit @returns {string} */
export function measuredOf(value, unit) {
  if (typeof value === "number") return (MEASURED[unit] ?? plain)(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((one) => measuredOf(one, unit)).join(" · ") || "–";
  const named = Object.entries(value).map(([name, one]) => `${name} ${measuredOf(one, unit)}`);
  return named.join(" · ") || "none";
}

/** @typedef {(value: number) => string} Show */

/** @type {[suffix: RegExp, show: Show][]} */
const UNITS = [
  [/_per_s$/, (value) => `${text(count(value))}/s`],
  [/(_|^)ms$/, (value) => text(duration(value / 1e3))],
  [/(_|^)us$/, (value) => text(duration(value / 1e6))],
  [/(_|^)(s|seconds)$/, (value) => text(duration(value))],
  [/(_|^)share$/, (value) => text(share(value))],
  [/(_|^)(bytes|rss|uss|pss)(_|$)/, (value) => text(size(value))],
  [/(_|^)mib$/, (value) => text(size(value * 2 ** 20))],
  [/(_|^)count$/, (value) => text(count(value))],
];

/** @type {Show} */
const plain = (value) => text(count(value));

/**
 * @param {object} result
 * @param {Show} [show] for fields whose names tell no unit: below `latency_ms` {p50, p99} the upper name does
 * @returns {HTMLElement}
 */
export function fieldsOf(result, show = plain) {
  const list = make("dl");
  for (const [name, value] of Object.entries(result)) {
    const own = showOf(name) ?? show;
    list.append(make("div", {}, make("dt", {}, label(name)), make("dd", {}, shown(value, own))));
  }
  return list;
}

/** @param {string} name */
function showOf(name) {
  return UNITS.find(([suffix]) => suffix.test(name))?.[1];
}

/**
 * What stands at the head of a column of that name, and how its values are shown.
 * @param {string} name
 * @returns {{name: string, show: (value: unknown) => Node | string}}
 */
export function unitOf(name) {
  return { name: label(name), show: (value) => shown(value, showOf(name) ?? plain) };
}

/**
 * What a run was started with, in the words of a form; none of what is no short value.
 * @param {{[name: string]: unknown}} params @param {number} most letters of a value @returns {string[]}
 */
export function settingsIn(params, most = 24) {
  return Object.entries(params).flatMap(([key, value]) => {
    const { name, show } = unitOf(key);
    const words = show(value);
    return typeof words === "string" ? `${name} ${words.slice(0, most)}` : [];
  });
}

/** @param {string} name without the unit, which stands beside the figure */
function label(name) {
  return name.replace(/(?<!_per)_(ms|us|s|bytes|mib)$/, "").replace(/_/g, " ");
}

/** @param {unknown} value @param {Show} show @returns {Node | string} */
function shown(value, show) {
  if (typeof value === "number") return show(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  if (!Array.isArray(value)) return fieldsOf(value, show);
  if (isTable(value)) return recordsOf(value);
  const items = value.map((item) => shown(item, show));
  if (items.every((item) => typeof item === "string")) return items.join(", ") || "–";
  return make("ol", {}, ...items.map((item) => make("li", {}, item)));
}

/** Several records with the same fields. @param {unknown[]} value @returns {value is {[name: string]: unknown}[]} */
function isTable(value) {
  const [first] = value;
  if (value.length < 2 || typeof first !== "object" || first === null || Array.isArray(first)) return false;
  const names = Object.keys(first).join();
  return value.every((one) => typeof one === "object" && one !== null && Object.keys(one).join() === names);
}

/** @param {{[name: string]: unknown}[]} records */
function recordsOf(records) {
  const columns = Object.keys(records[0]).map((name) => ({ key: name, ...unitOf(name) }));
  const classOf = (/** @type {string} */ key) => typeof records[0][key] === "number" ? "number" : "text";
  const heads = columns.map(({ key, name }) => make("th", { scope: "col", class: classOf(key) }, name));
  const rows = records.map((record) =>
    make("tr", {}, ...columns.map(({ key, show }) => make("td", { class: classOf(key) }, show(record[key]))))
  );
  return make(
    "table",
    { class: "exhibit" },
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...rows),
  );
}
