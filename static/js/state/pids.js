// @ts-check
/**
 * The pids of a run whose processes run on several machines: app/model/pids.py. Where two machines have the same pid the
 * run tells them apart by a number before it, which nobody has seen elsewhere: no person is shown that one.
 * @import { Process } from "./messages.js"
 */

/** More than any pid. */
const BEYOND = 10_000_000;

/**
 * Which worker a pid is, by run; null where it is none. @type {Map<number, Map<string, string | null>>}
 */
const known = new Map();

/** @param {string} run its id @param {Pick<Process, "pid" | "worker">} process */
export function knowProcess(run, { pid, worker }) {
  let runs = known.get(pid);
  if (!runs) known.set(pid, runs = new Map());
  runs.set(run, worker || null);
}

/** A page opens a run in the place of the one before, which is shown no more. */
export function forgetProcesses() {
  known.clear();
}

/**
 * The worker that a pid is. Where a page shows two runs and both have a process of that pid, it is named as a worker
 * only if it is the same in both: else one would be shown under the other's name. @param {number} pid
 */
function workerOf(pid) {
  const names = new Set(known.get(pid)?.values());
  return names.size === 1 ? [...names][0] : null;
}

/** What the process's own machine calls it. @param {number} pid */
export const ownPid = (pid) => pid % BEYOND;

/** A process in words: "pid 4321", of a cluster "worker 3 · pid 4321". @param {number} pid */
export function processName(pid) {
  const worker = workerOf(pid);
  return worker === null ? `pid ${ownPid(pid)}` : `worker ${worker} · pid ${ownPid(pid)}`;
}

/** The same without the word, for a column of pids. @param {number} pid */
export function pidText(pid) {
  const worker = workerOf(pid);
  return worker === null ? String(ownPid(pid)) : `${worker} · ${ownPid(pid)}`;
}
