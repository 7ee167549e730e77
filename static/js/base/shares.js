// @ts-check
/**
 * How the time of a track was shared, in bins of one length, as the server tells it: of time whose pieces this page
 * does not have.
 * @typedef {{fromUs: number, binUs: number, rows: [value: number, shares: Uint8Array][]}} Binned of 255 each
 */

const WHOLE = 255;

export class Shares {
  #fromUs;
  #binUs;
  #rows;

  /** @param {Binned} binned */
  constructor({ fromUs, binUs, rows }) {
    this.#fromUs = fromUs;
    this.#binUs = binUs;
    this.#rows = rows;
  }

  /** Whether anything is known of a span. @param {number} startUs @param {number} endUs */
  touches(startUs, endUs) {
    const first = Math.max(0, Math.floor((startUs - this.#fromUs) / this.#binUs));
    const last = Math.floor((endUs - this.#fromUs) / this.#binUs);
    return this.#rows.some(([, shares]) => shares.subarray(first, last + 1).some((share) => share > 0));
  }

  /**
   * Adds the time up to an instant to columns, as `bin` lays them out.
   * @param {Float32Array} columns `kinds` numbers a column
   * @param {number} first @param {number} usPerColumn @param {number} kinds
   * @param {(value: number) => number} kindOf
   * @param {number} untilUs
   */
  addTo(columns, first, usPerColumn, kinds, kindOf, untilUs) {
    const startUs = first * usPerColumn;
    const endUs = Math.min(untilUs, startUs + (columns.length / kinds) * usPerColumn);
    for (const [value, shares] of this.#rows) {
      const kind = kindOf(value);
      const from = Math.max(0, Math.floor((startUs - this.#fromUs) / this.#binUs));
      for (let index = from; index < shares.length; index += 1) {
        const beginUs = this.#fromUs + index * this.#binUs;
        if (beginUs >= endUs) break;
        if (shares[index] === 0) continue;
        const share = shares[index] / WHOLE;
        let at = Math.max(beginUs, startUs);
        const over = Math.min(beginUs + this.#binUs, endUs);
        while (at < over) {
          const column = Math.floor((at - startUs) / usPerColumn + 1e-9);
          const edge = Math.min(over, startUs + (column + 1) * usPerColumn);
          if (column * kinds >= columns.length || edge <= at) break;
          columns[column * kinds + kind] += share * (edge - at);
          at = edge;
        }
      }
    }
  }
}

/** @param {string} text base64 @returns {Uint8Array} */
export function bytesOf(text) {
  const chars = atob(text);
  const bytes = new Uint8Array(chars.length);
  // Not Uint8Array.from with a function, which takes ten times as long.
  for (let index = 0; index < chars.length; index += 1) bytes[index] = chars.charCodeAt(index);
  return bytes;
}
