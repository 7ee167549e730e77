// @ts-check
/**
 * What a run is looked at for, as app/workloads/catalogue.py declares it of its workload, and what of the page answers
 * that first: the figures in their order, and the panel that is on view until a hand chooses another. Pure.
 * @import { RunState } from "./run_state.js"
 * @typedef {{figures: string[], panel: string, counters: string[], ended?: string}} Question figures by the names that
 *     templates/partials/figures.html gives them, panels and counters by their keys: the first of these that is
 *     measured has a lane; `ended` is the panel of a run that is over
 */

/** A run of which nobody said what it is looked at for: a script, a command, a process that was attached to. */
export const ANY = {
  figures: ["held", "contended", "switches", "waiters", "running", "cpu", "rss", "ops", "seen"],
  panel: "overview",
  ended: "result",
  counters: ["cpu"],
};

/** @type {{[question: string]: Question}} */
export const QUESTIONS = {
  gil: {
    figures: ["held", "contended", "waited", "switches", "running", "waiters", "cpu", "ops", "seen"],
    panel: "waits",
    counters: ["cpu"],
  },
  work: {
    figures: ["ops", "cpu", "running", "held", "contended", "switches", "waiters", "rss", "seen"],
    panel: "overview",
    ended: "result",
    counters: ["operations", "cpu"],
  },
  locks: {
    figures: ["locked", "ops", "running", "held", "contended", "switches", "waiters", "cpu", "seen"],
    panel: "overview",
    ended: "result",
    counters: ["operations", "cpu"],
  },
  loop: {
    figures: ["lag", "blocked", "ops", "running", "held", "waited", "switches", "cpu", "seen"],
    panel: "loops",
    counters: ["cpu"],
  },
  memory: {
    figures: ["rss", "objects", "collector", "running", "ops", "cpu", "held", "switches", "seen"],
    panel: "memory",
    counters: ["rss"],
  },
};

/** @param {Pick<RunState, "run">} state */
export function questionOf({ run }) {
  return QUESTIONS[run?.question ?? ""] ?? ANY;
}

/**
 * The panel that a run opens on; null while it is not known. Of a run that is over and reported nothing there is no
 * result to open on.
 * @param {Pick<RunState, "run" | "summary" | "reported">} state
 */
export function openingPanel(state) {
  const { run, summary, reported } = state;
  if (!run) return null;
  const { panel, ended } = questionOf(state);
  return ended && summary && (reported ?? summary.workload ?? run.output) ? ended : panel;
}
