// @ts-check
/**
 * A timeline that only shows: all of a run that this page knows, over a span that another may share.
 * @import { Palette } from "../draw/palette.js"
 * @import { RunState } from "../state/run_state.js"
 */
import { find, setText } from "../base/dom.js";
import { duration, text } from "../base/format.js";
import { TimeScale } from "../base/time_scale.js";
import { Surface } from "../draw/surface.js";
import { AXIS_HEIGHT, paint } from "../tracks/painter.js";
import { heightOf, layOut } from "../tracks/rows.js";
import { Labels } from "./run/labels.js";

export class SmallTimeline {
  #scroller;
  #labels;
  #surface;
  #span;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#scroller = find(root, ".scroller", HTMLElement);
    this.#labels = new Labels(find(root, ".labels", HTMLElement));
    this.#surface = new Surface(find(root, "canvas", HTMLCanvasElement));
    this.#span = find(root, ".span", HTMLElement);
  }

  /** @param {RunState} state @param {number} startUs @param {number} endUs @param {Palette} palette */
  update(state, startUs, endUs, palette) {
    const edgeUs = state.lastUs;
    if (edgeUs === null) return;
    const rows = layOut(state, startUs, edgeUs);
    this.#labels.show(rows);
    const width = Math.max(1, this.#scroller.clientWidth - this.#labels.width);
    const height = AXIS_HEIGHT + heightOf(rows);
    this.#surface.fit(width, height);
    paint(this.#surface, palette, {
      rows,
      lanes: state.lanes,
      scale: new TimeScale(startUs, endUs, width),
      edgeUs,
      scrollTop: 0,
      height,
      cursorUs: null,
      marks: [],
      found: null,
    });
    setText(this.#span, `${text(duration(startUs / 1e6))} to ${text(duration(endUs / 1e6))}`);
  }
}
