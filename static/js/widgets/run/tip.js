// @ts-check
/**
 * What lies under the pointer: thread, state, how long it lasted, and when.
 * @import { CollectorRow, CounterRow, Row } from "../../tracks/rows.js"
 * @import { Lane } from "../../state/run_state.js"
 * @import { Counter, Reading } from "../../state/counters.js"
 * @import { RunEvent } from "../../state/messages.js"
 * @import { Track } from "../../base/track.js"
 */
import { make } from "../../base/dom.js";
import { count, duration, instant, text } from "../../base/format.js";
import { readingOf, rowAt, told } from "../../state/counters.js";
import { HOLDER_NONE, STATES } from "../../state/messages.js";
import { collectedOf, generationOf, GENERATIONS } from "../../state/pauses.js";
import { threadColour } from "../../tracks/painter.js";
import { processName } from "../../state/pids.js";

const DISTANCE = 14;
/** A pointer this near to a pause, in pixels, means it. */
const REACH = 3;
/** Of events that lie on one another. */
const MOST_EVENTS = 6;

/** @typedef {{left: number, top: number, room: number}} Place of the plot in what the tip is placed in, whose width is `room` */

export class Tip {
  #element;
  /** @type {Place | null} */
  #plot = null;
  #width = 0;
  /** Of the lines that had that width: so many letters the longest had. */
  #letters = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  hide() {
    this.#element.hidden = true;
  }

  /** Asks the page for sizes: once a frame, before anything of it is changed. @param {HTMLElement} canvas */
  measure(canvas) {
    const home = this.#element.parentElement;
    if (!home) return;
    const [plot, within] = [canvas.getBoundingClientRect(), home.getBoundingClientRect()];
    this.#plot = { left: plot.left - within.left, top: plot.top - within.top, room: within.width };
  }

  /**
   * @param {Row | undefined} row
   * @param {number} us the instant under the pointer
   * @param {{x: number, y: number}} pointer over the plot
   * @param {Map<number, Lane>} lanes
   * @param {RunEvent[]} events those under the pointer
   * @param {number} usPerPixel
   */
  show(row, us, pointer, lanes, events, usPerPixel) {
    const lines = events.length
      ? linesOfEvents(events)
      : row?.kind === "collector"
      ? linesOfPause(row, us, REACH * usPerPixel)
      : row?.kind === "counter"
      ? linesOfCounter(row, us)
      : row
      ? linesOf(row, us, lanes)
      : null;
    this.#element.hidden = lines === null;
    if (!lines) return;
    this.#element.replaceChildren(...lines);
    this.#takeWidth(Math.max(...lines.map((line) => line.textContent?.length ?? 0)));
    if (this.#plot) this.#place(pointer, this.#plot);
  }

  /** Its width is asked for only where it may have grown: the page is laid out anew for each answer. @param {number} letters */
  #takeWidth(letters) {
    if (letters <= this.#letters) return;
    this.#letters = letters;
    this.#width = Math.max(this.#width, this.#element.offsetWidth);
  }

  /** @param {{x: number, y: number}} pointer @param {Place} plot */
  #place({ x, y }, plot) {
    const left = plot.left + x;
    const room = plot.room - this.#width;
    const { style } = this.#element;
    style.top = `${plot.top + y + DISTANCE}px`;
    // By its right edge where it lies before the pointer: so it stands beside it, however wide it is.
    const before = left + DISTANCE >= room;
    style.left = before ? "" : `${left + DISTANCE}px`;
    style.right = before ? `${Math.max(0, Math.min(plot.room - left + DISTANCE, room))}px` : "";
  }
}

/** @param {Row} row @param {number} us @param {Map<number, Lane>} lanes @returns {Node[] | null} */
function linesOf(row, us, lanes) {
  if (row.kind === "process" || row.kind === "free" || row.kind === "collector" || row.kind === "counter") {
    return null;
  }
  const when = make("div", { class: "when" }, `at ${instant(us)}`);
  const { track } = row;
  const name = row.kind === "gil"
    ? `GIL of ${processName(row.gil.pid)}`
    : row.lane.name || `tid ${row.lane.tid}`;
  const index = track.indexAt(us);
  if (index < 0) {
    const why = track.overview ? "shares of time; zoom in for single slices" : "nothing was recorded here";
    return [make("b", {}, name), make("div", {}, why), when];
  }
  const what = row.kind === "gil" ? holding(track, index, lanes) : being(track.valueAt(index));
  const task = row.kind === "lane" ? row.tasks.findLast((one) => one.startUs <= us && us < one.endUs) : null;
  const length = make("div", {}, `${text(duration((track.endAt(index) - track.startAt(index)) / 1e6))}`);
  length.append(make("span", { class: "since" }, ` from ${instant(track.startAt(index))}`));
  return [make("b", {}, name), what, length, ...(task ? [doing(task)] : []), when];
}

