// @ts-check
/**
 * The pids of a run whose processes run on several machines: app/model/pids.py. Where two machines have the same pid the
 * run tells them apart by a number before it, which nobody has seen elsewhere: no person is shown that one.
 * @import { Process } from "./messages.js"
 */

/** More than any pid. */
const BEYOND = 10_000_000;

/** The workers of the cluster that this page shows, by the run's pids. A page shows one run. @type {Map<number, string>} */
const workers = new Map();

/** @param {Pick<Process, "pid" | "worker">} process */
export function knowProcess({ pid, worker }) {
  if (worker) workers.set(pid, worker);
}

/** What the process's own machine calls it. @param {number} pid */
export const ownPid = (pid) => pid % BEYOND;

/** A process in words: "pid 4321", of a cluster "worker 3 · pid 4321". @param {number} pid */
export function processName(pid) {
  const worker = workers.get(pid);
  return worker === undefined ? `pid ${ownPid(pid)}` : `worker ${worker} · pid ${ownPid(pid)}`;
}

/** The same without the word, for a column of pids. @param {number} pid */
export function pidText(pid) {
  const worker = workers.get(pid);
  return worker === undefined ? String(ownPid(pid)) : `${worker} · ${ownPid(pid)}`;
}
