// @ts-check
/**
 * All that a viewer knows of a run, made of its stream's messages and of nothing else. Touches no page.
 * @import { Courses } from "./courses.js"
 * @import { History } from "./history.js"
 * @import {
 *   Causes, Figures, FlameNode, Frame, HeapMessage, Hello, Process, Run, RunEvent, Summary, TimelineBins, Told, Where
 * } from "./messages.js"
 * @typedef {Where & {pid: number, tid: number, name: string}} ThreadWhere
 * @typedef {Where & {threads: ThreadWhere[]}} WhereTimeWent
 * @typedef {{fromUs: number, toUs: number}} Span
 * @typedef {{lane: number, pid: number, tid: number, name: string, interpreter: number | null, alive: boolean,
 *            namedUs: number, track: Track, loop?: string}} Lane `loop` is the kind of the event loop that it runs
 * @typedef {{message: HeapMessage, everyUs: number | null, map: HeapMap}} HeapReading `everyUs` is how long before it
 *     the one before was
 * @typedef {{gil: number, pid: number, interpreter: number, namedUs: number, track: Track}} Gil
 */
import { Track } from "../base/track.js";
import { allCourses, coursesOf } from "./courses.js";
import { HeapMap } from "./heap_map.js";
import { LiveClock } from "./live_clock.js";
import { ENDED, HOLDER_NONE } from "./messages.js";
import { Pauses } from "./pauses.js";
import { knowProcess } from "./pids.js";
import { Reports } from "./reports.js";
import { Series } from "./series.js";
import { Tasks } from "./tasks.js";

/** Events that are kept for the timeline, the latest. */
const MOST_EVENTS = 500;
/** An observation begins with its first frame, a moment after its clock. */
const FIRST_FRAME_US = 1_000_000;
/** Threads that come and go: so many lanes that have ended are kept, the latest. */
const MOST_GONE_LANES = 1_000;

export class RunState {
  /** @type {Run | null} */
  run = null;
  /** @type {Hello | null} */
  hello = null;
  /** @type {Map<number, Process>} by pid */
  processes = new Map();
  /** @type {Map<number, Lane>} by lane */
  lanes = new Map();
  /** @type {Map<number, Gil>} by index */
  gils = new Map();
  /** @type {Figures | null} */
  figures = null;
  /** @type {Summary | null} */
  summary = null;
  /** What the program said of the whole run, whatever time the summary is of. @type {Summary["workload"] | null} */
  reported = null;
  /** The time that the summary is of; null where that is the whole run. @type {Span | null} */
  span = null;
  /** A time that is on view and of which the figures are not known, so that they are of the whole. @type {Span | null} */
  unknown = null;
  /** Messages that this viewer fell behind by. */
  missed = 0;
  /** Who made whom wait, and where: the newest that was said of each. @type {Causes} */
  causes = { hot: [], who_waits: [], longest_waits: [], longest_holds: [], loops: [], pools: [] };
  /** Held time by stacks, once the server has said it. @type {FlameNode | null} */
  flame = null;
  /** Where the time went, of all threads and of each, once the server has said it. @type {WhereTimeWent | null} */
  where = null;
  /** Messages that came and could not be used. */
  damaged = 0;
  /** What happened to the processes, in order. @type {RunEvent[]} */
  events = [];
  /** The newest reading of each heap, with the map where somebody looks at it. @type {Map<string, HeapReading>} */
  heaps = new Map();
  /** The collector's pauses. @type {Map<string, Pauses>} by process and interpreter */
  pauses = new Map();
  /** What figures and summary said, the newest of each that was something. @type {Told} */
  told = {};
  /** How some values of each process went. @type {{[name: string]: Courses} & ReturnType<typeof allCourses>} */
  courses = allCourses();
  reports = new Reports();
  /** What the threads of a cluster's workers do. */
  tasks = new Tasks();
  series = new Series();
  clock = new LiveClock();
  /** What lies before the messages that came, where it can be asked for. @type {History | null} */
  history = null;
  /** Where the first frame that came began. @type {number | null} */
  #firstUs = null;
  /** Where the measured time ended: with a workload's result, else with the observation. @type {number | null} */
  endUs = null;
  #lastSeq = -1;

  get ended() {
    return this.run !== null && ENDED.has(this.run.state);
  }

