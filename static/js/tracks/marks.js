// @ts-check
/**
 * What is marked on the timeline: events, in the row of their process, and a piece of time that was looked up.
 * @import { Palette } from "../draw/palette.js"
 * @import { TimeScale } from "../base/time_scale.js"
 * @import { RunEvent } from "../state/messages.js"
 * @import { ProcessRow, Row } from "./rows.js"
 * @typedef {{startUs: number, endUs: number, lane: number | string | null}} Found of a thread, or of the counter with that key
 * @typedef {{event: RunEvent, x: number, row: ProcessRow}} Mark
 */
import { pidText } from "../state/pids.js";

/** A pointer this near to a mark means it. */
const REACH = 6;
const ARM = 4;
const MARGIN = 5;
const OUTLINE = 2;

/**
 * Events that are on view, in order of time. That of a process without a row stands in the first process's.
 * @param {RunEvent[]} events
 * @param {Row[]} rows
 * @param {TimeScale} scale
 * @param {number} untilUs
 * @returns {Mark[]}
 */
export function placeMarks(events, rows, scale, untilUs) {
  const processes = rows.filter((row) => row.kind === "process");
  if (processes.length === 0) return [];
  return events
    .filter(({ at_us: at }) => at >= scale.startUs && at <= Math.min(scale.endUs, untilUs))
    .map((event) => ({
      event,
      x: scale.toX(event.at_us),
      row: processes.find(({ process }) => process.pid === event.pid) ?? processes[0],
    }));
}

/** What tells rows of threads and of counters apart: a lane, a key; undefined of others. @param {Row} row */
export function idOf(row) {
  if (row.kind === "lane") return row.lane.lane;
  return row.kind === "counter" ? row.counter.key : undefined;
}

/** The marks that a pointer over a row means. @param {Mark[]} marks @param {Row | undefined} row @param {number} x */
export function marksAt(marks, row, x) {
  if (row?.kind !== "process") return [];
  return marks.filter((mark) => mark.row.process.pid === row.process.pid && Math.abs(mark.x - x) <= REACH);
}

/**
 * A diamond each, and what it is where there is room before the next.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Palette} palette
 * @param {Mark[]} marks
 * @param {(row: Row) => number} topOf where a row begins on the canvas
 * @param {number} width
 */
export function paintMarks(context, palette, marks, topOf, width) {
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  marks.forEach(({ event, x, row }, index) => {
    const middle = topOf(row) + row.height / 2;
    context.fillStyle = palette.accent.css;
    context.beginPath();
    context.moveTo(x, middle - ARM);
    context.lineTo(x + ARM, middle);
    context.lineTo(x, middle + ARM);
    context.lineTo(x - ARM, middle);
    context.fill();
    const next = marks.slice(index + 1).find((other) => other.row === row)?.x ?? width;
    const label = labelOf(event, row);
    if (context.measureText(label).width > next - x - 2 * ARM - 2 * MARGIN) return;
    context.fillStyle = palette.soft.css;
    context.fillText(label, x + ARM + MARGIN, middle + 0.5);
  });
}

/** @param {RunEvent} event @param {ProcessRow} row */
function labelOf({ kind, pid }, row) {
  return row.process.pid === pid ? kind : `${kind}: ${pidText(pid)}`;
}

/**
 * A piece of time that was looked up: a band over all rows, an outline about its thread's own.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Palette} palette
 * @param {Found} found
 * @param {TimeScale} scale
 * @param {{rows: Row[], topOf: (row: Row) => number, from: number, height: number}} where `from` is below the axis
 */
export function paintFound(context, palette, found, scale, { rows, topOf, from, height }) {
  const left = Math.max(-OUTLINE, scale.toX(found.startUs));
  const right = Math.min(scale.width + OUTLINE, scale.toX(found.endUs));
  if (right < 0 || left > scale.width) return;
  const width = Math.max(1, right - left);
  context.save();
  context.fillStyle = palette.accent.css;
  context.globalAlpha = 0.1;
  context.fillRect(left, from, width, height - from);
  context.globalAlpha = 1;
  const row = rows.find((candidate) => idOf(candidate) === found.lane);
  if (row) {
    context.strokeStyle = palette.accent.css;
    context.lineWidth = OUTLINE;
    context.strokeRect(left, topOf(row) + 1, width, row.height - OUTLINE);
  }
  context.restore();
}
