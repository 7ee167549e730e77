// @ts-check
/**
 * The whole run above the timeline, with a frame about what the timeline shows: a hand moves it, and makes it longer.
 * @import { Palette } from "../../draw/palette.js"
 * @import { RunState } from "../../state/run_state.js"
 * @typedef {{startUs: number, endUs: number}} Span
 */
import { find, setText } from "../../base/dom.js";
import { Surface } from "../../draw/surface.js";
import { DEFAULT_SPAN_US } from "../../state/time_window.js";
import { paintWhole, whatWhole } from "../../tracks/whole.js";

/** A pointer this near to an edge means it. */
const REACH = 7;

export class Minimap {
  #strip;
  #shown;
  #what;
  #surface;
  #onShow;
  /** What is drawn: where it ends, and all that it is made of. */
  #endUs = 0;
  #drawn = "";
  /** @type {Palette | null} */
  #palette = null;
  /** What is framed. @type {Span} */
  #frame = { startUs: 0, endUs: 0 };

  /** @param {HTMLElement} root @param {(span: Span) => void} onShow told what a hand wants on view */
  constructor(root, onShow) {
    const minimap = find(root, ".minimap", HTMLElement);
    this.#what = find(minimap, ".what", HTMLElement);
    this.#strip = find(minimap, ".strip", HTMLElement);
    this.#shown = find(minimap, ".shown", HTMLElement);
    this.#surface = new Surface(find(minimap, "canvas", HTMLCanvasElement));
    this.#onShow = onShow;
    this.#strip.addEventListener("pointerdown", (event) => this.#drag(event));
  }

  /** @param {RunState} state @param {Palette} palette @param {Span} frame @param {number} edgeUs as far as the run has come */
  update(state, palette, frame, edgeUs) {
    const { series, free, ended } = state;
    const rows = series.column("at_us");
    const [width, height] = [this.#strip.clientWidth, this.#strip.clientHeight];
    // A run that goes on gets longer with each row, and not with each picture.
    const endUs = ended ? edgeUs : Math.max(DEFAULT_SPAN_US, edgeUs);
    const drawn = [rows.length, rows.at(-1), ended && endUs, width, height, free, devicePixelRatio].join();
    if ((drawn !== this.#drawn || palette !== this.#palette) && width > 0) {
      this.#drawn = drawn;
      this.#palette = palette;
      this.#endUs = Math.max(1, endUs);
      this.#surface.fit(width, height);
      paintWhole(this.#surface, palette, { series, free, endUs: this.#endUs, width, height });
      const { name, meaning } = whatWhole(free);
      setText(this.#what, name);
      this.#what.title = meaning;
    }
    this.#frame = frame;
    const left = Math.max(0, frame.startUs) / this.#endUs;
    const right = Math.min(1, frame.endUs / this.#endUs);
    this.#shown.style.left = `${(100 * left).toFixed(3)}%`;
    this.#shown.style.width = `${(100 * Math.max(0, right - left)).toFixed(3)}%`;
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (event.button !== 0) return;
    const box = this.#strip.getBoundingClientRect();
    const usAt = (/** @type {number} */ clientX) => ((clientX - box.left) / box.width) * this.#endUs;
    const was = this.#grasped(event.clientX - box.left, box.width, usAt(event.clientX));
    const fromUs = usAt(event.clientX);
    this.#strip.setPointerCapture(event.pointerId);
    const over = new AbortController();
    this.#strip.addEventListener("pointermove", ({ clientX }) => {
      const byUs = usAt(clientX) - fromUs;
      const moved = { startUs: was.startUs + was.start * byUs, endUs: was.endUs + was.end * byUs };
      this.#onShow(was.start && was.end ? moved : this.#within(moved));
    }, { signal: over.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      this.#strip.addEventListener(end, () => over.abort(), { signal: over.signal });
    }
  }

  /** An edge stays on the run, and may pass the other one. @param {Span} span */
  #within({ startUs, endUs }) {
    const [one, other] = [startUs, endUs].map((us) => Math.min(this.#endUs, Math.max(0, us)));
    return { startUs: Math.min(one, other), endUs: Math.max(one, other) };
  }

  /**
   * What a press takes hold of: an edge of the frame, or all of it, which comes there first if it was elsewhere.
   * @param {number} x @param {number} width @param {number} us @returns {Span & {start: number, end: number}} `start`
   *     and `end` are 1 where they go along
   */
  #grasped(x, width, us) {
    const { startUs, endUs } = this.#frame;
    const [left, right] = [startUs, endUs].map((edge) => (edge / this.#endUs) * width);
    const roomy = right - left > 3 * REACH;
    if (roomy && Math.abs(x - left) <= REACH) return { startUs, endUs, start: 1, end: 0 };
    if (roomy && Math.abs(x - right) <= REACH) return { startUs, endUs, start: 0, end: 1 };
    if (x >= left - REACH && x <= right + REACH) return { startUs, endUs, start: 1, end: 1 };
    const there = { startUs: us - (endUs - startUs) / 2, endUs: us + (endUs - startUs) / 2 };
    this.#onShow(there);
    return { ...there, start: 1, end: 1 };
  }
}
