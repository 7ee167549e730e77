// @ts-check
/**
 * Two runs side by side: what they were, what each showed, their figures, their charts and timelines on one clock.
 * @import { Palette } from "../draw/palette.js"
 * @import { Finding } from "../state/messages.js"
 * @import { Measured, Unit } from "../state/comparison.js"
 * @import { RunState } from "../state/run_state.js"
 */
import { find, make, prose, setText } from "../base/dom.js";
import { cores, count, duration, share, size, text } from "../base/format.js";
import { ComparisonBoard } from "../charts/comparison.js";
import { differencesOf, figuresOf } from "../state/comparison.js";
import { unitOf } from "./fields.js";
import { SmallTimeline } from "./small_timeline.js";
import { badgeOf, describe } from "./run/title.js";

/** Of a longer run the timelines show the end. */
const LONGEST_SPAN_US = 20_000_000;
/** A ratio nearer to one than this is none. */
const ALIKE = 0.02;

/** @type {{[unit in Unit]: (value: number | null) => string}} */
const SHOW = {
  share: (value) => text(share(value)),
  cores: (value) => text(cores(value)),
  count: (value) => text(count(value)),
  rate: (value) => value === null ? text(count(null)) : `${text(count(value))}/s`,
  duration: (value) => text(duration(value)),
  size: (value) => text(size(value)),
};

export class Compared {
  #root;
  #palette;
  #board;
  #timelines;
  #shown = "";

  /** @param {HTMLElement} root @param {Palette} palette */
  constructor(root, palette) {
    this.#root = root;
    this.#palette = palette;
    this.#board = new ComparisonBoard(find(root, ".charts", HTMLElement), palette);
    this.#timelines = [0, 1].map((index) =>
      new SmallTimeline(find(root, `.timeline[data-run="${index}"]`, HTMLElement))
    );
  }

  /** @param {[RunState, RunState | null]} states @param {RunState} none stands for a run that has not begun */
  update(states, none) {
    states.forEach((state, index) => this.#head(index, state));
    const pair = /** @type {[RunState, RunState]} */ (states.map((state) => state ?? none));
    this.#board.update([pair[0].series, pair[1].series]);
    this.#drawTimelines(pair);
    this.#tables(pair);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#board.recolour(palette);
  }

  /** @param {number} index @param {RunState | null} state */
  #head(index, state) {
    const head = find(this.#root, `.head-of[data-run="${index}"]`, HTMLElement);
    find(head, ".waiting", HTMLElement).hidden = state !== null;
    if (!state?.run) return;
    const { run, told, summary } = state;
    const name = find(head, ".name", HTMLAnchorElement);
    name.href = `/runs/${encodeURIComponent(run.id)}`;
    setText(name, run.name);
    setText(find(head, ".of", HTMLElement), describe(state).map((part) => ` · ${part}`).join(""));
    const badge = find(head, ".badge", HTMLElement);
    setText(badge, badgeOf(run));
    badge.dataset.state = run.state;
    const showed = summary?.workload?.showed;
    const sentences = Array.isArray(showed) ? showed.map(String) : [];
    setItems(find(head, ".showed", HTMLElement), sentences, (one) => make("li", {}, ...prose(one)));
    setItems(find(head, ".found", HTMLElement), told.findings ?? [], findingOf);
  }

  /** @param {[RunState, RunState]} pair */
  #drawTimelines(pair) {
    const edgeUs = Math.max(...pair.map(({ lastUs }) => lastUs ?? 0));
    if (edgeUs <= 0) return;
    const startUs = Math.max(0, edgeUs - LONGEST_SPAN_US);
    pair.forEach((state, index) => this.#timelines[index].update(state, startUs, edgeUs, this.#palette));
  }

  /** @param {[RunState, RunState]} pair */
  #tables([a, b]) {
    const signature = [a, b].map(({ summary }) => summary?.run.id ?? "").join();
    if (signature === this.#shown) return;
    this.#shown = signature;
    find(this.#root, ".both tbody", HTMLElement).replaceChildren(
      ...figuresOf(a.summary, b.summary).map(figureRow),
    );
    const differ = find(this.#root, ".differ", HTMLElement);
    const differences = a.summary && b.summary ? differencesOf(a.summary, b.summary) : [];
    find(differ, ".none", HTMLElement).hidden = differences.length > 0;
    find(differ, "tbody", HTMLElement).replaceChildren(...differences.map(({ name, a: one, b: other }) => {
      const { name: head, show } = unitOf(name.replaceAll(".", " · "));
      const cell = (/** @type {unknown} */ value) => make("td", { class: "number" }, show(value));
      return make("tr", {}, make("th", { scope: "row" }, head), cell(one), cell(other));
    }));
  }
}

/**
 * @template Item
 * @param {HTMLElement} list @param {Item[]} items @param {(item: Item) => HTMLElement} create
 */
function setItems(list, items, create) {
  const signature = JSON.stringify(items);
  if (list.dataset.shown === signature) return;
  list.dataset.shown = signature;
  list.replaceChildren(...items.map(create));
}

/** @param {Finding} finding */
function findingOf({ severity, title, code }) {
  return make("li", { "data-severity": severity, title: code }, title);
}

/** @param {Measured} measured */
function figureRow({ label, unit, a, b, ratio }) {
  const cell = (/** @type {string} */ value) => make("td", { class: "number" }, value);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, label),
    cell(SHOW[unit](a)),
    cell(SHOW[unit](b)),
    cell(ratioOf(ratio)),
  );
}

/** @param {number | null} ratio */
function ratioOf(ratio) {
  if (ratio === null) return "–";
  if (Math.abs(ratio - 1) < ALIKE) return "the same";
  if (ratio > 1.9 || ratio < 0.5) return `× ${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(2)}`;
  return `${ratio > 1 ? "+" : "−"}${(Math.abs(ratio - 1) * 100).toFixed(0)} %`;
}
