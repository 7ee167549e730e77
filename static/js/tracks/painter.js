// @ts-check
/**
 * Draws the timeline: axis, counters, GILs, threads. It is given all that it needs, and keeps no more than scratch memory.
 * @import { Palette } from "../draw/palette.js"
 * @import { Surface } from "../draw/surface.js"
 * @import { TimeScale } from "../base/time_scale.js"
 * @import { CollectorRow, CounterRow, FreeRow, Row, TrackRow } from "./rows.js"
 * @import { Flow } from "./flows.js"
 * @import { Found, Mark } from "./marks.js"
 * @typedef {{startUs: number, endUs: number, lanes: ReadonlySet<number> | null}} Area a time of all lanes, or of some
 * @import { Lane } from "../state/run_state.js"
 * @typedef {{rows: Row[], lanes: Map<number, Lane>, scale: TimeScale, originUs: number, edgeUs: number,
 *            scrollTop: number, height: number, cursorUs: number | null, playheadUs: number | null, marks: Mark[],
 *            flows: Flow[], found: Found | null, selected: Area | null, notes?: {at_us: number}[]}} Picture nothing is
 *     drawn beyond `edgeUs`; `scale` is over CSS pixels, and the axis counts from `originUs`
 */
import { bin, binGrouped } from "../base/bins.js";
import { tickLabel, ticks } from "../base/ticks.js";
import { THREAD_COLOURS } from "../draw/palette.js";
import { paintPauses, paintStack } from "../draw/stack.js";
import { HOLDER_NONE, STATES, UNKNOWN_STATE } from "../state/messages.js";
import { generationOf } from "../state/pauses.js";
import { paintCounter } from "./counters.js";
import { paintFlows } from "./flows.js";
import { paintFound, paintMarks } from "./marks.js";
import { heightStuck, isStuck, topIn } from "./rows.js";
import { paintTasks } from "./tasks.js";

export const AXIS_HEIGHT = 24;
const PAD = 3;
const TICK_SPACING = 96;
const NAME_MARGIN = 6;
/** So much of the ground covers an idle lane. */
const QUIET = 0.65;
/** The side of a note's flag: two digits fit in. */
const FLAG = 15;
/** Pieces narrower than this on average are not looked through for names. */
const NAMED_PIECE_WIDTH = 3;

/** Of CPython's default switch interval, 5 ms: half a turn, and so many that their shares are even. */
const FEW_TURNS_US = 2_500;
const MANY_TURNS_US = 50_000;

const NONE_KIND = THREAD_COLOURS;
const UNKNOWN_KIND = THREAD_COLOURS + 1;

/** @param {number} lane the thread's colour is its own as long as the run lasts */
export function threadColour(lane) {
  return lane % THREAD_COLOURS;
}

/** @param {number} holder */
function heldKind(holder) {
  if (holder >= 0) return threadColour(holder);
  return holder === HOLDER_NONE ? NONE_KIND : UNKNOWN_KIND;
}

/** @param {number} state */
const stateKind = (state) => state;

/**
 * @param {Surface} surface
 * @param {Palette} palette
 * @param {Picture} picture
 */
