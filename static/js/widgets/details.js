// @ts-check
/**
 * What lies behind the timeline, a panel for each question. Only what is on view is brought up to date.
 * @import { Palette } from "../draw/palette.js"
 * @import { Place } from "./longest.js"
 * @import { RunState } from "../state/run_state.js"
 * @import { Timeline } from "./timeline.js"
 */
import { find } from "../base/dom.js";
import { ChartBoard } from "../charts/board.js";
import { CollectorPanel } from "./collector_panel.js";
import { FindingsPanel } from "./findings_panel.js";
import { FlamePanel } from "./flame_panel.js";
import { HotFunctions } from "./functions.js";
import { HeapPanel } from "./heap_panel.js";
import { Histograms } from "./histograms.js";
import { LongestTable } from "./longest.js";
import { LoopPanel } from "./loops.js";
import { WaitMatrix } from "./matrix.js";
import { MemoryPanel } from "./memory_panel.js";
import { ProcessPanel } from "./process.js";
import { ResultPanel } from "./result.js";
import { Tabs } from "./tabs.js";
import { ThreadTable } from "./threads.js";
import { WherePanel } from "./where_panel.js";

export class Details {
  /** @type {{[panel: string]: (state: RunState) => void}} */
  #updates;
  #state;
  #timeline;
  #tabs;
  #charts;
  #flame;
  #heap;
  #memory;
  #findings;
  #where;

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {RunState} how.state
   * @param {Palette} how.palette
   * @param {Timeline} how.timeline
   * @param {(panel: string) => void} how.onShow told which panel came into view
   * @param {() => void} how.onFlame told when a hand wants the flame graph of a run that goes on
   */
  constructor(root, { state, palette, timeline, onShow, onFlame }) {
    this.#state = state;
    this.#timeline = timeline;
    this.#charts = new ChartBoard(find(root, ".charts", HTMLElement), palette, () => timeline.onView);
    this.#flame = new FlamePanel(root, onFlame);
    this.#where = new WherePanel(root, onFlame);
    this.#heap = new HeapPanel(root, palette);
    this.#memory = new MemoryPanel(root, palette);
    this.#findings = new FindingsPanel(root, () => this.#tabs.open("findings"));
    this.#updates = this.#updatesOf(root);
    this.#tabs = new Tabs(find(root, ".panels", HTMLElement), onShow);
  }

  /** @param {HTMLElement} root @returns {{[panel: string]: (state: RunState) => void}} */
  #updatesOf(root) {
    const threads = new ThreadTable(root);
    const matrix = new WaitMatrix(root);
    const histograms = new Histograms(root);
    const ways = {
      whyNotSeen: (/** @type {Place} */ one) => this.#whyNotSeen(one),
      onChoose: (/** @type {Place} */ one) => this.#choose(one),
    };
    const [waits, holds] = [new LongestTable(root, "waits", ways), new LongestTable(root, "holds", ways)];
    const loops = new LoopPanel(root, ways);
    const hot = new HotFunctions(root);
    const collector = new CollectorPanel(root);
    const process = new ProcessPanel(root);
    const result = new ResultPanel(root);
    return {
      charts: ({ series }) => this.#charts.update(series),
      threads: ({ summary, figures }) => {
        const said = summary ?? figures;
        if (said) threads.update(said.threads, said.threads_not_shown);
      },
      waits: ({ causes, summary, figures }) => {
        matrix.update(causes.who_waits);
        histograms.update((summary ?? figures)?.threads ?? []);
        waits.update(causes.longest_waits);
        holds.update(causes.longest_holds);
      },
      loops: ({ causes }) => loops.update(causes.loops),
      functions: (state) => {
        hot.update(state.causes.hot);
        this.#flame.update(state);
      },
      where: (state) => this.#where.update(state),
      heap: (state) => this.#heap.update(state),
      collector: (state) => collector.update(state),
      memory: (state) => this.#memory.update(state),
      process: (state) => process.update(state),
      result: (state) => result.update(state),
    };
  }

  /** @param {RunState} state */
  update(state) {
    if (state.summary) this.#tabs.offer("result");
    this.#findings.update(state);
    for (const [panel, update] of Object.entries(this.#updates)) {
      if (this.#tabs.isOn(panel)) update(state);
    }
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#charts.recolour(palette);
    this.#heap.recolour(palette);
    this.#memory.recolour(palette);
  }

  /** The flame graph that was wanted could not be had. */
  flameAgain() {
    this.#flame.again();
    this.#where.again();
  }

  dispose() {
    this.#charts.dispose();
    this.#memory.dispose();
  }

  /** @param {Place} one */
  #laneOf({ pid, tid, name }) {
    const lanes = [...this.#state.lanes.values()].filter((lane) => lane.pid === pid && lane.tid === tid);
    return (lanes.find((lane) => lane.name === name) ?? lanes.at(-1))?.lane ?? null;
  }

  /** @param {Place} one @returns {string | null} */
  #whyNotSeen(one) {
    const lane = this.#laneOf(one);
    if (lane !== null && this.#timeline.hasSince(lane) <= one.at_s * 1e6) return null;
    return "This page came later: its timeline does not reach back so far.";
  }

  /** @param {Place} one */
  #choose(one) {
    const startUs = one.at_s * 1e6;
    this.#timeline.reveal({ startUs, endUs: startUs + one.length_s * 1e6, lane: this.#laneOf(one) });
  }
}
