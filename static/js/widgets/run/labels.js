// @ts-check
/**
 * The names beside the timeline's rows.
 * @import { CounterRow, Row } from "../../tracks/rows.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { duration, text } from "../../base/format.js";
import { lastKnown, readingOf, rowAt, told } from "../../state/counters.js";
import { NO_PYTHON, NO_PYTHON_STATE } from "../../state/messages.js";
import { ownPid, processName } from "../../state/pids.js";
import { threadColour } from "../../tracks/painter.js";
import { cutName } from "../cut_name.js";

export class Labels {
  #list;
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} list
   * @param {{onPin: (id: number | string) => void, onCollapse: (pid: number) => void} | null} how told of a press; without
   *     it there is nothing to press
   */
  constructor(list, how = null) {
    this.#list = list;
    list.classList.toggle("unpressed", how === null);
    if (how === null) return;
    const { onPin, onCollapse } = how;
    list.addEventListener("click", ({ target }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      if (button?.dataset.counter) onPin(button.dataset.counter);
      if (button?.dataset.lane) onPin(Number(button.dataset.lane));
      if (button?.dataset.pid) onCollapse(Number(button.dataset.pid));
    });
  }

  get width() {
    return this.#list.offsetWidth;
  }

  /**
   * A label that says the same stays the element that it was, under a hand or a pointer too.
   * @param {Row[]} rows @param {number} [us] of what instant counters tell their values
   * @param {boolean} [pointed] whether a hand asks for just that instant; else what was known last before it is told, with its instant
   */
  show(rows, us = 0, pointed = true) {
    const { lane, pid, counter } =
      document.activeElement instanceof HTMLElement && this.#list.contains(document.activeElement)
        ? document.activeElement.dataset
        : {};
    const before = this.#shown;
    this.#shown = new Map();
    let next = this.#list.firstElementChild;
    for (const row of rows) {
      const key = keyOf(row);
      const item = before.get(key) ?? labelOf(row);
      before.delete(key);
      this.#shown.set(key, item);
      const height = `${row.height}px`;
      if (item.style.height !== height) item.style.height = height;
      const stuckAt = row.stuckAt === undefined ? "" : `calc(var(--axis) + ${row.stuckAt}px)`;
      if (item.style.top !== stuckAt) item.style.top = stuckAt;
      item.classList.toggle("stuck", stuckAt !== "");
      item.classList.toggle("idle", row.kind === "lane" && row.idle);
      if (row.kind === "counter") tellValues(item, row, us, pointed);
      if (item === next) next = item.nextElementSibling;
      else this.#list.insertBefore(item, next);
    }
    for (const item of before.values()) item.remove();
    const again = lane
      ? `[data-lane="${lane}"]`
      : pid
      ? `[data-pid="${pid}"]`
      : counter
      ? `[data-counter="${counter}"]`
      : null;
    const focused = again && this.#list.querySelector(again);
    if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus();
  }
}

/** All that a label is made of but its height and whether its thread is idle. @param {Row} row */
function keyOf(row) {
  if (row.kind === "process") {
    const { pid, python, gone, command, worker } = row.process;
    return ["process", pid, python, gone, row.collapsed, worker, ...command].join();
  }
  if (row.kind === "counter") return `counter ${row.counter.key} ${row.pinned}`;
  if (row.kind === "free") return `free ${row.process.pid} ${row.process.why.gil}`;
  if (row.kind === "collector") return `collector ${row.pauses.pid} ${row.pauses.interpreter}`;
  return row.kind === "gil"
    ? `gil ${row.gil.gil}`
    : `lane ${row.lane.lane} ${row.lane.name} ${row.lane.loop} ${row.lane.interpreter} ${row.pinned}`;
}

/** @param {Row} row */
function labelOf(row) {
  const item = make("li", { class: row.kind });
  if (row.kind === "process") {
    const { pid, python, command, gone, host, worker } = row.process;
    const of = worker ? `worker ${worker}` : `pid ${pid}`;
    item.append(
      make(
        "button",
        {
          type: "button",
          class: "collapse",
          "data-pid": String(pid),
          "aria-expanded": String(!row.collapsed),
          "aria-label": `Threads of ${of}`,
          title: row.collapsed ? "Show its threads" : "Show its GIL alone",
        },
        row.collapsed ? "▸" : "▾",
      ),
      make("b", {}, of),
      make(
        "span",
        { class: "of" },
        worker ? `${host} · ${ownPid(pid)}` : python ? `CPython ${python}` : (command[0] ?? ""),
      ),
    );
    item.title = (worker ? `${of} on ${host}, pid ${ownPid(pid)}, CPython ${python}: ` : "") +
      command.join(" ") +
      (gone ? " (ended)" : "");
  } else if (row.kind === "counter") {
    const { key, title, meaning } = row.counter;
    item.append(make("span", { class: "title" }, title), make("span", { class: "values" }));
    item.append(pinOf(title, row.pinned, { "data-counter": key }));
    item.title = meaning;
  } else if (row.kind === "free") {
    item.append(make("b", {}, "no GIL"));
    item.title = row.process.why.gil ?? "";
  } else if (row.kind === "collector") {
    item.append(make("b", {}, "Collector"), make("span", { class: "id" }, "pauses"));
    item.title =
      "Pauses of the garbage collector: while one lasts, no other thread of the interpreter runs Python";
  } else if (row.kind === "gil") {
    item.append(make("b", {}, "GIL"), make("span", { class: "id" }, "held by"));
    item.title = `The GIL of ${processName(row.gil.pid)}: coloured by the thread that holds it`;
  } else {
    const { lane, name, tid, loop, interpreter } = row.lane;
    item.append(
      make("i", { class: `thread-colour thread-${threadColour(lane)}` }),
      cutName(name || "(no name)"),
      ...(loop ? [make("span", { class: "loop" }, "loop")] : []),
      make("span", { class: "id" }, String(tid)),
      pinOf(name || `tid ${tid}`, row.pinned, { "data-lane": String(lane) }),
    );
    item.classList.toggle("foreign", interpreter === null);
    const more = loop ? `runs an event loop (${loop})` : `${NO_PYTHON_STATE}. ${NO_PYTHON}`;
    item.title = `${name} · tid ${tid}${loop || interpreter === null ? ` · ${more}` : ""}`;
  }
  return item;
}

/**
 * A key pins the thread or the counter that is chosen: hundreds of these are no stops of the tab key.
 * @param {string} of @param {boolean} pinned @param {{[attribute: string]: string}} id
 */
function pinOf(of, pinned, id) {
  return make(
    "button",
    {
      type: "button",
      class: "pin",
      tabindex: "-1",
      ...id,
      "aria-pressed": String(pinned),
      "aria-label": `Pin ${of}`,
      title: pinned ? "Let it go (P)" : "Keep it on top (P, of what is chosen)",
    },
    "↑",
  );
}

/** What a counter was at an instant. @param {HTMLElement} item @param {CounterRow} row @param {number} us @param {boolean} pointed */
function tellValues(item, { counter, series }, us, pointed) {
  const at = rowAt(counter, series.column("at_us"), us);
  const known = pointed ? null : lastKnown(counter, series, at);
  const reading = known ?? readingOf(counter, series, at);
  const words = counter.lines.map((_, index) => told(counter, reading?.values[index] ?? null));
  const older = known?.olderUs ?? null;
  const when = older === null ? "" : ` at ${text(duration(older / 1e6))}`;
  setText(find(item, ".values", HTMLElement), words.join(" · ") + when);
}
