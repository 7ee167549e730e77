// @ts-check
/**
 * Which threads have a lane, and in which order: what a hand has chosen of hundreds. Pure.
 * @import { ThreadFigures } from "../state/messages.js"
 * @import { Lane } from "../state/run_state.js"
 * @typedef {"started" | "cpu" | "waiting" | "holding"} Order
 * @typedef {object} LaneChoice
 * @property {string} text words that a thread's name or id has, or states that it was in
 * @property {Order} order of the lanes of a process
 * @property {boolean} idle whether threads that never ran, waited for the GIL or called C code have a lane
 * @property {ReadonlySet<number>} pinned lanes that come first, whatever else is chosen
 * @property {ReadonlySet<number>} collapsed processes of which the GIL alone is shown; of many workers of a cluster, of
 *     which that is so at first, those of which all is shown
 */
import { STATES } from "../state/messages.js";

/** @type {LaneChoice} */
export const ALL_LANES = Object.freeze({
  text: "",
  order: "started",
  idle: true,
  pinned: new Set(),
  collapsed: new Set(),
});

/** In the order in which they are offered, with their words. @type {{[order in Order]: string}} */
export const ORDERS = {
  started: "in order of start",
  cpu: "most CPU time first",
  waiting: "longest waiting for the GIL first",
  holding: "longest running Python first",
};

/** @param {string} name @returns {name is Order} */
export function isOrder(name) {
  return Object.hasOwn(ORDERS, name);
}

const ACTIVE = /** @type {const} */ (["running", "stalled", "waiting", "native"]);
/** Below this share of its time a thread was in a state for a moment. */
const SOME = 0.005;
/** So much of its time a thread takes to start and to end, that does nothing else. */
const BARELY = 0.02;

/** @param {LaneChoice} choice */
export function isAll({ text, order, idle, pinned, collapsed }) {
  return !text.trim() && order === "started" && idle && !pinned.size && !collapsed.size;
}

/** With one more, or without it where it has it. @template T @param {ReadonlySet<T>} set @param {T} one */
export function toggled(set, one) {
  const changed = new Set(set);
  if (!changed.delete(one)) changed.add(one);
  return changed;
}

/**
 * What the run's figures tell of its threads, by lane: order and filters go by them.
 * @param {ThreadFigures[]} threads
 */
export function byLane(threads) {
  return new Map(threads.map((thread) => [thread.lane, thread]));
}

/**
 * Whether a thread has a lane. One of which nothing has been told yet is not idle.
 * @param {LaneChoice} choice @param {Map<number, ThreadFigures>} figures
 * @returns {(lane: Lane) => boolean}
 */
export function isShown(choice, figures) {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && choice.idle) return () => true;
  return (lane) => choice.pinned.has(lane.lane) || suits(lane, words, choice.idle, figures);
}

/** Whether a thread did nothing of its own. @param {ThreadFigures | undefined} thread */
export function isIdle(thread) {
  const shares = thread?.shares;
  return !!shares && ACTIVE.reduce((sum, state) => sum + (shares[state] ?? 0), 0) < BARELY;
}

/** @param {Lane} lane @param {string[]} words @param {boolean} idle @param {Map<number, ThreadFigures>} figures */
function suits(lane, words, idle, figures) {
  const thread = figures.get(lane.lane);
  if (!idle && isIdle(thread)) return false;
  const shares = thread?.shares;
  const name = `${lane.name.toLowerCase()} ${lane.tid}`;
  return words.every((word) => name.includes(word) || (isState(word) && (shares?.[word] ?? 0) >= SOME));
}

/** @param {string} word @returns {word is typeof STATES[number]} */
function isState(word) {
  return STATES.some((state) => state === word);
}

/**
 * Which of two threads of a process stands above the other: the pinned one, then by the order that is chosen, then
 * the one that was started first. Those that never came to Python stand below.
 * @param {LaneChoice} choice @param {Map<number, ThreadFigures>} figures
 * @returns {(one: Lane, other: Lane) => number}
 */
export function inOrder({ order, pinned }, figures) {
  const most = (/** @type {Lane} */ { lane }) => order === "started" ? 0 : weight(order, figures.get(lane));
  return (one, other) =>
    Number(pinned.has(other.lane)) - Number(pinned.has(one.lane)) ||
    most(other) - most(one) ||
    Number(one.interpreter === null) - Number(other.interpreter === null) ||
    one.tid - other.tid;
}

/** In seconds. @param {Exclude<Order, "started">} order @param {ThreadFigures | undefined} thread */
function weight(order, thread) {
  if (!thread) return 0;
  const { shares, observed_s: observed, cpu_s: cpu } = thread;
  if (order === "cpu") return cpu ?? 0;
  const share = order === "waiting" ? shares?.waiting : (shares?.running ?? 0) + (shares?.stalled ?? 0);
  return (share ?? 0) * (observed ?? 0);
}
