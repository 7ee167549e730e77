// @ts-check
/** The history: recorded runs, found, opened, compared, named, pinned, removed and brought back. */
import { find, make, setText } from "../base/dom.js";
import { count, size, text } from "../base/format.js";
import { KeyedRows } from "../base/keyed_rows.js";
import { attachThemeButton } from "../base/theme.js";
import {
  changeRun,
  getRequest,
  importRun,
  listRuns,
  Problem,
  removeRun,
  restoreRun,
  startRun,
} from "../net/api.js";
import { backOffMs } from "../net/stream.js";
import { RunList, spanOfDays } from "../widgets/run_list.js";
import { Notice } from "../widgets/notice.js";
import { RunRow } from "../widgets/run_rows.js";

/** @import { KeptRun, RunQuery } from "../net/api.js" */

const TYPING_MS = 250;

const main = find(document, "#main", HTMLElement);
const form = find(main, "form[role=search]", HTMLFormElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const undo = find(main, ".undo", HTMLElement);
const more = find(main, "[data-act=more]", HTMLButtonElement);
const compare = find(main, "[data-act=compare]", HTMLButtonElement);
const file = find(main, "[data-act=import]", HTMLInputElement);
const list = new RunList(listRuns);
/** When the list is asked for next. @type {ReturnType<typeof setTimeout> | undefined} */
let asking;
/** The ids that are chosen, the first chosen first. @type {string[]} */
let chosen = [];
/** @type {KeptRun | null} */
let removed = null;

const rows = new KeyedRows(
  find(main, "tbody", HTMLTableSectionElement),
  (/** @type {KeptRun} */ { id }) => id,
  (run) =>
    new RunRow(run, {
      choose: (id, on) => {
        chosen = on ? [...chosen, id] : chosen.filter((other) => other !== id);
        show();
      },
      find: (code) => {
        find(form, "[name=finding]", HTMLInputElement).value = code;
        reload();
      },
      again: ({ id }) => attempt(async () => goTo(await startRun(await getRequest(id)))),
      change: (id, change) =>
        attempt(async () => {
          list.replace(await changeRun(id, change));
          show();
        }),
      remove: (gone) =>
        attempt(async () => {
          await removeRun(gone.id);
          removed = gone;
          chosen = chosen.filter((id) => id !== gone.id);
          list.drop(gone.id);
          show();
        }),
    }),
);

/** What the fields ask for; empty ones ask for nothing. @returns {RunQuery} */
function query() {
  const { started = "", ...fields } = Object.fromEntries(
    [...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [
      name,
      value === "on" ? "true" : String(value),
    ]),
  );
  return { ...fields, ...spanOfDays(started) };
}

/** Does something, and says why it could not be done. @param {() => Promise<void>} what */
async function attempt(what) {
  try {
    await what();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/** @param {{id: string}} run */
function goTo(run) {
  location.assign(`/runs/${encodeURIComponent(run.id)}`);
}

/** @returns {(string | Node)[]} */
function whyNone() {
  if (Object.keys(query()).length) return ["No run matches."];
  return ["No run was recorded yet. ", make("a", { href: "/" }, "Run something in the lab"), "."];
}

function show() {
  rows.update(list.runs);
  const { archive, error, loaded } = list;
  const none = find(main, ".none", HTMLElement);
  none.hidden = list.runs.length > 0;
  if (loaded) none.replaceChildren(...whyNone());
  setText(
    find(main, ".found", HTMLElement),
    archive ? `${text(count(archive.runs))} ${archive.runs === 1 ? "run" : "runs"}` : "",
  );
  setText(
    find(main, ".kept", HTMLElement),
    archive
      ? `They take ${text(size(archive.bytes))} of ${
        text(size(archive.budget_bytes))
      }; when that is full, the oldest that are not pinned are deleted.`
      : "",
  );
  if (error) notice.show(new Problem({ ...error, status: 500 }));
  more.hidden = !list.more;
  compare.disabled = chosen.length !== 2;
  undo.hidden = removed === null;
  if (removed) setText(find(undo, "span", HTMLElement), `${removed.name} was deleted.`);
}

let failures = 0;
/** Fetches the list anew. A server that is away is asked again, later each time. */
async function reload() {
  clearTimeout(asking);
  try {
    await list.restart(query());
    failures = 0;
    notice.hide();
    show();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
    if (!problem.isRefusal) asking = setTimeout(reload, backOffMs(++failures));
  }
}

/** @param {File} recording */
const take = (recording) => attempt(async () => goTo(await importRun(recording)));

form.addEventListener("input", () => {
  clearTimeout(asking);
  asking = setTimeout(reload, TYPING_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  reload();
});
more.addEventListener("click", () =>
  attempt(async () => {
    await list.goOn(query());
    show();
  }));
compare.addEventListener(
  "click",
  () => location.assign(`/compare?runs=${chosen.map(encodeURIComponent).join()}`),
);
find(undo, "[data-act=undo]", HTMLButtonElement).addEventListener("click", () =>
  attempt(async () => {
    if (removed) await restoreRun(removed.id);
    removed = null;
    await reload();
  }));
file.addEventListener("change", () => file.files?.[0] && take(file.files[0]));
attachThemeButton(find(document, "#theme", HTMLButtonElement));
reload();
