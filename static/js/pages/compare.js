// @ts-check
/** Two runs side by side. The second may be yet to come: then it is started when the first has ended. */
import { find, make } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { attachThemeButton, onThemeChange } from "../base/theme.js";
import { readPalette } from "../draw/palette.js";
import { getComparison, listRuns, Problem } from "../net/api.js";
import { followerOf, startFollower } from "../net/pair.js";
import { RunState } from "../state/run_state.js";
import { Compared } from "../widgets/compared.js";
import { settingsIn } from "../widgets/fields.js";
import { FollowedRun } from "../widgets/run/followed_run.js";
import { Notice } from "../widgets/notice.js";
import { settingsOf, startedAt } from "../widgets/run_list.js";

/** @import { KeptRun } from "../net/api.js" */

const main = find(document, "#main", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);
const ids = (new URLSearchParams(location.search).get("runs") ?? "").split(",").filter(Boolean);

/** @param {string} first @param {string | undefined} second */
function compare(first, second) {
  const pair = find(main, ".pair", HTMLElement);
  pair.hidden = false;
  const compared = new Compared(pair, readPalette(), scheduler);
  const none = new RunState();
  const show = () => compared.update([a, b], none);
  const news = () => {
    scheduler.redraw(show);
    tell();
    if (b === null && a.summary && followerOf(first)) goOn();
  };
  const follow = (/** @type {string} */ id, /** @type {number} */ which) =>
    new FollowedRun(id, {
      damaged: find(pair, `.head-of[data-run="${which}"] .damaged`, HTMLElement),
      onNews: news,
      onProblem: (problem) => notice.show(problem),
    }).state;
  const a = follow(first, 0);
  /** @type {RunState | null} */
  let b = second === undefined ? null : follow(second, 1);

  let told = false;
  /** Once both have ended the server sets their figures side by side. */
  async function tell() {
    if (told || !a.summary || !b?.summary) return;
    told = true;
    try {
      compared.tell(await getComparison(a.summary.run.id, b.summary.run.id));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notice.show(problem);
    }
  }

  async function goOn() {
    try {
      const id = await startFollower(first);
      history.replaceState(null, "", `/compare?runs=${encodeURIComponent(first)},${encodeURIComponent(id)}`);
      b = follow(id, 1);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notice.show(problem);
    }
  }

  onThemeChange(() => {
    compared.recolour(readPalette());
    scheduler.redraw(show);
  });
  new ResizeObserver(() => scheduler.redraw(show)).observe(pair);
}

/** Its name, when it was, and what it was asked for. @param {KeptRun} run */
function nameOf(run) {
  const parts = [
    run.name,
    startedAt(run.started_at),
    settingsOf(run),
    ...settingsIn(run.params ?? {}, 20),
    run.state.replace("_", " "),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** Null where they cannot be had; then it is said why. */
async function runsThereAre() {
  try {
    const { runs, error } = await listRuns();
    if (error) notice.show(new Problem({ ...error, status: 500 }));
    return runs;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
    return null;
  }
}

/** Offers the runs that there are, for two of them to be chosen. */
async function ask() {
  const form = find(main, "form.ask", HTMLFormElement);
  const runs = await runsThereAre();
  if (!runs) return;
  form.hidden = false;
  const selects = ["a", "b"].map((name) => find(form, `[name=${name}]`, HTMLSelectElement));
  selects.forEach((select, index) => {
    select.replaceChildren(
      ...runs.map((run) => make("option", { value: run.id }, nameOf(run))),
    );
    // The older of the newest two comes first.
    select.selectedIndex = Math.min(runs.length - 1, 1 - index);
  });
  const few = runs.length < 2;
  find(form, ".none", HTMLElement).hidden = !few;
  for (const part of form.children) {
    if (!part.matches(".none")) /** @type {HTMLElement} */ (part).hidden = few;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(`/compare?runs=${selects.map(({ value }) => encodeURIComponent(value)).join()}`);
  });
}

attachThemeButton(find(document, "#theme", HTMLButtonElement));
if (ids.length > 0 && (ids.length > 1 || followerOf(ids[0]))) compare(ids[0], ids[1]);
else ask();
