// @ts-check
/**
 * Keeps the page's address at what is on view, and brings a page that was loaded anew back to it.
 * @import { View } from "../../state/address.js"
 * @import { Details } from "../panels/details.js"
 * @import { Replay } from "./replay.js"
 * @import { SliceDetails } from "./slice.js"
 * @import { Timeline } from "./timeline.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { isOrder } from "../../tracks/lane_choice.js";
import { NOTHING, queryOf, viewOf } from "../../state/address.js";

/** A hand that drags changes it many times; browsers take no more than some hundred changes a half minute. */
const AFTER_MS = 300;

export class RunAddress {
  /** What is still to be brought back. @type {View} */
  #wanted = viewOf(location.search);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #parts;

  /** @param {{details: Details, timeline: Timeline, slice: SliceDetails, replay: Replay}} parts */
  constructor(parts) {
    this.#parts = parts;
    const { tab, window, selected, counters, lanes } = this.#wanted;
    if (tab) parts.details.restore(tab);
    parts.timeline.chooseLanes({
      text: lanes.text,
      order: isOrder(lanes.order) ? lanes.order : "started",
      idle: lanes.idle,
      pinned: new Set(lanes.pinned),
    });
    parts.timeline.chooseCounters(counters);
    if (window) parts.timeline.standAt(window);
    if (selected) parts.timeline.select(selected);
  }

  /** Brings back what had to wait for the run's messages. @param {RunState} state */
  restore(state) {
    const { atUs, slice, note, window } = this.#wanted;
    if (note && state.lastUs !== null && this.#parts.timeline.chooseNote(note, window === null)) {
      this.#wanted = { ...this.#wanted, note: null };
    }
    if (slice && this.#parts.slice.show(slice.lane, slice.us)) {
      this.#wanted = { ...this.#wanted, slice: null };
    }
    if (atUs !== null && state.ended && state.lastUs !== null) {
      this.#wanted = { ...this.#wanted, atUs: null };
      this.#parts.replay.go(atUs, 0);
    }
  }

  /** What is on view may have changed. */
  changed() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, AFTER_MS);
  }

  /** The slice that is still to be brought back was overtaken by a hand. */
  chosen() {
    this.#wanted = { ...this.#wanted, slice: null };
    this.changed();
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#wanted = NOTHING;
  }

  #write() {
    const { details, timeline, slice, replay } = this.#parts;
    const { text, order, idle, pinned } = timeline.lanes;
    const query = queryOf({
      tab: details.chosen,
      window: timeline.standsAt,
      selected: timeline.selected,
      atUs: replay.atUs ?? this.#wanted.atUs,
      slice: slice.at ?? this.#wanted.slice,
      counters: timeline.counters,
      lanes: { text, order, idle, pinned: [...pinned] },
      note: timeline.note ?? this.#wanted.note,
    });
    if (query !== location.search) history.replaceState(history.state, "", location.pathname + query);
  }
}
