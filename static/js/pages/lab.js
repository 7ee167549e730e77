// @ts-check
/** The lab: the catalogue, and the run on view. Its address is the run's, so that it can be shared and kept. */
import { find, make } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { attachThemeButton } from "../base/theme.js";
import { Problem, startRun } from "../net/api.js";
import { Catalogue } from "../widgets/catalogue.js";
import { RunView } from "../widgets/run_view.js";

/** @import { RunRequest } from "../net/api.js" */

const stage = find(document, "#stage", HTMLElement);
const empty = find(document, "#empty", HTMLElement);
const notice = find(document, "#notice", HTMLElement);
const catalogue = new Catalogue(find(document, ".catalogue", HTMLElement), start);
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);

/** @type {RunView | null} */
let view = null;

/** Puts a run on view, or none. @param {string | null} id */
function show(id) {
  view?.dispose();
  view = null;
  notice.hidden = true;
  empty.hidden = id !== null;
  if (id === null) {
    catalogue.mark(null);
    return;
  }
  view = new RunView(stage, id, {
    scheduler,
    lookFor: (workload) => {
      catalogue.mark(workload);
      return catalogue.lookFor(workload);
    },
    onProblem: complain,
  });
}

/** @param {RunRequest} request @returns {Promise<Problem | null>} */
async function start(request) {
  try {
    const run = await startRun(request);
    history.pushState(null, "", `/runs/${run.id}`);
    show(run.id);
    return null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return problem;
  }
}

/** @param {Problem} problem */
function complain(problem) {
  const dismiss = make("button", { type: "button", class: "quiet" }, "Dismiss");
  dismiss.addEventListener("click", () => (notice.hidden = true));
  const { title, remedy = "" } = problem.body;
  notice.replaceChildren(make("p", {}, make("b", {}, `${title}. `), `${problem.message} ${remedy}`), dismiss);
  notice.hidden = false;
}

/** @param {HTMLButtonElement} button */
async function startFrom(button) {
  button.disabled = true;
  try {
    const problem = await start({ workload: button.dataset.run ?? "" });
    if (problem) complain(problem);
  } finally {
    button.disabled = false;
  }
}

/** The run that the address names. */
function idOfAddress() {
  const [, id] = location.pathname.match(/^\/runs\/([^/]+)$/) ?? [];
  return id ? decodeURIComponent(id) : null;
}

for (const button of document.querySelectorAll("button[data-run]")) {
  if (button instanceof HTMLButtonElement) button.addEventListener("click", () => startFrom(button));
}
addEventListener("popstate", () => show(idOfAddress()));
attachThemeButton(find(document, "#theme", HTMLButtonElement));
show(idOfAddress());
