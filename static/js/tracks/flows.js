// @ts-check
/**
 * Arrows from the thread that let go of a GIL to the one that took it. Pure but for `paintFlows`.
 * @import { Palette } from "../draw/palette.js"
 * @import { TimeScale } from "../base/time_scale.js"
 * @import { Row, TrackRow } from "./rows.js"
 * @typedef {{from: TrackRow, to: TrackRow, leftUs: number, tookUs: number}} Flow two lanes, and when the one let go and
 *     the other took it
 */
import { HOLDER_NONE } from "../state/messages.js";

/** An arrow wants so many CSS pixels of its own, or they cannot be told apart. */
const ROOM = 14;
const HEAD = 4;
/** How far an arrow bends at the least, so that it can be seen where both instants are one. */
const BEND = 10;

/**
 * Those on view; none where they would be too many to be read, or where the time is known by its shares alone.
 * @param {Row[]} rows @param {TimeScale} scale @param {number} untilUs
 * @returns {Flow[]}
 */
export function flowsOf(rows, scale, untilUs) {
  const lanes = new Map(rows.flatMap((row) => row.kind === "lane" ? [[row.lane.lane, row]] : []));
  const endUs = Math.min(scale.endUs, untilUs);
  return rows.flatMap((row) => row.kind === "gil" ? flowsOfGil(row, lanes, scale, endUs) : []);
}

/** @param {TrackRow} gil @param {Map<number, TrackRow>} lanes @param {TimeScale} scale @param {number} endUs */
function flowsOfGil({ track }, lanes, scale, endUs) {
  const first = track.indexAfter(scale.startUs);
  const last = Math.min(track.length, track.indexAfter(endUs) + 1);
  /** @type {Flow[]} */
  const flows = [];
  if ((last - first) * ROOM > 2 * scale.width) return flows; // with nobody between them
  let before = -1;
  for (let index = Math.max(0, first - 1); index < last; index += 1) {
    const holder = track.valueAt(index);
    if (holder === HOLDER_NONE) continue;
    const [from, to] = [before < 0 ? undefined : lanes.get(track.valueAt(before)), lanes.get(holder)];
    const tookUs = track.startAt(index);
    if (from && to && from !== to && tookUs >= scale.startUs && tookUs <= endUs) {
      flows.push({ from, to, leftUs: track.endAt(before), tookUs });
    }
    before = index; // of one who could not be read nobody knows from whom, and to whom
  }
  return areTooMany(flows, scale) ? [] : flows;
}

/** Where they lie on one another, as those of a run that has just begun do. @param {Flow[]} flows @param {TimeScale} scale */
function areTooMany(flows, scale) {
  const near = flows.filter(({ tookUs }, index) =>
    index > 0 && (tookUs - flows[index - 1].tookUs) / scale.usPerPixel < ROOM / 2
  );
  return flows.length * ROOM > scale.width || 2 * near.length > flows.length;
}

/**
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Palette} palette @param {Flow[]} flows @param {TimeScale} scale
 * @param {(row: Row) => number} topOf where a row begins on the canvas
 */
export function paintFlows(context, palette, flows, scale, topOf) {
  context.save();
  context.lineWidth = 1.25;
  context.strokeStyle = context.fillStyle = palette.ink.css;
  for (const { from, to, leftUs, tookUs } of flows) {
    const [x, toX] = [scale.toX(leftUs), scale.toX(tookUs)];
    const [y, toY] = [from, to].map((row) => topOf(row) + row.height / 2);
    const down = toY > y ? 1 : -1;
    const bend = Math.max(BEND, (toX - x) / 2);
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY - down * HEAD);
    context.stroke();
    context.beginPath();
    context.moveTo(toX, toY);
    context.lineTo(toX - HEAD, toY - down * 2 * HEAD);
    context.lineTo(toX + HEAD, toY - down * 2 * HEAD);
    context.fill();
  }
  context.restore();
}
