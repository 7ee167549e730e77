// @ts-check
/**
 * The slice of the timeline that was chosen: which thread, in what state, from when, how long, and its stack.
 * @import { SliceStacks } from "../../net/api.js"
 * @import { Lane, RunState } from "../../state/run_state.js"
 * @import { Found } from "../../tracks/marks.js"
 * @import { SliceWay } from "./gestures.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, instant, text } from "../../base/format.js";
import { getStacks, Problem } from "../../net/api.js";
import { COUNTERS, readingOf, rowAt } from "../../state/counters.js";
import { HOLDER_NONE, STATES } from "../../state/messages.js";
import { turnsIn } from "../../tracks/turns.js";
import { placeOf } from "../panels/functions.js";
import { readingLines } from "./tip.js";

/** As LONG_BLOCK_US in app/model/frames.py. */
const LONG_BLOCK_US = 50_000;
const MOST_FRAMES = 24;
/** Of one wait: so many turns of others are named. */
const MOST_TURNS = 8;

export class SliceDetails {
  #root;
  #title;
  #what;
  #turnsText;
  #stacks;
  #id;
  #state;
  #ids;
  #onShow;
  /** @type {{lane: number | string, us: number} | null} */
  #at = null;
  #asked = 0;

  /**
   * @param {HTMLElement} root
   * @param {string} id of the run
   * @param {object} how
   * @param {RunState} how.state
   * @param {() => (number | string)[]} how.ids what the timeline shows, from above: lanes, and keys of counters
   * @param {(found: Found | null) => void} how.onShow told which piece of time is on view
   */
  constructor(root, id, { state, ids, onShow }) {
    this.#root = find(root, ".slice", HTMLElement);
    this.#title = find(this.#root, "h3", HTMLElement);
    this.#what = find(this.#root, ".what", HTMLElement);
    this.#turnsText = find(this.#root, ".turns", HTMLElement);
    this.#stacks = find(this.#root, ".stacks", HTMLElement);
    this.#id = id;
    this.#state = state;
    this.#ids = ids;
    this.#onShow = onShow;
    this.#root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-slice]") : null;
      if (button instanceof HTMLElement) this.go(/** @type {SliceWay} */ (button.dataset.slice));
    });
    this.#root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.go("close");
    });
  }

  /** Which one is on view: a lane or a counter's key, and an instant within it; null where none is. */
  get at() {
    return this.#at;
  }

  /** @param {number | string} id a lane, or a counter's key @param {number} us @returns {boolean} whether there is one */
  show(id, us) {
    return typeof id === "string" ? this.#showCounter(id, us) : this.#showLane(id, us);
  }

  /** @param {string} key @param {number} us @returns {boolean} */
  #showCounter(key, us) {
    const counter = COUNTERS.find((one) => one.key === key);
    const { series } = this.#state;
    const reading = counter && readingOf(counter, series, rowAt(counter, series.column("at_us"), us));
    if (!counter || !reading) return false;
    this.#asked += 1; // the stack of a slice that was asked for comes too late
    this.#at = { lane: key, us };
    this.#root.hidden = false;
    this.#title.replaceChildren(make("b", {}, counter.title), ...readingLines(counter, reading));
    this.#turnsText.hidden = true;
    setText(this.#what, counter.meaning);
    this.#stacks.replaceChildren();
    this.#onShow({ startUs: reading.startUs, endUs: reading.endUs, lane: key });
    return true;
  }

  /** @param {number} number of a lane @param {number} us @returns {boolean} */
  #showLane(number, us) {
    const lane = this.#state.lanes.get(number);
    const track = lane && this.#trackAt(lane, us);
    const index = track ? track.indexAt(us) : -1;
    if (!lane || !track || index < 0) return false;
    const [startUs, endUs] = [track.startAt(index), track.endAt(index)];
    const state = STATES[track.valueAt(index)];
    const goesOn = track === lane.track && index === track.length - 1 && lane.alive && !this.#state.ended;
    this.#at = { lane: number, us };
    this.#root.hidden = false;
    this.#title.replaceChildren(
      make("b", {}, lane.name || `tid ${lane.tid}`),
      make("i", { class: `swatch ${state}` }),
      make("span", { class: "state" }, state),
      make(
        "span",
        { class: "length" },
        `${text(duration((endUs - startUs) / 1e6))}${goesOn ? " so far" : ""}`,
      ),
      make("span", { class: "since" }, `from ${instant(startUs)}`),
    );
    const turns = state === "waiting" ? this.#turns(lane, startUs, endUs, goesOn) : "";
    setText(this.#turnsText, turns);
    this.#turnsText.hidden = turns === "";
    setText(this.#what, "Looking for its stack …");
    this.#stacks.replaceChildren();
    this.#onShow({ startUs, endUs, lane: number });
    this.#ask(lane, state, startUs, endUs);
    return true;
  }

  /** Whom it waited for, and who let it in. @param {Lane} lane @param {number} startUs @param {number} endUs @param {boolean} goesOn */
  #turns({ lane: own, pid, interpreter }, startUs, endUs, goesOn) {
    const gil = [...this.#state.gils.values()].find((one) =>
      one.pid === pid && one.interpreter === interpreter
    );
    const { turns, letInBy } = gil
      ? turnsIn(this.#state.trackIn(gil, startUs, endUs), startUs, endUs)
      : { turns: [], letInBy: null };
    if (!turns.length) return "";
    const nameOf = (/** @type {number} */ lane) => {
      if (lane === HOLDER_NONE) return "nobody";
      const name = this.#state.lanes.get(lane)?.name;
      return lane === own
        ? "itself"
        : lane < 0
        ? "one who could not be read"
        : name || "a thread without a name";
    };
    const told = turns.slice(-MOST_TURNS).map(({ lane, us }) =>
      `${nameOf(lane)} ${text(duration(us / 1e6))}`
    );
    const more = turns.length > MOST_TURNS ? `${count(turns.length - MOST_TURNS).value} turns, then ` : "";
    const letIn = goesOn || letInBy === null || letInBy === own ? "" : ` ${nameOf(letInBy)} let it in.`;
    return `Meanwhile the GIL was held by: ${more}${told.join(" → ")}.${letIn}`;
  }

  /** @param {Lane} lane @param {string} state @param {number} startUs @param {number} endUs */
  async #ask(lane, state, startUs, endUs) {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const found = await getStacks(this.#id, lane.lane, Math.floor(startUs), Math.ceil(endUs));
      if (asked === this.#asked) this.#tell(found, lane, state, endUs - startUs);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (asked === this.#asked) setText(this.#what, `Its stack cannot be told: ${problem.message}`);
    }
  }

  /** @param {SliceStacks} found @param {Lane} lane @param {string} state @param {number} lengthUs */
  #tell({ looks, stacks }, lane, state, lengthUs) {
    setText(
      this.#what,
      stacks.length ? seen(state, looks) : this.#whyNone(lane, state, lengthUs, looks),
    );
    this.#stacks.replaceChildren(...stacks.map(({ looks: here, task, frames }) => {
      const lines = frames.slice(0, MOST_FRAMES).map(({ function: name, file, line }) =>
        make(
          "li",
          {},
          make("b", {}, name),
          make("span", { class: "place", title: file }, placeOf(file, line)),
        )
      );
      if (frames.length > MOST_FRAMES) {
        lines.push(make("li", {}, `and ${frames.length - MOST_FRAMES} more`));
      }
      const heads = [
        ...(stacks.length > 1 ? [`${here} of ${looks} looks`] : []),
        ...(task ? [`task ${task}`] : []),
      ];
      return make(
        "div",
        { class: "stack" },
        ...(heads.length ? [make("p", { class: "of" }, heads.join(" · "))] : []),
        make("ol", {}, ...lines),
      );
    }));
  }

  /** @param {Lane} lane @param {string} state @param {number} lengthUs @param {number} looks */
  #whyNone({ pid, interpreter }, state, lengthUs, looks) {
    const why = this.#state.processes.get(pid)?.why.stacks;
    if (this.#state.hello?.sampling.stacks_hz === 0) return `No stack was read in this slice: ${why}.`;
    if (state === "unknown") return "Nobody saw what the thread did in this slice.";
    if (interpreter === null) return "No stack was read in this slice: the thread has not run Python.";
    if (looks > 0) return "The thread was looked at in this slice, but its stack could not be read.";
    if (state === "running" || state === "stalled") {
      return "No stack was read in this slice: no look at the thread that runs fell into it.";
    }
    if (state === "waiting") {
      return "No stack was read in this slice: of the threads that wait the one that has waited longest is looked at.";
    }
    return lengthUs < LONG_BLOCK_US
      ? "No stack was read in this slice: it is shorter than 50 ms, and of those only some are looked at."
      : "No stack was read in this slice: there were too many such stretches at a time, or it had just begun.";
  }

  /** Where the instant is: among the pieces that came, or among those of the window. @param {Lane} lane @param {number} us */
  #trackAt(lane, us) {
    return this.#state.trackIn(lane, us, us + 1);
  }

  /** To another slice, or away. @param {SliceWay} act */
  go(act) {
    if (this.#at === null) return;
    if (act === "close") {
      this.#at = null;
      this.#asked += 1;
      this.#root.hidden = true;
      this.#onShow(null);
      return;
    }
    const at = this.#at;
    if (act === "earlier" || act === "later") {
      const us = this.#beside(at, act === "later" ? 1 : -1);
      if (us !== null) this.show(at.lane, us);
    } else {
      const ids = this.#ids().filter((id) => this.#isThere(id, at.us));
      const next = ids[ids.indexOf(at.lane) + (act === "below" ? 1 : -1)];
      if (next !== undefined) this.show(next, at.us);
    }
  }

  /** Whether there is anything to tell of a lane or a counter at an instant. @param {number | string} id @param {number} us */
  #isThere(id, us) {
    if (typeof id === "string") return this.#rowAt(id, us) >= 0;
    const lane = this.#state.lanes.get(id);
    return lane !== undefined && this.#trackAt(lane, us).indexAt(us) >= 0;
  }

  /** @param {string} key @param {number} us */
  #rowAt(key, us) {
    const counter = COUNTERS.find((one) => one.key === key);
    return counter ? rowAt(counter, this.#state.series.column("at_us"), us) : -1;
  }

  /** An instant of the piece or the reading beside one; null where there is none. @param {{lane: number | string, us: number}} at @param {1 | -1} by */
  #beside({ lane: id, us }, by) {
    if (typeof id === "string") {
      const counter = COUNTERS.find((one) => one.key === id);
      const reading = counter && readingOf(counter, this.#state.series, this.#rowAt(id, us) + by);
      return reading ? (reading.startUs + reading.endUs) / 2 : null;
    }
    const lane = this.#state.lanes.get(id);
    const track = lane && this.#trackAt(lane, us);
    const index = track ? track.indexAt(us) + by : -1;
    return !track || index < 0 || index >= track.length
      ? null
      : (track.startAt(index) + track.endAt(index)) / 2;
  }
}

/** @param {string} state @param {number} looks */
function seen(state, looks) {
  return state === "running"
    ? `What it was executing, as ${text(count(looks))} ${looks === 1 ? "look" : "looks"} saw it.`
    : "Where it was all that time.";
}
