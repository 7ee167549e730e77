// @ts-check
/** The lab: the catalogue, and the run on view. Its address is the run's, so that it can be shared and kept. */
import { find } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { attachThemeButton } from "../base/theme.js";
import { getRequest, Problem, startRun } from "../net/api.js";
import { startPair } from "../net/pair.js";
import { Catalogue } from "../widgets/catalogue.js";
import { attachForm, fill } from "../widgets/launch_form.js";
import { Notice } from "../widgets/notice.js";
import { RunView } from "../widgets/run/run_view.js";

/** @import { RunRequest } from "../net/api.js" */

const stage = find(document, "#stage", HTMLElement);
const empty = find(document, "#empty", HTMLElement);
const script = find(document, "#script", HTMLElement);
const command = find(document, "#command", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const catalogue = new Catalogue(find(document, ".catalogue", HTMLElement), start);
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);

/** @type {RunView | null} */
let view = null;
/** @type {string | null} the run that is on view */
let shown = null;

/** Puts a run on view, or none. @param {string | null} id */
function show(id) {
  view?.dispose();
  view = null;
  shown = id;
  notice.hide();
  markPage();
  empty.hidden = id !== null;
  if (id === null) {
    catalogue.mark(null);
    return;
  }
  view = new RunView(stage, id, {
    scheduler,
    sentencesOf: (workload) => {
      catalogue.mark(workload);
      return catalogue.sentencesOf(workload);
    },
    onTry: tryOut,
    onAgain: startAgain,
    onProblem: (problem) => notice.show(problem),
  });
}

/** @param {RunRequest} request @returns {Promise<Problem | null>} */
async function start(request) {
  try {
    const run = await startRun(request);
    history.pushState(null, "", `/runs/${run.id}`);
    open(null);
    show(run.id);
    return null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return problem;
  }
}

/** @param {string} id of a run, of which the same is started again */
async function startAgain(id) {
  try {
    const problem = await start(await getRequest(id));
    if (problem) throw problem;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/** Offers a run's settings to be changed. @param {string} id */
async function change(id) {
  try {
    const request = await getRequest(id);
    if (request.workload) return catalogue.open(request.workload, request);
    const own = request.command ? command : script;
    fill(find(own, "form", HTMLFormElement), request);
    open(own);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/**
 * Starts a run, and after it another to compare it with, if there is one.
 * @param {RunRequest} first @param {RunRequest | null} second
 */
async function tryOut(first, second) {
  if (second === null) {
    const problem = await start(first);
    if (problem) notice.show(problem);
    return;
  }
  try {
    location.assign(await startPair(first, second));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/** Opens the form of one's own lines, or of a command; null closes both. @param {HTMLElement | null} form */
function open(form) {
  script.hidden = form !== script;
  command.hidden = form !== command;
  empty.hidden = form !== null || view !== null;
  for (const button of document.querySelectorAll("[data-act=script]")) {
    button.setAttribute("aria-expanded", String(form === script));
  }
  if (form) find(form, "textarea", HTMLTextAreaElement).focus();
}

/** The lab is the current page only where no run is on view. */
function markPage() {
  const home = find(document, "nav a[href='/']", HTMLAnchorElement);
  if (location.pathname === "/") home.setAttribute("aria-current", "page");
  else home.removeAttribute("aria-current");
}

/** @param {HTMLButtonElement} button */
async function startFrom(button) {
  button.disabled = true;
  try {
    const problem = await start({ workload: button.dataset.run ?? "" });
    if (problem) notice.show(problem);
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
for (const button of document.querySelectorAll("[data-act=script]")) {
  button.addEventListener("click", () => open(script.hidden ? script : null));
}
for (const own of [script, command]) attachForm(find(own, "form", HTMLFormElement), start);
addEventListener("popstate", () => {
  if (idOfAddress() !== shown) show(idOfAddress()); // a link within the page changes no run
});
attachThemeButton(find(document, "#theme", HTMLButtonElement));
show(idOfAddress());
const changed = new URLSearchParams(location.search).get("change");
if (changed !== null && location.pathname === "/") change(changed);
