// @ts-check
/**
 * The charts of a run, on one clock.
 * @import { Series } from "../state/series.js"
 * @import { Palette } from "../draw/palette.js"
 * @import { ChartKind } from "./chart.js"
 * @import uPlot from "uplot"
 */
import { make } from "../base/dom.js";
import { cores, count, share, size } from "../base/format.js";
import { createChart, fit, keepFitted, POWERS_OF_TWO } from "./chart.js";

/** @type {ChartKind[]} */
export const CHARTS = [
  {
    title: "GIL",
    of: "with-gil",
    lines: [{ label: "held", column: "held_share" }, { label: "contended", column: "contended_share" }],
    show: wholePercent,
    max: 1,
  },
  {
    title: "Switches",
    of: "with-gil",
    lines: [{ label: "switches", column: "switches_per_s" }],
    show: count,
    unit: "/s",
    atLeast: 10,
  },
  {
    title: "Running at once",
    of: "without-gil",
    lines: [{ label: "threads", column: "running" }],
    show: count,
    atLeast: 1,
  },
  {
    title: "Waiters",
    of: "with-gil",
    lines: [{ label: "waiters", column: "waiters" }],
    show: count,
    atLeast: 1,
  },
  { title: "CPU", lines: [{ label: "CPU", column: "cpu_share" }], show: cores, atLeast: 1 },
  { title: "RSS", lines: [{ label: "RSS", column: "rss" }], show: size, steps: POWERS_OF_TWO },
  { title: "Operations", lines: [{ label: "operations", column: "ops_per_s" }], show: count, unit: "/s" },
];

/** @param {number | null} value */
function wholePercent(value) {
  return value === null ? share(null) : { value: (value * 100).toFixed(0), unit: "%" };
}

export class ChartBoard {
  /** @type {{kind: ChartKind, host: HTMLElement, plot: uPlot}[]} */
  #charts = [];
  #root;
  #onView;
  #resized;

  /**
   * @param {HTMLElement} root
   * @param {Palette} palette
   * @param {() => {startUs: number, endUs: number} | null} onView the interval that the timeline shows
   */
  constructor(root, palette, onView) {
    this.#root = root;
    this.#onView = onView;
    this.recolour(palette);
    this.#resized = keepFitted(root, () => this.#charts.map(({ plot }) => plot));
  }

  /** Draws anew in other colours. @param {Palette} palette */
  recolour(palette) {
    const data = this.#charts.map(({ plot }) => plot.data);
    this.#destroy();
    const hosts = CHARTS.map(({ of = "" }) => make("figure", { class: `chart ${of}` }));
    this.#root.replaceChildren(...hosts);
    this.#charts = CHARTS.map((kind, index) => {
      const plot = createChart(hosts[index], kind, palette, this.#onView);
      if (data[index]) plot.setData(data[index]);
      return { kind, host: hosts[index], plot };
    });
  }

  /** @param {Series} series */
  update(series) {
    const seconds = series.column("at_us").map((us) => (us ?? 0) / 1e6);
    for (const { kind, host, plot } of this.#charts) {
      const columns = kind.lines.map(({ column }) => series.column(column));
      host.classList.toggle("unmeasured", columns.every((column) => column.every((value) => value === null)));
      plot.setData([seconds, ...columns]);
    }
    fit(this.#charts.map(({ plot }) => plot));
  }

  #destroy() {
    for (const { plot } of this.#charts) plot.destroy();
  }

  dispose() {
    this.#resized.disconnect();
    this.#destroy();
  }
}
