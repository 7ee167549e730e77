// @ts-check
/**
 * A run of `malloc-trim`: what a real malloc_trim(0) gives back, beside what was foretold of it from outside.
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { CLibraryFigures, TrimRow } from "../../state/messages.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { size, text } from "../../base/format.js";
import { act, Problem, startRun, stopRun } from "../../net/api.js";
import { RunState } from "../../state/run_state.js";
import { FollowedRun } from "../run/followed_run.js";
import { badgeOf } from "../run/title.js";

/** As long as somebody may want to look at it before the button is pressed, in seconds. */
const SECONDS = 600;

export class TrimLesson {
  /** @type {FollowedRun | null} */
  #run = null;
  /** The run that was asked to trim. @type {string | null} */
  #asked = null;
  #root;
  #scheduler;
  #onProblem;
  #start;
  #trim;
  #update = () => this.#show();

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {FrameScheduler} how.scheduler
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(root, { scheduler, onProblem }) {
    this.#root = root;
    this.#scheduler = scheduler;
    this.#onProblem = onProblem;
    this.#start = find(root, "[data-trim=start]", HTMLButtonElement);
    this.#trim = find(root, "[data-trim=trim]", HTMLButtonElement);
    this.#start.addEventListener("click", () => this.#begin());
    this.#trim.addEventListener("click", () => this.#act());
    let onward = false;
    find(root, ".whole", HTMLAnchorElement).addEventListener("click", () => onward = true);
    globalThis.addEventListener("pagehide", () => {
      if (!onward && this.#run && !this.#run.state.ended) stopRun(this.#run.id).catch(() => {});
    });
    this.#start.disabled = false;
    this.#show();
  }

  async #begin() {
    this.#start.disabled = true;
    await this.#try(async () => {
      const python = find(this.#root, "#trim-python", HTMLSelectElement).value;
      const { id } = await startRun({
        workload: "malloc-trim",
        params: { by_itself: false },
        seconds: SECONDS,
        python,
      });
      this.#run?.dispose();
      this.#run = new FollowedRun(id, {
        damaged: find(this.#root, ".damaged", HTMLElement),
        onNews: () => this.#scheduler.redraw(this.#update),
        onProblem: this.#onProblem,
      });
    });
    this.#show();
  }

  async #act() {
    await this.#try(async () => {
      if (!this.#run) return;
      this.#asked = this.#run.id; // once is enough
      await act(this.#run.id, "trim");
    });
    this.#show();
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
    const { run, told, reports, ended } = this.#run?.state ?? new RunState();
    const goesOn = this.#run !== null && !ended;
    const trimmed = told.trims?.at(-1) ?? null;
    const library = told.memory?.[0]?.c_library ?? null;
    // What was read before the blocks were freed foretells nothing.
    const read = library !== null && reports.freedS !== null && library.at_s > reports.freedS;
    this.#start.disabled = goesOn;
    this.#trim.disabled = !goesOn || !read || trimmed !== null || this.#asked === run?.id;
    const badge = find(this.#root, ".badge", HTMLElement);
    setText(badge, run ? badgeOf(run) : "");
    badge.dataset.state = run?.state ?? "";
    const whole = find(this.#root, ".whole", HTMLAnchorElement);
    whole.hidden = this.#run === null;
    if (this.#run) whole.href = `/runs/${encodeURIComponent(this.#run.id)}`;
    setText(find(this.#root, ".said", HTMLElement), saidOf(goesOn, read, library, trimmed));
    this.#showBars(trimmed ? barsOf(trimmed) : read && library ? foretoldOf(library) : []);
  }

  /** @param {{name: string, bytes: number, class: string}[]} bars */
  #showBars(bars) {
    const most = Math.max(1, ...bars.map(({ bytes }) => bytes));
    find(this.#root, ".beside-bars", HTMLElement).replaceChildren(
      ...bars.map(({ name, bytes, class: kind }) => {
        const part = make("i", { class: `used ${kind}` });
        part.style.width = `${(100 * bytes) / most}%`;
        return make(
          "div",
          { class: "beside-bar" },
          make("span", {}, name),
          make("div", { class: "bar" }, part),
          make("b", { class: "number" }, text(size(bytes))),
        );
      }),
    );
  }
}

/**
 * @param {boolean} goesOn @param {boolean} read
 * @param {CLibraryFigures | null} library @param {TrimRow | null} trimmed
 */
function saidOf(goesOn, read, library, trimmed) {
  if (trimmed) return trimmed.said;
  if (!goesOn) return "Nothing has been done yet.";
  if (!read) return "It has freed its blocks; its heap is read next.";
  if (library?.trimmable === null || library?.trimmable === undefined) return library?.why ?? "";
  return `${text(size(library.free))} are free in the C library's heap, as read from outside. ` +
    `malloc_trim(0) would give back ${text(size(library.trimmable))} of it. Press the button, and see.`;
}

/** @param {CLibraryFigures} library */
function foretoldOf({ trimmable }) {
  return trimmable === null ? [] : [{ name: "Foretold", bytes: trimmable, class: "foretold" }];
}

/** @param {TrimRow} trimmed */
function barsOf({ foretold, given_back: real }) {
  return [
    ...(foretold === null ? [] : [{ name: "Foretold", bytes: foretold, class: "foretold" }]),
    { name: "RSS fell by", bytes: Math.max(0, real), class: "real" },
  ];
}
