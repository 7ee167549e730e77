// @ts-check
/**
 * The table of threads: what each did since the run began.
 * @import { Distribution, ThreadFigures } from "../../state/messages.js"
 * @import { Quantity } from "../../base/format.js"
 * @typedef {Omit<ThreadFigures, "lane" | "alive"> & {lane?: number, alive?: boolean}} ThreadRow
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, seen, share, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { isThin, NO_PYTHON, NO_PYTHON_STATE, STATES } from "../../state/messages.js";

const DISTRIBUTION = /** @type {const} */ (["p50_s", "p99_s", "max_s"]);

/** @type {import("./registry.js").Panel} */
export const threads = {
  key: "threads",
  label: "Threads",
  question: "What each thread did with its time",
  create(section) {
    const table = new ThreadTable(section);
    return {
      update({ summary, figures }) {
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
      make("td", { class: "ids" }, `${thread.pid} / ${thread.tid}`),
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

/**
 * Shares of the states, one beside the other. In words they are of the time that was seen, as findings tell them; what was
 * not seen is hatched.
 */
export class StateBar {
  constructor() {
    this.parts = STATES.map((state) => make("i", { class: `swatch ${state}` }));
    this.caption = make("span", { class: "caption" });
    this.element = make(
      "div",
      { class: "state-bar" },
      make("div", { class: "bar" }, ...this.parts),
      this.caption,
    );
  }

  /** @param {{[state: string]: number | null} | null} shares */
  update(shares) {
    const known = STATES.map((state) => shares?.[state] ?? 0);
    this.parts.forEach((part, index) => {
      part.style.width = `${known[index] * 100}%`;
    });
    const unknown = known[STATES.indexOf("unknown")];
    const seen = known.map((value, index) => STATES[index] === "unknown" ? 0 : value / (1 - unknown || 1));
    const greatest = seen.indexOf(Math.max(...seen));
    setText(this.caption, seen[greatest] > 0 ? `${STATES[greatest]} ${text(share(seen[greatest]))}` : "–");
    const words = STATES.map((state, index) => `${state} ${text(share(seen[index]))}`)
      .filter((_, index) => seen[index] > 0);
    if (unknown > 0) words.push(`of the time that was seen; ${text(share(unknown))} was not`);
    this.element.title = words.join("\n");
  }
}
