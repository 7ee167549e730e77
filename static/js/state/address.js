// @ts-check
/**
 * What of a view its address holds, so that a reload, a link or a restart of the server comes back to it. Pure.
 * @typedef {object} View
 * @property {string | null} tab the panel that a hand chose
 * @property {{startUs: number, endUs: number} | null} window where the timeline stands; null where it follows
 * @property {{startUs: number, endUs: number, lanes: ReadonlySet<number> | null} | null} selected time, of all threads or some
 * @property {number | null} atUs the playhead of a replay
 * @property {{lane: number | string, us: number} | null} slice of a thread, or reading of a counter, that was chosen
 * @property {string} counters that have a lane, as tracks/counters.js says; "" where no hand chose
 * @property {LanesOnView} lanes which of them, as tracks/lane_choice.js says
 * @property {string | null} note that was chosen, by its id: what it says is the run's
 * @typedef {{text: string, order: string, idle: boolean, pinned: number[]}} LanesOnView
 */
import { COUNTERS } from "./counters.js";

/** @type {View} */
export const NOTHING = Object.freeze({
  tab: null,
  window: null,
  selected: null,
  atUs: null,
  slice: null,
  counters: "",
  lanes: { text: "", order: "started", idle: true, pinned: [] },
  note: null,
});

/** The address's query, which begins with "?", or nothing. @param {View} view */
export function queryOf({ tab, window, selected, atUs, slice, counters, lanes, note }) {
  const query = new URLSearchParams();
  if (tab) query.set("tab", tab);
  if (window) query.set("window", textOf(window));
  if (selected) query.set("select", textOf(selected));
  if (selected?.lanes) query.set("threads", [...selected.lanes].join("-"));
  if (atUs !== null) query.set("at", seconds(atUs));
  if (slice) query.set("slice", `${slice.lane}@${seconds(slice.us)}`);
  if (counters) query.set("counters", counters);
  if (lanes.text.trim()) query.set("lanes", lanes.text.trim());
  if (lanes.order !== "started") query.set("order", lanes.order);
  if (!lanes.idle) query.set("idle", "hidden");
  if (lanes.pinned.length) query.set("pinned", lanes.pinned.join("-"));
  if (note) query.set("note", note);
  return query.size ? `?${query}`.replaceAll("%40", "@") : "";
}

/** What is no view, or not of this page, is passed over. @param {string} search @returns {View} */
export function viewOf(search) {
  const query = new URLSearchParams(search);
  const at = microseconds(query.get("at") ?? "");
  const [lane, us] = (query.get("slice") ?? "").split("@");
  const selected = timeOf(query.get("select") ?? "");
  const threads = numbersOf(query.get("threads"));
  const sliceUs = microseconds(us ?? "");
  return {
    tab: query.get("tab"),
    window: timeOf(query.get("window") ?? ""),
    selected: selected && { ...selected, lanes: threads.length ? new Set(threads) : null },
    atUs: at,
    lanes: {
      text: query.get("lanes") ?? "",
      order: query.get("order") ?? "started",
      idle: query.get("idle") !== "hidden",
      pinned: numbersOf(query.get("pinned")),
    },
    counters: /^[a-z]+(-[a-z]+)*$/.exec(query.get("counters") ?? "")?.[0] ?? "",
    note: query.get("note"),
    slice: isId(lane) && sliceUs !== null
      ? { lane: /^\d/.test(lane) ? Number(lane) : lane, us: sliceUs }
      : null,
  };
}

/** Whether it is of a lane, or a counter's key. @param {string} id */
function isId(id) {
  return /^\d+$/.test(id) || COUNTERS.some(({ key }) => key === id);
}

/** @param {string | null} text */
function numbersOf(text) {
  return (text ?? "").split("-").filter((one) => /^\d+$/.test(one)).map(Number);
}

/** @param {{startUs: number, endUs: number}} time */
function textOf({ startUs, endUs }) {
  return `${seconds(startUs)}-${seconds(endUs)}`;
}

/** @param {string} text @returns {{startUs: number, endUs: number} | null} */
function timeOf(text) {
  const [startUs, endUs] = text.split("-").map(microseconds);
  return startUs !== null && endUs !== null && endUs !== undefined && endUs > startUs
    ? { startUs, endUs }
    : null;
}

/** @param {number} us */
function seconds(us) {
  return String(Math.round(us) / 1e6);
}

/** @param {string} text seconds @returns {number | null} */
function microseconds(text) {
  return /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1e6) : null;
}
