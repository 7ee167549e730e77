// @ts-check
/** The machine's Python processes, and the way to attach to one. */
import { find } from "../base/dom.js";
import { attachThemeButton } from "../base/theme.js";
import { listProcesses, Problem, startRun } from "../net/api.js";
import { Notice } from "../widgets/notice.js";
import { ProcessList } from "../widgets/process_list.js";

const REFRESH_MS = 3_000;

const list = new ProcessList(find(document, "#main", HTMLElement), attach);
const notice = new Notice(find(document, "#notice", HTMLElement));

/** @param {number} pid */
async function attach(pid) {
  try {
    const run = await startRun({ attach: { pid } });
    location.assign(`/runs/${run.id}`);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notice.show(problem);
  }
}

/** Looks again and again, but for a page that nobody sees. */
async function refresh() {
  if (!document.hidden) {
    try {
      list.update((await listProcesses()).processes);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notice.show(problem);
    }
  }
  setTimeout(refresh, REFRESH_MS);
}

attachThemeButton(find(document, "#theme", HTMLButtonElement));
refresh();
