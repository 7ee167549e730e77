// @ts-check
/**
 * What was started, and the processes that came of it.
 * @import { RunState } from "../../state/run_state.js"
 * @import { Maybe, Process, Run } from "../../state/messages.js"
 * @typedef {{process: Process, cpu: Maybe, rss: Maybe}} Item
 */
import { find, make, setText } from "../../base/dom.js";
import { cores, count, duration, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { pidText } from "../../state/pids.js";
import { WorkerTables } from "./workers.js";

/** @type {import("./registry.js").Panel} */
export const process = {
  key: "process",
  label: "Process",
  question: "What was started, and the processes that came of it",
  create(section) {
    const panel = new ProcessPanel(section);
    return { update: (state) => panel.update(state) };
  },
};

export class ProcessPanel {
  #started;
  #workers;
  #rows;
  #shown = "";

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#started = find(panel, ".started", HTMLElement);
    this.#workers = new WorkerTables(panel);
    this.#rows = new KeyedRows(
      find(panel, ".tree tbody", HTMLTableSectionElement),
      (/** @type {Item} */ { process }) => String(process.pid),
      ({ process }) => new Row(process.pid),
    );
  }

  /** @param {RunState} state */
  update(state) {
    const { run, processes, figures, told } = state;
    this.#workers.update(state);
    if (run) this.#say(run, processes.values().next().value);
    this.#rows.update(
      [...processes.values()].map((process) => ({
        process,
        cpu: figures?.processes.find(({ pid }) => pid === process.pid)?.cpu_share ?? null,
        rss: told.memory?.find(({ pid }) => pid === process.pid)?.rss ?? null,
      })),
    );
  }

  /** @param {Run} run @param {Process | undefined} first */
  #say(run, first) {
    const facts = factsOf(run, first);
    const signature = JSON.stringify(facts);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#started.replaceChildren(
      ...facts.map(([name, value]) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, make("code", {}, value)))
      ),
    );
  }
}

/** @param {Run} run @param {Process | undefined} first @returns {[name: string, value: string][]} */
function factsOf(run, first) {
  const command = run.command ?? first?.command ?? [];
  /** @type {[string, string][]} */
  const facts = [["Command", command.map(quoted).join(" ") || "–"]];
  const environment = Object.entries(run.environment ?? {}).map(([name, value]) =>
    `${name}=${quoted(value)}`
  );
  if (environment.length) facts.push(["Environment", environment.join("\n")]);
  if (run.limits) facts.push(["Limits", limitsOf(run.limits)]);
  if (typeof run.exit_code === "number") facts.push(["Exit", endOf(run.exit_code)]);
  return facts;
}

/** @param {NonNullable<Run["limits"]>} limits */
function limitsOf({ memory_bytes: memory, processes, together }) {
  const of = together ? "of all its processes together, by a control group" : "of each process, by rlimit";
  return `memory ${text(size(memory))} ${of}; ${text(count(processes))} processes and threads`;
}

/** @param {number} exitCode */
function endOf(exitCode) {
  return exitCode < 0 ? `by signal ${-exitCode}` : `status ${exitCode}`;
}

/** As a shell would have it. @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

class Row {
  /** @param {number} pid */
  constructor(pid) {
    const cell = (kind = "") => make("td", kind ? { class: kind } : {});
    this.parent = cell("number");
    this.python = cell();
    this.gil = cell();
    this.interval = cell("number");
    this.cpu = cell("number");
    this.rss = cell("number");
    this.command = cell("command");
    this.element = make(
      "tr",
      {},
      make("th", { scope: "row", class: "number" }, pidText(pid)),
      this.parent,
      this.python,
      this.gil,
      this.interval,
      this.cpu,
      this.rss,
      this.command,
    );
  }

  /** @param {Item} item */
  update({ process, cpu, rss }) {
    const { parent, python, free_threaded: free, switch_interval_us: interval, command, gone } = process;
    this.element.classList.toggle("gone", gone);
    setText(this.parent, parent === null ? "–" : pidText(parent));
    setText(this.python, python ? `CPython ${python}${free ? ", free-threaded" : ""}` : "not read");
    setText(this.gil, gilOf(process));
    setText(this.interval, text(duration(interval === null ? null : interval / 1e6)));
    setText(this.cpu, gone ? "ended" : text(cores(cpu)));
    setText(this.rss, text(size(rss)));
    setText(this.command, command.map(quoted).join(" "));
  }
}

/** @param {Process} process */
function gilOf({ python, gil_enabled: enabled }) {
  if (!python || enabled === null) return "–";
  return enabled ? "yes" : "none";
}
