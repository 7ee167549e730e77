// @ts-check
/**
 * The figures that matter, each in a tile. A dash says on hover why there is no figure.
 * @import { RunState } from "../../state/run_state.js"
 * @import { Figures, GilFigures, GilRates, Maybe, Summary, Totals } from "../../state/messages.js"
 * @import { Quantity } from "../../base/format.js"
 * @typedef {"held_share" | "contended_share" | "switches_per_s" | "waiters" | "running" | "cpu_share" | "rss" |
 *            "ops_per_s" | "coverage" | OfRun} Measure
 * @typedef {"gil_wait" | "lock_waiters" | "loop_lag" | "loop_blocked" | "objects" | "collector_share"} OfRun
 * @typedef {{[measure in Measure]: Maybe}} Reading
 * @typedef {{measure: Measure, show: (value: Maybe) => Quantity, unit?: string, ofGil?: boolean, soFar?: boolean}} Tile
 *     `soFar`: while the run goes on it is of the run so far
 */
import { find, setText } from "../../base/dom.js";
import { cores, count, duration, seen, share, size, text } from "../../base/format.js";
import { spanText } from "../span_text.js";
import { isThin } from "../../state/messages.js";
import { questionOf } from "../../state/questions.js";
import { inState, measuresOf } from "../../state/measures.js";
import { processName } from "../../state/pids.js";

/** @type {{[key: string]: Tile}} */
const TILES = {
  held: { measure: "held_share", show: share, ofGil: true },
  contended: { measure: "contended_share", show: share, ofGil: true },
  switches: { measure: "switches_per_s", show: count, unit: "/s", ofGil: true },
  waiters: { measure: "waiters", show: waiters, ofGil: true },
  running: { measure: "running", show: waiters },
  cpu: { measure: "cpu_share", show: cores },
  rss: { measure: "rss", show: size },
  ops: { measure: "ops_per_s", show: count, unit: "/s" },
  seen: { measure: "coverage", show: seen },
  waited: { measure: "gil_wait", show: duration, soFar: true },
  locked: { measure: "lock_waiters", show: waiters, soFar: true },
  lag: { measure: "loop_lag", show: duration, soFar: true },
  blocked: { measure: "loop_blocked", show: duration, soFar: true },
  objects: { measure: "objects", show: size },
  collector: { measure: "collector_share", show: share },
};

/** What the meanings of figures that roll say of their time: of a run that has ended they are of more. */
const LAST_SECOND = /(over|in) the last second|between the last two readings/;

/** @param {Maybe} value */
function waiters(value) {
  return typeof value === "number" ? { value: value.toFixed(2), unit: "" } : count(value);
}

/** Why there are no figures yet, by the run's state. @type {{[state: string]: string}} */
const BEING_READ = {
  starting: "The program is being started. The observer attaches as soon as there is a Python in it.",
  running: "The observer is attached. The first lanes and figures come within a second.",
  importing:
    "This recording is being read through. Its timeline and figures come here as soon as that is done.",
  indexing:
    "The index of this run is being made anew. Its timeline and figures come here as soon as that is done.",
};

export class FigureTiles {
  #tiles;
  #list;
  #note;
  #thin;
  /** @type {string[]} */
  #order = [];

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#list = find(root, "dl.figures", HTMLElement);
    this.#tiles = Object.entries(TILES).map(([key, tile]) => {
      const element = find(root, `[data-figure=${key}]`, HTMLElement);
      return {
        key,
        tile,
        element,
        head: find(element, "dt", HTMLElement),
        meaning: element.title,
        value: find(element, ".value", HTMLElement),
        soFar: find(element, ".so-far", HTMLElement),
        unit: find(element, ".unit", HTMLElement),
      };
    });
    this.#note = find(root, ".note", HTMLElement);
    this.#thin = find(root, "p.thin", HTMLElement);
  }

  /** @param {RunState} state @param {number | null} threads that are selected; null: all */
  update(state, threads = null) {
    const { figures, summary } = state;
    if (state.run) this.#arrange(questionOf(state).figures);
    if (!figures) {
      // As long as nothing has come, the page's own words on what is waited for stay.
      if (state.run) this.#say(BEING_READ[state.run.state] ?? "");
      return;
    }
    const live = figures.gils.find((candidate) => candidate.gil === figures.main_gil);
    const gil = summary ? busiest(summary.gils) : live;
    const reading = read(state, figures.totals, gil);
    for (const { tile, element, head, meaning, value, unit, soFar } of this.#tiles) {
      const figure = reading[tile.measure];
      const quantity = tile.show(figure);
      setText(value, quantity.value);
      setText(unit, figure === null ? "" : quantity.unit + (tile.unit ?? ""));
      // Of a run that has ended memory is told at its highest, which no later reading need be.
      if (tile.measure === "rss") setText(head, summary ? "RSS, peak" : "RSS");
      setText(soFar, summary ? "" : soFarOf(tile, figures, live));
      soFar.hidden = Boolean(summary);
      const of = summary
        ? meaning.replace(LAST_SECOND, `over ${state.span ? "this time" : "the whole run"}`)
        : meaning;
      element.title = figure === null ? `${of} ${whyNot(state, tile)}` : of;
      element.classList.toggle("thin", tile.measure === "coverage" && isThin(figure));
    }
    const told = (state.told.findings ?? []).some(({ code }) => code === "observation-thin");
    const coverage = summary ? summary.sampling.coverage : figures.observer.coverage;
    const warning = thinWarning(coverage, { soFar: !summary, told });
    const note = noteOn(state, summary ? summary.gils : figures.gils, gil);
    const said = threads === null ? note : `${note} ${ofSome(threads)}`;
    // While a run goes on, the warning stands where the note does, so that what is below does not move.
    this.#thin.hidden = warning === "";
    setText(this.#thin, warning);
    this.#thin.title = said;
    this.#say(warning === "" || summary ? said : "");
  }

  /** Those that answer the run's question, the first ones first. @param {string[]} order */
  #arrange(order) {
    if (order === this.#order) return;
    this.#order = order;
    const placeOf = (/** @type {string} */ key) => order.includes(key) ? order.indexOf(key) : Infinity;
    const tiles = this.#tiles.toSorted((one, other) => placeOf(one.key) - placeOf(other.key) || 0);
    for (const { key, element } of tiles) element.hidden = !order.includes(key);
    this.#list.append(...tiles.map(({ element }) => element));
  }

  /** @param {string} note */
  #say(note) {
    this.#note.hidden = note === "";
    setText(this.#note, note);
  }
}

