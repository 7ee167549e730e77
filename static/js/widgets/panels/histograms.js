// @ts-check
/**
 * How long waits and holds take, thread by thread: bars over lengths that all threads share.
 * @import { Distribution, Maybe, ThreadFigures } from "../../state/messages.js"
 * @typedef {[upperS: Maybe, count: number]} Bucket
 * @typedef {Pick<ThreadFigures, "pid" | "tid" | "name" | "gil_wait" | "gil_hold">} Timed
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { processName } from "../../state/pids.js";

/** Those with the most waiting are shown. */
const MOST_ROWS = 30;

export class Histograms {
  #rows;
  #ranges;
  /** @type {{wait: Maybe[], hold: Maybe[]}} */
  #axes = { wait: [], hold: [] };

  /** @param {HTMLElement} root */
  constructor(root) {
    const table = find(root, ".histograms", HTMLTableElement);
    this.#ranges = [...table.querySelectorAll(".range")];
    this.#rows = new KeyedRows(
      find(table, "tbody", HTMLTableSectionElement),
      (/** @type {Timed} */ { pid, tid, name }) => `${pid}/${tid}/${name}`,
      (thread) => new Row(thread, this.#axes),
    );
  }

  /** @param {Timed[]} threads */
  update(threads) {
    const timed = threads
      .filter(({ gil_wait: wait, gil_hold: hold }) => seen(wait) + seen(hold) > 0)
      .sort((one, other) => (other.gil_wait?.count ?? 0) - (one.gil_wait?.count ?? 0))
      .slice(0, MOST_ROWS);
    this.#axes.wait = axisOf(timed.map(({ gil_wait: wait }) => wait));
    this.#axes.hold = axisOf(timed.map(({ gil_hold: hold }) => hold));
    setText(this.#ranges[0], rangeOf(this.#axes.wait));
    setText(this.#ranges[1], rangeOf(this.#axes.hold));
    this.#rows.update(timed);
  }
}

/**
 * The upper ends of the buckets that any of them fills, without a gap.
 * @param {(Distribution | null)[]} distributions @returns {Maybe[]} the last may be null: without an end
 */
export function axisOf(distributions) {
  const filled = new Map();
  for (const bucket of distributions.flatMap((one) => one?.histogram ?? [])) {
    const rank = bucket[0] ?? Infinity;
    filled.set(rank, (filled.get(rank) ?? 0) + bucket[1]);
  }
  const ranks = [...filled.keys()].sort((one, other) => one - other);
  const used = ranks.filter((rank) => filled.get(rank) > 0);
  return ranks
    .slice(ranks.indexOf(used[0]), ranks.indexOf(used[used.length - 1]) + 1)
    .map((rank) => rank === Infinity ? null : rank);
}

/** Those of an unknown length too. @param {Distribution | null} distribution */
function seen(distribution) {
  return distribution ? distribution.count + (distribution.cut ?? 0) : 0;
}

/** @param {Maybe[]} axis */
function rangeOf(axis) {
  if (axis.length === 0) return "";
  const last = axis[axis.length - 1];
  const end = last === null ? `> ${upTo(axis[axis.length - 2] ?? null)}` : `≤ ${upTo(last)}`;
  return axis.length === 1 ? end : `≤ ${upTo(axis[0])} … ${end}`;
}

/** @param {Maybe} upperS */
function upTo(upperS) {
  return text(duration(upperS)).replace(/\.0+(?= )/, "");
}

class Row {
  /** @param {Timed} thread @param {{wait: Maybe[], hold: Maybe[]}} axes */
  constructor(thread, axes) {
    this.axes = axes;
    this.waits = new Bars("waiting");
    this.holds = new Bars("running");
    this.element = make(
      "tr",
      {},
      make(
        "th",
        { scope: "row", title: `${processName(thread.pid)} · tid ${thread.tid}` },
        thread.name || "(no name)",
      ),
      make("td", {}, this.waits.element),
      this.waits.count,
      make("td", {}, this.holds.element),
      this.holds.count,
    );
  }

  /** @param {Timed} thread */
  update(thread) {
    this.waits.update(thread.gil_wait, this.axes.wait);
    this.holds.update(thread.gil_hold, this.axes.hold);
  }
}

class Bars {
  /** @param {string} state in whose colour they are drawn */
  constructor(state) {
    this.state = state;
    this.element = make("div", { class: "bars", role: "img" });
    this.count = make("td", { class: "number" });
  }

  /** @param {Distribution | null} distribution @param {Maybe[]} axis */
  update(distribution, axis) {
    const cut = distribution?.cut ?? 0;
    setText(
      this.count,
      text(count(distribution ? distribution.count : null)) + (cut ? `, ${text(count(cut))} cut` : ""),
    );
    this.count.title = cut
      ? `${text(count(cut))} cut by time that was not seen: the longest lasted at least ${
        text(duration(distribution?.cut_longest_s))
      }`
      : "";
    const counts = new Map(distribution?.histogram ?? []);
    const most = Math.max(1, ...counts.values());
    if (this.element.children.length !== axis.length) {
      this.element.replaceChildren(...axis.map(() => make("i", { class: `swatch ${this.state}` })));
    }
    axis.forEach((upper, index) => {
      const bar = this.element.children[index];
      const own = counts.get(upper) ?? 0;
      if (!(bar instanceof HTMLElement)) return;
      bar.style.height = `${(100 * own) / most}%`;
      bar.classList.toggle("empty", own === 0);
      bar.title = lengthOf(axis, index) + `: ${text(count(own))}`;
    });
    this.element.setAttribute("aria-label", spoken(distribution));
  }
}

/** @param {Maybe[]} axis @param {number} index */
function lengthOf(axis, index) {
  const upper = axis[index];
  const lower = index > 0 ? axis[index - 1] : null;
  if (upper === null) return `longer than ${upTo(lower)}`;
  return lower === null ? `up to ${upTo(upper)}` : `${upTo(lower)} to ${upTo(upper)}`;
}

/** @param {Distribution | null} distribution */
function spoken(distribution) {
  if (!distribution?.count) return "none";
  const { p50_s: median, p99_s: late, max_s: most } = distribution;
  return `median ${text(duration(median))}, 99th percentile ${text(duration(late))}, longest ${
    text(duration(most))
  }`;
}
