// @ts-check
/**
 * Pools of threads: how many of their threads are at work, and how many tasks wait for one.
 * @import { Pool } from "../../state/messages.js"
 */
import { make } from "../../base/dom.js";
import { count, share, text } from "../../base/format.js";
import { StateBar } from "./state_bar.js";
import { tableRows } from "./table_rows.js";
import { processName } from "../../state/pids.js";

/** What kind of pool it is, in the words of who makes one. @type {{[kind: string]: string}} */
const KINDS = {
  executor: "a ThreadPoolExecutor or InterpreterPoolExecutor",
  ThreadPool: "a multiprocessing.pool.ThreadPool",
  anyio: "worker threads of anyio: what waits stands in line for the default limiter",
};
const UNREAD = "Its queue is of a class whose length cannot be read";

export class PoolTable {
  #part;
  #rows;

  /** @param {HTMLElement} part */
  constructor(part) {
    this.#part = part;
    this.#rows = tableRows(part, "", rowOf);
  }

  /** @param {Pool[]} pools */
  update(pools) {
    this.#part.hidden = pools.length === 0;
    this.#rows.update(pools.map(({ course: _, ...pool }) => pool));
  }
}

/** @param {Pool} pool */
function rowOf({ pid, name, kind, workers, looks, full_share, busy_share, waiting, begun_per_s, states }) {
  const bar = new StateBar();
  bar.update(states);
  const why = waiting.p50 === null ? UNREAD : "";
  return make(
    "tr",
    {},
    make("th", { scope: "row", title: `${processName(pid)} · ${KINDS[kind] ?? kind}` }, name),
    number(text(count(workers))),
    number(text(share(full_share)), `${text(count(looks))} looks`),
    number(text(share(busy_share))),
    make("td", { class: "states" }, states ? bar.element : "–"),
    number(text(count(waiting.p50)), why),
    number(text(count(waiting.max)), why),
    number(rate(waiting.growth_per_s), why),
    number(begun_per_s === null ? "–" : `≥ ${rate(begun_per_s)}`),
  );
}

/** @param {string} words */
function number(words, title = "") {
  return make("td", { class: "number", title }, words);
}

/** So many a second. @param {number | null} value */
function rate(value) {
  if (value === null) return "–";
  const rounded = Math.abs(value) < 10 ? Math.round(10 * value) / 10 : Math.round(value);
  return `${rounded < 0 ? "−" : ""}${text(count(Math.abs(rounded)))} /s`;
}
