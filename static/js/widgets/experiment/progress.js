// @ts-check
/**
 * How far an experiment is: the run that goes on, how many there are, and how long all that is left takes.
 * @import { Experiment, Progress } from "../../net/api.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { about, nameOf } from "./words.js";

const TICK_MS = 1000;

export class ProgressSection {
  #root;
  /** When all will have ended, by performance.now(). @type {number | null} */
  #endsMs = null;
  #ticking;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  /** @param {Experiment} experiment */
  update(experiment) {
    const { state, progress, configurations, runs_done: done } = experiment;
    this.#root.hidden = state !== "running";
    if (state !== "running") clearInterval(this.#ticking);
    if (!progress) return;
    setText(find(this.#root, ".run", HTMLElement), `Run ${progress.number} of ${progress.of}`);
    const bar = find(this.#root, "progress", HTMLProgressElement);
    bar.max = progress.of;
    bar.value = done;
    const what = nameOf(configurations[progress.configuration]);
    const now = find(this.#root, ".now", HTMLElement);
    const parts = [
      progress.run === null ? what : make("a", { href: `/runs/${encodeURIComponent(progress.run)}` }, what),
      ...(progress.warm_up ? [", to warm up: it does not count"] : []),
      ...(progress.again ? [`, again, since ${progress.again}`] : []),
      ".",
    ];
    const signature = `${progress.run} ${progress.number} ${progress.again}`;
    if (now.dataset.shown !== signature) {
      now.dataset.shown = signature;
      now.replaceChildren("Measuring ", ...parts);
    }
    find(this.#root, ".done", HTMLElement).replaceChildren(...doneRows(experiment, progress));
    this.#endsMs = progress.left_s === null ? null : performance.now() + progress.left_s * 1000;
    this.#tick();
  }

  #tick() {
    const left = find(this.#root, ".left", HTMLElement);
    if (this.#endsMs === null) setText(left, "how long it takes is known once a run has ended");
    else setText(left, `${about(Math.max(0, this.#endsMs - performance.now()) / 1000)} left`);
  }
}

/**
 * Of each configuration a mark for each of its runs: the warm-up first, filled where it is done.
 * @param {Experiment} experiment @param {Progress} progress
 */
function doneRows({ configurations, asked }, { left, configuration: current }) {
  const all = asked.repeats + 1;
  return configurations.map((row, index) => {
    const done = all - left[index];
    const marks = Array.from({ length: all }, (_, at) =>
      make("i", {
        class: [at < done ? "did" : at === done && index === current ? "does" : "", at === 0 ? "warm-up" : ""]
          .join(" ").trim(),
      }));
    const said = row.error ? "given up" : `${Math.max(0, done - 1)} of ${asked.repeats}`;
    return make(
      "li",
      { class: index === current ? "current" : "" },
      make("span", { class: "what" }, nameOf(row)),
      make("span", { class: "marks", "aria-hidden": "true" }, ...marks),
      make("span", { class: "count" }, said),
    );
  });
}
