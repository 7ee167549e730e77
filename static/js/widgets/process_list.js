// @ts-check
/**
 * The machine's Python processes: filtered, sorted, attached to.
 * @import { FoundProcess } from "../net/api.js"
 * @typedef {{key: string, down: boolean}} Order
 */
import { find, make, setText } from "../base/dom.js";
import { cores, count, size, text } from "../base/format.js";
import { KeyedRows } from "../base/keyed_rows.js";

/** Columns that are best read with the greatest above. */
const NUMBERS = new Set(["cpu_share", "rss"]);

export class ProcessList {
  /** Null until they were first listed. @type {FoundProcess[] | null} */
  #processes = null;
  /** @type {Order} */
  #order = { key: "cpu_share", down: true };
  #filter;
  #others;
  #rows;
  #found;
  #none;
  #buttons;

  /** @param {HTMLElement} root @param {(pid: number) => Promise<void>} attach resolves when that was done, or refused */
  constructor(root, attach) {
    this.#filter = find(root, "#filter", HTMLInputElement);
    this.#others = find(root, "#others", HTMLInputElement);
    this.#found = find(root, ".found", HTMLElement);
    this.#none = find(root, ".none", HTMLElement);
    this.#rows = new KeyedRows(
      find(root, "tbody", HTMLTableSectionElement),
      (/** @type {FoundProcess} */ { pid, name }) => `${pid}/${name}`,
      (process) => new Row(process, attach),
    );
    this.#buttons = [...root.querySelectorAll("[data-sort]")].filter((button) =>
      button instanceof HTMLElement
    );
    for (const button of this.#buttons) {
      button.addEventListener("click", () => this.#sortBy(button.dataset.sort ?? ""));
    }
    this.#filter.addEventListener("input", () => this.#show());
    this.#others.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** @param {FoundProcess[]} processes */
  update(processes) {
    this.#processes = processes;
    this.#show();
  }

  /** @param {string} key */
  #sortBy(key) {
    const down = this.#order.key === key ? !this.#order.down : NUMBERS.has(key);
    this.#order = { key, down };
    this.#show();
  }

  #show() {
    const listed = (this.#processes ?? []).filter(({ python }) => python !== null || this.#others.checked);
    const shown = inOrder(matching(listed, this.#filter.value), this.#order);
    this.#rows.update(shown);
    const all = listed.length;
    setText(this.#found, all ? `${text(count(shown.length))} of ${text(count(all))}` : "");
    this.#none.hidden = shown.length > 0;
    setText(this.#none, whyNone(this.#processes !== null, all > 0));
    for (const button of this.#buttons) {
      const on = button.dataset.sort === this.#order.key;
      const direction = this.#order.down ? "descending" : "ascending";
      button.closest("th")?.setAttribute("aria-sort", on ? direction : "none");
    }
  }
}

/** What stands where no process does. @param {boolean} loaded @param {boolean} any @returns {string} */
function whyNone(loaded, any) {
  if (!loaded) return "Looking for Python processes …";
  return any ? "No process matches." : "No other Python process runs on this machine.";
}

/**
 * Those of which every word is found somewhere.
 * @param {FoundProcess[]} processes @param {string} wanted
 */
export function matching(processes, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return processes.filter(({ pid, name, command, user, python }) => {
    const said = [pid, name, ...command, user, python].join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/**
 * Those that can be attached to come first; what is not known stands below what is.
 * @param {FoundProcess[]} processes @param {Order} order
 */
export function inOrder(processes, { key, down }) {
  return [...processes].sort((one, other) => {
    if (one.attachable !== other.attachable) return one.attachable ? -1 : 1;
    const [left, right] = [valueOf(one, key), valueOf(other, key)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const difference = typeof left === "number" && typeof right === "number"
      ? left - right
      : String(left).localeCompare(String(right), "en", { numeric: true });
    return (down ? -difference : difference) || one.pid - other.pid;
  });
}

/** @param {FoundProcess} process @param {string} key @returns {string | number | null} */
function valueOf(process, key) {
  return key === "command" ? process.command.join(" ") : /** @type {any} */ (process)[key] ?? null;
}

class Row {
  /** @param {FoundProcess} process @param {(pid: number) => Promise<void>} attach */
  constructor({ pid, name }, attach) {
    this.python = make("td");
    this.user = make("td");
    this.cpu = make("td", { class: "number" });
    this.rss = make("td", { class: "number" });
    this.command = make("td", { class: "command" });
    this.button = make("button", { type: "button", "aria-label": `Attach to ${name}, pid ${pid}` }, "Attach");
    this.button.addEventListener("click", async () => {
      this.button.disabled = true;
      await attach(pid);
      this.button.disabled = false;
    });
    this.why = make("p", { class: "why" });
    this.element = make(
      "tr",
      {},
      make("td", { class: "number" }, String(pid)),
      make("th", { scope: "row" }, name),
      this.python,
      this.user,
      this.cpu,
      this.rss,
      this.command,
      make("td", { class: "act" }, this.button, this.why),
    );
  }

  /** @param {FoundProcess} process */
  update({ python, below, user, cpu_share: cpu, rss, command, attachable, why, remedy }) {
    setText(this.python, python === null ? below ? `${below} below` : "–" : python || "version unknown");
    this.python.title = below ? "Attaching observes the Python processes that it has started" : "";
    setText(this.user, user ?? "–");
    setText(this.cpu, text(cores(cpu)));
    setText(this.rss, text(size(rss)));
    setText(this.command, command.join(" "));
    this.command.title = command.join(" ");
    this.button.hidden = !attachable;
    this.why.hidden = attachable;
    setText(this.why, [why, remedy].filter(Boolean).join(" "));
  }
}
