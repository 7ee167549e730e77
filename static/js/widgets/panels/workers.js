// @ts-check
/**
 * The workers of a cluster: how full the GIL of each is, what their tasks did, and which of them are not observed.
 * @import { RunState } from "../../state/run_state.js"
 * @import { GilRates, Maybe, TaskFigures, UnseenWorker, WorkerFigures } from "../../state/messages.js"
 * @typedef {WorkerFigures & {host: string, worker: string, coverage: Maybe, task: string | null} & Partial<GilRates>} Row
 */
import { find, make } from "../../base/dom.js";
import { count, duration, seen, share, text } from "../../base/format.js";
import { ownPid } from "../../state/pids.js";
import { tableRows } from "./table_rows.js";

/** Tasks that are shown, those first that held the GIL most. */
const MOST = 20;
/** The run's own clock is off by nothing. */
const EXACT_S = 1e-6;

export class WorkerTables {
  #root;
  #workers;
  #unseen;
  #tasks;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#root = panel;
    this.#workers = tableRows(panel, ".workers", workerRow);
    this.#unseen = tableRows(panel, ".unseen-workers", unseenRow);
    this.#tasks = tableRows(panel, ".tasks", taskRow);
  }

  /** @param {RunState} state */
  update({ told, processes, summary, figures }) {
    const { workers = [], unseen_workers: unseen = [], tasks = [] } = told;
    const nameOf = (/** @type {number} */ pid) => processes.get(pid)?.worker ?? "";
    const gils = summary?.gils ??
      (figures?.gils ?? []).map(({ so_far: whole, ...gil }) => ({ ...gil, ...whole }));
    const rows = workers.map((worker) => {
      const gil = gils.find(({ pid }) => pid === worker.pid);
      return {
        ...worker,
        host: processes.get(worker.pid)?.host ?? "",
        worker: nameOf(worker.pid),
        coverage: gil?.coverage ?? null,
        held_share: gil?.held_share ?? null,
        contended_share: gil?.contended_share ?? null,
        task: tasks.find(({ pid, held_s: held }) => pid === worker.pid && held > 0)?.name ?? null,
      };
    });
    rows.sort((one, other) => (other.held_share ?? 0) - (one.held_share ?? 0));
    this.#show(".workers", rows.length);
    this.#workers.update(rows);
    this.#show(".unseen-workers", unseen.length);
    this.#unseen.update(unseen);
    this.#show(".tasks", tasks.length);
    this.#tasks.update(tasks.slice(0, MOST).map((task) => ({ ...task, worker: nameOf(task.pid) })));
  }

  /** @param {string} part @param {number} rows */
  #show(part, rows) {
    find(this.#root, part, HTMLElement).hidden = rows === 0;
  }
}

/** @param {Row} row */
function workerRow({ worker, host, pid, coverage, held_share, contended_share, own_gil_share, ...row }) {
  const { clock_off_s: off, clock, task } = row;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, worker),
    make("td", {}, host),
    number(String(ownPid(pid))),
    number(text(seen(coverage))),
    number(text(share(held_share ?? null))),
    number(text(share(contended_share ?? null))),
    number(text(share(own_gil_share)), own_gil_share === null ? "The cluster does not measure it" : ""),
    number(off !== null && off < EXACT_S ? "the run's own" : text(duration(off)), clock ?? ""),
    make("td", {}, task ?? "–"),
  );
}

/** @param {UnseenWorker} row */
function unseenRow({ worker, host, pid, why }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, worker),
    make("td", {}, host),
    number(pid === null ? "–" : String(ownPid(pid))),
    make("td", {}, why),
  );
}

/** @param {TaskFigures & {worker: string}} task */
function taskRow({ name, worker, count: done, total_s: total, held_s: held, longest_s: longest }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", {}, worker),
    number(text(count(done))),
    number(text(duration(total))),
    number(text(duration(held))),
    number(text(duration(longest))),
  );
}

/** @param {string} words @param {string} title */
function number(words, title = "") {
  return make("td", { class: "number", title }, words);
}
