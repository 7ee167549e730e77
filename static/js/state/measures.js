// @ts-check
/**
 * Figures that the page takes together from rows of threads, event loops, heaps and collectors: the worst of them,
 * or all of them. Pure.
 * @import { Maybe } from "./messages.js"
 * @import { RunState } from "./run_state.js"
 */

/**
 * null where nothing of the kind was measured.
 * @param {Pick<RunState, "summary" | "figures" | "causes" | "told">} state
 * @returns {{gil_wait: Maybe, lock_waiters: Maybe, loop_lag: Maybe, loop_blocked: Maybe, objects: Maybe,
 *            collector_share: Maybe}} times in seconds, sizes in bytes
 */
export function measuresOf({ summary, figures, causes, told }) {
  const threads = (summary ?? figures)?.threads ?? [];
  return {
    gil_wait: most(threads.map(({ gil_wait: waits }) => waits?.count ? waits.p99_s : null)),
    lock_waiters: inState(threads, "lock"),
    loop_lag: most(causes.loops.map(({ lag_s: lag }) => lag.p99)),
    loop_blocked: most(causes.loops.map(({ longest }) => longest.at(0)?.length_s)),
    // Of a whole run RSS is told at its highest, and so is this.
    objects: sum(
      (told.heap ?? []).map(({ peak, bytes_used: used }) => (summary && peak?.bytes_used) || used),
    ),
    collector_share: most((told.gc ?? []).map(({ share, pauses }) => share ?? pauses.stopped_share)),
  };
}

/**
 * How many of the threads were in a state, on average over the time of the one that was seen longest.
 * @param {{observed_s: Maybe, shares: {[state: string]: number} | null}[]} threads @param {string} state
 */
export function inState(threads, state) {
  const longest = most(threads.map(({ observed_s: observed }) => observed));
  if (!longest) return null;
  return sum(
    threads.map(({ observed_s: observed, shares }) => (shares?.[state] ?? 0) * (observed ?? 0) / longest),
  );
}

/** @param {(Maybe | undefined)[]} values */
function most(values) {
  const known = values.filter((value) => typeof value === "number");
  return known.length ? Math.max(...known) : null;
}

/** @param {number[]} values */
function sum(values) {
  return values.length ? values.reduce((all, value) => all + value, 0) : null;
}
