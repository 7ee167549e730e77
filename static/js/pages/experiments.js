// @ts-check
/** The experiments: listed, opened, removed and brought back. */
import { find, make, setText } from "../base/dom.js";
import { KeyedRows } from "../base/keyed_rows.js";
import { attachThemeButton } from "../base/theme.js";
import { listExperiments, Problem, removeExperiment, restoreExperiment } from "../net/api.js";
import { ExperimentRow } from "../widgets/experiment/row.js";
import { Notice } from "../widgets/notice.js";

/** @import { ListedExperiment } from "../net/api.js" */

/** While one goes on. */
const AGAIN_MS = 3000;

const main = find(document, "#main", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const undo = find(main, ".undo", HTMLElement);
const more = find(main, "[data-act=more]", HTMLButtonElement);
/** @type {ListedExperiment[]} */
let listed = [];
/** @type {string | null} */
let next = null;
/** @type {ListedExperiment | null} */
let removed = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;

const rows = new KeyedRows(
  find(main, "tbody", HTMLTableSectionElement),
  (/** @type {ListedExperiment} */ { id }) => id,
  (experiment) =>
    new ExperimentRow(experiment, (gone) =>
      attempt(async () => {
        await removeExperiment(gone.id);
        removed = gone;
        await load();
      })),
);

/** Does something, and says why it could not be done. @param {() => Promise<void>} what */
async function attempt(what) {
  try {
    await what();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/** @param {string | null} [cursor] */
async function load(cursor = null) {
  clearTimeout(again);
  const page = await listExperiments(cursor);
  listed = cursor === null ? page.experiments : [...listed, ...page.experiments];
  next = page.next;
  show();
  if (cursor === null && listed.some(({ state }) => state === "running")) {
    again = setTimeout(() => attempt(() => load()), AGAIN_MS);
  }
}

function show() {
  rows.update(listed);
  const none = find(main, ".none", HTMLElement);
  none.hidden = listed.length > 0;
  if (!none.hidden) {
    none.replaceChildren(
      "No experiment yet. Start one here, or with ",
      make("code", {}, "gilscope compare primes --executors threads,processes"),
      ".",
    );
  }
  more.hidden = next === null;
  undo.hidden = removed === null;
  if (removed) setText(find(undo, "span", HTMLElement), `The experiment ${removed.name} was deleted.`);
}

more.addEventListener("click", () => attempt(() => load(next)));
find(undo, "[data-act=undo]", HTMLButtonElement).addEventListener("click", () =>
  attempt(async () => {
    if (removed) await restoreExperiment(removed.id);
    removed = null;
    await load();
  }));
attachThemeButton(find(document, "#theme", HTMLButtonElement));
attempt(() => load());