/**
 * What the tiles show: of an ended run what its summary says, else what was measured last.
 * @param {RunState} state
 * @param {Totals} totals
 * @param {Omit<GilFigures, "gil"> | undefined} gil
 * @returns {Reading}
 */
function read(state, totals, gil) {
  const { summary, series, span } = state;
  const operations = summary ? summary.workload?.ops_per_s : totals.ops_per_s;
  return {
    held_share: gil?.held_share ?? null,
    contended_share: gil?.contended_share ?? null,
    switches_per_s: gil?.switches_per_s ?? null,
    waiters: gil?.waiters ?? null,
    running: summary ? inState(summary.threads, "running") : span ? null : series.latest("running"),
    cpu_share: summary ? summary.cpu_share : totals.cpu_share,
    rss: summary ? summary.memory_peak.rss : totals.rss,
    ops_per_s: typeof operations === "number" ? operations : null,
    coverage: summary ? summary.sampling.coverage : gil ? gil.coverage : series.latest("coverage"),
    ...measuresOf(state),
  };
}

/**
 * What a figure is over the whole run so far, where that is known.
 * @param {Tile} tile @param {Figures} figures @param {GilFigures | undefined} gil
 */
function soFarOf({ measure, show, unit, ofGil, soFar }, { observer }, gil) {
  if (soFar) return "of the run so far";
  const figure = ofGil
    ? gil?.so_far?.[/** @type {keyof GilRates} */ (measure)]
    : measure === "coverage"
    ? observer.coverage
    : null;
  return typeof figure === "number" ? `so far ${text(show(figure))}${unit ?? ""}` : "";
}

/**
 * What is said at the head of a run of which too little was seen.
 * @param {Maybe | undefined} coverage
 * @param {{soFar?: boolean, told?: boolean}} [how] whether the run goes on, and whether a finding tells of it
 */
export function thinWarning(coverage, { soFar = false, told = false } = {}) {
  if (!isThin(coverage)) return "";
  return `Only ${text(seen(coverage))} of the time ${
    soFar ? "so far " : ""
  }was seen. Shares are of that part; the rest may be different.${
    told ? " Findings say why, and what helps." : ""
  }`;
}

/** @param {number} threads */
function ofSome(threads) {
  const number = threads === 1 ? "the thread" : `the ${text(count(threads))} threads`;
  return `Threads, waits and event loops are of ${number} selected, the rest of all.`;
}

/** @param {Summary["gils"]} gils */
function busiest(gils) {
  return [...gils].sort((one, other) => (other.held_share ?? 0) - (one.held_share ?? 0)).at(0);
}

/**
 * Of which GIL and of which time the figures are.
 * @param {RunState} state @param {unknown[]} gils @param {{pid: number} | undefined} gil
 */
function noteOn({ free, summary, span, unknown }, gils, gil) {
  if (unknown) {
    return `Figures, panels and findings are of the whole run, not of the time from ${
      spanText(unknown)
    }: there are no others here.`;
  }
  if (span) {
    return `Figures, panels and findings are of the time from ${spanText(span)}. Charts show the whole run.`;
  }
  if (free) {
    return "No GIL: this build runs threads at the same time, so nobody holds it and nobody waits for it." +
      (summary ? " Over the whole run; memory at its highest." : " Figures of the last second.");
  }
  const which = gils.length > 1 && gil
    ? `GIL of ${processName(gil.pid)}, the busiest of ${gils.length}.`
    : "";
  const when = summary
    ? "Over the whole run; memory at its highest."
    : "Figures of the last second; so far: of the whole run, as findings are.";
  return [which, when].filter(Boolean).join(" ");
}

/** @param {RunState} state @param {Tile} tile */
function whyNot({ processes, ended }, tile) {
  if (tile.ofGil) {
    const why = [...processes.values()].map((process) => process.why.gil).find(Boolean);
    return why ? `Not measured: ${why}` : "Not measured in this second.";
  }
  if (tile.soFar) return "There was none in this run.";
  return ended ? "Not measured at the end." : "Not measured yet, or this run has none.";
}
