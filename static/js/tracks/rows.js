// @ts-check
/**
 * What stands above what in the timeline: counters, then a process, its GILs, its threads. Pure.
 * @import { Track } from "../base/track.js"
 * @import { Counter } from "../state/counters.js"
 * @import { Process, ThreadFigures } from "../state/messages.js"
 * @import { Pauses } from "../state/pauses.js"
 * @import { Gil, Lane } from "../state/run_state.js"
 * @import { Series } from "../state/series.js"
 * @import { Task, Tasks } from "../state/tasks.js"
 * @import { LaneChoice } from "./lane_choice.js"
 * @typedef {{top: number, height: number, stuckAt?: number}} Place in CSS pixels; where it has `stuckAt` it scrolls up
 *     to there below the axis, and stays
 * @typedef {Place & {kind: "process", process: Process, collapsed: boolean}} ProcessRow
 * @typedef {Place & {kind: "free", process: Process}} FreeRow stands where a GIL would, of a process that has none
 * @typedef {Place & {track: Track} & ({kind: "gil", gil: Gil} | {kind: "lane", lane: Lane, pinned: boolean, idle: boolean, tasks: readonly Task[]})} TrackRow
 * @typedef {Place & {kind: "collector", pauses: Pauses, exact: boolean, track: Track}} CollectorRow its pauses are
 *     `exact`, or sampled; an idle lane is lower and quieter than its neighbours
 * @typedef {Place & {kind: "counter", counter: Counter, series: Series, pinned: boolean}} CounterRow
 * @typedef {ProcessRow | FreeRow | TrackRow | CollectorRow | CounterRow} Row
 * @typedef {Omit<CounterRow, keyof Place> | Omit<ProcessRow, keyof Place> | Omit<FreeRow, keyof Place> | Omit<CollectorRow, keyof Place> |
 *           Omit<TrackRow, keyof Place>} Unplaced
 */

import { ALL_LANES, byLane, inOrder, isIdle, isShown } from "./lane_choice.js";

/** Of more of a cluster's workers the GIL alone is shown at first. */
const MANY_WORKERS = 8;

/** So much of the room that there is may be taken by what stays in sight while the rest scrolls. */
const MOST_STUCK = 0.5;

/** The heights of up to so many rows, in CSS pixels: many share the room that few have. */
const DENSITIES = [
  { upTo: 12, heights: { counter: 32, process: 24, collector: 22, free: 28, gil: 40, lane: 28, idle: 18 } },
  { upTo: 28, heights: { counter: 28, process: 22, collector: 20, free: 22, gil: 32, lane: 22, idle: 16 } },
  {
    upTo: Infinity,
    heights: { counter: 24, process: 20, collector: 18, free: 18, gil: 28, lane: 18, idle: 16 },
  },
  {
    upTo: Infinity,
    heights: { counter: 22, process: 18, collector: 16, free: 16, gil: 22, lane: 16, idle: 14 },
  },
];

/**
 * Rows from the top, in CSS pixels. A thread that ended before `startUs` has left the view, one that began after
 * `endUs` has not come into it, and a process goes with its threads. Into a view that stands still no collector comes
 * that paused nothing until then.
 * @param {{processes: Map<number, Process>, lanes: Map<number, Lane>, gils: Map<number, Gil>,
 *          pauses: Map<string, Pauses>, tasks?: Tasks, figures?: {threads: ThreadFigures[]} | null,
 *          trackIn: (one: Lane | Gil, startUs: number, endUs: number) => Track}} cast
 * @param {number} startUs
 * @param {number} endUs
 * @param {LaneChoice} choice
 * @param {number | null} room that they are to fit into, where they can; null where there is as much as they want
 * @param {{threads: ThreadFigures[]} | null} told what threads did: of a view that stands still, as it was then
 * @param {Omit<CounterRow, keyof Place>[]} counters that stand above them all
 * @returns {Row[]}
 */
export function layOut(
  cast,
  startUs,
  endUs,
  choice = ALL_LANES,
  room = null,
  told = cast.figures ?? null,
  counters = [],
) {
  const { processes, gils, pauses } = cast;
  const figures = byLane(told?.threads ?? []);
  const standsUs = told === (cast.figures ?? null) ? Infinity : endUs;
  const many = [...processes.values()].filter(({ worker, gone }) => worker && !gone).length > MANY_WORKERS;
  const groups = inPlaces([...processes.values()]).map((process) => {
    const collapsed = choice.collapsed.has(process.pid) !== (many && !!process.worker);
    const chosen = threadsOf(process, cast, startUs, endUs)
      .filter(isShown(choice, figures))
      .sort(inOrder(choice, figures));
    return {
      process,
      collapsed,
      collectors: collapsed
        ? []
        : [...pauses.values()].filter((own) => own.pid === process.pid && came(own, standsUs)),
      gils: [...gils.values()].filter((gil) => gil.pid === process.pid),
      chosen: chosen.length,
      threads: collapsed ? [] : chosen,
    };
  });
  const shown = groups.filter(({ chosen }) => chosen > 0);
  const busy = shown.some(({ threads }) => threads.some(({ lane }) => !isIdle(figures.get(lane))));
  const rows = shown.flatMap(({ process, collapsed, collectors, gils: locks, threads }) => [
    { kind: "process", process, collapsed },
    ...collectors.map((pauses) => ({
      kind: "collector",
      pauses,
      exact: process.capabilities.gc === "exact",
      track: pauses.track,
    })),
    ...(process.gil_enabled === false ? [{ kind: "free", process }] : []),
    ...locks.map((gil) => ({ kind: "gil", gil, track: cast.trackIn(gil, startUs, endUs) })),
    ...threads.map((lane) => ({
      kind: "lane",
      lane,
      pinned: choice.pinned.has(lane.lane),
      idle: busy && isIdle(figures.get(lane.lane)),
      tasks: cast.tasks?.of(lane.lane) ?? [],
      track: cast.trackIn(lane, startUs, endUs),
    })),
  ]);
  return stacked(/** @type {Unplaced[]} */ ([...counters, ...rows]), room);
}

