// @ts-check
/** The pids of a run whose processes run on several machines: app/model/pids.py. Pure. */

/** More than any pid. */
const BEYOND = 10_000_000;

/** What the process's own machine calls it. @param {number} pid */
export const ownPid = (pid) => pid % BEYOND;
