// @ts-check
/**
 * The parts of one process's RSS over the run's time, one upon the other.
 * @import { Palette } from "../draw/palette.js"
 * @import { Values } from "../state/courses.js"
 */
import uPlot from "uplot";
import { PARTS } from "../state/parts.js";
import { keepFitted, sizesOf } from "./chart.js";

const HEIGHT = 160;
const HEADROOM = 1.05;

export class PartsChart {
  /** @type {uPlot | null} */
  #plot = null;
  #host;
  #palette;
  #resized;

  /** @param {HTMLElement} host @param {Palette} palette */
  constructor(host, palette) {
    this.#host = host;
    this.#palette = palette;
    this.#resized = keepFitted(host, () => this.#plot ? [this.#plot] : []);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** @param {Values[]} rows */
  update(rows) {
    if (this.#host.clientWidth === 0 || rows.length < 2) return;
    this.#plot ??= new uPlot(this.#options(), [[]], this.#host);
    this.#plot.setData(stacked(rows));
  }

  dispose() {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  /** @returns {uPlot.Options} */
  #options() {
    // Each reaches from the axis to the sum of it and all below it: the highest is drawn first.
    const series = PARTS.map((name, index) => ({
      label: name,
      fill: this.#palette.parts[index].css,
      width: 0,
      points: { show: false },
    })).reverse();
    return {
      width: this.#host.clientWidth,
      height: HEIGHT,
      ...sizesOf(this.#palette, HEADROOM),
      cursor: { show: false },
      series: [{}, ...series],
    };
  }
}

/** Sums from the first part up, the largest sum first. @param {Values[]} rows @returns {uPlot.AlignedData} */
export function stacked(rows) {
  const sums = rows.map(([, ...bytes]) => {
    let sum = 0;
    return bytes.map((own) => (sum += own ?? 0));
  });
  return [
    rows.map(([at]) => at / 1e6),
    ...PARTS.map((_, index) => sums.map((each) => each[index])).reverse(),
  ];
}
