// @ts-check
/**
 * Messages of a server, checked before anything is drawn of them: one that is damaged is left out as a whole, and what
 * comes after it is shown. A kind that nobody here takes is none of this module's business.
 *
 * Only what the page's state and its canvases are built of is looked through, number by number; of a summary and of
 * figures it is that each list has rows. Numbers are JSON's, and so finite but for those too large for it.
 */
import { STATES } from "./messages.js";

/** @typedef {(value: any) => boolean} Check */

/** @type {Check} */
const natural = (value) => Number.isSafeInteger(value) && value >= 0;
/** @type {Check} */
const whole = (value) => Number.isSafeInteger(value);
/** @type {Check} */
const number = (value) => Number.isFinite(value);
/** @type {Check} */
const string = (value) => typeof value === "string";
/** @type {Check} */
const flag = (value) => typeof value === "boolean";
/** @type {Check} */
const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {Check} check @returns {Check} */
const orNull = (check) => (value) => value === null || check(value);
/** @param {Check} check @returns {Check} */
const maybe = (check) => (value) => value === undefined || value === null || check(value);
/** @param {Check} check @returns {Check} */
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
/** @param {Check[]} checks of the first values of a row @returns {Check} */
const row = (...checks) => (value) => Array.isArray(value) && checks.every((check, at) => check(value[at]));
/** @param {{[field: string]: Check}} fields @returns {Check} */
const having = (fields) => (value) =>
  object(value) && Object.entries(fields).every(([field, check]) => check(value[field]));
const rows = listOf(object);

/** Numbers, or null where one is unknown. */
const values = listOf(orNull(number));

const NAMES = {
  threads: listOf(row(natural, natural, natural, string, orNull(whole))),
  gils: listOf(row(natural, natural, whole)),
};
const COURSE = having({ names: listOf(string), rows: listOf(values) });
const RUN = having({ id: string, name: string, kind: string, state: string, error: maybe(object) });
const EVENT = { at_us: natural, pid: natural, kind: string, detail: string };
const PROCESS = { pid: natural, command: listOf(string), capabilities: maybe(object), why: maybe(object) };
const HEAP = {
  at_us: natural,
  pid: natural,
  interpreter: whole,
  mapped: flag,
  changed: listOf(row(natural, string)),
  gone: listOf(natural),
};
const TOLD = {
  findings: maybe(rows),
  heap: maybe(rows),
  gc: maybe(rows),
  memory: maybe(rows),
  memory_together: maybe(object),
  types: maybe(rows),
  census: maybe(rows),
  holders: maybe(rows),
  trims: maybe(rows),
  hot: maybe(rows),
  who_waits: maybe(rows),
  longest_waits: maybe(rows),
  longest_holds: maybe(rows),
  loops: maybe(rows),
  pools: maybe(rows),
};
const FIGURES = {
  at_us: natural,
  begin_us: natural,
  end_us: maybe(natural),
  gils: rows,
  processes: rows,
  threads: rows,
  totals: object,
  observer: object,
  row: maybe(values),
  ...TOLD,
};

/** @type {{[type: string]: Check}} */
const KINDS = {
  header: having({
    ...NAMES,
    run: RUN,
    hello: having({ sampling: object }),
    processes: listOf(having(PROCESS)),
    series: COURSE,
    courses: maybe(object),
    pauses: maybe(listOf(values)),
    heaps: maybe(listOf(having(HEAP))),
    events: maybe(listOf(having(EVENT))),
    figures: maybe(having(FIGURES)),
  }),
  process: having(PROCESS),
  names: having({ at_us: natural, gone: listOf(natural), ...NAMES }),
  frame: (frame) =>
    natural(frame.start_us) && natural(frame.end_us) && frame.start_us <= frame.end_us &&
    listOf((gil) => row(natural, natural)(gil) && pieces(gil[2], 3, frame, () => true))(frame.gils) &&
    listOf((lane) => row(natural)(lane) && pieces(lane[1], 2, frame, (state) => state in STATES))(
      frame.lanes,
    ),
  figures: having(FIGURES),
  event: having(EVENT),
  heap: having(HEAP),
  cluster: having({
    at_us: natural,
    tasks: listOf(row(natural, natural, whole, natural, natural, natural, flag, string, string)), // begun before it, too
  }),
  collector: having({ at_us: natural, pauses: listOf(values) }),
  report: having({ at_us: natural, data: object }),
  end: having({ at_us: natural }),
  missed: having({ count: natural }),
  run: having({ run: RUN }),
  where: having({ blocked: maybe(rows) }),
  summary: having({ summary: having({ run: RUN, sampling: object, gils: rows, threads: rows, ...TOLD }) }),
  playhead: having({ at_us: natural, speed: number }),
};

/**
 * Whether a frame's pieces can be drawn: whole numbers, of which the last of each piece is its length, and none longer
 * than the frame.
 * @param {any} list @param {number} size of a piece @param {any} frame @param {Check} known of its first number
 */
function pieces(list, size, { start_us: startUs, end_us: endUs }, known) {
  if (!Array.isArray(list) || list.length % size) return false;
  for (let at = 0; at < list.length; at += size) {
    const length = list[at + size - 1];
    if (!whole(list[at]) || !known(list[at]) || !natural(length) || length > endUs - startUs) return false;
    if (size === 3 && !natural(list[at + 1])) return false;
  }
  return true;
}

/** Between two messages in a row nothing is so long, unless the observer was stopped for hours. */
const LONGEST_LEAP_US = 3_600e6;
const LONGEST_LEAP_SEQ = 1_000_000;

/** A number that grows from message to message. */
class Growing {
  #leap;
  #latest = Infinity;
  /** A value that was far ahead of all before it. @type {number | null} */
  #doubted = null;

  /** @param {number} leap more than this it does not grow at once */
  constructor(leap) {
    this.#leap = leap;
  }

  /** Goes on from a value; whatever comes next where that is Infinity. @param {number} from */
  restart(from = Infinity) {
    this.#latest = from;
    this.#doubted = null;
  }

  /** Whether a value can be: one that is far ahead is doubted, until the next one says the same. @param {number} value */
  takes(value) {
    const agrees = this.#doubted !== null && Math.abs(value - this.#doubted) <= this.#leap;
    const can = this.#latest === Infinity || value <= this.#latest + this.#leap || agrees;
    this.#doubted = can ? null : value;
    if (can) this.#latest = this.#latest === Infinity ? value : Math.max(this.#latest, value);
    return can;
  }
}

export class Decoder {
  #times = new Growing(LONGEST_LEAP_US);
  #numbers = new Growing(LONGEST_LEAP_SEQ);

  /** The message in a text; null where it is damaged. @param {string} text */
  decode(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return null;
    }
    if (!object(message) || !string(message.type) || !maybe(natural)(message.seq)) return null;
    const check = Object.hasOwn(KINDS, message.type) ? KINDS[message.type] : () => true;
    return check(message) && this.#goesOn(message) ? message : null;
  }

  /** One instant that is hours off would move all that is drawn out of view. @param {any} message */
  #goesOn(message) {
    if (message.type === "header") {
      this.#times.restart(message.figures?.at_us);
      this.#numbers.restart();
      return true;
    }
    const drawn = message.type === "frame" || message.type === "figures";
    if (drawn && !this.#times.takes(message.end_us ?? message.at_us)) return false;
    return typeof message.seq !== "number" || this.#numbers.takes(message.seq);
  }
}
