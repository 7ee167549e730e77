// @ts-check
/**
 * RSS, USS and PSS of every process on one chart: a colour a process, a stroke a measure.
 * @import { Palette } from "../draw/palette.js"
 * @import { Courses, Values } from "../state/courses.js"
 * @typedef {{pid: number, rows: Values[]}} Shown
 */
import uPlot from "uplot";
import { make } from "../base/dom.js";
import { size, text } from "../base/format.js";
import { SERIES_COLOURS } from "../draw/palette.js";
import { keepFitted, sizesOf } from "./chart.js";
import { processName } from "../state/pids.js";

const HEIGHT = 200;
const HEADROOM = 1.1;
/** The strokes of RSS, USS and PSS. */
const MEASURES = /** @type {const} */ ([["RSS", []], ["USS", [6, 4]], ["PSS", [2, 3]]]);

export class MemoryChart {
  /** @type {uPlot | null} */
  #plot = null;
  #cast = "";
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
    this.#cast = "";
  }

  /** @param {Courses} courses @returns {number} how many processes have no room */
  update(courses) {
    const all = courses.all.map(([pid, rows]) => ({ pid, rows })).sort(byMost);
    // Which of them, their sizes decide; in what order not, for that would change with every reading.
    const shown = all.slice(0, SERIES_COLOURS).sort((one, other) => one.pid - other.pid);
    if (this.#host.clientWidth > 0 && shown.length > 0) {
      const cast = shown.map(({ pid }) => pid).join();
      if (cast !== this.#cast) this.#begin(shown, cast);
      this.#plot?.setData(dataOf(shown));
    }
    return all.length - shown.length;
  }

  dispose() {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  /** @param {Shown[]} shown @param {string} cast */
  #begin(shown, cast) {
    this.#plot?.destroy();
    this.#cast = cast;
    const plotHost = make("div", { class: "plot" });
    this.#host.replaceChildren(keyOf(shown), plotHost);
    this.#plot = new uPlot(
      {
        width: plotHost.clientWidth,
        height: HEIGHT,
        ...sizesOf(this.#palette, HEADROOM),
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        series: [
          {},
          ...shown.flatMap((_, index) =>
            MEASURES.map(([label, dash]) => ({
              label,
              stroke: this.#palette.series[index].css,
              width: label === "RSS" ? 2 : 1.5,
              dash: [...dash],
              points: { show: false },
              spanGaps: true,
            }))
          ),
        ],
        hooks: { setCursor: [(plot) => this.#read(plot, shown)] },
      },
      [[]],
      plotHost,
    );
  }

  /** @param {uPlot} plot @param {Shown[]} shown */
  #read(plot, shown) {
    const { idx: at } = plot.cursor;
    shown.forEach((_, index) => {
      const said = this.#host.querySelectorAll(".reading")[index]?.querySelector(".sizes");
      if (!said) return;
      const values = MEASURES.map(([label], measure) => {
        const value = typeof at === "number" ? plot.data[1 + index * MEASURES.length + measure]?.[at] : null;
        return typeof value === "number" ? `${label} ${text(size(value))}` : "";
      });
      said.textContent = values.filter(Boolean).join(" · ");
    });
  }
}

/** @param {Shown} one @param {Shown} other */
function byMost(one, other) {
  return (other.rows.at(-1)?.[1] ?? 0) - (one.rows.at(-1)?.[1] ?? 0);
}

/** One axis of instants for all of them. @param {Shown[]} shown @returns {uPlot.AlignedData} */
function dataOf(shown) {
  const tables = shown.map(({ rows }) => /** @type {uPlot.AlignedData} */ ([
    rows.map(([at]) => at / 1e6),
    ...MEASURES.map((_, index) => rows.map((row) => row[index + 1] ?? null)),
  ]));
  return uPlot.join(tables);
}

/** @param {Shown[]} shown */
function keyOf(shown) {
  return make(
    "figcaption",
    { class: "readings" },
    ...shown.map(({ pid }, index) =>
      make(
        "span",
        { class: `reading series-${index}` },
        `${processName(pid)} `,
        make("span", { class: "sizes" }),
      )
    ),
    ...MEASURES.map(([label]) => make("span", { class: `stroke ${label.toLowerCase()}` }, label)),
  );
}
