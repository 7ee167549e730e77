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

  /** @param {import("./messages.js").Figures} figures whose row has the header's columns */
  add({ row }) {
    const last = this.column("at_us").at(-1);
    const at = row?.[[...this.#columns.keys()].indexOf("at_us")];
    if (!row || typeof at !== "number" || (typeof last === "number" && at <= last)) return;
    [...this.#columns.values()].forEach((column, index) => column.push(row[index]));
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

  /** The highest value that was measured until then; 0 where none was. @param {string} name @param {number} untilUs */
  highest(name, untilUs) {
    const at = this.column("at_us");
    return this.column(name).reduce(
      (/** @type {number} */ most, value, row) =>
        (at[row] ?? 0) <= untilUs ? Math.max(most, value ?? 0) : most,
      0,
    );
  }

  /** The newest value that was measured. @param {string} name */
  latest(name) {
    return this.column(name).findLast((value) => value !== null) ?? null;
  }
}
