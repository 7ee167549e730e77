// @ts-check
/**
 * The table of threads: what each did since the run began; and the pools of threads.
 * @import { Distribution, ThreadFigures } from "../../state/messages.js"
 * @import { Quantity } from "../../base/format.js"
 * @typedef {Omit<ThreadFigures, "lane" | "alive"> & {lane?: number, alive?: boolean}} ThreadRow
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, seen, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { isThin, NO_PYTHON, NO_PYTHON_STATE } from "../../state/messages.js";
import { PoolCourses } from "./pool_courses.js";
import { PoolTable } from "./pools.js";
import { StateBar } from "./state_bar.js";
import { pidText } from "../../state/pids.js";

const DISTRIBUTION = /** @type {const} */ (["p50_s", "p99_s", "max_s"]);

/** @type {import("./registry.js").Panel} */
export const threads = {
  key: "threads",
  label: "Threads",
  question: "What each thread did with its time",
  create(section, { palette, onView }) {
    const table = new ThreadTable(section);
    const part = find(section, ".pools", HTMLElement);
    const pools = new PoolTable(part);
    const courses = new PoolCourses(part, palette, onView);
    return {
      recolour: (colours) => courses.recolour(colours),
      dispose: () => courses.dispose(),
      update({ summary, figures, causes, courses: known }) {
        pools.update(causes.pools);
        courses.update(causes.pools, known.pools);
        const said = summary ?? figures;
        if (said) table.update(said.threads, said.threads_not_shown, said.threads_cpu_unlisted_s ?? 0);
      },
    };
  },
};

export class ThreadTable {
  #rows;
  #notShown;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#rows = new KeyedRows(
      find(panel, "tbody", HTMLTableSectionElement),
      keyOf,
      (/** @type {ThreadRow} */ thread) => new Row(thread),
    );
    this.#notShown = find(panel, ".not-shown", HTMLElement);
  }

  /**
   * @param {ThreadRow[]} threads
   * @param {number} notShown how many of the least active have no row
   * @param {number} cpuUnlisted CPU time of their processes that no row has, in seconds
   */
  update(threads, notShown, cpuUnlisted) {
    const lines = [];
    if (notShown) lines.push(`${text(count(notShown))} more threads, less active than these, are not shown.`);
    if (cpuUnlisted) {
      lines.push(
        `${text(duration(cpuUnlisted))} more of CPU time is in no row: of threads not shown, ` +
          "or that ended before it was read.",
      );
    }
    this.#notShown.hidden = !lines.length;
    setText(this.#notShown, lines.join(" "));
    this.#rows.update([...threads].sort((one, other) => one.pid - other.pid || one.tid - other.tid));
  }
}

/** @param {ThreadRow} thread */
function keyOf({ pid, tid, name, interpreter }) {
  return `${pid}/${tid}/${name}/${interpreter}`;
}

/** What is said of a thread that never came to Python. @param {ThreadRow} thread */
function foreign({ interpreter }) {
  return interpreter === null ? [make("small", { class: "foreign", title: NO_PYTHON }, NO_PYTHON_STATE)] : [];
}

class Row {
  /** @param {ThreadRow} thread */
  constructor(thread) {
    const cell = (classes = "number") => make("td", { class: classes });
    this.bar = new StateBar();
    this.seen = cell();
    this.cpu = cell();
    this.runDelay = cell();
    this.waits = DISTRIBUTION.map((_, index) => cell(index ? "number" : "number first"));
    this.holds = DISTRIBUTION.map((_, index) => cell(index ? "number" : "number first"));
    this.switches = [cell("number first"), cell()];
    this.element = make(
      "tr",
      {},
      make("th", { scope: "row" }, thread.name || "(no name)", ...foreign(thread)),
      make("td", { class: "ids" }, `${pidText(thread.pid)} / ${thread.tid}`),
      make("td", { class: "states" }, this.bar.element),
      this.seen,
      this.cpu,
      this.runDelay,
      ...this.waits,
      ...this.holds,
      ...this.switches,
    );
  }

  /** @param {ThreadRow} thread */
  update(thread) {
    this.element.classList.toggle("gone", thread.alive === false);
    this.bar.update(thread.shares);
    put(this.seen, seen(thread.coverage));
    this.seen.classList.toggle("thin", isThin(thread.coverage));
    put(this.cpu, duration(thread.cpu_s));
    put(this.runDelay, duration(thread.run_delay_s));
    distribution(this.waits, thread.gil_wait);
    distribution(this.holds, thread.gil_hold);
    put(this.switches[0], count(thread.voluntary_switches));
    put(this.switches[1], count(thread.involuntary_switches));
  }
}

/** @param {HTMLElement[]} cells @param {Distribution | null} of */
function distribution(cells, of) {
  DISTRIBUTION.forEach((name, index) => {
    put(cells[index], duration(of && of.count > 0 ? of[name] : null));
    cells[index].title = of ? inAll(of) : "Not measured";
  });
  const least = of?.cut_longest_s ?? 0;
  if (least > (of?.max_s ?? 0)) setText(cells[2], `≥ ${text(duration(least))}`);
}

/** @param {Distribution} of */
function inAll({ count, cut }) {
  return cut ? `${count} in all, and ${cut} next to time that was not seen` : `${count} in all`;
}

/** @param {HTMLElement} cell @param {Quantity} quantity */
function put(cell, quantity) {
  setText(cell, text(quantity));
}