/** A cluster's workers stand host by host, in the order of their names. @param {Process[]} processes */
function inPlaces(processes) {
  const words = new Intl.Collator("en", { numeric: true });
  const place = (/** @type {Process} */ { host, worker }) => `${host ?? ""} ${worker ?? ""}`;
  return processes.some(({ worker }) => worker)
    ? processes.sort((one, other) => words.compare(place(one), place(other)))
    : processes;
}

/**
 * One above the other, in the largest heights that fit.
 * @param {Unplaced[]} rows @param {number | null} room @returns {Row[]}
 */
function stacked(rows, room) {
  const { heights } =
    DENSITIES.find(({ upTo, heights }) =>
      room === null ? rows.length <= upTo : heightIn(rows, heights) <= room
    ) ?? DENSITIES[DENSITIES.length - 1];
  let top = 0;
  const placed = rows.map((row) => {
    const one = /** @type {Row} */ ({ ...row, top, height: heights[sizeOf(row)] });
    top += one.height;
    return one;
  });
  if (room !== null && top > room) stick(placed, room);
  return placed;
}

/**
 * Pinned lanes and counters stay in sight, then the other counters, as many of them as leave room to what scrolls.
 * @param {Row[]} rows @param {number} room
 */
function stick(rows, room) {
  const pinned = rows.filter((row) => "pinned" in row && row.pinned);
  const counters = rows.filter((row) => row.kind === "counter" && !row.pinned);
  let left = room * MOST_STUCK;
  /** @type {Set<Row>} */
  const stuck = new Set();
  for (const row of [...pinned, ...counters]) {
    if (row.height > left) break;
    left -= row.height;
    stuck.add(row);
  }
  let at = 0;
  for (const row of rows.filter((one) => stuck.has(one))) {
    row.stuckAt = at;
    at += row.height;
  }
}

/** Where a row begins below the axis. @param {Row} row @param {number} scrollTop */
export function topIn({ top, stuckAt = -Infinity }, scrollTop) {
  return Math.max(top - scrollTop, stuckAt);
}

/** Whether a row would have scrolled away from where it is. @param {Row} row @param {number} scrollTop */
export function isStuck({ top, stuckAt = -Infinity }, scrollTop) {
  return top - scrollTop < stuckAt;
}

/** How much below the axis is covered by rows that stay. @param {Row[]} rows @param {number} scrollTop */
export function heightStuck(rows, scrollTop) {
  const stuck = rows.filter((row) => isStuck(row, scrollTop));
  return Math.max(0, ...stuck.map((row) => topIn(row, scrollTop) + row.height));
}

/** The height that rows would like to have. @param {Row[]} rows */
export function wantedHeight(rows) {
  return heightIn(rows, DENSITIES[0].heights);
}

/** @typedef {Row["kind"] | "idle"} Size */

/** @param {Unplaced} row @returns {Size} */
function sizeOf(row) {
  return "idle" in row && row.idle ? "idle" : row.kind;
}

/** @param {Unplaced[]} rows @param {{[size in Size]: number}} heights */
function heightIn(rows, heights) {
  return rows.reduce((sum, row) => sum + heights[sizeOf(row)], 0);
}

/** @param {Pauses} own @param {number} untilUs */
function came({ track }, untilUs) {
  return !track.length || track.startAt(0) <= untilUs;
}

/**
 * Those that are there at some time of the view.
 * @param {Process} process
 * @param {{lanes: Map<number, Lane>, trackIn: (one: Lane | Gil, startUs: number, endUs: number) => Track}} cast
 * @param {number} startUs @param {number} endUs
 */
function threadsOf(process, cast, startUs, endUs) {
  return [...cast.lanes.values()].filter((lane) => {
    if (lane.pid !== process.pid) return false;
    const track = cast.trackIn(lane, startUs, endUs);
    // Of time that this page has no pieces of, the shares tell who was there.
    if (track !== lane.track || (track.overview && !(track.length && track.startAt(0) <= startUs))) {
      return track.length > 0 || (track.overview?.touches(startUs, endUs) ?? false);
    }
    return (track.lastUs > startUs || (lane.alive && !process.gone)) &&
      (track.length ? track.startAt(0) : lane.namedUs) <= endUs;
  });
}

/** The row at a height below the axis, or undefined. @param {Row[]} rows @param {number} y @param {number} scrollTop */
export function rowAt(rows, y, scrollTop = 0) {
  const there = rows.filter((row) => {
    const top = topIn(row, scrollTop);
    return y >= top && y < top + row.height;
  });
  return there.find((row) => isStuck(row, scrollTop)) ?? there[0];
}

/** @param {Row[]} rows */
export function heightOf(rows) {
  const last = rows.at(-1);
  return last ? last.top + last.height : 0;
}
