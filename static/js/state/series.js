// @ts-check
/**
 * The figures over the run: columns for the charts. The header brings what went before, each `figures` message a
 * row more.
 * @typedef {{names: string[], rows: (number | null)[][]}} HeaderSeries
 */

/** As many rows as the server keeps; every other one goes when there are more. */
const MOST_ROWS = 1_200;

export class Series {
  /** @type {Map<string, (number | null)[]>} */
  #columns = new Map();

  /** @param {HeaderSeries} series takes the place of what was there */
  restart({ names, rows }) {
    this.#columns = new Map(names.map((name, index) => [name, rows.map((row) => row[index])]));
  }

  /** @param {import("./messages.js").Figures} figures */
  add(figures) {
    const last = this.column("at_us").at(-1);
    if (typeof last === "number" && figures.at_us <= last) return;
    const row = rowOf(figures);
    for (const [name, value] of Object.entries(row)) {
      let column = this.#columns.get(name);
      if (!column) this.#columns.set(name, column = []);
      column.push(value);
    }
    if (this.column("at_us").length > MOST_ROWS) {
      for (const [name, column] of this.#columns) {
        this.#columns.set(name, column.filter((_, index) => index % 2 === 0));
      }
    }
  }

  /** @param {string} name @returns {(number | null)[]} */
  column(name) {
    return this.#columns.get(name) ?? [];
  }

  /** The newest value that was measured. @param {string} name */
  latest(name) {
    return this.column(name).findLast((value) => value !== null) ?? null;
  }
}

/** @param {import("./messages.js").Figures} figures @returns {{[name: string]: number | null}} */
function rowOf(figures) {
  const gil = figures.gils.find((candidate) => candidate.gil === figures.main_gil);
  return {
    at_us: figures.at_us,
    held_share: gil?.held_share ?? null,
    contended_share: gil?.contended_share ?? null,
    switches_per_s: gil?.switches_per_s ?? null,
    waiters: gil?.waiters ?? null,
    cpu_share: figures.totals.cpu_share,
    rss: figures.totals.rss,
    ops_per_s: figures.totals.ops_per_s,
  };
}
