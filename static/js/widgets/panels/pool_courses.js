// @ts-check
/**
 * Pools of threads over the run's time: how many of their threads were at work, and how many tasks waited for one.
 * @import { Pool } from "../../state/messages.js"
 * @import { Courses } from "../../state/courses.js"
 * @import { Palette } from "../../draw/palette.js"
 */
import { find, make } from "../../base/dom.js";
import { count } from "../../base/format.js";
import { createChart, keepFitted } from "../../charts/chart.js";

/** Pools that are drawn, those first whose threads were all at work for most of the time. */
const MOST = 3;
/** Of each a chart of its threads and one of its tasks: where four are at work, thousands may wait. */
const CHARTS = /** @type {const} */ ([
  { what: "threads", lines: [["at work", 1], ["threads", 0]], atLeast: 1 },
  { what: "tasks waiting", lines: [["waiting", 2]], atLeast: 5 },
]);

/** There is no half of a thread. */
const WHOLE = [1, 2, 5].flatMap((step) => [step, 10 * step, 100 * step, 1e3 * step, 1e4 * step, 1e5 * step])
  .sort((one, other) => one - other);

export class PoolCourses {
  #host;
  #palette;
  #onView;
  #resized;
  /** @type {ReturnType<typeof createChart>[][]} of each pool */
  #plots = [];
  #drawn = "";

  /** @param {HTMLElement} part @param {Palette} palette @param {() => {startUs: number, endUs: number} | null} onView */
  constructor(part, palette, onView) {
    this.#host = find(part, ".courses", HTMLElement);
    this.#palette = palette;
    this.#onView = onView;
    this.#resized = keepFitted(this.#host, () => this.#plots.flat());
  }

  /** @param {Pool[]} pools the fullest first @param {Courses} courses */
  update(pools, courses) {
    const known = pools.filter(({ pool }) => courses.of(pool).length > 1);
    // In the order in which they came: which one is fuller changes as a run goes on.
    const shown = known.slice(0, MOST).sort((one, other) => one.pool - other.pool);
    this.#host.hidden = shown.length === 0;
    if (this.#host.hidden || this.#host.clientWidth === 0) return;
    this.#make(shown);
    shown.forEach(({ pool }, place) => {
      const rows = courses.of(pool);
      CHARTS.forEach(({ lines }, index) =>
        this.#plots[place][index].setData([
          rows.map(([at]) => at / 1e6),
          ...lines.map(([, column]) => rows.map((row) => row[column + 1] ?? null)),
        ])
      );
    });
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#drawn = "";
  }

  dispose() {
    this.#resized.disconnect();
    for (const plot of this.#plots.flat()) plot.destroy();
  }

  /** @param {Pool[]} shown */
  #make(shown) {
    const drawn = JSON.stringify(shown.map(({ pool, name }) => [pool, name]));
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    for (const plot of this.#plots.flat()) plot.destroy();
    const hosts = shown.map(() => CHARTS.map(() => make("div", { class: "chart" })));
    this.#host.replaceChildren(...hosts.flat());
    this.#plots = shown.map(({ name }, place) =>
      CHARTS.map(({ what, lines, atLeast }, index) => {
        const kind = {
          title: `${name}: ${what}`,
          lines: lines.map(([label]) => ({ label, column: label })),
          show: count,
          steps: WHOLE,
          atLeast,
        };
        return createChart(hosts[place][index], kind, this.#palette, this.#onView);
      })
    );
  }
}
