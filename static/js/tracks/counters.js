// @ts-check
/**
 * Counters as lanes of the timeline: which of them have one, and how one is drawn. Pure but for `paintCounter`.
 * @import { Colour, Palette } from "../draw/palette.js"
 * @import { Surface } from "../draw/surface.js"
 * @import { Counter, Line } from "../state/counters.js"
 * @import { Series } from "../state/series.js"
 * @import { CounterRow } from "./rows.js"
 * @import { Picture } from "./painter.js"
 * @typedef {{open: boolean, pinned: ReadonlySet<string> | null}} CounterChoice `open` shows all that were measured, else
 *     those that are pinned; null where no hand has pinned or let go of one
 */
import { measuredIn, rowAt, told, topOf } from "../state/counters.js";
import { STATES } from "../state/messages.js";

const PAD = 3;
const FILL = 0.28;
const LINE = 1.5;
const MARGIN = 4;
const MOST_WIDTHS = 100;
/** Lanes that are lower have no room for the lower end of their axis. */
const ROOMY = 30;

/** Keys with "-" between them, as addresses hold them; "all" where all are shown. @param {CounterChoice} choice */
export function wordOf({ open, pinned }) {
  if (open) return "all";
  return pinned === null ? "" : pinned.size ? [...pinned].join("-") : "none";
}

/** @param {string} word @returns {Partial<CounterChoice>} what it says, if anything */
export function choiceOf(word) {
  if (!word) return {};
  if (word === "all") return { open: true };
  return { open: false, pinned: new Set(word === "none" ? [] : word.split("-")) };
}

/**
 * Those that have a lane, in their order, the pinned ones first; where a hand searches, those that are pinned or found.
 * @param {{series: Series, free: boolean}} state
 * @param {CounterChoice} choice @param {string[]} usual the first of these that was measured is pinned at first
 * @param {string} words that a hand searches for
 */
export function shownCounters({ series, free }, { open, pinned }, usual, words) {
  const measured = measuredIn(series, free);
  const first = usual.find((key) => measured.some((one) => one.key === key));
  const kept = pinned ?? new Set(first ? [first] : []);
  const sought = words.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = (/** @type {Counter} */ { title, lines }) =>
    sought.every((word) =>
      [title, ...lines.map(({ label }) => label)].join(" ").toLowerCase().includes(word)
    );
  const rows = measured
    .filter((counter) => kept.has(counter.key) || (sought.length ? isFound(counter) : open))
    .map((counter) => ({
      kind: /** @type {const} */ ("counter"),
      counter,
      series,
      pinned: kept.has(counter.key),
    }))
    .sort((one, other) => Number(other.pinned) - Number(one.pinned));
  return { rows, kept, measured: measured.length };
}

/**
 * Steps: of a mean as wide as the time that it is of, of what was read from there until it was read again.
 * @param {Surface} surface whose context is in CSS pixels
 * @param {Palette} palette @param {Picture} picture @param {CounterRow} row @param {number} top
 */
export function paintCounter({ context }, palette, picture, row, top) {
  const { counter, series } = row;
  const [from, height] = [top + PAD / 2, row.height - PAD];
  const right = picture.scale.toX(Math.min(picture.scale.endUs, picture.edgeUs));
  context.save();
  context.fillStyle = palette.lane.css;
  context.fillRect(0, from, Math.max(0, right), height);
  context.beginPath();
  context.rect(0, from, Math.max(0, right), height);
  context.clip();
  const most = topOf(counter, series, picture.edgeUs);
  counter.lines.forEach((line, index) => {
    const colour = colourOf(palette, line, index);
    for (const steps of stepsOf(row, line, picture)) {
      paintSteps(context, steps, { top: from + LINE / 2, height: height - LINE, most }, colour, palette.lane);
    }
  });
  context.restore();
  sayRange(context, palette, row, from, height, most);
}

/** @param {Palette} palette @param {Line} line @param {number} index */
export function colourOf(palette, { state }, index) {
  if (!state) return palette.series[index];
  return palette.states[STATES.indexOf(state)];
}

/**
 * Runs of values that follow one another, each from where to where it goes.
 * @param {CounterRow} row @param {Line} line @param {Picture} picture
 */
function stepsOf({ counter, series }, { column }, { scale, edgeUs }) {
  const at = series.column("at_us");
  const values = series.column(column);
  /** @type {{left: number, right: number, value: number}[][]} */
  const runs = [];
  /** @type {{left: number, right: number, value: number}[] | null} */
  let run = null;
  const first = Math.max(0, rowAt(counter, at, Math.max(0, scale.startUs)));
  for (let index = first; index < at.length; index += 1) {
    const here = at[index] ?? 0;
    const startUs = counter.read ? here : at[index - 1] ?? 0;
    if (startUs > scale.endUs) break;
    const value = values[index] ?? null;
    if (value === null) {
      run = null;
      continue;
    }
    // What was read last holds as far as anything is known.
    const endUs = counter.read ? at[index + 1] ?? Math.max(edgeUs, here) : here;
    if (run === null) runs.push(run = []);
    run.push({ left: scale.toX(startUs), right: scale.toX(endUs), value });
  }
  return runs;
}

/**
 * A line over its own ground: that of the line before it does not shine through.
 * @param {CanvasRenderingContext2D} context @param {{left: number, right: number, value: number}[]} steps
 * @param {{top: number, height: number, most: number}} place @param {Colour} colour @param {Colour} ground
 */
function paintSteps(context, steps, { top, height, most }, colour, ground) {
  const bottom = top + height;
  const area = new Path2D();
  const line = new Path2D();
  area.moveTo(steps[0].left, bottom);
  for (const { left, right, value } of steps) {
    const y = bottom - Math.min(1, value / most) * height;
    for (const path of [area, line]) {
      path.lineTo(left, y);
      path.lineTo(right, y);
    }
  }
  area.lineTo(steps[steps.length - 1].right, bottom);
  context.fillStyle = ground.css;
  context.fill(area);
  context.fillStyle = context.strokeStyle = colour.css;
  context.globalAlpha = FILL;
  context.fill(area);
  context.globalAlpha = 1;
  context.lineWidth = LINE;
  context.stroke(line);
}

/** Widths of words that were measured: they are the same in every frame. @type {Map<string, number>} */
const widths = new Map();

/** @param {CanvasRenderingContext2D} context @param {string} words */
function widthOf(context, words) {
  const key = context.font + words;
  const width = widths.get(key) ?? context.measureText(words).width;
  if (widths.size >= MOST_WIDTHS) widths.clear();
  widths.set(key, width);
  return width;
}

/**
 * The ends of its axis, in the lane.
 * @param {CanvasRenderingContext2D} context @param {Palette} palette @param {CounterRow} row
 * @param {number} top @param {number} height @param {number} most
 */
function sayRange(context, palette, { counter }, top, height, most) {
  context.font = `10px ${palette.font}`;
  context.textAlign = "left";
  const say = (/** @type {string} */ words, /** @type {number} */ y) => {
    context.fillStyle = palette.lane.css;
    context.globalAlpha = 0.75;
    context.fillRect(MARGIN - 2, y - 6, widthOf(context, words) + 4, 12);
    context.globalAlpha = 1;
    context.fillStyle = palette.soft.css;
    context.fillText(words, MARGIN, y + 0.5);
  };
  context.textBaseline = "middle";
  say(told(counter, most), top + 6.5);
  if (height >= ROOMY) say("0", top + height - 6.5);
}
