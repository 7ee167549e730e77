// @ts-check
/**
 * How experiments and configurations are called.
 * @import { ExperimentHead } from "../../net/api.js"
 */
import { duration, text } from "../../base/format.js";
import { settingsIn } from "../fields.js";

/** @param {{executor: string | null, workers?: number | null, python: string | null}} configuration */
export function nameOf({ executor, workers = null, python }) {
  const count = workers === null ? "" : `${workers} ${workers === 1 ? "worker" : "workers"}`;
  const parts = [executor && workers !== null ? `${executor} × ${workers}` : executor ?? count];
  return [...parts, python && `CPython ${python}`].filter(Boolean).join(" · ") || "the program";
}

/** What was asked for, in a line. @param {ExperimentHead} experiment */
export function askedOf({ kind, asked }) {
  const each = kind === "workload" && asked.seconds !== null ? ` of ${asked.seconds} s` : "";
  const repeats = `${asked.repeats} ${asked.repeats === 1 ? "repetition" : "repetitions"}${each}`;
  return [repeats, ...settingsIn(asked.params)].join(" · ");
}

/** A length of time as it is told while it passes: no more exact than it is known. @param {number} seconds */
export function about(seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} min`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} seconds */
export const took = (seconds) => text(duration(seconds));
