// @ts-check
/**
 * Settings with which a run follows the advice of a finding, whatever workload it is of. Pure.
 * @import { Finding, Run } from "../../state/messages.js"
 * @import { Variant } from "./explanation.js"
 * @typedef {{executors: {name: string, least: string | undefined}[], leastWorkers: number | null, least: string | undefined,
 *            interpreters: {path: string, name: string, version: string}[]}} Offers what a workload can be started with;
 *     `least` is the oldest CPython for it, and a name that ends in "t" is of a build without a GIL
 * @typedef {{version: string, free: boolean}} Python that a run has: the version, and whether it is such a build
 * @typedef {{title: string, variant: Variant}} Setting
 */
import { whyNot } from "../executor_choice.js";

/** What the advice names, of what a run can be started with. @type {{[code: string]: {executors?: string[], free?: boolean, workers?: boolean}}} */
const ADVISED = {
  "gil-saturated": { executors: ["processes", "subinterpreters"], free: true },
  "gil-convoy": { executors: ["processes", "subinterpreters"] },
  "gil-long-hold": { executors: ["processes", "subinterpreters"] },
  "cpu-oversubscribed": { workers: true },
};

/** @type {Variant} */
const SAME = { workload: null, params: {}, executor: null, workers: null, python: null };

/**
 * @param {Pick<Finding, "code" | "evidence">} finding @param {Pick<Run, "executor" | "workers">} run
 * @param {Offers} offers @param {Python} python
 * @returns {Setting[]}
 */
export function settingsFor({ code, evidence }, { executor, workers }, offers, python) {
  const advised = ADVISED[code] ?? {};
  /** @type {Setting[]} */
  const settings = (advised.executors ?? []).flatMap((other) => {
    const offered = offers.executors.find(({ name }) => name === other);
    if (!offered || !executor || other === executor || whyNot(python.version, offered.least)) return [];
    return [{ title: `The same with ${other}`, variant: { ...SAME, executor: other } }];
  });
  const free = advised.free && !python.free ? newestFree(offers) : undefined;
  if (free) {
    const title = `The same on CPython ${free.name}, which has no GIL`;
    settings.push({ title, variant: { ...SAME, python: free.path } });
  }
  const cpus = Math.floor(Number(evidence.cpus ?? 0));
  const alone = !evidence.threads_without_python; // C code's own pools go by no number of workers
  if (advised.workers && alone && workers && workers > cpus && cpus >= (offers.leastWorkers ?? Infinity)) {
    const number = cpus === 1 ? "1 worker: there is one CPU" : `${cpus} workers, as many as there are CPUs`;
    settings.push({ title: `The same with ${number}`, variant: { ...SAME, workers: cpus } });
  }
  return settings;
}

/** They stand newest first. @param {Offers} offers */
function newestFree({ interpreters, least }) {
  return interpreters.find(({ name, version }) => name.endsWith("t") && whyNot(version, least) === null);
}
