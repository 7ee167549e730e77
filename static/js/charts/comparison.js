// @ts-check
/**
 * The charts of two runs over one another, both from their own beginning.
 * @import { Palette } from "../draw/palette.js"
 * @import { Series } from "../state/series.js"
 * @import { ChartKind } from "./chart.js"
 */
import uPlot from "uplot";
import { make } from "../base/dom.js";
import { COUNTERS } from "../state/counters.js";
import { createChart, keepFitted } from "./chart.js";

/** One line of each kind is set against the other's: the first. @type {ChartKind[]} */
const KINDS = COUNTERS.map((kind) => ({
  ...kind,
  title: kind.lines.length > 1 ? `${kind.title}, ${kind.lines[0].label}` : kind.title,
  lines: ["A", "B"].map((label) => ({ label, column: kind.lines[0].column })),
}));

export class ComparisonBoard {
  /** @type {{kind: ChartKind, host: HTMLElement, plot: uPlot}[]} */
  #charts = [];
  #root;
  #resized;

  /** @param {HTMLElement} root @param {Palette} palette */
  constructor(root, palette) {
    this.#root = root;
    this.recolour(palette);
    this.#resized = keepFitted(root, () => this.#charts.map(({ plot }) => plot));
  }

  /** @param {Palette} palette */
  recolour(palette) {
    for (const { plot } of this.#charts) plot.destroy();
    const hosts = KINDS.map(() => make("figure", { class: "chart" }));
    this.#root.replaceChildren(...hosts);
    this.#charts = KINDS.map((kind, index) => ({
      kind,
      host: hosts[index],
      plot: createChart(hosts[index], kind, palette, () => null),
    }));
  }

  /** @param {[Series, Series]} runs */
  update(runs) {
    for (const { kind, host, plot } of this.#charts) {
      const { column } = kind.lines[0];
      const tables = runs.map((series) => /** @type {uPlot.AlignedData} */ ([
        series.column("at_us").map((us) => (us ?? 0) / 1e6),
        series.column(column),
      ]));
      plot.setData(uPlot.join(tables));
      const unmeasured = runs.every((series) => series.column(column).every((value) => value === null));
      host.classList.toggle("unmeasured", unmeasured);
    }
  }

  dispose() {
    this.#resized.disconnect();
    for (const { plot } of this.#charts) plot.destroy();
  }
}