  /** How far the measured time is known; null before the first frame. */
  get lastUs() {
    // Of a long run that has ended, the messages that came may hold no frame.
    return this.#cut(this.clock.lastUs ?? (this.ended && this.figures ? this.figures.at_us : null));
  }

  /** The instant to draw up to; null before the first frame. @param {number} nowMs the viewer's clock */
  edgeUs(nowMs) {
    return this.ended ? this.lastUs : this.#cut(this.clock.edgeUs(nowMs));
  }

  /** How long was measured; null while that is not known. */
  get elapsedS() {
    if (this.ended) return this.run?.duration_s ?? null;
    return this.lastUs === null || !this.figures ? null : (this.lastUs - this.figures.begin_us) / 1e6;
  }

  /** @param {number | null} us */
  #cut(us) {
    return us === null || this.endUs === null ? us : Math.min(us, this.endUs);
  }

  /**
   * The instant from which the pieces of all lanes and GILs are here; 0 where it is the beginning. A summary comes
   * after the frames: until it is there, those of a run that has ended may be on their way.
   */
  get heldFromUs() {
    const beganUs = this.figures?.begin_us ?? 0;
    if (this.#firstUs === null) return this.ended && this.summary ? Infinity : 0;
    let fromUs = this.#firstUs > beganUs + FIRST_FRAME_US ? this.#firstUs : 0;
    for (const { track } of [...this.lanes.values(), ...this.gils.values()]) {
      if (track.dropped) fromUs = Math.max(fromUs, track.startAt(0));
    }
    return fromUs;
  }

  /**
   * The pieces or shares to draw of a lane or a GIL in a window.
   * @param {Lane | Gil} one @param {number} startUs @param {number} endUs
   */
  trackIn(one, startUs, endUs) {
    if (this.history === null || this.heldFromUs <= startUs) return one.track;
    return "lane" in one
      ? this.history.trackOf("lanes", one.lane, one.track, startUs, endUs)
      : this.history.trackOf("gils", one.gil, one.track, startUs, endUs);
  }

  /** Threads and GILs that went before the messages that came. @param {TimelineBins} bins */
  takeEarlier({ lanes, gils }) {
    for (const { lane, pid, tid, name, interpreter, named_us: namedUs } of lanes) {
      const known = this.lanes.get(lane);
      if (known) known.namedUs = namedUs;
      else {
        this.lanes.set(lane, {
          lane,
          pid,
          tid,
          name,
          interpreter,
          alive: false,
          namedUs,
          track: new Track(),
        });
      }
    }
    for (const { gil, pid, interpreter } of gils) {
      if (!this.gils.has(gil)) this.gils.set(gil, { gil, pid, interpreter, namedUs: 0, track: new Track() });
    }
  }

  /** Whether a message tells of the time after the measured one, of which no view shows anything. @param {number} atUs */
  #isOver(atUs) {
    return this.endUs !== null && atUs >= this.endUs;
  }

  /** Whether no process that can be read has a GIL. */
  get free() {
    const readable = [...this.processes.values()].filter(({ python }) => python !== null);
    return readable.length > 0 && readable.every((process) => process.gil_enabled === false);
  }

  /**
   * Takes a message in. After a reconnection the header and the last seconds come again: what is known already
   * is passed over by its sequence number.
   * @param {any} message
   * @param {number} nowMs the viewer's clock
   */
  take(message, nowMs) {
    if (typeof message.seq === "number") {
      if (message.seq <= this.#lastSeq) return;
      this.#lastSeq = message.seq;
    }
    switch (message.type) {
      case "header":
        this.#header(message);
        break;
      case "process":
        this.#process(message);
        break;
      case "names":
        this.#names(message);
        break;
      case "frame":
        this.#frame(message, nowMs);
        break;
      case "figures":
        this.#figures(message);
        break;
      case "event":
        this.#event(message);
        break;
      case "heap":
        if (!this.#isOver(message.at_us)) this.#heap(message);
        break;
      case "collector":
        if (this.#isOver(message.at_us)) break;
        for (const pause of message.pauses) this.#pausesOf(pause[0], pause[1]).take(pause);
        break;
      case "cluster":
        if (!this.#isOver(message.at_us)) this.tasks.take(message);
        break;
      case "report":
        this.reports.take(message.at_us, message.data);
        if ("result" in message.data) this.endUs ??= message.at_us;
        break;
      case "end":
        this.endUs ??= message.at_us;
        break;
      case "missed":
        this.missed += message.count;
        break;
      case "run":
        this.run = message.run;
        break;
      case "where":
        this.tellWhere(message);
        break;
      case "summary":
        this.#summary(message.summary);
        break;
    }
  }

  /** @param {any} header */
  #header(header) {
    this.run = header.run;
    this.hello = header.hello;
    for (const process of header.processes) this.#process(process);
    this.#names({ at_us: 0, threads: header.threads, gils: header.gils, gone: [] });
    this.series.restart(header.series);
    for (const [name, columns] of Object.entries(header.columns ?? {})) {
      this.courses[name] ??= coursesOf(name, columns);
    }
    for (const [name, courses] of Object.entries(this.courses)) courses.restart(header.courses?.[name] ?? []);
    for (const pause of header.pauses ?? []) this.#pausesOf(pause[0], pause[1]).take(pause);
    this.heaps.clear(); // the header has each with its whole map
    for (const heap of header.heaps ?? []) this.#heap(heap);
    for (const event of header.events ?? []) this.#event(event);
    if (header.figures) this.#figures(header.figures);
  }

  /** @param {Process} process */
  #process(process) {
    this.processes.set(process.pid, process);
    knowProcess(this.run?.id ?? "", process);
  }

  /** A header tells again of what is known. @param {RunEvent} event */
  #event(event) {
    const last = this.events.at(-1);
    if (last && event.at_us <= last.at_us && this.events.some((known) => isSame(known, event))) return;
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.shift();
  }

  /** @param {HeapMessage} message */
  #heap(message) {
    const key = `${message.pid}/${message.interpreter}`;
    const known = this.heaps.get(key);
    const map = known?.map ?? new HeapMap();
    if (message.mapped) map.take(message);
    this.heaps.set(key, { message, everyUs: known ? message.at_us - known.message.at_us : null, map });
  }

  /** @param {number} pid @param {number} interpreter */
  #pausesOf(pid, interpreter) {
    const key = `${pid}/${interpreter}`;
    let pauses = this.pauses.get(key);
    if (!pauses) this.pauses.set(key, pauses = new Pauses(pid, interpreter));
    return pauses;
  }

  /** @param {{at_us: number, threads: any[][], gils: number[][], gone: number[]}} names */
  #names({ at_us: namedUs, threads, gils, gone }) {
    for (const [lane, pid, tid, name, interpreter] of threads) {
      // A lane's number is never used again: one that has ended stays ended, though a header still names it.
      const { track = new Track(), alive = true } = this.lanes.get(lane) ?? {};
      this.lanes.set(lane, { lane, pid, tid, name, interpreter, alive, namedUs, track });
    }
    for (const [gil, pid, interpreter] of gils) {
      const track = this.gils.get(gil)?.track ?? new Track();
      this.gils.set(gil, { gil, pid, interpreter, namedUs, track });
    }
    for (const lane of gone) {
      const known = this.lanes.get(lane);
      if (known) known.alive = false;
    }
    this.#forgetGone();
  }

  #forgetGone() {
    const gone = [...this.lanes.values()].filter((lane) => !lane.alive);
    gone.sort((one, other) => one.track.lastUs - other.track.lastUs);
    for (const lane of gone.slice(0, Math.max(0, gone.length - MOST_GONE_LANES))) {
      this.lanes.delete(lane.lane);
    }
  }

  /** @param {Frame} frame @param {number} nowMs */
  #frame(frame, nowMs) {
    this.clock.heard(frame.end_us, nowMs);
    this.#firstUs ??= frame.start_us;
    for (const [index, , pieces] of frame.gils) {
      const gil = this.gils.get(index);
      if (!gil) continue;
      let at = startOf(frame, gil.namedUs, lengthOf(pieces, 3));
      for (let piece = 0; piece < pieces.length; piece += 3) {
        const [holder, waiters, length] = [pieces[piece], pieces[piece + 1], pieces[piece + 2]];
        if (length === 0 && holder === HOLDER_NONE) gil.track.seal();
        gil.track.push(at, at + length, holder, waiters);
        at += length;
      }
    }
    for (const [index, pieces] of frame.lanes) {
      const lane = this.lanes.get(index);
      if (!lane) continue;
      let at = startOf(frame, lane.namedUs, lengthOf(pieces, 2));
      for (let piece = 0; piece < pieces.length; piece += 2) {
        lane.track.push(at, at + pieces[piece + 1], pieces[piece]);
        at += pieces[piece + 1];
      }
    }
  }

  /** @param {Figures} figures */
  #figures(figures) {
    this.figures = figures;
    this.endUs ??= figures.end_us ?? null;
    this.#causes(figures);
    this.#tell(figures);
    for (const courses of Object.values(this.courses)) courses.add(figures);
    for (const { lane, alive } of figures.threads) {
      const known = this.lanes.get(lane);
      if (known) known.alive = alive;
    }
    this.series.add(figures);
  }

  /**
   * The same run, of which the figures, tables and findings are those of a span alone.
   * @param {Summary} summary of the span @param {Span} span @returns {RunState}
   */
  within(summary, span) {
    const part = Object.assign(new RunState(), this, { summary, span });
    part.tellWhere(summary);
    part.#causes(summary);
    part.#tell(summary);
    return part;
  }

  /** The whole run, where the figures of a time that is on view cannot be had. @param {Span} unknown */
  without(unknown) {
    return Object.assign(new RunState(), this, { unknown });
  }

  /** @param {Summary} summary */
  #summary(summary) {
    this.summary = summary;
    this.reported = summary.workload ?? null;
    this.run = { ...this.run, ...summary.run };
    this.tellWhere(summary);
    this.#causes(summary);
    this.#tell(summary);
    for (const courses of Object.values(this.courses)) courses.finish(summary);
    if (summary.workload) this.reports.take(Infinity, summary.workload);
  }

  /** What a summary alone tells, of a run that goes on too. @param {Pick<Summary, "flame" | "where" | "threads">} summary */
  tellWhere({ flame, where, threads }) {
    this.flame = flame ?? null;
    if (!where) return;
    const each = threads.map(({ pid, tid, name, blocked, flame: own }) => ({
      pid,
      tid,
      name,
      blocked: blocked ?? [],
      flame: own ?? null,
    }));
    this.where = { ...where, threads: each };
  }

  /** @param {Told} said not every message carries all of it */
  #tell(said) {
    // A collector that is read has a lane of its own before its first pause.
    for (const { pid, interpreter } of said.gc ?? []) this.#pausesOf(pid, interpreter);
    const something = Object.entries(said).filter(([, value]) => value !== null && value !== undefined);
    this.told = { ...this.told, ...Object.fromEntries(something) };
  }

  /** Not every message carries all of them. @param {Partial<Causes>} said */
  #causes({ hot, who_waits, longest_waits, longest_holds, loops, pools }) {
    const known = this.causes;
    this.causes = {
      hot: hot ?? known.hot,
      who_waits: who_waits ?? known.who_waits,
      longest_waits: longest_waits ?? known.longest_waits,
      longest_holds: longest_holds ?? known.longest_holds,
      loops: loops ?? known.loops,
      pools: pools ?? known.pools,
    };
    for (const { pid, tid, kind } of loops ?? []) {
      for (const lane of this.lanes.values()) if (lane.pid === pid && lane.tid === tid) lane.loop = kind;
    }
  }
}

/** The pieces of a span, from its messages. @param {any[]} messages */
export function piecesOf(messages) {
  const span = new RunState();
  for (const message of messages) {
    if (["names", "frame", "cluster"].includes(message.type)) span.take(message, 0);
  }
  return { lanes: span.lanes, gils: span.gils, tasks: messages.filter(({ type }) => type === "cluster") };
}

/** @param {RunEvent} one @param {RunEvent} other */
function isSame(one, other) {
  return one.at_us === other.at_us && one.kind === other.kind && one.pid === other.pid;
}

/**
 * Where a track begins in a frame: at its start, or where it was named if that is later. A lane that was named
 * again, long after it came, is told by a length that would not fit.
 * @param {Frame} frame @param {number} namedUs @param {number} lengthUs
 */
function startOf(frame, namedUs, lengthUs) {
  return Math.min(Math.max(frame.start_us, namedUs), frame.end_us - lengthUs);
}

/** @param {number[]} pieces of which every `stride`th number is a length @param {number} stride */
function lengthOf(pieces, stride) {
  let sum = 0;
  for (let index = stride - 1; index < pieces.length; index += stride) sum += pieces[index];
  return sum;
}
