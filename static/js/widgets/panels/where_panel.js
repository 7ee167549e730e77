// @ts-check
/**
 * Where time goes: of one thread or of all, in one state or in all, as a table and as a flame graph.
 * @import { BlockedRow, FlameNode, Where } from "../../state/messages.js"
 * @import { RunState, ThreadWhere } from "../../state/run_state.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { STATES } from "../../state/messages.js";
import { FlameGraph } from "./flame_graph.js";
import { placeOf, ShareBar, tellCallers } from "./functions.js";
import { processName } from "../../state/pids.js";

const TIME = {
  root: "all this time",
  all: "this time",
  amount: (/** @type {number} */ ms) => `${text(duration(ms / 1e3))} of the threads' time`,
};

/** @type {import("./registry.js").Panel} */
export const where = {
  key: "where",
  label: "Where time goes",
  question: "Where each thread's time went, by state",
  create(section, { onWhere }) {
    const panel = new WherePanel(section, onWhere);
    return { update: (state) => panel.update(state), again: () => panel.again() };
  },
};

export class WherePanel {
  #root;
  #thread;
  #state;
  #rows;
  #none;
  #flame;
  #graph;
  #button;
  /** @type {RunState | null} */
  #run = null;

  /** @param {HTMLElement} panel @param {() => void} onWanted told when a hand wants it of a run that goes on */
  constructor(panel, onWanted) {
    this.#root = panel;
    this.#thread = find(this.#root, "[name=thread]", HTMLSelectElement);
    this.#state = find(this.#root, "[name=state]", HTMLSelectElement);
    this.#state.append(...STATES.map((state) => make("option", { value: state }, state)));
    this.#rows = new KeyedRows(find(this.#root, "tbody", HTMLTableSectionElement), keyOf, () => new Row());
    this.#none = find(this.#root, ".places .none", HTMLElement);
    this.#flame = find(this.#root, ".flame", HTMLElement);
    this.#graph = new FlameGraph(this.#root, TIME);
    this.#button = find(this.#root, "[data-flame=again]", HTMLButtonElement);
    this.#button.addEventListener("click", () => {
      this.#button.disabled = true;
      onWanted();
    });
    for (const choice of [this.#thread, this.#state]) {
      choice.addEventListener("change", () => this.#run && this.update(this.#run));
    }
  }

  /** It may be asked for again. */
  again() {
    this.#button.disabled = false;
  }

  /** @param {RunState} run */
  update(run) {
    this.#run = run;
    const { where, summary } = run;
    this.#button.hidden = summary !== null;
    this.#offerThreads(where?.threads ?? []);
    const chosen = where?.threads.find((thread) => nameOf(thread) === this.#thread.value) ?? where;
    const rows = (chosen?.blocked ?? []).filter(({ state }) =>
      !this.#state.value || state === this.#state.value
    );
    const totalS = rows.reduce((sum, row) => sum + row.total_s, 0);
    this.#root.classList.toggle("no-task", !rows.some(({ task }) => task));
    this.#rows.update(rows.map((row) => ({ row, share: totalS ? row.total_s / totalS : 0 })));
    this.#none.hidden = rows.length > 0;
    setText(this.#none, where ? "No time was spent so." : "It is told at the end, or when you ask.");
    this.#draw(chosen ?? null);
  }

  /** @param {Where | null} where */
  #draw(where) {
    const tree = where && partOf(where.flame, this.#state.value);
    const there = Boolean(tree && tree.samples > 0);
    this.#flame.classList.toggle("bare", !there);
    const none = find(this.#flame, ".none", HTMLElement);
    none.hidden = there;
    setText(none, where && !where.flame ? "The most active threads alone have a flame graph." : "");
    if (tree && there) this.#graph.show(tree);
  }

  /** @param {ThreadWhere[]} threads */
  #offerThreads(threads) {
    const names = ["", ...threads.map(nameOf)];
    const known = [...this.#thread.options].map(({ value }) => value);
    if (names.join("\n") === known.join("\n")) return;
    const kept = this.#thread.value;
    const several = new Set(threads.map(({ pid }) => pid)).size > 1;
    this.#thread.replaceChildren(
      make("option", { value: "" }, "all threads"),
      ...threads.map((thread) => {
        const { pid, tid, name } = thread;
        const label = `${name || `tid ${tid}`}${several ? ` (${processName(pid)})` : ""}`;
        return make("option", { value: nameOf(thread) }, label);
      }),
    );
    if (names.includes(kept)) this.#thread.value = kept;
  }
}

/** @param {{pid: number, tid: number, name: string}} thread */
function nameOf({ pid, tid, name }) {
  return `${pid}/${tid}/${name}`;
}

/** @param {FlameNode | null} tree @param {string} state whose part is wanted, or none @returns {FlameNode | null} */
function partOf(tree, state) {
  return state ? tree?.children.find(({ name }) => name === state) ?? null : tree;
}

/** @param {{row: BlockedRow}} item */
function keyOf({ row: { state, function: name, file, line, callers, task } }) {
  return JSON.stringify([state, name, file, line, callers, task]);
}

class Row {
  constructor() {
    this.state = make("td", { class: "state" });
    this.name = make("th", { scope: "row" });
    this.place = make("td", { class: "place" });
    this.callers = make("td", { class: "callers" });
    this.task = make("td", { class: "task" });
    this.total = make("td", { class: "number" });
    this.share = new ShareBar("running");
    this.longest = make("td", { class: "number" });
    this.count = make("td", { class: "number" });
    this.element = make(
      "tr",
      {},
      this.state,
      this.name,
      this.place,
      this.callers,
      this.task,
      this.total,
      make("td", {}, this.share.element),
      this.longest,
      this.count,
    );
  }

  /** @param {{row: BlockedRow, share: number}} item */
  update({ row, share }) {
    const { state, function: name, file, line, callers, task } = row;
    this.element.classList.toggle("gone", name === null);
    this.state.replaceChildren(make("i", { class: `swatch ${state}` }), state);
    setText(this.name, name ?? "not seen");
    this.name.title = name ?? "No look fell into this time, or its places are too many to tell apart";
    setText(this.place, placeOf(file, line));
    this.place.title = file ?? "";
    tellCallers(this.callers, callers);
    setText(this.task, task ?? "");
    setText(this.total, text(duration(row.total_s)));
    this.share.part.className = `swatch ${state}`;
    this.share.update(share);
    setText(this.longest, row.longest_s ? text(duration(row.longest_s)) : "–");
    setText(this.count, text(count(row.count)));
  }
}