/** @param {import("../../state/tasks.js").Task} task */
function doing({ name, key, startUs, endUs, over }) {
  const length = `${text(duration((endUs - startUs) / 1e6))}${over ? "" : " so far"}`;
  return make("div", {}, `task ${name} · ${length}`, make("div", { class: "since" }, key));
}

/** @param {CounterRow} row @param {number} us @returns {Node[]} */
function linesOfCounter({ counter, series }, us) {
  const reading = readingOf(counter, series, rowAt(counter, series.column("at_us"), us));
  return [
    make("b", {}, counter.title),
    ...readingLines(counter, reading),
    make("div", { class: "when" }, `at ${instant(us)}`),
  ];
}

/**
 * What a counter was, and of which time that is.
 * @param {Counter} counter @param {Reading | null} reading @returns {Node[]}
 */
export function readingLines(counter, reading) {
  if (!reading) return [make("div", {}, "nothing was measured here")];
  const { startUs, endUs, values } = reading;
  const several = counter.lines.length > 1;
  return [
    ...counter.lines.map(({ label, state }, index) =>
      make(
        "div",
        {},
        ...(state ? [make("i", { class: `swatch ${state}` })] : []),
        several ? `${label} ${told(counter, values[index])}` : told(counter, values[index]),
      )
    ),
    make(
      "div",
      { class: "since" },
      counter.read
        ? `read at ${instant(startUs)}`
        : `mean of ${text(duration((endUs - startUs) / 1e6))} from ${instant(startUs)}`,
    ),
  ];
}

/**
 * The pause under the pointer, or the nearest one that a hand may mean: most are shorter than a pixel.
 * @param {CollectorRow} row @param {number} us @param {number} reachUs @returns {Node[]}
 */
function linesOfPause({ track, exact, pauses }, us, reachUs) {
  const name = make("b", {}, `Collector of ${processName(pauses.pid)}`);
  const index = nearest(track, us, reachUs);
  if (index < 0) {
    return [name, make("div", {}, "no pause here"), make("div", { class: "when" }, `at ${instant(us)}`)];
  }
  const value = track.valueAt(index);
  const went = collectedOf(value);
  const length = duration((track.endAt(index) - track.startAt(index)) / 1e6);
  return [
    name,
    make(
      "div",
      {},
      make("i", { class: `swatch gc-${generationOf(value)}` }),
      GENERATIONS[generationOf(value)],
    ),
    make("div", {}, text(length), make("span", { class: "since" }, ` from ${instant(track.startAt(index))}`)),
    ...(went === null ? [] : [make("div", {}, `${text(count(went))} objects collected`)]),
    make("div", { class: "when" }, exact ? "exact: CPython publishes it" : "as long as it was seen: sampled"),
  ];
}

/** @param {Track} track @param {number} us @param {number} reachUs */
function nearest(track, us, reachUs) {
  const index = track.indexAfter(us - reachUs);
  return index < track.length && track.startAt(index) <= us + reachUs ? index : -1;
}

/** @param {RunEvent[]} events @returns {Node[]} */
function linesOfEvents(events) {
  const lines = events.slice(0, MOST_EVENTS).map(({ at_us: at, kind, pid, detail }) =>
    make(
      "div",
      { class: "event" },
      make("b", {}, `${kind} · ${processName(pid)}`),
      detail ? ` ${detail}` : "",
      make("span", { class: "when" }, ` at ${instant(at)}`),
    )
  );
  if (events.length > MOST_EVENTS) {
    lines.push(make("div", { class: "when" }, `and ${events.length - MOST_EVENTS} more here`));
  }
  return lines;
}

/** @param {number} state */
function being(state) {
  return make("div", {}, make("i", { class: `swatch ${STATES[state]}` }), STATES[state]);
}

/** @param {Track} track @param {number} index @param {Map<number, Lane>} lanes */
function holding(track, index, lanes) {
  const holder = track.valueAt(index);
  const waiters = track.extraAt(index);
  const waiting = waiters ? `, up to ${waiters} waiting` : "";
  if (holder === HOLDER_NONE) return make("div", {}, "held by nobody");
  if (holder < 0) return make("div", {}, "the holder could not be read");
  const name = lanes.get(holder)?.name ?? "a thread that has ended";
  return make(
    "div",
    {},
    make("i", { class: `thread-colour thread-${threadColour(holder)}` }),
    `held by ${name}${waiting}`,
  );
}