export function paint(surface, palette, picture) {
  const { context, canvas, ratio } = surface;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = palette.surface.css;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const { stepUs, at } = ticks(
    picture.scale.startUs,
    picture.scale.endUs,
    picture.scale.width / TICK_SPACING,
    picture.originUs,
  );
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  paintGrid(surface, palette, picture, at);
  const placed = tracksInView(picture);
  const stuck = placed.filter(({ row }) => isStuck(row, picture.scrollTop));
  paintRows(surface, palette, picture, placed.filter((one) => !stuck.includes(one)));
  const covered = coveredBy(picture);
  if (stuck.length) {
    // What is drawn pixel by pixel knows of no clipping: what stays is drawn over what scrolls below it.
    context.fillStyle = palette.surface.css;
    context.fillRect(0, AXIS_HEIGHT, picture.scale.width, covered - AXIS_HEIGHT);
    paintRows(surface, palette, picture, stuck);
    context.fillStyle = palette.line.css;
    context.fillRect(0, covered - 1, picture.scale.width, 1);
  }
  const topOf = (/** @type {Row} */ row) => topOnCanvas(row, picture);
  const isSeen = (/** @type {Row} */ row) =>
    isStuck(row, picture.scrollTop) || topOf(row) + row.height / 2 >= covered;
  const flows = picture.flows.filter(({ from, to }) => isSeen(from) && isSeen(to));
  paintFlows(context, palette, flows, picture.scale, topOf);
  paintMarks(context, palette, picture.marks.filter(({ row }) => isSeen(row)), topOf, picture.scale.width);
  if (picture.found) {
    const where = { rows: picture.rows.filter(isSeen), topOf, from: AXIS_HEIGHT, height: picture.height };
    paintFound(context, palette, picture.found, picture.scale, where);
  }
  paintPlayhead(surface, palette, picture);
  paintCursor(surface, palette, picture);
  paintAxis(surface, palette, picture, at, stepUs);
  paintSelected(surface, palette, picture);
  paintNotes(surface, palette, picture);
}

/** @typedef {{row: TrackRow | FreeRow | CollectorRow | CounterRow, top: number}} Placed */

