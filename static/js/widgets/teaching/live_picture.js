// @ts-check
/**
 * A run as a room sees it: its figures, its timeline from the beginning, and its memory where it is looked at for that.
 * @import { Palette } from "../../draw/palette.js"
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { Problem } from "../../net/api.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, setText } from "../../base/dom.js";
import { MemoryChart } from "../../charts/memory_chart.js";
import { whole } from "../../state/time_window.js";
import { pictureOf, tableOf } from "../lessons/exhibits.js";
import { FigureTiles } from "../run/figures.js";
import { FollowedRun } from "../run/followed_run.js";
import { badgeOf, describe } from "../run/title.js";
import { SmallTimeline } from "../small_timeline.js";

export class LivePicture {
  /** @type {FollowedRun | null} */
  #run = null;
  #root;
  #scheduler;
  #palette;
  #tiles;
  #timeline;
  #chart;
  #onProblem;
  #onNews;
  /** The run whose exhibits are there. @type {string | null} */
  #exhibited = null;
  #update = () => this.#show();

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {FrameScheduler} how.scheduler
   * @param {Palette} how.palette
   * @param {(problem: Problem) => void} how.onProblem
   * @param {(state: RunState | null) => void} [how.onNews] of the run on view; null: there is none
   */
  constructor(root, { scheduler, palette, onProblem, onNews = () => {} }) {
    this.#root = root;
    this.#scheduler = scheduler;
    this.#palette = palette;
    this.#onProblem = onProblem;
    this.#onNews = onNews;
    this.#tiles = new FigureTiles(root);
    this.#timeline = new SmallTimeline(find(root, ".timeline", HTMLElement));
    this.#chart = new MemoryChart(find(root, ".chart", HTMLElement), palette);
    new ResizeObserver(() => scheduler.redraw(this.#update)).observe(root);
  }

  /** The run that is on view. */
  get run() {
    return this.#run?.id ?? null;
  }

  /** @param {string | null} id */
  show(id) {
    if (id === this.run) return;
    this.#run?.dispose();
    this.#run = id === null ? null : new FollowedRun(id, {
      damaged: find(this.#root, ".damaged", HTMLElement),
      onNews: () => this.#scheduler.redraw(this.#update),
      onProblem: (problem) => {
        this.show(null); // it is not there any more
        this.#onProblem(problem);
      },
    });
    this.#chart.recolour(this.#palette); // another run's processes are others
    this.#exhibited = null;
    find(this.#root, ".exhibits", HTMLElement).replaceChildren();
    this.#scheduler.redraw(this.#update);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#chart.recolour(palette);
    this.#scheduler.redraw(this.#update);
  }

  #show() {
    const state = this.#run?.state ?? null;
    const run = state?.run ?? null;
    find(this.#root, ".nothing", HTMLElement).hidden = this.#run !== null;
    find(this.#root, ".live", HTMLElement).hidden = this.#run === null;
    const badge = find(this.#root, ".badge", HTMLElement);
    setText(badge, run ? badgeOf(run) : this.#run ? "starting" : "");
    badge.dataset.state = run?.state ?? "";
    const link = find(this.#root, ".whole", HTMLAnchorElement);
    link.hidden = this.#run === null;
    if (this.#run) link.href = `/runs/${encodeURIComponent(this.#run.id)}`;
    setText(
      find(this.#root, ".of", HTMLElement),
      run && state ? [run.name, ...describe(state)].join(" · ") : "",
    );
    if (state) this.#draw(state);
    this.#onNews(state);
  }

  /** @param {RunState} state */
  #draw(state) {
    const { run, figures, lastUs } = state;
    const failure = find(this.#root, ".failure", HTMLElement);
    failure.hidden = !run?.error;
    setText(failure, run?.error ? `${run.error.title}. ${run.error.detail} ${run.error.remedy}` : "");
    this.#tiles.update(state);
    this.#exhibit(state);
    const edgeUs = (lastUs ?? 0) - (figures?.begin_us ?? 0);
    if (edgeUs > 0) this.#timeline.update(state, 0, Math.max(edgeUs, whole(edgeUs).spanUs), this.#palette);
    const chart = find(this.#root, ".chart", HTMLElement);
    chart.hidden = run?.question !== "memory";
    if (!chart.hidden) this.#chart.update(state.courses.memory);
  }

  /** The pictures and tables of a result, which are a part of the answer. @param {RunState} state */
  #exhibit({ summary }) {
    if (!summary || this.#exhibited === this.run) return;
    this.#exhibited = this.run;
    const { pictures = [], table = [] } = /** @type {{[name: string]: any}} */ (summary.workload ?? {});
    find(this.#root, ".exhibits", HTMLElement).replaceChildren(
      ...[pictures ?? []].flat().map(pictureOf),
      ...[table ?? []].flat().map((one) => tableOf(one)),
    );
  }
}
