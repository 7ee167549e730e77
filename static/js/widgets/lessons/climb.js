// @ts-check
/**
 * A run of `memory-ladder`, told what to do by buttons: the ladder, the map of its heap, and its pages over time.
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { Palette } from "../../draw/palette.js"
 */
import { find, setText } from "../../base/dom.js";
import { MemoryChart } from "../../charts/memory_chart.js";
import { act, Problem, startRun, stopRun } from "../../net/api.js";
import { RunState } from "../../state/run_state.js";
import { FollowedRun } from "../run/followed_run.js";
import { HeapPanel } from "../panels/heap_panel.js";
import { Ladder } from "./ladder.js";
import { badgeOf } from "../run/title.js";

/** As long as somebody may want to try things, in seconds. */
const SECONDS = 1_800;

export class Climb {
  /** @type {FollowedRun | null} */
  #run = null;
  #root;
  #ladder;
  #heap;
  #chart;
  #scheduler;
  #onProblem;
  #update = () => this.#show();

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {FrameScheduler} how.scheduler
   * @param {Palette} how.palette
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(root, { scheduler, palette, onProblem }) {
    this.#root = root;
    this.#scheduler = scheduler;
    this.#onProblem = onProblem;
    this.#ladder = new Ladder(find(root, ".climb", HTMLElement));
    this.#heap = new HeapPanel(find(root, ".panel.heap", HTMLElement), palette);
    this.#chart = new MemoryChart(find(root, ".pages-of .chart", HTMLElement), palette);
    this.#button("[data-ladder=start]").addEventListener("click", () => this.#start());
    this.#button("[data-ladder=stop]").addEventListener("click", () => this.#try(() => this.#stop()));
    for (const button of root.querySelectorAll("[data-action]")) {
      if (button instanceof HTMLButtonElement) button.addEventListener("click", () => this.#act(button));
    }
    // Nobody else can press its buttons; whoever goes to see the whole run may want it to go on.
    let onward = false;
    find(root, ".climb .whole", HTMLAnchorElement).addEventListener("click", () => onward = true);
    globalThis.addEventListener("pagehide", () => {
      if (!onward && this.#goesOn) this.#try(() => this.#stop());
    });
    this.#button("[data-ladder=start]").disabled = false;
    this.#show();
  }

  get #goesOn() {
    return this.#run !== null && !this.#run.state.ended;
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#heap.recolour(palette);
    this.#chart.recolour(palette);
    this.#scheduler.redraw(this.#update);
  }

  async #start() {
    const start = this.#button("[data-ladder=start]");
    start.disabled = true;
    await this.#try(async () => {
      const python = find(this.#root, "#ladder-python", HTMLSelectElement).value;
      const { id } = await startRun({ workload: "memory-ladder", seconds: SECONDS, python });
      this.#run?.dispose();
      this.#run = new FollowedRun(id, {
        heap: true,
        damaged: find(this.#root, ".damaged", HTMLElement),
        onNews: () => this.#scheduler.redraw(this.#update),
        onProblem: this.#onProblem,
      });
    });
    start.disabled = false;
    this.#show();
  }

  async #stop() {
    if (this.#run) await stopRun(this.#run.id);
  }

  /** @param {HTMLButtonElement} button */
  async #act(button) {
    const { action = "" } = button.dataset;
    await this.#try(async () => {
      if (this.#run) await act(this.#run.id, action);
    });
  }

  /** @param {() => Promise<void>} what */
  async #try(what) {
    try {
      await what();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#onProblem(problem);
    }
  }

  #show() {
    const state = this.#run?.state ?? new RunState();
    const begun = state.reports.deeds.length > 0;
    for (const button of this.#root.querySelectorAll("[data-action]")) {
      if (button instanceof HTMLButtonElement) button.disabled = !begun || state.ended;
    }
    this.#button("[data-ladder=start]").hidden = this.#goesOn;
    this.#button("[data-ladder=stop]").hidden = !this.#goesOn;
    find(this.#root, "#ladder-python", HTMLSelectElement).disabled = this.#goesOn;
    const badge = find(this.#root, ".climb .badge", HTMLElement);
    setText(badge, state.run ? badgeOf(state.run) : "");
    badge.dataset.state = state.run?.state ?? "";
    const whole = find(this.#root, ".climb .whole", HTMLAnchorElement);
    whole.hidden = this.#run === null;
    if (this.#run) whole.href = `/runs/${encodeURIComponent(this.#run.id)}`;
    this.#ladder.update(state);
    this.#heap.update(state);
    this.#chart.update(state.courses.memory);
  }

  /** @param {string} selector */
  #button(selector) {
    return find(this.#root, selector, HTMLButtonElement);
  }
}