/** @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {Placed[]} placed */
function paintRows(surface, palette, picture, placed) {
  const { context, ratio } = surface;
  context.setTransform(1, 0, 0, 1, 0, 0);
  for (const { row, top } of placed) {
    if (row.kind === "collector") paintCollector(surface, palette, picture, row, top);
    else if (row.kind === "gil" || row.kind === "lane") paintTrack(surface, palette, picture, row, top);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  quietIdle(surface, palette, placed);
  for (const { row, top } of placed) {
    if (row.kind === "free") sayFree(surface, palette, row, top);
    else if (row.kind === "counter") paintCounter(surface, palette, picture, row, top);
    else if (row.kind === "lane" && row.tasks.length) {
      paintTasks(context, palette, picture.scale, row.tasks, { top, height: row.height }, picture.edgeUs);
    } else if (row.kind !== "collector") nameTrack(surface, palette, picture, row, top);
  }
}

/**
 * The rows to draw, each with its place on the canvas.
 * @param {Picture} picture
 * @returns {Placed[]}
 */
function tracksInView(picture) {
  const placed = [];
  for (const row of picture.rows) {
    const top = topOnCanvas(row, picture);
    const inView = top + row.height > AXIS_HEIGHT && top < picture.height;
    if (row.kind !== "process" && inView) placed.push({ row, top });
  }
  return placed;
}

/** @param {Row} row @param {Picture} picture */
function topOnCanvas(row, { scrollTop }) {
  return AXIS_HEIGHT + topIn(row, scrollTop);
}

/** Where the rows begin that scroll. @param {Picture} picture */
function coveredBy({ rows, scrollTop }) {
  return AXIS_HEIGHT + heightStuck(rows, scrollTop);
}

/** Says why there is no lock to draw. @param {Surface} surface @param {Palette} palette @param {FreeRow} row @param {number} top */
function sayFree({ context }, palette, row, top) {
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = palette.soft.css;
  context.fillText(
    "Free-threaded: threads run Python at the same time",
    NAME_MARGIN,
    top + row.height / 2 + 0.5,
  );
}

/**
 * A thread that only slept or waited for something else is no louder than those that work.
 * @param {Surface} surface @param {Palette} palette @param {{row: Row, top: number}[]} placed
 */
function quietIdle({ context, canvas, ratio }, palette, placed) {
  context.save();
  context.fillStyle = palette.surface.css;
  context.globalAlpha = QUIET;
  for (const { row, top } of placed) {
    if (row.kind === "lane" && row.idle) context.fillRect(0, top, canvas.width / ratio, row.height);
  }
  context.restore();
}

/** The device pixels of a row, as far as the run has come. @param {Surface} surface @param {Picture} picture @param {Row} row */
function gridOf({ canvas, ratio }, { scale, edgeUs }, row) {
  const usPerColumn = scale.usPerPixel / ratio;
  const first = Math.floor(scale.startUs / usPerColumn);
  const columns = Math.min(canvas.width, Math.floor(edgeUs / usPerColumn) - first);
  return { usPerColumn, first, columns, rows: Math.round((row.height - PAD) * ratio) };
}

/** @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {CollectorRow} row @param {number} top */
function paintCollector(surface, palette, picture, row, top) {
  const { context, ratio } = surface;
  const { usPerColumn, first, columns, rows } = gridOf(surface, picture, row);
  if (columns <= 0) return;
  const colours = palette.generations;
  const bins = bin(row.track, first, usPerColumn, columns, colours.length, generationOf);
  const image = context.createImageData(columns, rows);
  paintPauses(new Uint32Array(image.data.buffer), rows, bins, usPerColumn, { colours, empty: palette.lane });
  context.putImageData(image, 0, Math.round((top + PAD / 2) * ratio));
}

/**
 * Columns of the GIL that are drawn as one: where a column has hardly room for a turn or two, its colour would be a
 * matter of chance. @param {number} usPerColumn
 */
function groupOf(usPerColumn) {
  return usPerColumn < FEW_TURNS_US ? 1 : Math.ceil(MANY_TURNS_US / usPerColumn);
}

/** @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {TrackRow} row @param {number} top */
function paintTrack(surface, palette, picture, row, top) {
  const { context, ratio } = surface;
  const { usPerColumn, first, columns, rows } = gridOf(surface, picture, row);
  if (columns <= 0) return;
  const [colours, kindOf, hatched] = row.kind === "gil"
    ? [palette.held, heldKind, UNKNOWN_KIND]
    : [palette.states, stateKind, UNKNOWN_STATE];
  const group = row.kind === "gil" ? groupOf(usPerColumn) : 1;
  const bins = binGrouped(row.track, first, usPerColumn, columns, colours.length, kindOf, group);
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  paintStack(pixels, rows, bins, first, { colours, hatched, hatch: palette.hatch, empty: palette.lane });
  context.putImageData(image, 0, Math.round((top + PAD / 2) * ratio));
}

/** @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {number[]} at */
function paintGrid({ context }, palette, { scale, height }, at) {
  context.strokeStyle = palette.line.css;
  context.lineWidth = 1;
  context.beginPath();
  for (const us of at) {
    const x = Math.round(scale.toX(us)) + 0.5;
    context.moveTo(x, AXIS_HEIGHT);
    context.lineTo(x, height);
  }
  context.stroke();
}

/**
 * Writes names into the pieces that have room for them.
 * @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {TrackRow} row
 * @param {number} top
 */
function nameTrack({ context }, palette, { scale, lanes, edgeUs }, row, top) {
  const { track } = row;
  const first = track.indexAfter(scale.startUs);
  const untilUs = Math.min(scale.endUs, edgeUs);
  const last = Math.min(track.length, track.indexAfter(untilUs) + 1);
  if ((last - first) * NAMED_PIECE_WIDTH > scale.width) return;
  context.font = `${row.kind === "gil" ? 12 : 11}px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (let index = first; index < last; index += 1) {
    const left = Math.max(0, scale.toX(track.startAt(index)));
    const width = scale.toX(Math.min(untilUs, track.endAt(index))) - left;
    if (width < 3 * NAME_MARGIN) continue;
    const value = track.valueAt(index);
    const { name, colour } = row.kind === "gil"
      ? { name: lanes.get(value)?.name ?? "", colour: palette.held[heldKind(value)] }
      : { name: STATES[value], colour: row.idle ? null : palette.states[value] };
    if (!name || context.measureText(name).width > width - 2 * NAME_MARGIN) continue;
    context.fillStyle = (colour === null ? palette.ink : colour.dark ? palette.onDark : palette.onLight).css;
    context.fillText(name, left + NAME_MARGIN, top + row.height / 2 + 0.5);
  }
}

/** Of a run that is played again. @param {Surface} surface @param {Palette} palette @param {Picture} picture */
function paintPlayhead({ context }, palette, { scale, playheadUs, height }) {
  if (playheadUs === null) return;
  const x = Math.round(scale.toX(playheadUs));
  if (x < 0 || x > scale.width) return;
  context.fillStyle = palette.accent.css;
  context.fillRect(Math.min(x, scale.width - 1) - 1, AXIS_HEIGHT, 2, height - AXIS_HEIGHT);
}

/** What is selected keeps its light, what lies beside it is dimmed; on the axis its time has a bar. @param {Surface} surface @param {Palette} palette @param {Picture} picture */
function paintSelected({ context }, palette, picture) {
  const { scale, selected, height } = picture;
  if (selected === null) return;
  const within = (/** @type {number} */ us) => Math.min(scale.width, Math.max(0, scale.toX(us)));
  const [left, right] = [within(selected.startUs), within(selected.endUs)];
  context.save();
  context.fillStyle = palette.surface.css;
  context.globalAlpha = 0.5;
  context.fillRect(0, AXIS_HEIGHT, left, height - AXIS_HEIGHT);
  context.fillRect(right, AXIS_HEIGHT, scale.width - right, height - AXIS_HEIGHT);
  for (const { row, top } of selected.lanes ? tracksInView(picture) : []) {
    if (row.kind !== "lane" || selected.lanes?.has(row.lane.lane)) continue;
    const from = isStuck(row, picture.scrollTop) ? top : Math.max(coveredBy(picture), top);
    context.fillRect(left, from, right - left, Math.max(0, top + row.height - from));
  }
  context.globalAlpha = 1;
  context.fillStyle = palette.accent.css;
  if (right > left) context.fillRect(left, AXIS_HEIGHT - 3, right - left, 3);
  context.restore();
}

/** A flag each on the axis, with its number, and a line down. @param {Surface} surface @param {Palette} palette @param {Picture} picture */
function paintNotes({ context }, palette, { scale, notes = [], height }) {
  context.save();
  context.font = `bold 10px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  notes.forEach(({ at_us: us }, index) => {
    const x = Math.round(scale.toX(us));
    if (x < -FLAG || x > scale.width) return;
    const left = Math.min(x, scale.width - FLAG);
    context.fillStyle = palette.ink.css;
    context.fillRect(Math.min(x, scale.width - 1), AXIS_HEIGHT - FLAG, 1, height);
    context.fillRect(left, AXIS_HEIGHT - FLAG, FLAG, FLAG - 2);
    context.fillStyle = palette.surface.css;
    context.fillText(String(index + 1), left + FLAG / 2, AXIS_HEIGHT - FLAG / 2 - 0.5);
  });
  context.restore();
}

/** @param {Surface} surface @param {Palette} palette @param {Picture} picture */
function paintCursor({ context }, palette, { scale, cursorUs, height }) {
  if (cursorUs === null) return;
  const x = Math.round(scale.toX(cursorUs)) + 0.5;
  context.strokeStyle = palette.ink.css;
  context.beginPath();
  context.moveTo(x, AXIS_HEIGHT);
  context.lineTo(x, height);
  context.stroke();
}

/**
 * @param {Surface} surface @param {Palette} palette @param {Picture} picture @param {number[]} at
 * @param {number} stepUs
 */
function paintAxis({ context }, palette, { scale, originUs }, at, stepUs) {
  context.fillStyle = palette.surface.css;
  context.fillRect(0, 0, scale.width, AXIS_HEIGHT);
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.fillStyle = palette.soft.css;
  context.strokeStyle = palette.line.css;
  context.beginPath();
  for (const us of at) {
    const x = Math.round(scale.toX(us)) + 0.5;
    context.moveTo(x, AXIS_HEIGHT - 5);
    context.lineTo(x, AXIS_HEIGHT);
    const label = tickLabel(us - originUs, stepUs);
    const half = context.measureText(label).width / 2 + 2;
    context.fillText(label, Math.min(scale.width - half, Math.max(half, x)), AXIS_HEIGHT / 2 - 1);
  }
  context.moveTo(0, AXIS_HEIGHT - 0.5);
  context.lineTo(scale.width, AXIS_HEIGHT - 0.5);
  context.stroke();
}
