// @ts-check
/**
 * A timeline of one of two runs, over a span that they share, counted from the run's own beginning.
 * @import { Palette } from "../draw/palette.js"
 * @import { RunState } from "../state/run_state.js"
 */
import { find } from "../base/dom.js";
import { TimeScale } from "../base/time_scale.js";
import { Surface } from "../draw/surface.js";
import { AXIS_HEIGHT, paint } from "../tracks/painter.js";
import { heightOf, layOut } from "../tracks/rows.js";
import { Labels } from "./run/labels.js";

export class SmallTimeline {
  #scroller;
  #labels;
  #surface;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#scroller = find(root, ".scroller", HTMLElement);
    this.#labels = new Labels(find(root, ".labels", HTMLElement));
    this.#surface = new Surface(find(root, "canvas", HTMLCanvasElement));
    this.canvas = this.#surface.canvas;
  }

  /** @param {RunState} state @param {number} startUs @param {number} endUs @param {Palette} palette */
  update(state, startUs, endUs, palette) {
    const edgeUs = state.lastUs;
    if (edgeUs === null) return;
    const beginUs = state.figures?.begin_us ?? 0;
    const [fromUs, toUs] = [beginUs + startUs, beginUs + endUs];
    const untilUs = Math.min(toUs, edgeUs);
    const rows = layOut(state, fromUs, untilUs);
    this.#labels.show(rows);
    const width = Math.max(1, this.#scroller.clientWidth - this.#labels.width);
    if (fromUs < Math.min(untilUs, state.heldFromUs)) {
      state.history?.look(fromUs, untilUs, (toUs - fromUs) / width);
    }
    const height = AXIS_HEIGHT + heightOf(rows);
    this.#surface.fit(width, height);
    paint(this.#surface, palette, {
      rows,
      lanes: state.lanes,
      scale: new TimeScale(fromUs, toUs, width),
      originUs: beginUs,
      edgeUs,
      scrollTop: 0,
      height,
      cursorUs: null,
      playheadUs: null,
      marks: [],
      flows: [],
      found: null,
      selected: null,
    });
  }
}
