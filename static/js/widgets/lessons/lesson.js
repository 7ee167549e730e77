// @ts-check
/**
 * A run that is part of a page of explanation: started by a hand, followed to its end, its result shown beside.
 * @import { RunRequest } from "../../net/api.js"
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, make, prose, setText } from "../../base/dom.js";
import { Problem, startRun } from "../../net/api.js";
import { pictureOf, tableOf } from "./exhibits.js";
import { FollowedRun } from "../run/followed_run.js";
import { badgeOf } from "../run/title.js";

export class Lesson {
  /** @type {FollowedRun | null} */
  #run = null;
  #root;
  #scheduler;
  #onNews;
  #onProblem;
  #update = () => this.#run && this.#onNews(this.#run.state);

  /**
   * @param {HTMLElement} root the lesson's section
   * @param {object} how
   * @param {FrameScheduler} how.scheduler
   * @param {(state: RunState) => void} how.onNews
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(root, { scheduler, onNews, onProblem }) {
    this.#root = root;
    this.#scheduler = scheduler;
    this.#onNews = onNews;
    this.#onProblem = onProblem;
  }

  /** Starts it anew. @param {RunRequest} request @returns {Promise<string | null>} its id, or null where it was refused */
  async start(request) {
    try {
      const { id } = await startRun(request);
      this.#run?.dispose();
      this.#run = new FollowedRun(id, {
        damaged: find(this.#root, ".damaged", HTMLElement),
        onNews: () => this.#scheduler.redraw(this.#update),
        onProblem: this.#onProblem,
      });
      return id;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#onProblem(problem);
      return null;
    }
  }
}

/** Shows how a run stands, and what it showed. @param {HTMLElement} root @param {RunState} state */
export function showResult(root, { run, summary }) {
  const badge = find(root, ".badge", HTMLElement);
  if (run) setText(badge, badgeOf(run));
  badge.dataset.state = run?.state ?? "";
  const whole = find(root, ".whole", HTMLAnchorElement);
  whole.hidden = run === null;
  if (run) whole.href = `/runs/${encodeURIComponent(run.id)}`;
  const result = /** @type {{[name: string]: any}} */ (summary?.workload ?? {});
  find(root, ".showed", HTMLElement).replaceChildren(
    ...[result.showed ?? []].flat().map((one) => make("li", {}, ...prose(String(one)))),
  );
  find(root, ".pictures", HTMLElement).replaceChildren(...[result.pictures ?? []].flat().map(pictureOf));
  find(root, ".tables", HTMLElement).replaceChildren(
    ...[result.table ?? []].flat().map((one) => tableOf(one)),
  );
}
