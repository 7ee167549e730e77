// @ts-check
/**
 * Two runs side by side: what they were, their timelines under one zoom, their charts on one clock, their figures.
 * @import { Palette } from "../draw/palette.js"
 * @import { FrameScheduler } from "../base/scheduler.js"
 * @import { ComparedFigure, Comparison, Difference, Side } from "../net/api.js"
 * @import { RunState } from "../state/run_state.js"
 * @import { TimeWindow } from "../state/time_window.js"
 */
import { find, make, prose, setText } from "../base/dom.js";
import { BY_UNIT, duration, text } from "../base/format.js";
import { ComparisonBoard } from "../charts/comparison.js";
import { interval, pan, whole, zoom } from "../state/time_window.js";
import { showAtOnce, showProgram } from "./compared_programs.js";
import { settingsIn, unitOf } from "./fields.js";
import { attachGestures, attachPointer } from "./run/gestures.js";
import { startedAt } from "./run_list.js";
import { badgeOf, describe } from "./run/title.js";
import { SmallTimeline } from "./small_timeline.js";

const ZOOM_STEP = 1.5;
const PAN_STEP = 0.1;

const IN = { a: "A: gone in B", b: "B: came with it", both: "both" };

export class Compared {
  /** What of both is on view; null: all of it, as far as they have come. @type {TimeWindow | null} */
  #window = null;
  /** @type {[RunState, RunState] | null} */
  #pair = null;
  #root;
  #palette;
  #board;
  #timelines;
  #draw = () => this.#drawTimelines();

  /** @param {HTMLElement} root @param {Palette} palette @param {FrameScheduler} scheduler */
  constructor(root, palette, scheduler) {
    this.#root = root;
    this.#palette = palette;
    this.#board = new ComparisonBoard(find(root, ".charts", HTMLElement), palette);
    this.#timelines = [0, 1].map((index) =>
      new SmallTimeline(find(root, `.timeline[data-run="${index}"]`, HTMLElement))
    );
    const [first, second] = this.#timelines.map(({ canvas }) => canvas);
    const move = (/** @type {(window: TimeWindow, edgeUs: number) => TimeWindow | null} */ how) => {
      const edgeUs = this.#edgeUs;
      if (edgeUs > 0) this.#window = how(this.#window ?? standing(edgeUs), edgeUs);
      scheduler.redraw(this.#draw);
    };
    const at = (
      /** @type {TimeWindow} */ window,
      /** @type {number} */ edgeUs,
      /** @type {number} */ part,
    ) => {
      const { startUs, endUs } = interval(window, edgeUs);
      return startUs + part * (endUs - startUs);
    };
    const gestures = {
      zoomAt: (/** @type {number} */ factor, /** @type {number} */ x) =>
        move((window, edgeUs) => zoom(window, factor, at(window, edgeUs, x / first.clientWidth), edgeUs)),
      dragBy: (/** @type {number} */ pixels) =>
        move((window, edgeUs) => pan(window, -pixels / first.clientWidth * window.spanUs, edgeUs)),
      step: (/** @type {number} */ steps) =>
        move((window, edgeUs) => pan(window, steps * PAN_STEP * window.spanUs, edgeUs)),
      zoomStep: (/** @type {number} */ steps) =>
        move((window, edgeUs) => zoom(window, ZOOM_STEP ** -steps, at(window, edgeUs, 0.5), edgeUs)),
      reset: () => move(() => null),
      fit: () => move(() => null),
      togglePause: () => {},
      live: () => {},
      point: () => {},
      choose: () => {},
    };
    attachGestures(find(root, ".timelines", HTMLElement), first, gestures);
    attachPointer(second, gestures);
  }

