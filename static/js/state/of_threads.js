// @ts-check
/**
 * What is known of a run, of some of its threads alone: rows of threads, waits and event loops. What is told of all
 * threads together, such as figures, functions and findings, stays as it is. Pure.
 * @typedef {{pid: number, tid: number | null}} OfThread
 */
import { RunState } from "./run_state.js";

/**
 * @param {RunState} state @param {ReadonlySet<number>} lanes
 * @returns {RunState} over the same run
 */
export function ofThreads(state, lanes) {
  const keys = new Set([...lanes].flatMap((number) => {
    const lane = state.lanes.get(number);
    return lane ? [keyOf(lane)] : [];
  }));
  const has = (/** @type {OfThread} */ one) => keys.has(keyOf(one));
  const { figures, summary, causes } = state;
  return Object.assign(new RunState(), state, {
    figures: figures && { ...figures, ...rowsOf(figures, has) },
    summary: summary && { ...summary, ...rowsOf(summary, has) },
    causes: {
      ...causes,
      who_waits: causes.who_waits.filter(({ pid, waiter, holder }) =>
        [waiter, holder].some((end) => has({ pid, tid: end.tid }))
      ),
      longest_waits: causes.longest_waits.filter(has),
      longest_holds: causes.longest_holds.filter(has),
      loops: causes.loops.filter(has),
    },
  });
}

/**
 * @template {OfThread} T
 * @param {{threads: T[]}} said @param {(one: OfThread) => boolean} has
 */
function rowsOf({ threads }, has) {
  return { threads: threads.filter(has), threads_not_shown: 0, threads_cpu_unlisted_s: 0 };
}

/** @param {OfThread} one */
function keyOf({ pid, tid }) {
  return `${pid}/${tid}`;
}
