// @ts-check
/**
 * Two summaries set against each other. Pure.
 * @import { Maybe, Summary } from "./messages.js"
 * @typedef {{name: string, a: unknown, b: unknown}} Difference `name` is dotted where a field lies within another
 * @typedef {"share" | "cores" | "count" | "rate" | "duration" | "size"} Unit
 * @typedef {{label: string, unit: Unit, a: Maybe, b: Maybe, ratio: Maybe}} Measured
 */

/** What is told in a place of its own, or says nothing about the run. */
const ELSEWHERE = new Set(["showed", "pictures", "table", "steps", "wait_for", "models", "curves", "bars"]);
/** Deeper than this a result is no longer told by fields. */
const DEEPEST = 3;

/**
 * The main figures of both, with how many times A's B's is.
 * @param {Summary | null} a @param {Summary | null} b @returns {Measured[]}
 */
export function figuresOf(a, b) {
  const [one, other] = [measure(a), measure(b)];
  return MEASURES.map(([label, unit], index) => {
    const [left, right] = [one[index], other[index]];
    const ratio = left !== null && right !== null && left > 0 ? right / left : null;
    return { label, unit, a: left, b: right, ratio };
  });
}

/** @type {[label: string, unit: Unit, read: (summary: Summary) => Maybe | undefined][]} */
const MEASURES = [
  ["Operations", "rate", ({ workload }) => /** @type {Maybe} */ (workload?.ops_per_s)],
  ["Length", "duration", ({ run }) => run.duration_s],
  ["Time seen", "share", ({ sampling }) => sampling.coverage],
  ["GIL held", "share", ({ gils }) => most(gils.map((gil) => gil.held_share))],
  ["GIL contended", "share", ({ gils }) => most(gils.map((gil) => gil.contended_share))],
  ["Threads waiting", "count", ({ gils }) => most(gils.map((gil) => gil.waiters))],
  ["Switches", "rate", ({ gils }) => sum(gils.map((gil) => gil.switches_per_s))],
  ["CPU time", "duration", ({ threads }) => sum(threads.map((thread) => thread.cpu_s))],
  [
    "Longest wait for the GIL",
    "duration",
    ({ threads }) => most(threads.map((thread) => thread.gil_wait?.max_s)),
  ],
  ["Peak RSS, all processes", "size", ({ memory }) => sum((memory ?? []).map((process) => process.peak_rss))],
  ["Heap, most in use", "size", ({ heap }) => sum((heap ?? []).map((one) => one.peak?.bytes_used))],
  ["Heap at the end", "size", ({ heap }) => sum((heap ?? []).map((one) => one.arena_bytes))],
  ["Collections", "count", ({ gc }) => sum((gc ?? []).map((one) => one.pauses.count))],
  ["Collector's pauses", "duration", ({ gc }) => sum((gc ?? []).map((one) => one.pauses.total_s))],
];

/** @param {Summary | null} summary @returns {Maybe[]} */
function measure(summary) {
  return MEASURES.map(([, , read]) => (summary ? read(summary) ?? null : null));
}

/** @param {(Maybe | undefined)[]} values */
function known(values) {
  return values.filter((value) => typeof value === "number");
}

/** @param {(Maybe | undefined)[]} values @returns {Maybe} */
function most(values) {
  return known(values).length ? Math.max(...known(values)) : null;
}

/** @param {(Maybe | undefined)[]} values @returns {Maybe} */
function sum(values) {
  return known(values).length ? known(values).reduce((all, value) => all + value, 0) : null;
}

/**
 * What both were asked for and what they reported, where it differs.
 * @param {Summary} a @param {Summary} b @returns {Difference[]}
 */
export function differencesOf(a, b) {
  const [one, other] = [fieldsOf(a), fieldsOf(b)];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) => {
    const [left, right] = [one.get(name), other.get(name)];
    return JSON.stringify(left) === JSON.stringify(right) ? [] : [{ name, a: left, b: right }];
  });
}

/** @param {Summary} summary @returns {Map<string, unknown>} */
function fieldsOf({ run, workload }) {
  const asked = { executor: run.executor, workers: run.workers, ...run.params };
  return new Map([...flat(asked, ""), ...flat(workload ?? {}, "")]);
}

/** Longer than a cell is wide. @param {unknown} value */
function isRecords(value) {
  return Array.isArray(value) && value.some((one) => typeof one === "object");
}

/** @param {object} fields @param {string} within @returns {[string, unknown][]} */
function flat(fields, within) {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (ELSEWHERE.has(name) || isRecords(value)) return [];
    const dotted = within ? `${within}.${name}` : name;
    const deep = typeof value === "object" && value !== null && !Array.isArray(value);
    if (deep && dotted.split(".").length < DEEPEST) return flat(value, dotted);
    return /** @type {[string, unknown][]} */ ([[dotted, value]]);
  });
}
