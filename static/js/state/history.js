// @ts-check
/**
 * What of a run lies before the messages that this page was sent: shares of time for long windows, the messages
 * themselves for short ones, asked for as they come on view.
 * @import { TimelineBins } from "./messages.js"
 * @import { Gil, Lane } from "./run_state.js"
 * @typedef {{fromUs: number, toUs: number}} Span
 * @typedef {Span & {binUs: number, lanes: Map<number, Shares>, gils: Map<number, Shares>}} Overview
 * @typedef {Span & {lanes: Map<number, Lane>, gils: Map<number, Gil>}} Detail
 */
import { bytesOf, Shares } from "../base/shares.js";
import { Track } from "../base/track.js";
import { STATES } from "./messages.js";

/** Of windows up to so long the messages are asked for. */
export const DETAIL_US = 16_000_000;
/** The shortest bins that the server has. */
const FINEST_US = 65_536;
const BINS = 2_048;
/** What is asked for at once lies about the window, by so many of its lengths on either side. */
const MARGIN = 0.5;
/** Bins that are wider than so many pixels are asked for anew, finer. */
const COARSE_PIXELS = 3;

export class History {
  /** @type {Overview | null} */
  overview = null;
  /** @type {Detail | null} */
  detail = null;
  #getTimeline;
  #getDetail;
  #onNews;
  #asking = false;
  /** Whether finer bins were asked for, and whether there are none. */
  #finer = false;
  #noFiner = false;
  /** Nothing more can be had. */
  #over = false;

  /**
   * @param {object} how
   * @param {(fromUs: number, toUs: number, bins: number) => Promise<TimelineBins | null>} how.getTimeline null where it cannot be had
   * @param {(fromUs: number, toUs: number) => Promise<Omit<Detail, "fromUs" | "toUs"> | null>} how.getDetail
   * @param {(bins: TimelineBins | null) => void} how.onNews
   */
  constructor({ getTimeline, getDetail, onNews }) {
    this.#getTimeline = getTimeline;
    this.#getDetail = getDetail;
    this.#onNews = onNews;
  }

  /**
   * A window is on view: what is lacking is asked for.
   * @param {number} startUs @param {number} endUs @param {number} usPerPixel
   */
  async look(startUs, endUs, usPerPixel) {
    const lacking = this.#lacking(Math.max(0, startUs), endUs, usPerPixel);
    if (this.#asking || this.#over || !lacking) return;
    this.#asking = true;
    try {
      this.#over = !(await lacking());
    } finally {
      this.#asking = false;
    }
  }

  /** @param {number} startUs @param {number} endUs @param {number} usPerPixel @returns {(() => Promise<boolean>) | null} */
  #lacking(startUs, endUs, usPerPixel) {
    const margin = (endUs - startUs) * MARGIN;
    const [fromUs, toUs] = [Math.floor(Math.max(0, startUs - margin)), Math.ceil(endUs + margin)];
    const { overview, detail } = this;
    const coarse = overview !== null && !this.#noFiner && overview.binUs > FINEST_US &&
      overview.binUs > COARSE_PIXELS * usPerPixel;
    if (!overview || !covers(overview, startUs, endUs) || coarse) {
      this.#finer = coarse;
      return async () => {
        const bins = await this.#getTimeline(fromUs, toUs, BINS);
        if (bins) this.#takeBins(bins, fromUs, toUs);
        return bins !== null;
      };
    }
    if (endUs - startUs > DETAIL_US || (detail && covers(detail, startUs, endUs))) return null;
    return async () => {
      const pieces = await this.#getDetail(fromUs, toUs);
      if (pieces) {
        this.detail = { fromUs, toUs, ...pieces };
        this.#onNews(null);
      }
      return pieces !== null;
    };
  }

  /** @param {TimelineBins} bins @param {number} fromUs @param {number} toUs */
  #takeBins(bins, fromUs, toUs) {
    const shares = (/** @type {[number, string][]} */ rows) =>
      new Shares({
        fromUs: bins.from_us,
        binUs: bins.bin_us,
        rows: rows.map(([value, text]) => [value, bytesOf(text)]),
      });
    if (this.overview && this.#finer && bins.bin_us >= this.overview.binUs) this.#noFiner = true;
    this.overview = {
      // A file has the bins of the whole run, whatever is asked for.
      fromUs: Math.min(fromUs, bins.from_us),
      toUs: Math.max(toUs, bins.to_us),
      binUs: bins.bin_us,
      lanes: new Map(bins.lanes.map((lane) => [
        lane.lane,
        shares(
          Object.entries(lane.shares).map(([state, text]) => [
            STATES.indexOf(/** @type {any} */ (state)),
            text,
          ]),
        ),
      ])),
      gils: new Map(bins.gils.map((gil) => [
        gil.gil,
        shares(Object.entries(gil.holders).map(([holder, text]) => [Number(holder), text])),
      ])),
    };
    this.#onNews(bins);
  }

  /**
   * The track to draw of a lane or a GIL: its own where it goes back far enough, else that of the window.
   * @param {"lanes" | "gils"} kind @param {number} index @param {Track} own @param {number} startUs @param {number} endUs
   */
  trackOf(kind, index, own, startUs, endUs) {
    const { detail, overview } = this;
    const known = own.length ? own.startAt(0) : Infinity;
    if (known <= startUs) return own;
    const shares = overview?.[kind].get(index) ?? null;
    if (detail && endUs - startUs <= DETAIL_US && covers(detail, startUs, endUs)) {
      return detail[kind].get(index)?.track ?? EMPTY;
    }
    own.overview = shares;
    return own;
  }
}

const EMPTY = new Track();

/** @param {Span} span @param {number} startUs @param {number} endUs */
function covers({ fromUs, toUs }, startUs, endUs) {
  return fromUs <= startUs && toUs >= endUs;
}