  /** @param {[RunState, RunState | null]} states @param {RunState} none stands for a run that has not begun */
  update(states, none) {
    states.forEach((state, index) => this.#head(index, state));
    this.#pair = /** @type {[RunState, RunState]} */ (states.map((state) => state ?? none));
    this.#board.update([this.#pair[0].series, this.#pair[1].series]);
    this.#drawTimelines();
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#board.recolour(palette);
  }

  /** What the server says of the two. @param {Comparison} comparison */
  tell({ figures, findings, program, at_once: atOnce, asked, reported }) {
    for (const part of [".at-once", ".differ", ".figures-of", ".changed"]) {
      find(this.#root, part, HTMLElement).hidden = false;
    }
    showAtOnce(find(this.#root, ".at-once", HTMLElement), atOnce);
    find(this.#root, ".both tbody", HTMLElement).replaceChildren(...figures.map(figureRow));
    const changed = find(this.#root, ".changed", HTMLElement);
    find(changed, ".none", HTMLElement).hidden = findings.length > 0;
    find(changed, "tbody", HTMLElement).replaceChildren(
      ...findings.map(({ code, severity, title, in: where }) =>
        make(
          "tr",
          { "data-severity": severity, "data-in": where },
          make("th", { scope: "row", title: code }, title),
          make("td", {}, IN[where]),
        )
      ),
    );
    const differ = find(this.#root, ".differ", HTMLElement);
    showProgram(find(differ, ".program", HTMLElement), program);
    const fields = asked.length + reported.length;
    find(differ, ".none", HTMLElement).hidden = fields > 0 || (program !== null && program.same !== true);
    find(differ, ".wide.fields", HTMLElement).hidden = fields === 0;
    find(differ, ".fields tbody", HTMLElement).replaceChildren(...[...asked, ...reported].map(differenceRow));
  }

  /** The longer one's length. */
  get #edgeUs() {
    const lengths = (this.#pair ?? []).map(({ lastUs, figures }) => (lastUs ?? 0) - (figures?.begin_us ?? 0));
    return Math.max(0, ...lengths);
  }

  /** @param {number} index @param {RunState | null} state */
  #head(index, state) {
    const head = find(this.#root, `.head-of[data-run="${index}"]`, HTMLElement);
    find(head, ".waiting", HTMLElement).hidden = state !== null;
    if (!state) return;
    if (!state.run) return;
    const { run, summary } = state;
    const name = find(head, ".name", HTMLAnchorElement);
    name.href = `/runs/${encodeURIComponent(run.id)}`;
    setText(name, run.name);
    setText(find(head, ".of", HTMLElement), describe(state).map((part) => ` · ${part}`).join(""));
    setText(find(this.#root, `.timeline[data-run="${index}"] .of`, HTMLElement), run.name);
    const badge = find(head, ".badge", HTMLElement);
    setText(badge, badgeOf(run));
    badge.dataset.state = run.state;
    const params = settingsIn(run.params ?? {}, 40);
    const when = [run.started_at === null ? "" : startedAt(run.started_at), ...params];
    setText(find(head, ".when", HTMLElement), when.filter(Boolean).join(" · "));
    const showed = summary?.workload?.showed;
    const sentences = Array.isArray(showed) ? showed.map(String) : [];
    const list = find(head, ".showed", HTMLElement);
    const signature = JSON.stringify(sentences);
    if (list.dataset.shown === signature) return;
    list.dataset.shown = signature;
    list.replaceChildren(...sentences.map((one) => make("li", {}, ...prose(one))));
  }

  #drawTimelines() {
    const edgeUs = this.#edgeUs;
    if (edgeUs <= 0 || !this.#pair) return;
    const { startUs, endUs } = interval(this.#window ?? whole(edgeUs), edgeUs);
    this.#pair.forEach((state, index) => this.#timelines[index].update(state, startUs, endUs, this.#palette));
    setText(
      find(this.#root, ".timelines .buttons .span", HTMLElement),
      `${text(duration(startUs / 1e6))} to ${text(duration(endUs / 1e6))}`,
    );
  }
}

/** All of a run of that length, to be zoomed and moved from there. @param {number} edgeUs @returns {TimeWindow} */
function standing(edgeUs) {
  const { spanUs } = whole(edgeUs);
  return { spanUs, endUs: Math.max(edgeUs, spanUs), frozenUs: edgeUs };
}

/** @param {ComparedFigure} figure */
function figureRow({ key, label, unit, a, b, change, says, why }) {
  const cell = (/** @type {Side} */ { value, low, high }) =>
    make(
      "td",
      { class: "number" },
      BY_UNIT[unit](value),
      ...(low === null || high === null
        ? []
        : [make("span", { class: "band" }, `(${BY_UNIT[unit](low)} … ${BY_UNIT[unit](high)})`)]),
    );
  return make(
    "tr",
    { "data-figure": key, "data-says": says ?? "" },
    make("th", { scope: "row" }, label),
    cell(a),
    cell(b),
    make("td", { class: "number says" }, said(says, change)),
    make("td", { class: "why" }, why),
  );
}

/** @param {ComparedFigure["says"]} says @param {number | null} change */
function said(says, change) {
  if (says === "alike") return "alike";
  if (says !== "higher" && says !== "lower") return "–";
  if (change === null) return says;
  const ratio = change + 1;
  if (ratio > 1.9 || ratio < 0.5) return `× ${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(2)}`;
  return `${change > 0 ? "+" : "−"}${(Math.abs(change) * 100).toFixed(0)} %`;
}

/** @param {Difference} difference */
function differenceRow({ name, a, b }) {
  const { name: head, show } = unitOf(name.replaceAll(".", " · "));
  const cell = (/** @type {unknown} */ value) =>
    name === "command" && Array.isArray(value)
      ? make("td", {}, make("code", {}, value.join(" ")))
      : make("td", {}, show(value ?? undefined));
  return make("tr", {}, make("th", { scope: "row" }, head), cell(a), cell(b));
}
