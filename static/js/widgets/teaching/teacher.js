// @ts-check
/**
 * A teacher's hand: goes from step to step, runs, shows answers, and has the server tell the audience of each.
 * @import { RunRequest, Shown } from "../../net/api.js"
 * @import { RunState } from "../../state/run_state.js"
 * @import { Chapter, Step } from "../../state/steps.js"
 * @import { Lesson, LessonWords } from "./lesson_words.js"
 * @import { LivePicture } from "./live_picture.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { act, getTeaching, Problem, putTeaching, startRun, stopRun } from "../../net/api.js";
import { chapterBeside, isSame, pathOf, stepAt, stepBeside } from "../../state/steps.js";

/** Of a workload that waits for a hand: as long as one may want to look, in seconds. */
const SECONDS_OF_ACTIONS = 600;
const GOING_ON = new Set(["starting", "running"]);

export class Teacher {
  #root;
  #chapters;
  #words;
  #picture;
  #onProblem;
  #titleOf;
  /** @type {Step | null} */
  #step = null;
  /** @type {Lesson | null} */
  #lesson = null;
  /** @type {RunState | null} */
  #state = null;
  #revealed = false;
  /** Whether an answer was asked for before all was known of the run. */
  #early = false;
  #starting = false;
  /** What was told the server, in its order. @type {Promise<unknown>} */
  #telling = Promise.resolve();

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {Chapter[]} how.chapters
   * @param {LessonWords} how.words
   * @param {LivePicture} how.picture
   * @param {(workload: string) => string} how.titleOf
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(root, { chapters, words, picture, titleOf, onProblem }) {
    this.#root = root;
    this.#chapters = chapters;
    this.#words = words;
    this.#picture = picture;
    this.#titleOf = titleOf;
    this.#onProblem = onProblem;
    const press = (/** @type {string} */ selector, /** @type {(event: Event) => unknown} */ deed) =>
      find(root, selector, HTMLElement).addEventListener("click", deed);
    press("[data-go=next]", () => this.turn(1));
    press("[data-go=previous]", () => this.turn(-1));
    press("[data-act=run]", () => this.run());
    press("[data-act=fixed]", () => this.#runFixed());
    press("[data-act=stop]", () => this.#stop());
    press("[data-act=reveal]", () => this.reveal());
    press(".choices", (event) => this.#follow(event));
  }

  /** To what the address names: the table of contents, or a step. */
  async open() {
    const step = stepAt(this.#chapters, location.pathname);
    find(this.#root, ".contents", HTMLElement).hidden = step !== null;
    find(this.#root, ".lesson", HTMLElement).hidden = step === null;
    if (!step) {
      this.#step = null;
      this.#picture.show(null);
      return;
    }
    const shown = await this.#onView();
    if (shown && isSame(step, shown)) this.#goOn(shown);
    else this.#show(step);
  }

  /** To the chapter beside. @param {1 | -1} by */
  turn(by) {
    this.#go(this.#step && chapterBeside(this.#chapters, this.#step, by));
  }

  /** To the experiment beside. @param {1 | -1} by */
  turnStep(by) {
    this.#go(this.#step && stepBeside(this.#chapters, this.#step, by));
  }

  /** Runs what the step is about, unless it runs. */
  async run() {
    if (this.#step && !this.#goesOn) await this.#start({ workload: this.#step.workload });
  }

  /** Shows the answer, or hides it. */
  reveal() {
    if (!this.#picture.run || !this.#state?.run) return;
    this.#revealed = !this.#revealed;
    this.#tell();
  }

  /** The run has more to say. @param {RunState | null} state */
  update(state) {
    this.#state = state;
    this.#offer();
    if (this.#revealed && this.#early && state?.summary) this.#tell(); // anew, now that all is known
  }

  get #goesOn() {
    return this.#starting ||
      (this.#picture.run !== null && GOING_ON.has(this.#state?.run?.state ?? "starting"));
  }

  /** @param {Step | null} step */
  #go(step) {
    if (!step) return;
    history.pushState(null, "", pathOf(step));
    this.#show(step);
  }

  /** @param {Event} event */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const { ctrlKey, metaKey, shiftKey } = /** @type {MouseEvent} */ (event);
    if (!link || ctrlKey || metaKey || shiftKey) return;
    event.preventDefault();
    this.#go(stepAt(this.#chapters, link.pathname));
  }

  /** A step anew, without a run. @param {Step} step */
  #show(step) {
    this.#turnTo(step);
    this.#revealed = false;
    this.#picture.show(null);
    this.#tell();
  }

  /** The step that the audience sees already, with its run. @param {Shown} shown */
  #goOn(shown) {
    this.#turnTo(shown);
    this.#picture.show(shown.run);
    this.#revealed = shown.answer !== null;
    this.#early = shown.answer?.so_far ?? false;
    this.#answer(shown);
  }

  /** @param {Step} step */
  #turnTo({ chapter, workload }) {
    const step = this.#step = { chapter, workload };
    const own = this.#chapters.find(({ number }) => number === chapter);
    if (!own) throw new Error(`there is no chapter ${chapter}`);
    this.#lesson = this.#words.show(step, own);
    const choices = own.workloads.map((name) =>
      make(
        "a",
        {
          href: pathOf({ chapter, workload: name }),
          ...(name === workload ? { "aria-current": "step" } : {}),
        },
        this.#titleOf(name),
      )
    );
    find(this.#root, ".choices", HTMLElement).replaceChildren(...choices);
    const fixed = find(this.#root, "[data-act=fixed]", HTMLButtonElement);
    fixed.hidden = this.#lesson.mended === null;
    setText(fixed, `Run the fixed version: ${lowered(this.#lesson.fixed ?? "")}`);
    const { actions } = this.#lesson;
    find(this.#root, ".acts", HTMLElement).replaceChildren(...actions);
    for (const button of actions) {
      button.addEventListener("click", () => this.#act(button.dataset.action ?? ""));
    }
    for (const [way, by] of /** @type {[string, 1 | -1][]} */ ([["next", 1], ["previous", -1]])) {
      const button = find(this.#root, `[data-go=${way}]`, HTMLButtonElement);
      button.disabled = chapterBeside(this.#chapters, step, by) === null;
    }
    this.#offer();
  }

  async #runFixed() {
    const { workload, params, executor, workers } = JSON.parse(this.#lesson?.mended ?? "null");
    await this.#start({
      workload: workload ?? this.#step?.workload,
      params,
      ...(executor && { executor }),
      ...(workers && { workers }),
    });
  }

  /** @param {RunRequest} request */
  async #start(request) {
    const before = this.#goesOn ? this.#picture.run : null;
    const step = this.#step;
    const python = find(this.#root, "#teach-python", HTMLSelectElement).value;
    this.#starting = true;
    this.#offer();
    try {
      if (before !== null) await stopRun(before); // neither is to be in the other's way
      const seconds = this.#lesson?.actions.length ? { seconds: SECONDS_OF_ACTIONS } : {};
      const { id } = await startRun({ ...request, ...seconds, ...(python && { python }) });
      if (!isSame(step, this.#step)) return;
      this.#state = null;
      this.#revealed = false;
      this.#picture.show(id);
      this.#tell();
    } catch (problem) {
      this.#refused(problem);
    } finally {
      this.#starting = false;
      this.#offer();
    }
  }

  async #stop() {
    try {
      if (this.#picture.run !== null) await stopRun(this.#picture.run);
    } catch (problem) {
      this.#refused(problem);
    }
  }

  /** @param {string} name */
  async #act(name) {
    try {
      if (this.#picture.run !== null) await act(this.#picture.run, name);
    } catch (problem) {
      this.#refused(problem);
    }
  }

  /** What can be pressed as things stand. */
  #offer() {
    const goesOn = this.#goesOn;
    const button = (/** @type {string} */ name) => find(this.#root, `[data-act=${name}]`, HTMLButtonElement);
    button("run").disabled = goesOn;
    setText(button("run"), this.#picture.run === null || goesOn ? "Run" : "Run again");
    button("fixed").disabled = this.#starting;
    button("stop").hidden = !goesOn || this.#starting;
    const live = this.#state?.run?.state === "running";
    for (const each of this.#lesson?.actions ?? []) each.disabled = !live;
    const reveal = button("reveal");
    reveal.disabled = !this.#state?.run || this.#starting;
    reveal.setAttribute("aria-expanded", String(this.#revealed));
    setText(reveal, this.#revealed ? "Hide the answer" : "Show the answer");
  }

  /** Tells the server what is on view; one thing after the other, so that the last is what stays. */
  #tell() {
    const step = this.#step;
    if (!step) return;
    const run = this.#picture.run;
    const revealed = this.#revealed && run !== null;
    this.#early = revealed && !this.#state?.summary;
    this.#offer();
    this.#telling = this.#telling.then(async () => {
      try {
        const { shown } = await putTeaching({ ...step, run, revealed });
        // What was turned to meanwhile has no answer of this.
        if (shown && isSame(step, this.#step) && run === this.#picture.run) this.#answer(shown);
      } catch (problem) {
        this.#refused(problem);
      }
    });
  }

  /** @param {Shown} shown */
  #answer({ answer }) {
    this.#words.answer(this.#revealed ? answer : null);
    this.#offer();
  }

  /** What the audience sees; null where that cannot be had. */
  async #onView() {
    await this.#telling;
    try {
      return (await getTeaching()).shown;
    } catch (problem) {
      this.#refused(problem);
      return null;
    }
  }

  /** @param {unknown} problem */
  #refused(problem) {
    if (!(problem instanceof Problem)) throw problem;
    this.#onProblem(problem);
  }
}

/** In the middle of a sentence; names and what is written in capitals stay. @param {string} text */
function lowered(text) {
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}
